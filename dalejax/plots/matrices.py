"""Draw weight matrices: excitatory entries red, inhibitory ones blue."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from dalejax.plots.style import DOUBLE, EXCITATORY, INHIBITORY, SIZE, dress, require_some

SIGNED = LinearSegmentedColormap.from_list("signed", [INHIBITORY, "white", EXCITATORY])


def signed_matrices(matrices: Mapping[str, ArrayLike], *, quantile: float = 0.98) -> Figure:
    """Draw weight matrices side by side, their widths in proportion to the presynaptic units.

    Each matrix has a scale of its own, which stands below it: the colours are full at the given
    quantile of its magnitudes, so that a few large entries do not leave the rest white.

    Args:
        matrices: title -> weights [post, pre]; red above zero, blue below it.
        quantile: the quantile of the magnitudes at which the colours are full, 0 to 1.

    Raises:
        ValueError: no matrix, or one that is not two-dimensional.

    Example:
        >>> figure = signed_matrices({"W": [[1.0, -1.0]]})
        >>> figure.axes[0].get_title(), figure.axes[0].get_xlabel()
        ('W', 'presynaptic (2 units)\\nfull colour: ±1')

    Reference:
        Form of Li et al. 2023, Fig. 1.
    """
    require_some("matrices", matrices)
    arrays = {title: np.asarray(w, float) for title, w in matrices.items()}
    for title, w in arrays.items():
        if w.ndim != 2:
            raise ValueError(f"{title!r} has shape {w.shape}; it must be [post, pre].")
    widths = [
        max(w.shape[1], 0.25 * max(v.shape[1] for v in arrays.values())) for w in arrays.values()
    ]
    figure = Figure(figsize=(DOUBLE, 2.3), layout="constrained")
    axes = figure.subplots(1, len(arrays), width_ratios=widths, squeeze=False).ravel()
    for ax, (title, w) in zip(axes, arrays.items(), strict=True):
        sizes = np.abs(w[np.isfinite(w)])
        reach = float(np.quantile(sizes, quantile)) if sizes.any() else 1.0
        reach = reach or float(sizes.max())  # where more than the quantile's share are zero
        ax.imshow(w, cmap=SIGNED, vmin=-reach, vmax=reach, aspect="auto", interpolation="nearest")
        ax.set_title(title, fontsize=SIZE, pad=3)
        dress(
            ax,
            f"presynaptic ({w.shape[1]} units)\nfull colour: ±{reach:.2g}",
            f"postsynaptic ({w.shape[0]} units)",
        )
        ax.set_xticks([])
        ax.set_yticks([])
    return figure
