"""Pictures of weight matrices: excitatory entries red, inhibitory ones blue."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from dalejax.plots.style import DOUBLE, EXCITATORY, INHIBITORY, SIZE, dress, require_some

SIGNED = LinearSegmentedColormap.from_list("signed", [INHIBITORY, "white", EXCITATORY])


def signed_matrices(matrices: Mapping[str, ArrayLike], *, quantile: float = 0.98) -> Figure:
    """Draw weight matrices [post, pre] side by side, to one scale of units.

    Colours are each matrix's own scale: full at the given quantile of its magnitudes, so that a few
    large entries don't leave the rest white.

    Args:
        matrices: title → [post, pre]; blue below zero, red above.
        quantile: of the magnitudes, where the colour is full.

    Raises:
        ValueError: no matrix, or one that is not two-dimensional.

    Example:
        >>> figure = signed_matrices({"W": [[1.0, -1.0]]})
        >>> figure.axes[0].get_title(), figure.axes[0].get_xlabel()
        ('W', 'presynaptic (2)')

    Reference:
        The form of Li et al. 2023, Fig. 1.
    """
    require_some("matrices", matrices)
    arrays = {title: np.asarray(w, float) for title, w in matrices.items()}
    for title, w in arrays.items():
        if w.ndim != 2:
            raise ValueError(f"{title!r} has shape {w.shape}; a matrix is [post, pre].")
    widths = [
        max(w.shape[1], 0.25 * max(v.shape[1] for v in arrays.values())) for w in arrays.values()
    ]
    figure = Figure(figsize=(DOUBLE, 2.3), layout="constrained")
    axes = figure.subplots(1, len(arrays), width_ratios=widths, squeeze=False).ravel()
    for ax, (title, w) in zip(axes, arrays.items(), strict=True):
        reach = float(np.quantile(np.abs(w), quantile)) or 1.0
        ax.imshow(w, cmap=SIGNED, vmin=-reach, vmax=reach, aspect="auto", interpolation="nearest")
        ax.set_title(title, fontsize=SIZE, pad=3)
        dress(ax, f"presynaptic ({w.shape[1]})", f"postsynaptic ({w.shape[0]})")
        ax.set_xticks([])
        ax.set_yticks([])
    return figure
