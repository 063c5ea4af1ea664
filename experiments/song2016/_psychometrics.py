"""How choices and reaction times of trained networks depend on stimuli: tables and pictures."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

import dalejax as dj
from experiments.engine.context import Context
from experiments.song2016 import _choices

# Names of the tasks.
DECISION, REACTION, CONTEXT, SENSES = (
    "perceptual decision",
    "reaction time",
    "context integration",
    "multisensory integration",
)
MEMORY, SEQUENCES = "parametric working memory", "sequences"
# What the values of a trial's condition `context` and `modality` mean.
RELEVANT = {0: "motion", 1: "colour"}
MODALITIES = {0: "visual", 1: "auditory", 2: "both"}
LOWER, HIGHER = "f1 the lower one", "f1 the higher one"


def in_context(shown: str, relevant: str) -> str:
    """Name the psychometric function of a stimulus in the context in which `relevant` counts."""
    return f"{shown} in {relevant} context"


def write(context: Context, found: Mapping[str, pd.DataFrame], times: pd.DataFrame) -> None:
    """Write means by level of the stimulus, and slopes of psychometric functions, by network.

    ``psychometric.csv`` has shares of choice 1, ``correct.csv`` shares of right decisions,
    ``reaction_times.csv`` times in ms, ``slopes.csv`` slopes.

    Args:
        context: the run.
        found: task -> what :func:`_choices.choices` gave.
        times: what :func:`_choices.reaction_times` gave.
    """
    integration, senses, memory = found[CONTEXT], found[SENSES], found[MEMORY]
    fitted = {
        in_context(shown, relevant): (integration.loc[integration.context == number], shown)
        for number, relevant in RELEVANT.items()
        for shown in RELEVANT.values()
    }
    for number, name in MODALITIES.items():
        fitted[name] = senses.loc[senses.modality == number], "frequency"
    slopes = [
        _choices.slopes(table, shown).rename("slope").reset_index().assign(line=line)
        for line, (table, shown) in fitted.items()
    ]
    context.write_csv("slopes.csv", pd.concat(slopes))
    lines = {
        **{name: (found[name], "coherence") for name in (DECISION, REACTION)},
        **fitted,
        LOWER: (memory.loc[memory.f1 < memory.f2], "f1"),
        HIGHER: (memory.loc[memory.f1 > memory.f2], "f1"),
    }
    shares = [
        _choices.by_level(table, shown, "chosen").assign(line=line)
        for line, (table, shown) in lines.items()
    ]
    context.write_csv("psychometric.csv", pd.concat(shares))
    table = found[DECISION]
    right = table.assign(strength=table.coherence.abs(), right=table.chosen == table.choice)
    context.write_csv("correct.csv", _choices.by_level(right, "strength", "right"))
    times = times.assign(strength=times.coherence.abs())
    context.write_csv("reaction_times.csv", _choices.by_level(times, "strength", "time"))


def slopes(context: Context) -> dict[str, np.ndarray]:
    """Read the slopes: name of the psychometric function -> slope of each network [s]."""
    table = context.read_csv("slopes.csv").sort_values("member")
    return {str(line): rows.slope.to_numpy(float) for line, rows in table.groupby("line")}


def correct(context: Context) -> pd.DataFrame:
    """Read right perceptual decisions in %: a row an absolute coherence, a column a network."""
    return 100 * _choices.levels(context.read_csv("correct.csv"), "right")


def times(context: Context) -> pd.DataFrame:
    """Read mean reaction times in ms: a row an absolute coherence, a column a network."""
    return _choices.levels(context.read_csv("reaction_times.csv"), "time")


def draw(context: Context) -> None:
    """Draw shares of choice 1 by level of the stimulus, and reaction times by coherence."""
    table = context.read_csv("psychometric.csv")
    shares = {
        str(line): 100 * _choices.levels(rows, "chosen")
        for line, rows in table.groupby("line", sort=False)
    }
    half = {"chance": 50.0}
    in_contexts = [in_context(a, b) for b in RELEVANT.values() for a in RELEVANT.values()]
    for picture, names, xlabel in (
        ("perceptual", [DECISION, REACTION], "coherence (in 3.2 %; negative: choice 0)"),
        ("context", in_contexts, "coherence (in 5 %; negative: choice 0)"),
        ("multisensory", [*MODALITIES.values()], "frequency (events per s)"),
        ("memory", [LOWER, HIGHER], "f1 (Hz)"),
    ):
        lines = {name: shares[name] for name in names}
        _draw(context, f"psychometric_{picture}", lines, xlabel, "choice 1 (%)", half)
    lines = {REACTION: times(context)}
    _draw(context, "reaction_times", lines, "|coherence| (in 3.2 %)", "reaction time (ms)")


def _draw(
    context: Context,
    picture: str,
    lines: Mapping[str, pd.DataFrame],
    xlabel: str,
    ylabel: str,
    hlines: Mapping[str, float] | None = None,
) -> None:
    figure = dj.plots.sweep(
        {name: table.to_numpy() for name, table in lines.items()},
        {name: table.index.to_numpy(float) for name, table in lines.items()},
        xlabel=xlabel,
        ylabel=ylabel,
        hlines=hlines,
    )
    context.draw(picture, figure)
