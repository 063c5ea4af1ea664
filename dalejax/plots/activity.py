"""Draw activity over time as trajectories in a plane, such as that of two principal components."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from dalejax.plots.style import (
    GREY,
    SIZE,
    Style,
    choose_styles,
    dress,
    is_first_column,
    legend_above,
    panels,
    require_some,
)


def trajectories(
    panels_by_name: Mapping[str, Mapping[str, ArrayLike]],
    *,
    points: Mapping[str, ArrayLike] | None = None,
    xlabel: str = "PC 1",
    ylabel: str = "PC 2",
    styles: Mapping[str, Style] | None = None,
) -> Figure:
    """Draw activity over time in a plane, one panel a network and one line a kind of trial.

    A trajectory begins at its small marker and ends at its large one.

    Args:
        panels_by_name: network -> kind of trial -> coordinates over time [t, 2].
        points: network -> fixed points [k, 2], drawn as black crosses.
        xlabel: label of the first coordinate.
        ylabel: label of the second coordinate.
        styles: kind of trial -> `Style`, over `STYLES`.

    Raises:
        ValueError: no network, or a trajectory whose shape is not [t, 2].

    Example:
        >>> figure = trajectories({"ColEI": {"yes": [[0.0, 0.0], [1.0, 2.0]]}})
        >>> figure.axes[0].get_title()
        'ColEI'

    Reference:
        Form of Sussillo and Barak 2013, Fig. 3.
    """
    require_some("networks", panels_by_name)
    kinds = list(dict.fromkeys(kind for lines in panels_by_name.values() for kind in lines))
    looks = choose_styles(kinds, styles)
    figure, axes = panels(len(panels_by_name), 2.1)
    labelled = set()
    for ax, (name, lines) in zip(axes, panels_by_name.items(), strict=True):
        for kind, line in lines.items():
            path, look = np.asarray(line, float), looks[kind]
            if path.ndim != 2 or path.shape[1] != 2:
                raise ValueError(f"{kind!r} of {name!r} has shape {path.shape}; it must be [t, 2].")
            label = None if kind in labelled else kind  # a kind is in the legend once
            labelled.add(kind)
            ax.plot(*path.T, color=look.color, ls=look.line, lw=1, label=label)
            ax.plot(*path[0], color=look.color, marker=look.marker, ms=2)
            ax.plot(*path[-1], color=look.color, marker=look.marker, ms=5)
        if points and len(fixed := np.asarray(points.get(name, ()), float)):
            ax.plot(*fixed.T, color="black", ls="", marker="x", ms=5, mew=1.2)
        dress(ax, xlabel, ylabel if is_first_column(ax) else "")
        ax.set_title(name, fontsize=SIZE, pad=3)
    meaning = "small marker: start; large marker: end" + ("; ×: fixed point" if points else "")
    figure.supxlabel(meaning, fontsize=SIZE - 0.5, color=GREY)
    legend_above(figure)
    return figure
