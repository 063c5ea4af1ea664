"""Draw learning curves: a metric of several configurations against updates."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dalejax.analysis.results import by_member
from dalejax.plots.style import (
    Style,
    choose_styles,
    count_text,
    draw_lines,
    dress,
    label_log,
    legend_above,
    note_text,
    panels,
    require_some,
)
from dalejax.plots.summaries import (
    bulk_limits,
    is_percentage,
    num_outside,
    summarise,
    summary_text,
)


def learning_curves(
    table: pd.DataFrame,
    metric: str,
    *,
    groups: str = "configuration",
    ylabel: str,
    styles: Mapping[str, Style] | None = None,
    ylim: tuple[float, float] | None = None,
    log: bool = False,
    hlines: Mapping[str, float] | None = None,
    counted: str = "seeds",
) -> Figure:
    """Draw a metric of each configuration's members against updates, one line a configuration.

    A line is the mean and its band one standard deviation; on a logarithmic axis they are the
    median and the quartiles. A member that diverges at any evaluation is left out of its whole
    line, so that a line is one set of networks throughout; the legend counts: "ColEI (27 of 30, 3
    diverged)". If a few of the others are so far off that the rest could not be read, the axis
    leaves them out, the note above it counts them, and the lines are medians with quartiles.

    Args:
        table: tidy table with the columns member, update, metric, value and that of `groups`.
        metric: the metric to draw.
        groups: the column whose values are the lines.
        ylabel: label of the y axis, with its unit; bands of percentages ("%") end at 0 and 100.
        styles: group -> `Style`, over `STYLES`.
        ylim: limits of the y axis; None fits them to the lines.
        log: whether the y axis is logarithmic.
        hlines: label -> height of a thin grey line, such as chance.
        counted: what a member is, for the note "n: seeds".

    Raises:
        ValueError: the table is empty or lacks the metric, or as `results.by_member`.

    Example:
        >>> rows = dict(member=[0, 1], update=1000, metric="loss", value=[1.0, 2.0])
        >>> table = pd.DataFrame(rows | dict(configuration="RNN"))
        >>> learning_curves(table, "loss", ylabel="loss").legends[0].texts[0].get_text()
        'RNN (n = 2)'

    Reference:
        Form of Li et al. 2023, Fig. 2.
    """
    names = list(dict.fromkeys(table[groups]))
    require_some("groups", names)
    figure, (ax,) = panels(1, 2.4)
    unit = 1000 if table["update"].to_numpy().max() >= 1000 else 1
    good: dict[str, pd.DataFrame] = {}
    counts = []
    for name in names:
        wide = by_member(table.loc[table[groups] == name], metric)
        good[name] = wide.loc[:, np.isfinite(wide.to_numpy()).all(axis=0)]
        counts.append(f"{name} ({count_text(good[name].shape[1], wide.shape[1])})")
    rows = [row for wide in good.values() for row in wide.to_numpy()]
    include = (hlines or {}).values()
    limits = bulk_limits(rows, log=log, include=include) if ylim is None else None
    robust = log or limits is not None  # a mean that includes a far-off member says little
    percent = is_percentage(ylabel, np.concatenate(rows))
    lines = {
        name: summarise(wide.to_numpy(), robust=robust, percent=percent)
        for name, wide in good.items()
    }
    for i, (name, style) in enumerate(choose_styles(names, styles).items()):
        x, line = good[name].index.to_numpy() / unit, lines[name]
        step = max(1, len(x) // 6)
        first = i * step // len(names)  # staggered markers, so that lines on each other both show
        ax.plot(
            x,
            line.centre,
            color=style.color,
            ls=style.line,
            marker=style.marker,
            label=counts[i],
            lw=1.2,
            ms=3,
            markevery=(first, step),
        )
        if good[name].shape[1] > 1:
            ax.fill_between(x, line.low, line.high, color=style.color, alpha=0.2, lw=0)
    draw_lines(ax, hlines)
    drawn = np.concatenate([np.concatenate(line) for line in lines.values()])
    if log:
        _set_log_axis(ax, drawn, hlines)
        if limits is not None and not num_outside(drawn, limits, log=True):
            limits = None  # medians and quartiles do not reach the far-off members
    if ylim is not None or limits is not None:
        ax.set_ylim(limits or ylim)
    if ax.get_yscale() == "log":
        label_log(ax)
    outside = sum(_num_members_outside(wide, limits, log) for wide in good.values())
    note = note_text(summary_text(robust), counted=counted, outside=outside)
    dress(ax, "update (×10³)" if unit > 1 else "update", ylabel, note)
    legend_above(figure)
    return figure


def _set_log_axis(ax: Axes, drawn: np.ndarray, hlines: Mapping[str, float] | None) -> None:
    """Make the y axis logarithmic, where a line or a band has a value above 0."""
    if not (drawn > 0).any():
        return
    ax.set_yscale("log")
    if (drawn <= 0).any():  # a line that reaches zero would stretch the axis without end
        heights = np.array([*drawn, *(hlines or {}).values()])
        ax.set_ylim(bottom=heights[heights > 0].min() / 1.2)


def _num_members_outside(wide: pd.DataFrame, limits: tuple[float, float] | None, log: bool) -> int:
    if limits is None:
        return 0
    return sum(num_outside(values, limits, log=log) > 0 for values in wide.to_numpy().T)
