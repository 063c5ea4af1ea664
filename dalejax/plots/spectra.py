"""Draw spectra: eigenvalues in the complex plane, histograms of singular values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from dalejax.plots.style import (
    SIZE,
    Style,
    choose_styles,
    count_text,
    dress,
    is_first_column,
    label_log,
    panels,
    require_some,
)
from dalejax.plots.summaries import bulk_limits


def eigenvalue_plane(
    eigenvalues_by_name: Mapping[str, ArrayLike],
    *,
    radii: Mapping[str, float | tuple[float, float]] | None = None,
    reach: float | None = None,
    styles: Mapping[str, Style] | None = None,
    counted: str = "seeds",
) -> Figure:
    """Draw the eigenvalues of all networks of each kind in the complex plane, one panel a kind.

    A network with an eigenvalue that is not finite is counted and left out. Eigenvalues beyond the
    axes, which are the same in all panels, are counted in the panel's title.

    Args:
        eigenvalues_by_name: name -> complex eigenvalues [members, n] or [n].
        radii: name -> radius of the circle within which a law expects the eigenvalues, or (inner,
            outer) radius of a ring.
        reach: the axes end at ± this number. None fits all eigenvalues, but for networks so far
            off that the others could not be read.
        styles: name -> `Style`, over `STYLES`.
        counted: what a member is, for the counts in the titles.

    Raises:
        ValueError: no network, or eigenvalues of another shape.

    Example:
        >>> figure = eigenvalue_plane({"RNN": np.array([1j, -1j])}, radii={"RNN": 1.0})
        >>> figure.axes[0].get_title()
        'RNN\\nn = 1 seed\\ncircle: |λ| = 1'

    Reference:
        Circular law: Girko 1985; for Dale's law: Rajan and Abbott 2006.
    """
    require_some("eigenvalues", eigenvalues_by_name)
    values = {k: np.atleast_2d(np.asarray(v, complex)) for k, v in eigenvalues_by_name.items()}
    for name, z in values.items():
        if z.ndim != 2:
            raise ValueError(
                f"the eigenvalues of {name!r} have shape {z.shape}; it must be [members, n]."
            )
    circles = {
        name: tuple(float(radius) for radius in np.atleast_1d(given))
        for name, given in (radii or {}).items()
    }
    finite = {name: z[np.isfinite(z).all(axis=1)] for name, z in values.items()}
    if reach is None:
        reach = _reach(list(finite.values()), [r for circle in circles.values() for r in circle])
    figure, axes = panels(len(values), 2.1)
    for ax, (name, style) in zip(axes, choose_styles(list(values), styles).items(), strict=True):
        z = finite[name]
        ax.plot(
            np.real(z).ravel(),
            np.imag(z).ravel(),
            ls="",
            marker="o",
            ms=1.6,
            mew=0,
            color=style.color,
            alpha=float(np.clip(300 / max(z.size, 1), 0.15, 0.8)),
            rasterized=True,  # thousands of dots would make the SVG and the PDF large
        )
        turn = np.exp(1j * np.linspace(0, 2 * np.pi, 361))
        for radius in circles.get(name, ()):
            ax.plot(radius * np.real(turn), radius * np.imag(turn), color="black", lw=0.9)
        title = [name, count_text(len(z), len(values[name]), counted=counted)]
        if name in circles:
            title.append("circle: |λ| = " + ", ".join(f"{radius:.3g}" for radius in circles[name]))
        outside = int((np.maximum(np.abs(np.real(z)), np.abs(np.imag(z))) > reach).sum())
        if outside:
            title.append(f"{outside} of {z.size} λ outside")
        dress(ax, "Re λ", "Im λ" if is_first_column(ax) else "")
        ax.set_title("\n".join(title), fontsize=SIZE, pad=3)
        ax.set(aspect="equal", xlim=(-reach, reach), ylim=(-reach, reach))
    return figure


def _reach(finite: Sequence[np.ndarray], radii: Sequence[float]) -> float:
    """Find how far square axes must reach for the circles and all networks but the far-off ones."""
    furthest = [np.abs(z).max(axis=1, initial=0.0) for z in finite]
    limits = bulk_limits(furthest, log=False, include=radii)
    if limits is not None:
        return float(limits[1])
    return 1.08 * float(max(np.concatenate([*furthest, radii]), default=0.0)) or 1.0


def quarter_circle_density(s: ArrayLike, sd: float) -> np.ndarray:
    r"""Evaluate the density of singular values of a large square matrix of independent entries.

    .. math:: f(s) = \frac{\sqrt{4 v - s^2}}{\pi v} \quad (0 \le s \le 2 \sqrt v), \qquad v = sd^2

    Args:
        s: singular values at which to evaluate it, any shape.
        sd: √n times the standard deviation of an entry of the n × n matrix, so that entries have
            variance sd² / n.

    Returns:
        The density, of the shape of `s`; 0 outside 0 … 2 sd.

    Raises:
        ValueError: sd is not above 0.

    Example:
        >>> quarter_circle_density([0.0, 2.0, 3.0], 1.0).round(4).tolist()
        [0.6366, 0.0, 0.0]

    Reference:
        Marchenko and Pastur 1967.
    """
    if not sd > 0:
        raise ValueError(f"sd is {sd}; it must be above 0.")
    x = np.asarray(s, np.float64)
    root = np.sqrt(np.clip(4 * sd**2 - x**2, 0, None))
    return np.asarray(np.where(x >= 0, root, 0) / (np.pi * sd**2))


def _histogram(
    ax: Axes, s: np.ndarray, edge: float, bins: int, color: str, sd: float | None
) -> None:
    counts, edges = np.histogram(s, bins, (0, edge))
    # The area is the share of all values that lie below the edge, so that the law fits beside it.
    density = counts / (max(s.size, 1) * np.diff(edges))
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
    counted: str = "seeds",
) -> Figure:
    """Draw density histograms of singular values, one panel a kind of network.

    A network with a singular value that is not finite is counted and left out. If a few networks
    are so far off that the others could not be read, the axis ends before their values, and the
    title counts these.

    Args:
        singular_values_by_name: name -> singular values [members, n] or [n].
        laws: name -> sd of the `quarter_circle_density` to draw over the histogram, in black.
        log: whether the density is on a logarithmic axis.
        inset: whether to show the range of the law enlarged, where values reach twice as far.
        styles: name -> `Style`, over `STYLES`.
        counted: what a member is, for the counts in the titles.

    Raises:
        ValueError: no network.

    Example:
        >>> figure = singular_histograms({"RNN": np.linspace(0.1, 2, 50)}, laws={"RNN": 1.0})
        >>> figure.axes[0].get_xlabel()
        'singular value'

    Reference:
        Form of Li et al. 2023, Fig. 3.
    """
    require_some("singular values", singular_values_by_name)
    values = {k: np.atleast_2d(np.asarray(v)) for k, v in singular_values_by_name.items()}
    figure, axes = panels(len(values), 1.9)
    for ax, (name, style) in zip(axes, choose_styles(list(values), styles).items(), strict=True):
        rows, sd = values[name], (laws or {}).get(name)
        finite = rows[np.isfinite(rows).all(axis=1)]
        largest = float(finite.max(initial=1e-6))
        if limits := bulk_limits([finite.max(axis=1, initial=0.0)], log=False):
            largest = min(largest, limits[1])
        edge = largest * 1.02
        _histogram(ax, finite.ravel(), edge, 60, style.color, sd)
        if log and finite.size:
            ax.set_yscale("log")
            ax.set_ylim(bottom=0.3 / max(finite.size * largest / 60, 1e-9))
            label_log(ax)
        dress(ax, "singular value", "density" if is_first_column(ax) else "")
        title = f"{name}\n{count_text(len(finite), len(rows), counted=counted)}"
        if outside := int((finite > edge).sum()):
            title += f"\n{outside} of {finite.size} outside"
        ax.set_title(title, fontsize=SIZE, pad=3)
        if inset and sd and largest > 4 * sd:
            small = ax.inset_axes((0.44, 0.5, 0.54, 0.48))
            _histogram(small, finite.ravel(), 2.2 * sd, 30, style.color, sd)
            dress(small)
    return figure
