"""How every picture looks: sizes, colours, axes, legends, files."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

SINGLE, DOUBLE = 3.3, 6.9  # column widths, in
EXCITATORY, INHIBITORY = "#c8102e", "#1f4fa3"  # E red and I blue: no network wears these
SIZE, GREY = 7.0, "#666666"  # pt


class Style(NamedTuple):
    """How a network looks: colour, line and marker, so that none carries the meaning alone."""

    color: str
    line: Any
    marker: Any


# Okabe and Ito 2008, without their vermillion and blue, which are too near to E and I.
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
    # The colours again, with lines and markers of their own.
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
    """Give each name a style: the caller's, the network's own, or the next free one of sixteen."""
    known, others = STYLES | dict(styles or {}), itertools.cycle(OTHERS)
    return {name: known[name] if name in known else next(others) for name in names}


def dress(ax: Axes, xlabel: str = "", ylabel: str = "", note: str = "") -> None:
    """Size and label an axis, on its artists and not in rcParams: alike wherever it is drawn."""
    ax.tick_params(which="both", labelsize=SIZE, width=0.6, length=2.5, pad=2)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_linewidth(0.6)
    for text in (ax.xaxis.get_offset_text(), ax.yaxis.get_offset_text()):
        text.set_size(SIZE)
    ax.set_xlabel(xlabel, fontsize=SIZE + 1, labelpad=2)
    ax.set_ylabel(ylabel, fontsize=SIZE + 1, labelpad=2)
    if note:
        ax.set_title(note, fontsize=SIZE - 0.5, color=GREY, loc="right", pad=3)


def label_log(ax: Axes) -> None:
    """Label a logarithmic y axis with plain numbers where it spans less than two decades."""
    low, high = ax.get_ylim()
    if high / low < 100:
        ax.yaxis.set_major_formatter("{x:g}")
        # Within half a decade 2, 3 and 5 would leave large gaps.
        ax.yaxis.set_minor_locator(LogLocator(subs=(2, 3, 5) if high / low > 5 else range(2, 10)))
        ax.yaxis.set_minor_formatter("{x:g}")


def panels(n: int, height: float) -> tuple[Figure, list[Axes]]:
    """Lay out n panels of a height (in), four in a row."""
    width = SINGLE if n <= 2 else DOUBLE
    rows = -(-n // 4)
    figure = Figure(figsize=(width, height * rows), layout="constrained")
    axes = figure.subplots(rows, min(n, 4), squeeze=False).ravel()
    for ax in axes[n:]:
        ax.remove()
    return figure, list(axes[:n])


def count_text(finite: int, n: int, comma: str = ", ") -> str:
    """Say how many of n were finite."""
    return f"n = {n}" if finite == n else f"{finite} of {n}{comma}{n - finite} diverged"


def jitter(n: int, width: float) -> np.ndarray:
    """Spread n points over a width, evenly and alike in every run."""
    # Multiples of the golden ratio fill an interval evenly.
    return ((np.arange(n) * 0.6180339887 + 0.5) % 1 - 0.5) * width


def draw_lines(ax: Axes, hlines: Mapping[str, float] | None) -> None:
    """Draw labelled horizontal lines."""
    dashes = itertools.cycle([(1, 2), (5, 2), (5, 2, 1, 2)])
    for (label, height), dash in zip((hlines or {}).items(), dashes, strict=False):
        ax.axhline(height, color=GREY, lw=0.8, ls=(0, dash), zorder=0, label=label)


def legend_above(figure: Figure) -> None:
    """Put the legend above the axes, where it can't cover data; long names in one column."""
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


def require_some(what: str, given: Any) -> None:
    """Refuse to draw nothing."""
    if len(given) == 0:
        raise ValueError(f"no {what} to draw; wanted at least one.")


def save(figure: Figure, path_without_suffix: str | os.PathLike[str]) -> list[Path]:
    """Write a figure as PNG (200 dpi) and SVG (text as text); equal figures give equal bytes.

    Args:
        figure: any of this file's.
        path_without_suffix: "runs/fig2" gives runs/fig2.png and runs/fig2.svg.

    Returns:
        The two paths.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     [path.name for path in save(Figure(), f"{folder}/fig2")]
        ['fig2.png', 'fig2.svg']
    """
    png, svg = (Path(f"{os.fspath(path_without_suffix)}.{kind}") for kind in ("png", "svg"))
    png.parent.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "dalejax"}):
        figure.savefig(png, dpi=200, metadata={"Software": None})
        figure.savefig(svg, dpi=200, metadata={"Date": None, "Creator": None})
    return [png, svg]
