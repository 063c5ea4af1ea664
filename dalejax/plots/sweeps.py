"""Draw a score against a quantity: lines with bands, or one dot a network."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import ArrayLike

from dalejax.plots.style import (
    GREY,
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

_MARKERS = 12  # markers on a line, at most about; more would hide it


def sweep(
    values_by_name: Mapping[str, ArrayLike],
    x_by_name: Mapping[str, ArrayLike],
    *,
    xlabel: str,
    ylabel: str,
    styles: Mapping[str, Style] | None = None,
    log_x: bool = False,
    log: bool = False,
    hlines: Mapping[str, float] | None = None,
    laws: Mapping[str, ArrayLike] | None = None,
    counted: str = "seeds",
) -> Figure:
    """Draw a score of several networks against a quantity, one line a name.

    A line is the mean over the members and its band one standard deviation; on a logarithmic axis
    they are the median and the quartiles. If a few values are so far off that the others could not
    be read, the axis leaves them out, the note above it counts them, and the lines are medians
    with quartiles.

    Args:
        values_by_name: name -> values [points, members]; NaN for a diverged member, which is left
            out and counted in the legend.
        x_by_name: name -> the quantity at the points [points].
        xlabel: label of the x axis, with its unit.
        ylabel: label of the y axis, with its unit; bands of percentages ("%") end at 0 and 100.
        styles: name -> `Style`, over `STYLES`.
        log_x: whether the x axis is logarithmic.
        log: whether the y axis is logarithmic.
        hlines: label -> height of a thin grey line.
        laws: label -> expected values at the points of the first line [points], drawn in grey.
        counted: what a member is, for the note "n: seeds".

    Raises:
        ValueError: no line, or values whose number of points is not that of the quantity.

    Example:
        >>> figure = sweep({"RNN": [[1.0, 2.0]]}, {"RNN": [0.5]}, xlabel="ρ", ylabel="error (%)")
        >>> figure.legends[0].texts[0].get_text()
        'RNN (n = 2 a point)'

    Reference:
        Form of Li et al. 2023, Fig. 9.
    """
    require_some("lines", values_by_name)
    figure, (ax,) = panels(1, 2.4)
    tables = {name: np.asarray(values, float) for name, values in values_by_name.items()}
    for name, values in tables.items():
        if values.ndim != 2 or len(values) != np.size(x_by_name[name]):
            raise ValueError(
                f"{name!r} has values of shape {values.shape}; it must be [points, members] with "
                f"{np.size(x_by_name[name])} points."
            )
    rows = [row for values in tables.values() for row in values]
    expected = [float(v) for law in (laws or {}).values() for v in np.asarray(law, float).ravel()]
    limits = bulk_limits(rows, log=log, include=[*(hlines or {}).values(), *expected])
    robust = log or limits is not None  # a mean that includes a far-off member says little
    percent = is_percentage(ylabel, np.concatenate(rows))
    drawn: list[np.ndarray] = []
    for name, style in choose_styles(list(tables), styles).items():
        x, values = np.asarray(x_by_name[name], float), tables[name]
        num_lost = int((~np.isfinite(values)).sum())
        lost = f", {num_lost} diverged" if num_lost else ""
        line = summarise(values, robust=robust, percent=percent)
        ax.plot(
            x,
            line.centre,
            color=style.color,
            ls=style.line,
            marker=style.marker,
            lw=1.2,
            ms=3,
            markevery=max(1, len(x) // _MARKERS),
            label=f"{name} (n = {values.shape[1]} a point{lost})",
        )
        ax.fill_between(x, line.low, line.high, color=style.color, alpha=0.2, lw=0)
        drawn.append(np.concatenate(line))
    first = next(iter(x_by_name.values()))
    dashes = itertools.cycle(((1, 1), (4, 2)))
    for (label, law), dash in zip((laws or {}).items(), dashes, strict=False):
        ax.plot(first, law, color=GREY, lw=1, ls=(0, dash), label=label)
    draw_lines(ax, hlines)
    _set_log_axes(ax, log_x, log)
    if limits is not None and log and not num_outside(np.concatenate(drawn), limits, log=True):
        limits = None  # medians and quartiles do not reach the far-off members
    if limits is not None:
        ax.set_ylim(limits)
    if ax.get_yscale() == "log":
        label_log(ax)
    outside = num_outside(np.concatenate(rows), limits, log=log) if limits else 0
    dress(ax, xlabel, ylabel, note_text(summary_text(robust), counted=counted, outside=outside))
    legend_above(figure)
    return figure


def _set_log_axes(ax: Axes, log_x: bool, log: bool) -> None:
    """Make axes logarithmic; one without a finite point above 0 has no logarithm and stays."""
    drawn = np.concatenate([np.asarray(line.get_xydata()) for line in ax.lines])
    drawn = drawn[np.isfinite(drawn).all(1)]
    if log_x and (drawn[:, 0] > 0).any():
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_formatter(NullFormatter())
    if log and (drawn[:, 1] > 0).any():
        ax.set_yscale("log")


def scatter(
    groups: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    xlabel: str,
    ylabel: str,
    note: str = "",
    styles: Mapping[str, Style] | None = None,
    log: bool = False,
    counted: str = "networks",
) -> Figure:
    """Draw one dot a network, with a colour and a marker for each group.

    If a few networks are so far off that the others could not be read, the axes leave them out and
    the note counts them.

    Args:
        groups: name -> (x [members], y [members]); networks with a value that is not finite are
            counted in the legend and left out.
        xlabel: label of the x axis, with its unit.
        ylabel: label of the y axis, with its unit.
        note: text to put before the counts in the note above the axes.
        styles: name -> `Style`, over `STYLES`.
        log: whether the y axis is logarithmic.
        counted: what a dot is, for the note "n: networks".

    Raises:
        ValueError: no group.

    Example:
        >>> figure = scatter({"10 % I": ([0.8, 0.8], [3.0, np.nan])}, xlabel="NSE", ylabel="error")
        >>> figure.legends[0].texts[0].get_text()
        '10 % I (1 of 2, 1 diverged)'

    Reference:
        Form of Li et al. 2023, Fig. 5G.
    """
    require_some("groups", groups)
    figure, (ax,) = panels(1, 2.4)
    every_x, every_y = [], []
    for name, style in choose_styles(list(groups), styles).items():
        x, y = (np.asarray(v, float).ravel() for v in groups[name])
        good = np.isfinite(x) & np.isfinite(y)
        every_x.append(x[good])
        every_y.append(y[good])
        ax.plot(
            x[good],
            y[good],
            ls="",
            marker=style.marker,
            color=style.color,
            ms=3.5,
            alpha=0.75,
            mew=0,
            label=f"{name} ({count_text(int(good.sum()), len(x))})",
        )
    xs, ys = np.concatenate(every_x), np.concatenate(every_y)
    if log and (ys > 0).any():
        ax.set_yscale("log")
    if limits := bulk_limits(every_x, log=False):
        ax.set_xlim(limits)
    if limits := bulk_limits(every_y, log=log):
        ax.set_ylim(limits)
    if ax.get_yscale() == "log":
        label_log(ax)
    beyond = [num_outside(v, ax.get_xlim(), log=False) > 0 for v in xs]
    above = [num_outside(v, ax.get_ylim(), log=log) > 0 for v in ys]
    outside = sum(a or b for a, b in zip(beyond, above, strict=True))
    dress(ax, xlabel, ylabel, note_text(note, counted=counted, outside=outside))
    legend_above(figure)
    return figure
