"""Pictures of spectra: eigenvalues in the plane, histograms of singular values."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from dalejax.plots.style import SIZE, Style, choose_styles, count_text, dress, panels, require_some


def eigenvalue_plane(
    eigenvalues_by_name: Mapping[str, ArrayLike],
    *,
    radii: Mapping[str, float | tuple[float, float]] | None = None,
    reach: float | None = None,
    styles: Mapping[str, Style] | None = None,
) -> Figure:
    """Draw the eigenvalues of all networks of a kind in the complex plane, a panel a kind.

    Args:
        eigenvalues_by_name: name → complex [members, n] or [n]; the dots are rasterised.
        radii: name → radius of the circle that a law expects, or (inner, outer) of a ring.
        reach: the axes end here, and a panel says how many eigenvalues lie outside; None for all.
        styles: name → `Style`, over `STYLES`.

    Raises:
        ValueError: no network, or eigenvalues of another shape.

    Example:
        >>> figure = eigenvalue_plane({"RNN": np.array([1j, -1j])}, radii={"RNN": 1.0})
        >>> figure.axes[0].get_title()
        'RNN (n = 1)\\ncircle: |λ| = 1'

    Reference:
        Circular law: Girko 1985; for Dale's law Rajan and Abbott 2006.
    """
    require_some("eigenvalues", eigenvalues_by_name)
    values = {k: np.atleast_2d(np.asarray(v)) for k, v in eigenvalues_by_name.items()}
    circles = {k: tuple(np.atleast_1d(v)) for k, v in (radii or {}).items()}
    figure, axes = panels(len(values), 2.1)
    if reach is None:
        there = np.concatenate([np.abs(v).ravel() for v in values.values()])
        furthest = there[np.isfinite(there)].max(initial=0.0)
        reach = 1.08 * max([furthest, *(max(c) for c in circles.values())]) or 1.0
    for ax, (name, style) in zip(axes, choose_styles(list(values), styles).items(), strict=True):
        z = values[name]
        if z.ndim != 2:
            raise ValueError(f"eigenvalues of {name!r} have shape {z.shape}; wanted [members, n].")
        alpha = float(np.clip(300 / z.size, 0.08, 0.8))
        ax.plot(
            z.real.ravel(),
            z.imag.ravel(),
            ls="",
            marker="o",
            ms=1.6,
            mew=0,
            color=style.color,
            alpha=alpha,
            rasterized=True,
        )
        turn = np.exp(1j * np.linspace(0, 2 * np.pi, 361))
        for radius in circles.get(name, ()):
            ax.plot(radius * turn.real, radius * turn.imag, color="black", lw=0.9)
        ring = ", ".join(f"{radius:.3g}" for radius in circles.get(name, ()))
        below = f"\ncircle: |λ| = {ring}" if ring else ""
        beyond = int((np.maximum(abs(z.real), abs(z.imag)) > reach).sum())
        below += f"\n{beyond} outside" if beyond else ""
        finite = int(np.isfinite(z).all(axis=1).sum())
        dress(ax, "Re λ", "Im λ" if ax.get_subplotspec().is_first_col() else "")
        ax.set_title(f"{name} ({count_text(finite, len(z))}){below}", fontsize=SIZE, pad=3)
        ax.set(aspect="equal", xlim=(-reach, reach), ylim=(-reach, reach))
    return figure


def quarter_circle_density(s: ArrayLike, sd: float) -> np.ndarray:
    r"""Evaluate the law of the singular values of a large square matrix of independent entries.

    .. math:: f(s) = \frac{\sqrt{4 v - s^2}}{\pi v} \quad (0 \le s \le 2 \sqrt v), \qquad v = sd^2

    Args:
        s: where.
        sd: √n times the standard deviation of an entry, so that entries have variance sd² / n.

    Raises:
        ValueError: sd is not positive.

    Example:
        >>> quarter_circle_density([0.0, 2.0, 3.0], 1.0).round(4).tolist()
        [0.6366, 0.0, 0.0]

    Reference:
        Marchenko and Pastur 1967.
    """
    if not sd > 0:
        raise ValueError(f"sd is {sd}; it must be positive.")
    x = np.asarray(s, np.float64)
    root = np.sqrt(np.clip(4 * sd**2 - x**2, 0, None))
    return np.asarray(np.where(x >= 0, root, 0) / (np.pi * sd**2))


def _histogram(
    ax: Axes, s: np.ndarray, edge: float, bins: int, color: str, sd: float | None
) -> None:
    counts, edges = np.histogram(s, bins, (0, edge))
    density = counts / (max(s.size, 1) * np.diff(edges))  # of all values, those beyond edge too
    ax.stairs(density, edges, fill=True, color=color, alpha=0.5)
    if sd:
        grid = np.linspace(0, 2 * sd, 200)
        ax.plot(grid, quarter_circle_density(grid, sd), color="black", lw=0.9)


def singular_histograms(
    singular_values_by_name: Mapping[str, ArrayLike],
    *,
    laws: Mapping[str, float] | None = None,
    log: bool = False,
    inset: bool = False,
    styles: Mapping[str, Style] | None = None,
) -> Figure:
    """Draw density histograms of singular values, a panel a network, with the law drawn over.

    Args:
        singular_values_by_name: name → [members, n] or [n].
        laws: name → sd of `quarter_circle_density`.
        log: logarithmic density.
        inset: show the law's range enlarged where values reach twice as far.
        styles: name → `Style`, over `STYLES`.

    Raises:
        ValueError: no network.

    Example:
        >>> figure = singular_histograms({"RNN": np.linspace(0.1, 2, 50)}, laws={"RNN": 1.0})
        >>> figure.axes[0].get_xlabel()
        'singular value'

    Reference:
        The form of Li et al. 2023, Fig. 3.
    """
    require_some("singular values", singular_values_by_name)
    values = {k: np.atleast_2d(np.asarray(v)) for k, v in singular_values_by_name.items()}
    figure, axes = panels(len(values), 1.9)
    for ax, (name, style) in zip(axes, choose_styles(list(values), styles).items(), strict=True):
        rows, sd = values[name], (laws or {}).get(name)
        finite = rows[np.isfinite(rows).all(axis=1)]
        largest = float(finite.max(initial=1e-6))
        _histogram(ax, finite.ravel(), largest * 1.02, 60, style.color, sd)
        if log and finite.size:
            ax.set_yscale("log")
            ax.set_ylim(bottom=0.3 / max(finite.size * largest / 60, 1e-9))
        dress(ax, "singular value", "density" if ax.get_subplotspec().is_first_col() else "")
        ax.set_title(f"{name} ({count_text(len(finite), len(rows))})", fontsize=SIZE, pad=3)
        if inset and sd and largest > 4 * sd:
            small = ax.inset_axes((0.44, 0.5, 0.54, 0.48))
            _histogram(small, finite.ravel(), 2.2 * sd, 30, style.color, sd)
            dress(small)
    return figure
