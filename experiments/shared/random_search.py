"""A search for learning rate and clip: the proposals of one round are trained as one ensemble.

Optuna proposes settings by the scores of those before. The proposals follow from the root seed and
from those scores, so that a search that is resumed makes the same ones, and finds their ensembles
trained already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
import optax
import pandas as pd

import dalejax as dj
from dalejax.runtime import multihost
from experiments.engine.context import Context
from experiments.engine.settings import Settings
from experiments.shared import networks


@dataclass(frozen=True, kw_only=True)
class SearchSettings(Settings):
    """Settings of a search; the experiment's own class adds what its networks and task need.

    Attributes:
        updates: updates of each proposal.
        eval_every: updates between evaluations.
        last: how many of the last evaluations a score averages.
        batch_size: trials an update.
        rounds: rounds of proposals.
        at_once: proposals a round.
        rate_low: smallest learning rate proposed.
        rate_high: largest learning rate proposed.
    """

    updates: int
    eval_every: int
    last: int = 1
    batch_size: int
    rounds: int = 2
    at_once: int = 4
    rate_low: float
    rate_high: float


def no_claims(context: Context) -> list[dj.claims.Claim]:
    """Make no claims: a search only finds settings."""
    del context
    return []


def search_all(
    context: Context,
    task: dj.tasks.Task,
    contestants: Mapping[str, tuple[Any, Callable[..., optax.GradientTransformation]]],
    *,
    clips: Sequence[float | str],
) -> None:
    """Search for several networks' learning rates and clips, and write ``trials.csv``.

    Args:
        context: the run.
        task: the task.
        contestants: network and maker of its optimiser, by name.
        clips: the clips to choose from.
    """
    tables = [
        search(context, name, net, make_tx, task, clips=clips)
        for name, (net, make_tx) in contestants.items()
    ]
    write_trials(context, tables)


def search(
    context: Context,
    name: str,
    net: dj.RecurrentNetwork | dj.FeedforwardNetwork,
    make_tx: Callable[..., optax.GradientTransformation],
    task: dj.tasks.Task,
    *,
    clips: Sequence[float | str],
) -> pd.DataFrame:
    """Search for a network's learning rate and clip.

    Args:
        context: the run; its settings have ``rounds``, ``at_once`` (proposals a round),
            ``rate_low`` and ``rate_high``.
        name: of the network.
        net: the network.
        make_tx: makes an optimiser of ``learning_rate`` and ``clip``.
        task: its ``score``, best one of a validation set, is what is minimised.
        clips: the clips to choose from; ``"none"`` for no clipping.

    Returns:
        A row a proposal: network, trial, rate, clip, score (infinite where the network diverged),
        the best first.
    """
    import optuna  # an extra, and slow to import

    s = context.settings
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=s.root, n_startup_trials=s.at_once)
    study = optuna.create_study(sampler=sampler)
    rows = []
    for i in range(s.rounds):
        trials = [study.ask() for _ in range(s.at_once)]
        rates = [t.suggest_float("rate", s.rate_low, s.rate_high, log=True) for t in trials]
        chosen = [t.suggest_categorical("clip", clips) for t in trials]
        limits = [networks.limit(clip) for clip in chosen]
        run = context.train(
            f"{name.split()[0].lower()}_{i}",
            net,
            make_tx,
            task,
            # All start from the same weights: only the rate and the clip differ.
            keys=jnp.repeat(context.keys(1), len(trials)),
            hyperparams={"learning_rate": jnp.array(rates), "clip": jnp.array(limits, jnp.float32)},
        )
        scores = dj.results.final_values(run.table, task.score, last=s.last)
        for trial, rate, clip, score in zip(trials, rates, chosen, scores, strict=True):
            score = float(score) if np.isfinite(score) else np.inf
            study.tell(trial, score)
            rows.append((name, trial.number, rate, str(clip), score))
    table = pd.DataFrame(rows, columns=["network", "trial", "rate", "clip", task.score])
    return table.sort_values(task.score, ignore_index=True)


def write_trials(context: Context, tables: Sequence[pd.DataFrame]) -> None:
    """Write the trials of all networks as ``trials.csv``, and print the best of each."""
    table = pd.concat(tables, ignore_index=True)
    context.write_csv("trials.csv", table)
    if multihost.is_first():
        print(table.groupby("network", sort=False).head(1).to_string(index=False))
