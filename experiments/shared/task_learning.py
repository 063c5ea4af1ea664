"""How tasks with trials are learned: curves, time to a criterion, the best constant answer."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

import dalejax as dj
from experiments.engine import comparison, evidence
from experiments.engine.context import Context
from experiments.engine.names import slug

# Largest final score in per cent at which a task counts as learned, by metric: wrong decisions, and
# squared error as a share of the targets' variance.
CRITERIA = {"test_error": 15.0, "test_unexplained": 10.0}
WANTED = 0.8  # share of the seeds that must reach the criterion
LINES = 4  # learning curves in one picture


class Assignment(NamedTuple):
    """A task with the network that learns it.

    Attributes:
        task: the task.
        net: the network.
        tx: its optimiser.
        times: as many times the settings' updates are made.
    """

    task: dj.tasks.TrialTask
    net: dj.RecurrentNetwork
    tx: Any
    times: int = 1


def chance(task: dj.tasks.TrialTask, num: int = 1000) -> float:
    """Score the best constant answer, in per cent of wrong decisions or unexplained variance.

    Args:
        task: the task; where its outputs are no decisions, the mean target explains nothing: 100.
        num: trials that are drawn.
    """
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
    """Train every assignment, and write ``learned.csv``: a row a network.

    Args:
        context: the run.
        assignments: by the task's name.
    """
    runs, rows = {}, []
    for name, a in assignments.items():
        updates = a.times * context.settings.updates
        runs[name] = comparison.train_one(context, name, a.net, a.tx, a.task, num_updates=updates)
        scores = dj.results.by_member(runs[name].table, a.task.score)
        guess, final = chance(a.task), context.final(name, a.task.score)
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
                    "final": final[member],
                    "updates": updates,
                }
            )
    context.write_csv("learned.csv", pd.DataFrame(rows), digits=9)
    return runs


def draw(context: Context) -> None:
    """Draw the final scores of all tasks, and their learning curves, four a picture."""
    learned = context.read_csv("learned.csv")
    names = list(learned.task.unique())
    criteria = {"criterion, decisions": 15.0, "criterion, squared error": 10.0}
    values = {name: learned[learned.task == name].final.to_numpy() for name in names}
    look = {"ylabel": "wrong, or unexplained (%)", "hlines": criteria}
    context.draw("learned", dj.plots.final_dots(values, **look))
    score = dict(zip(learned.task, learned.score, strict=True))
    for part, first in enumerate(range(0, len(names), LINES), 1):
        curves = []
        for name in names[first : first + LINES]:
            rows = context.rows([name])
            curves.append(rows[rows.metric == score[name]].assign(metric="score"))
        figure = dj.plots.learning_curves(pd.concat(curves), "score", **look)
        context.draw(f"curves_{part}", figure)


def claims(context: Context, source: str, optional: Collection[str] = ()) -> list[dj.claims.Claim]:
    """Claim for each task that a network under Dale's law learns it, in four of five seeds.

    Args:
        context: the run.
        source: the paper.
        optional: names of tasks of which only how far they are learned is to be shown.
    """
    out = []
    learned = context.read_csv("learned.csv")
    for name, rows in learned.groupby("task", sort=False):
        score, guess = rows.score.iloc[0], rows.chance.iloc[0]
        limit = CRITERIA[score]
        reached = (rows.final <= limit).sum()
        first = rows.updates_to_criterion.fillna(np.inf).median()  # never: later than all
        when = f"{first:.0f} updates (median)" if np.isfinite(first) else "not reached by most"
        decides = score == "test_error"
        what = "wrong decisions" if decides else "squared error, of the targets' variance,"
        needed = int(np.ceil(WANTED * len(rows)))
        out.append(
            evidence.number(
                context,
                "learned_" + slug(str(name)),
                f"A network under Dale's law learns the task: {name} ({what} in %).",
                source,
                rows.final.to_numpy(),
                reached >= needed,
                f"at most {limit:g} % in {needed} of {len(rows)} seeds",
                test=f"{reached} of {len(rows)} seeds; constant answers {guess:.1f} %; time to "
                f"the criterion: {when} of {rows.updates.iloc[0]}",
                note="may show how far it got" if name in optional else "",
            )
        )
    return out
