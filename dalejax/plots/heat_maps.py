"""Draw tables of numbers as maps, with the better cells darker in every map."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from dalejax.plots.style import DOUBLE, GREY, SINGLE, SIZE, dress, require_some
from dalejax.plots.summaries import bulk_limits


def maps(
    values_by_title: Mapping[str, ArrayLike],
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    xlabel: str,
    ylabel: str,
    formats: str = "{:.2g}",
    lower_is_better: Collection[str] = (),
) -> Figure:
    """Draw tables of numbers as maps, one above the other; each cell says its number.

    In every map the darker cell is the better one, and the better end of the colour bar is at its
    top. If a few cells are so far off that the others would all have one colour, the colours end
    before them, and the colour bar has a pointed end there.

    Args:
        values_by_title: title -> table [rows, columns]; NaN is left white.
        rows: names of the rows, the top one first.
        columns: names of the columns.
        xlabel: label of the columns, with its unit.
        ylabel: label of the rows, with its unit.
        formats: format of the numbers in the cells.
        lower_is_better: titles of the maps in which a smaller number is better, such as an error.

    Raises:
        ValueError: no map, one whose shape does not fit the names, or a title in `lower_is_better`
            that no map has.

    Example:
        >>> figure = maps({"NSE": [[0.8, 0.9]]}, rows=["100"], columns=["10", "50"], xlabel="% I",
        ...     ylabel="units")
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['0.8', '0.9']

    Reference:
        Form of Li et al. 2023, Fig. 7B and C.
    """
    require_some("maps", values_by_title)
    if unknown := set(lower_is_better) - set(values_by_title):
        raise ValueError(
            f"lower_is_better holds {sorted(unknown)}; it must hold titles of the maps, which are "
            f"{list(values_by_title)}."
        )
    width = DOUBLE if len(columns) > 6 else SINGLE
    height = (0.85 + max(0.26 * len(rows), 0.5)) * len(values_by_title)
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(len(values_by_title), squeeze=False).ravel()
    for ax, (title, given) in zip(axes, values_by_title.items(), strict=True):
        values = np.asarray(given, float)
        if values.shape != (len(rows), len(columns)):
            raise ValueError(
                f"{title!r} has shape {values.shape}; it must be ({len(rows)}, {len(columns)}), "
                "the numbers of rows and columns."
            )
        lower = title in lower_is_better
        cmap = colormaps["cividis" if lower else "cividis_r"]  # cividis is dark where it is low
        low, high, extend = _color_limits(values)
        image = ax.imshow(values, cmap=cmap, vmin=low, vmax=high, aspect="auto")
        for (i, j), value in np.ndenumerate(values):
            if np.isfinite(value):
                red, green, blue, _ = cmap(image.norm(value))
                dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
                ax.text(
                    j,
                    i,
                    formats.format(value),
                    ha="center",
                    va="center",
                    fontsize=SIZE - 0.5,
                    color="white" if dark else "black",
                )
        ax.set_xticks(range(len(columns)), columns)
        ax.set_yticks(range(len(rows)), rows)
        dress(ax, xlabel if ax is axes[-1] else "", ylabel)
        ax.set_title(title, fontsize=SIZE, pad=3)
        ax.spines[:].set_visible(False)
        ax.tick_params(length=0)
        bar = figure.colorbar(image, ax=ax, extend=extend, pad=0.02, fraction=0.06)
        bar.ax.tick_params(labelsize=SIZE, width=0.6, length=2.5, pad=2)
        bar.ax.locator_params(nbins=4)
        bar.outline.set_linewidth(0.6)
        bar.set_label("darker: better", fontsize=SIZE - 0.5, color=GREY, labelpad=2)
        if lower:
            bar.ax.invert_yaxis()
    return figure


def _color_limits(values: np.ndarray) -> tuple[float | None, float | None, str]:
    """Choose the numbers at the ends of the colours, and which ends of the bar are pointed."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return 0.0, 1.0, "neither"
    limits = bulk_limits([finite], log=False)
    if limits is None:
        return None, None, "neither"
    below, above = bool((finite < limits[0]).any()), bool((finite > limits[1]).any())
    bulk = finite[(finite >= limits[0]) & (finite <= limits[1])]
    ends = {(True, False): "min", (False, True): "max", (True, True): "both"}
    return float(bulk.min()), float(bulk.max()), ends[below, above]
