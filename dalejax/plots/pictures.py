"""Draw example images of a task in rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from dalejax.plots.style import SINGLE, SIZE, require_some


def examples(pictures: ArrayLike, rows: Sequence[str], note: str = "") -> Figure:
    """Draw grey images in rows, each row with its name.

    Args:
        pictures: grey values [rows, columns, height, width], 0 (black) to 255 (white).
        rows: names of the rows.
        note: small text above the images.

    Raises:
        ValueError: there is no row, or the number of names is not that of the rows.

    Example:
        >>> figure = examples(np.zeros((2, 3, 4, 4), np.uint8), ["cats", "dogs"])
        >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
        ['cats', 'dogs']

    Reference:
        Form of Li et al. 2023, Fig. 8.
    """
    shown = np.asarray(pictures)
    require_some("rows", rows)
    if len(shown) != len(rows):
        raise ValueError(
            f"rows has {len(rows)} names; there must be {len(shown)}, one for each row of pictures."
        )
    num, columns, height, width = shown.shape
    gap = max(1, height // 16)
    tiles = np.full((num * (height + gap) - gap, columns * (width + gap) - gap), 255, np.uint8)
    for i, row in enumerate(shown):
        for j, picture in enumerate(row):
            top, left = i * (height + gap), j * (width + gap)
            tiles[top : top + height, left : left + width] = picture
    figure = Figure(
        figsize=(SINGLE, SINGLE * tiles.shape[0] / tiles.shape[1] * 0.85), layout="constrained"
    )
    ax = figure.subplots()
    ax.imshow(tiles, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    ax.set_yticks([i * (height + gap) + height / 2 for i in range(num)], rows, fontsize=SIZE)
    ax.set_xticks([])
    ax.set_title(note, fontsize=SIZE, loc="right")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return figure
