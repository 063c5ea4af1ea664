"""How tasks with trials are learned: curves, the time to a criterion, and what guessing earns."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

import dalejax as dj
from experiments.engine import evidence
from experiments.engine.base import Context, slug

CRITERIA = {"test_error": 15.0, "test_unexplained": 10.0}  # percent: at most
WANTED = 0.8  # of the seeds must reach it
LINES = 4  # of learning curves in a picture


class Assignment(NamedTuple):
    """One task with who is to learn it: the network, its optimiser, how many times as long."""

    task: dj.tasks.TrialTask
    net: dj.RecurrentNetwork
    tx: object
    times: int = 1
    must: bool = True  # whether the criterion must be reached, or it may be shown how far it got


def chance(task: dj.tasks.TrialTask, num: int = 1000) -> float:
    """Score the best constant answer in percent: of 0s and 1s, or of the mean where none decide."""
    if not task.decides:
        return 100.0
    trials = task.make(jax.random.split(jax.random.key(1), num))
    wanted = dj.tasks.Wanted(*trials[1:])
    errors = []
    for constant in itertools.product((0.0, 1.0), repeat=task.n_out):
        outputs = jnp.broadcast_to(jnp.array(constant), wanted.targets.shape)
        wrong, decisions = task.wrong(outputs, wanted)
        errors.append(100 * float(wrong.sum() / decisions.sum()))
    return min(errors)


def train(context: Context, assignments: Mapping[str, Assignment]) -> dict[str, dj.Run]:
    """Train every assignment; write ``learned.csv`` and draw the curves."""
    s = context.settings
    keys = dj.seed_keys(s.get("root", 0), s["seeds"])
    runs, rows = {}, []
    for name, a in assignments.items():
        updates = a.times * s["updates"]
        runs[name] = context.train_one(name, a.net, a.tx, a.task, keys=keys, num_updates=updates)
        table = runs[name].table
        scores = table[table.metric == a.task.score].pivot(
            index="update", columns="member", values="value"
        )
        guess = chance(a.task)
        for member, values in scores.items():
            reached = values.index[values <= CRITERIA[a.task.score]]
            rows.append(
                {
                    "task": name,
                    "member": member,
                    "score": a.task.score,
                    "criterion": CRITERIA[a.task.score],
                    "chance": guess,
                    "updates_to_criterion": reached[0] if len(reached) else np.nan,
                    "final": context.final(name, a.task.score)[member],
                    "updates": updates,
                }
            )
    learned = pd.DataFrame(rows)
    context.write_csv("learned.csv", learned, digits=4)
    criteria = {"criterion, decisions": 15.0, "criterion, squared error": 10.0}
    values = {name: learned[learned.task == name].final.to_numpy() for name in assignments}
    look = {"ylabel": "wrong, or unexplained (%)", "hlines": criteria}
    context.draw("learned", dj.plots.final_dots(values, **look))
    names = list(assignments)
    for part, first in enumerate(range(0, len(names), LINES), 1):
        curves = [
            rows[rows.metric == assignments[name].task.score].assign(metric="score")
            for name, rows in context.table.groupby("configuration", sort=False)
            if name in names[first : first + LINES]
        ]
        figure = dj.plots.learning_curves(pd.concat(curves), "score", **look)
        context.draw(f"curves_{part}", figure)
    return runs


def claims(
    context: Context, assignments: Mapping[str, Assignment], source: str
) -> list[dj.claims.Claim]:
    """Claim for each task that a Dale network learns it, in four of five seeds."""
    out = []
    learned = pd.read_csv(context.folder / "learned.csv")
    for name, a in assignments.items():
        rows = learned[learned.task == name]
        limit, guess = CRITERIA[a.task.score], rows.chance.iloc[0]
        reached = (rows.final <= limit).sum()
        first = rows.updates_to_criterion.fillna(np.inf).median()  # never: later than all
        when = f"{first:.0f} updates (median)" if np.isfinite(first) else "not reached by most"
        what = "wrong decisions" if a.task.decides else "squared error, of the targets' variance,"
        needed = int(np.ceil(WANTED * len(rows)))
        out.append(
            evidence.number(
                context,
                "learned_" + slug(name),
                f"A network under Dale's law learns the task: {name} ({what} in %).",
                source,
                rows.final.to_numpy(),
                reached >= needed,
                f"at most {limit:g} % in {needed} of {len(rows)} seeds",
                test=f"{reached} of {len(rows)} seeds; constant answers {guess:.1f} %; time to "
                f"the criterion: {when} of {rows.updates.iloc[0]}",
                note="" if a.must else "may show how far it got",
            )
        )
    return out
