"""The look of every figure: sizes, colours, line styles, axes and legends."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence, Sized
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

SINGLE, DOUBLE = 3.3, 6.9  # widths of one and of two columns of a page, in inches
EXCITATORY, INHIBITORY = "#c8102e", "#1f4fa3"  # E is red and I is blue; no network has these
SIZE, GREY = 7.0, "#666666"  # size of small text in points; colour of notes and reference lines

Line = str | tuple[int, tuple[int | float, ...]]  # "--", or Matplotlib's (offset, (on, off, …))
Marker = str | tuple[int, int, int]  # "o", or Matplotlib's (number of sides, style, angle)


class Style(NamedTuple):
    """Colour, line and marker of a group of networks; no two groups differ by colour alone."""

    color: str
    line: Line
    marker: Marker


# The colour-blind safe palette of Okabe and Ito 2008, without vermillion and blue, which are too
# near to the colours of E and I.
STYLES: dict[str, Style] = {
    "RNN": Style("#222222", "-", "o"),
    "ColEI": Style("#E69F00", "--", "s"),
    "DANN": Style("#009E73", "-.", "^"),
}
OTHERS = (
    Style("#CC79A7", (0, (4, 1, 1, 1, 1, 1)), "D"),
    Style("#56B4E9", (0, (1, 1)), "v"),
    Style("#8C6D31", (0, (6, 1.5)), "P"),
    Style("#888888", (0, (3, 1, 1, 1)), "X"),
    # The same four colours again, with other lines and markers.
    Style("#CC79A7", "-", "<"),
    Style("#56B4E9", "--", ">"),
    Style("#8C6D31", (0, (1, 1)), "*"),
    Style("#888888", "-", "h"),
    Style("#CC79A7", "--", "p"),
    Style("#56B4E9", "-", "d"),
    Style("#8C6D31", "-", "8"),
    Style("#888888", "--", "H"),
    Style("#CC79A7", (0, (1, 1)), (4, 1, 0)),
    Style("#56B4E9", (0, (6, 1.5)), (4, 1, 45)),
    Style("#8C6D31", "--", (6, 1, 0)),
    Style("#888888", (0, (6, 1.5)), (8, 1, 0)),
)


def choose_styles(names: Sequence[str], styles: Mapping[str, Style] | None) -> dict[str, Style]:
    """Give each name a style: the caller's, else that of `STYLES`, else the next free of sixteen.

    Args:
        names: the groups to draw, in order.
        styles: name -> style, over `STYLES`.
    """
    known, others = STYLES | dict(styles or {}), itertools.cycle(OTHERS)
    return {name: known[name] if name in known else next(others) for name in names}


def dress(ax: Axes, xlabel: str = "", ylabel: str = "", note: str = "") -> None:
    """Set an axis's labels, and the sizes of its text, ticks and spines.

    Sizes are set on the artists, not in rcParams, so that a figure looks alike wherever it is
    drawn.

    Args:
        ax: the axis.
        xlabel: label of the x axis, with its unit.
        ylabel: label of the y axis, with its unit.
        note: small grey text above the right end of the axis.
    """
    ax.tick_params(which="both", labelsize=SIZE, width=0.6, length=2.5, pad=2)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_linewidth(0.6)
    for text in (ax.xaxis.get_offset_text(), ax.yaxis.get_offset_text()):
        text.set_fontsize(SIZE)
    ax.set_xlabel(xlabel, fontsize=SIZE + 1, labelpad=2)
    ax.set_ylabel(ylabel, fontsize=SIZE + 1, labelpad=2)
    if note:
        ax.set_title(note, fontsize=SIZE - 0.5, color=GREY, loc="right", pad=3)


def label_log(ax: Axes) -> None:
    """Label a logarithmic y axis with plain numbers where it spans less than two decades.

    Args:
        ax: the axis, its limits set.
    """
    low, high = ax.get_ylim()
    if high / low < 100:
        ax.yaxis.set_major_formatter("{x:g}")
        # Within half a decade, ticks at 2, 3 and 5 alone would leave large gaps.
        ax.yaxis.set_minor_locator(LogLocator(subs=(2, 3, 5) if high / low > 5 else range(2, 10)))
        ax.yaxis.set_minor_formatter("{x:g}")


def panels(n: int, height: float) -> tuple[Figure, list[Axes]]:
    """Lay out n panels, at most four in a row; up to two take the width of one column.

    Args:
        n: number of panels.
        height: height of a row, in inches.
    """
    width = SINGLE if n <= 2 else DOUBLE
    rows = -(-n // 4)
    figure = Figure(figsize=(width, height * rows), layout="constrained")
    axes = figure.subplots(rows, min(n, 4), squeeze=False).ravel()
    for ax in axes[n:]:
        ax.remove()
    return figure, list(axes[:n])


def is_first_column(ax: Axes) -> bool:
    """Say whether a panel stands at the left end of its row, where the y axis is labelled.

    Args:
        ax: a panel of `panels`.
    """
    place = ax.get_subplotspec()
    return place is None or place.is_first_col()


def count_text(finite: int, n: int, comma: str = ", ", counted: str = "") -> str:
    """Write the number of networks, and how many of them diverged.

    Args:
        finite: how many of them have finite values.
        n: how many there are.
        comma: what stands before the number of the diverged, such as a line break.
        counted: what n counts, such as "seeds"; "" leaves it out.

    Example:
        >>> count_text(30, 30, counted="seeds"), count_text(27, 30)
        ('n = 30 seeds', '27 of 30, 3 diverged')
    """
    kind = f" {counted.removesuffix('s') if n == 1 else counted}" if counted else ""
    return f"n = {n}{kind}" if finite == n else f"{finite} of {n}{kind}{comma}{n - finite} diverged"


def note_text(*parts: str, counted: str = "", outside: int = 0) -> str:
    """Write the note above an axis: what is drawn, what n counts, and how many it cannot show.

    Args:
        parts: what is drawn, such as "mean ± sd"; "" is left out.
        counted: what "n = …" in labels counts, such as "seeds".
        outside: how many of them lie outside the axis.

    Example:
        >>> note_text("mean ± sd", counted="seeds", outside=2)
        'mean ± sd; n: seeds; 2 outside'
    """
    counts = [f"n: {counted}"] if counted else []
    beyond = [f"{outside} outside"] if outside else []
    return "; ".join(filter(None, [*parts, *counts, *beyond]))


def jitter(n: int, width: float) -> np.ndarray:
    """Spread n points evenly over a width around 0, the same way in every run.

    Args:
        n: number of points.
        width: their range.
    """
    # Multiples of the golden ratio, modulo 1, fill an interval evenly.
    return ((np.arange(n) * 0.6180339887 + 0.5) % 1 - 0.5) * width


def draw_lines(ax: Axes, hlines: Mapping[str, float] | None) -> None:
    """Draw thin grey horizontal lines, each with its label for the legend.

    Args:
        ax: the axis.
        hlines: label -> height.
    """
    dashes = itertools.cycle([(1, 2), (5, 2), (5, 2, 1, 2)])
    for (label, height), dash in zip((hlines or {}).items(), dashes, strict=False):
        ax.axhline(height, color=GREY, lw=0.8, ls=(0, dash), zorder=0, label=label)


def legend_above(figure: Figure) -> None:
    """Put the legend above the axes, where it cannot cover data, and make room for it.

    Short labels stand in two columns, long ones in one.

    Args:
        figure: the figure, everything drawn.
    """
    labels = [label for ax in figure.axes for label in ax.get_legend_handles_labels()[1]]
    if not labels:
        return
    columns = 2 if max(map(len, labels)) <= 20 else 1
    figure.set_figheight(figure.get_figheight() + 0.12 * max(0, len(labels) / columns - 2))
    figure.legend(
        loc="outside upper center",
        ncols=columns,
        fontsize=SIZE,
        frameon=False,
        handlelength=2.6,
        columnspacing=1.2,
        labelspacing=0.3,
        borderpad=0.2,
    )


def require_some(what: str, given: Sized) -> None:
    """Raise ValueError if there is nothing to draw.

    Args:
        what: what there must be one of at least, in the plural.
        given: the collection.

    Raises:
        ValueError: it is empty.
    """
    if len(given) == 0:
        raise ValueError(f"there are no {what} to draw; give at least one.")
