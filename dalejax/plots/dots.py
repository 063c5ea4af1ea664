"""Draw final values: one dot a network, one column a configuration."""

from __future__ import annotations

import textwrap
from collections.abc import Hashable, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from dalejax.plots.style import (
    DOUBLE,
    SINGLE,
    Marker,
    Style,
    choose_styles,
    count_text,
    draw_lines,
    dress,
    jitter,
    label_log,
    legend_above,
    note_text,
    require_some,
)
from dalejax.plots.summaries import (
    bulk_limits,
    is_percentage,
    num_outside,
    summarise,
    summary_text,
)


def final_dots(
    values: Mapping[Hashable, ArrayLike],
    *,
    ylabel: str,
    styles: Mapping[str, Style] | None = None,
    hlines: Mapping[str, float] | None = None,
    log: bool = False,
    counted: str = "seeds",
) -> Figure:
    """Draw each configuration's members as dots, with their centre and spread beside them.

    The bar is mean ± standard deviation; on a logarithmic axis it is the median and the quartiles.
    If a few members are so far off that the others could not be read, the axis leaves them out,
    the note above it counts them, and the bar is the median and the quartiles. Values not above 0
    are outside a logarithmic axis, too.

    Args:
        values: name -> values of the members [members], such as `results.final_values` gives; NaN
            for a diverged member.
        ylabel: label of the y axis, with its unit; bars of percentages ("%") end at 0 and 100.
        styles: name -> `Style`, over `STYLES`.
        hlines: label -> height of a thin grey line, such as a published value.
        log: whether the y axis is logarithmic.
        counted: what a member is, for the note "n: seeds".

    Raises:
        ValueError: no configuration.

    Example:
        >>> figure = final_dots({"RNN": [1.5, 1.6, np.nan]}, ylabel="test error (%)")
        >>> figure.axes[0].get_xticklabels()[0].get_text()
        'RNN\\n2 of 3,\\n1 diverged'

    Reference:
        The final values of the networks of Li et al. 2023, Fig. 2.
    """
    require_some("configurations", values)
    names = [str(name) for name in values]
    members = [np.asarray(given, np.float64).ravel() for given in values.values()]
    width, labels = (SINGLE if len(names) <= 5 else DOUBLE), []
    figure = Figure(figsize=(width, 2.2), layout="constrained")
    ax = figure.subplots()
    if log and any((v > 0).any() for v in members):
        ax.set_yscale("log")
    limits = bulk_limits(members, log=log, include=(hlines or {}).values())
    robust = log or limits is not None  # a mean that includes a far-off member says little
    percent = is_percentage(ylabel, np.concatenate(members))
    bars = [summarise(v[None], robust=robust, percent=percent) for v in members]
    look = choose_styles(names, styles)
    for i, (name, v, bar) in enumerate(zip(names, members, bars, strict=True)):
        finite = v[np.isfinite(v)]
        strip(ax, i - 0.12, finite, look[name].color, look[name].marker)
        if finite.size:
            ax.errorbar(
                i + 0.26,
                bar.centre,
                [bar.centre - bar.low, bar.high - bar.centre],
                color="black",
                marker="_",
                ms=6,
                lw=1,
                capsize=2.5,
                zorder=4,
            )
        wrapped = textwrap.fill(name, max(4, int(14 * width / len(names))), break_long_words=False)
        labels.append(wrapped + "\n" + count_text(finite.size, v.size, ",\n"))
    draw_lines(ax, hlines)
    if limits is not None:
        ax.set_ylim(limits)
    if ax.get_yscale() == "log":
        label_log(ax)
    ax.set_xticks(range(len(names)), labels)
    ax.set_xlim(-0.6, len(names) - 0.4)
    outside = sum(num_outside(v, ax.get_ylim(), log=log) for v in members)
    dress(ax, "", ylabel, note_text(summary_text(robust), counted=counted, outside=outside))
    if hlines:
        legend_above(figure)
    return figure


def strip(ax: Axes, x: float, values: np.ndarray, color: str, marker: Marker = "o") -> None:
    """Draw values as dots in a column, spread over a width of 0.4.

    Args:
        ax: the axis.
        x: middle of the column.
        values: finite values [members].
        color: colour of the dots.
        marker: their shape.
    """
    ax.plot(
        x + jitter(values.size, 0.4),
        values,
        ls="",
        marker=marker,
        ms=3,
        mec="white",
        mew=0.25,
        color=color,
        alpha=0.85,
        zorder=3,
    )
