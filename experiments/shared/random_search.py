"""A search for learning rate and clip: what is tried at once is an ensemble, a trial is a member.

Optuna proposes, by the trials so far; an ensemble of proposals is trained, and the validation score
of each is told. The proposals follow from the seed and from what was told, so that a search that is
resumed makes the same ones, and finds their ensembles trained already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd

import dalejax as dj
from dalejax.runtime import multihost
from experiments.engine.base import Context, Experiment
from experiments.shared import networks

# What a search adds to the settings of the experiment that it searches for.
SETTINGS = {"rounds": 2, "at_once": 4, "rate_low": 0.1, "rate_high": 10.0}


def of(preset: Mapping[str, Any]) -> dict[str, Any]:
    """Take over an experiment's settings but for what the search is for, and add the search's."""
    own = {n: v for n, v in preset.items() if not n.startswith(("rate", "clip", "seeds"))}
    return own | SETTINGS


def search(context: Context, name: str, net, make_tx, task, *, clips) -> pd.DataFrame:
    """Search for a network's learning rate and clip.

    Args:
        context: its settings say how many rounds of how many trials, between which rates.
        name: of the network.
        net: the network.
        make_tx: makes an optimiser of a learning rate and a clip.
        task: its ``score`` should be one of a validation set.
        clips: those to choose from; ``"none"`` for none.

    Returns:
        A row a trial: network, trial, rate, clip, score (infinite if it diverged), the best first.
    """
    import optuna

    s = context.settings
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=s.get("root", 0), n_startup_trials=s["at_once"])
    study = optuna.create_study(sampler=sampler)
    rows = []
    for i in range(s["rounds"]):
        trials = [study.ask() for _ in range(s["at_once"])]
        rates = [t.suggest_float("rate", s["rate_low"], s["rate_high"], log=True) for t in trials]
        chosen = [t.suggest_categorical("clip", clips) for t in trials]
        limits = [networks.limit(clip) for clip in chosen]
        run = context.train(
            f"{name.split()[0].lower()}_{i}",
            net,
            make_tx,
            task,
            # One start for all: what differs is the rate and the clip.
            keys=jnp.repeat(dj.seed_keys(s.get("root", 0), 1), len(trials)),
            hyperparams={"learning_rate": jnp.array(rates), "clip": jnp.array(limits, jnp.float32)},
            num_updates=s["updates"],
            eval_every=s["eval_every"],
        )
        scores = dj.results.final_values(run.table, task.score, last=s["last"])
        for trial, rate, clip, score in zip(trials, rates, chosen, scores, strict=True):
            score = float(score) if np.isfinite(score) else np.inf
            study.tell(trial, score)
            rows.append((name, trial.number, rate, str(clip), score))
    table = pd.DataFrame(rows, columns=["network", "trial", "rate", "clip", task.score])
    return table.sort_values(task.score, ignore_index=True)


def experiment(
    searched: Experiment,
    name: str,
    make_task: Callable[[Context], dj.tasks.Task],
    contestants: Callable[[Context, Any], Mapping[str, tuple]],
    *,
    clips: Sequence[float | str],
    presets: Mapping[str, Mapping[str, Any]],
    expected_minutes: Mapping[str, float],
) -> Experiment:
    """Make the search for an experiment's learning rates and clips, at the size of its presets.

    Args:
        searched: the experiment.
        name: of the search.
        make_task: makes the task; its ``score`` is what is searched for.
        contestants: gives the networks by name, each with what makes its optimiser of a learning
            rate and a clip.
        clips: those to choose from; ``"none"`` for none.
        presets: what differs from the experiment's own settings, by preset.
        expected_minutes: as an experiment's.
    """

    def run(context: Context) -> list[dj.claims.Claim]:
        task = make_task(context)
        networks = contestants(context, task).items()
        write_trials(
            context, [search(context, name, *how, task, clips=clips) for name, how in networks]
        )
        return []

    return Experiment(
        name=name,
        source=f"for {searched.source}",
        presets={preset: of(s) | presets[preset] for preset, s in searched.presets.items()},
        expected_minutes=expected_minutes,
        claims=0,
        run=run,
        variants=searched.variants,
    )


def write_trials(context: Context, tables: list[pd.DataFrame]) -> None:
    """Write the trials of all networks as ``trials.csv``, and print the best of each."""
    table = pd.concat(tables, ignore_index=True)
    context.write_csv("trials.csv", table)
    if multihost.is_first():
        print(table.groupby("network", sort=False).head(1).to_string(index=False))
