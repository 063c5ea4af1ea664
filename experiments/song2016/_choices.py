"""Choices and reaction times of networks in single trials, and how they depend on a stimulus."""

from __future__ import annotations

import numpy as np
import pandas as pd

import dalejax as dj


def choices(answers: dj.Answers) -> pd.DataFrame:
    """List what each network chose, in every trial but the catch trials, at the last time step.

    Args:
        answers: outputs of the networks [s, t, b, 2] and the trials.

    Returns:
        A row a network and trial: the trial's condition, the choice ``chosen`` (the number of the
        larger output) and the network's number ``member``.
    """
    chosen = np.asarray(answers.outputs[:, -1].argmax(-1))
    condition = {k: np.asarray(v) for k, v in answers.trials.condition.items()}
    table = pd.concat(
        [pd.DataFrame(condition | {"chosen": row}).assign(member=i) for i, row in enumerate(chosen)]
    )
    return table.loc[~table["catch"]]


def reaction_times(task: dj.tasks.PerceptualDecision, answers: dj.Answers) -> pd.DataFrame:
    """List how long each network took to decide, in trials with evidence and a right decision.

    Args:
        task: the task in its reaction-time form.
        answers: outputs of the networks [s, t, b, 2] and the trials.

    Returns:
        A row a network and trial: signed ``coherence``, ``time`` from the onset of the stimulus in
        ms, and the network's number ``member``.
    """
    wanted, rows = answers.wanted, []
    for member, outputs in enumerate(answers.outputs):
        found = task.reaction_times(outputs, wanted)
        right = np.asarray(found.choice == wanted.condition["choice"])
        rows.append(
            pd.DataFrame(
                {
                    "coherence": np.asarray(wanted.condition["coherence"]),
                    "time": np.asarray(found.time),
                }
            )[right].assign(member=member)
        )
    table = pd.concat(rows)
    return table.loc[table.coherence != 0]


def by_level(table: pd.DataFrame, level: str, value: str) -> pd.DataFrame:
    """Average a column over each network's trials at each level of a stimulus.

    Args:
        table: a row a trial, with the columns ``member``, ``level`` and ``value``.
        level: column of the stimulus, such as the coherence.
        value: column that is averaged.

    Returns:
        A row a level and network: level, member and the mean, in the column ``value``.
    """
    means = table.groupby([level, "member"], as_index=False).agg({value: "mean"})
    return pd.DataFrame(means).rename(columns={level: "level"})


def levels(means: pd.DataFrame, value: str) -> pd.DataFrame:
    """Lay out what :func:`by_level` gave: a row a level, a column a network, NaN without trials."""
    return means.pivot(index="level", columns="member", values=value)


def slopes(table: pd.DataFrame, level: str) -> pd.Series:
    """Fit a psychometric function to each network's choices; give its slope by member.

    Args:
        table: a row a trial, with the columns ``member``, ``chosen`` (0 or 1) and ``level``.
        level: column of the stimulus.

    Returns:
        Slope per unit of the stimulus; 0 for a network that always makes the same choice.
    """
    found = {
        member: dj.dynamics.fit_psychometric(rows[level].to_numpy(), rows.chosen.to_numpy()).slope
        if rows.chosen.nunique() > 1
        else 0.0
        for member, rows in table.groupby("member")
    }
    return pd.Series(found).rename_axis("member")
