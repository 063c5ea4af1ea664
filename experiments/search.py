"""A search for learning rate and clip: what is tried at once is an ensemble, a trial is a member.

Optuna proposes, by the trials so far; an ensemble of proposals is trained, and the validation score
of each is told. The proposals follow from the seed and from what was told, so that a search that is
resumed makes the same ones, and finds their ensembles trained already.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd

import dalejax as dj
from dalejax import files, processes
from experiments.base import Context

# What a search adds to the settings of the experiment that it searches for.
SETTINGS = {"rounds": 2, "at_once": 4, "rate_low": 0.1, "rate_high": 10.0}
NOT_CLIPPED = "none"


def of(preset: Mapping[str, Any]) -> dict[str, Any]:
    """Take over an experiment's settings but for what the search is for, and add the search's."""
    own = {n: v for n, v in preset.items() if not n.startswith(("rate_", "clip", "seeds"))}
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
        limits = [np.inf if clip == NOT_CLIPPED else clip for clip in chosen]
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


def keep(context: Context, tables: list[pd.DataFrame]) -> None:
    """Write the trials of all networks as ``trials.csv``, and print the best of each."""
    table = pd.concat(tables, ignore_index=True)
    text = table.to_csv(index=False, float_format="%.6g")
    files.replace_atomically(context.folder / "trials.csv", lambda path: path.write_text(text))
    if processes.is_first():
        print(table.groupby("network", sort=False).head(1).to_string(index=False))
