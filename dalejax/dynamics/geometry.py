"""Radii and outliers of the eigenvalues of a matrix in the complex plane."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax.numpy as jnp

from dalejax import checks
from dalejax.types import Array, Bool, Complex, Float

_FEWEST = 10  # smallest number of eigenvalues that an annulus is fitted to
_FEWEST_USED = 3  # smallest number of them that `trim` may leave for the least-squares line
_ROUNDS = 4  # number of fits, each without the outliers of the one before; 2 or 3 usually suffice


class Annulus(NamedTuple):
    """A ring around 0 in the complex plane; a disc is a ring of inner radius 0.

    Attributes:
        inner: inner radius, one for each matrix [...].
        outer: outer radius, one for each matrix [...].
    """

    inner: Float[Array, "*s"] | float
    outer: Float[Array, "*s"] | float


def outer_radius(eigenvalues: Complex[Array, "*s n"], skip: int = 6) -> Float[Array, "*s"]:
    r"""Estimate the radius of the eigenvalues' disc by the (skip + 1)-th largest modulus.

    .. math:: r = |\lambda|_{(k + 1)}, \qquad |\lambda|_{(1)} \ge |\lambda|_{(2)} \ge \dots

    Args:
        eigenvalues: complex [..., n].
        skip: k, number of the largest moduli that are taken for outliers, from 0 to n - 1.

    Returns:
        Radius for each matrix [...], in the unit of the eigenvalues.

    Raises:
        ValueError: ``skip`` is out of range.

    Example:
        >>> float(outer_radius(jnp.array([9.0, 1j, -0.5 + 0j]), skip=1))
        1.0

    Reference:
        Jarne and Caruso 2023, who take the 7th largest.
    """
    skip = checks.whole("skip", skip, 0, eigenvalues.shape[-1] - 1)
    return jnp.sort(jnp.abs(eigenvalues), -1, descending=True)[..., skip]


def inner_radius(eigenvalues: Complex[Array, "*s n"]) -> Float[Array, "*s"]:
    r"""Compute the smallest modulus of the eigenvalues, :math:`\min_i |\lambda_i|`.

    Args:
        eigenvalues: complex [..., n].

    Returns:
        Radius for each matrix [...], in the unit of the eigenvalues; 0 for a singular matrix.

    Example:
        >>> float(inner_radius(jnp.array([9.0, 1j, -0.5 + 0j])))
        0.5

    Reference:
        Feinberg and Zee 1997 (the single ring theorem).
    """
    return jnp.abs(eigenvalues).min(-1)


def fit_annulus(
    eigenvalues: Complex[Array, "*s n"], *, trim: float = 0.15, margin: float = 1.1
) -> Annulus:
    r"""Fit an annulus to eigenvalues that fill it with even density, but for outliers.

    The part of an annulus inside radius r has a share p of its area that is linear in r²,

    .. math:: p(r) = \frac{\pi (r^2 - a^2)}{\pi (b^2 - a^2)}
              \quad\Rightarrow\quad |\lambda|^2_p = a^2 + p\,(b^2 - a^2),

    so the quantiles of |λ|² lie on a line, whose value is a² at p = 0 (a the inner radius) and b²
    at p = 1 (b the outer one). The line is fitted by least squares to the quantiles from p = trim
    to 1 - trim. Eigenvalues with |λ|² below a² or above b² by more than :math:`(m^2 - 1) b^2`,
    m the margin, are then left out as outliers, and the line is fitted again, four times in all.

    Up to a tenth of the eigenvalues may be outliers outside of the ring, or inside of its hole if
    the inner radius is above 0.6 of the outer one; with so many in a smaller hole, a disc is found.
    The inner radius found for a disc is not exactly 0, because it is the square root of a small
    number: for Gaussian matrices of unit radius it is 0.06 on average at n = 100 (above 0.18 for
    one matrix in twenty), and 0.03 at n = 300.

    Args:
        eigenvalues: complex [..., n], n at least 10.
        trim: share of the eigenvalues that the line is not fitted to at either end; more than the
            share of outliers at that end, and less than 0.5.
        margin: m, multiple of the outer radius above which an eigenvalue is an outlier; above 1.

    Returns:
        The inner and the outer radius of each matrix [...]; NaN for a matrix with NaN.

    Raises:
        ValueError: fewer than 10 eigenvalues, or ``trim`` or ``margin`` out of range.

    Example:
        >>> ring = jnp.exp(2j * jnp.pi * jnp.arange(12) / 12)
        >>> inner, outer = fit_annulus(2 * ring)
        >>> round(float(inner), 4), round(float(outer), 4)
        (2.0, 2.0)

    Reference:
        Even density: Girko 1985 (a disc, for matrices of independent entries).
    """
    n = eigenvalues.shape[-1]
    if n < _FEWEST:
        raise ValueError(f"there are {n} eigenvalues; an annulus is fitted to at least {_FEWEST}.")
    if not 0 <= trim <= 0.5 - _FEWEST_USED / (2 * n):
        raise ValueError(
            f"trim is {trim}; for {n} eigenvalues it must be from 0 to "
            f"{0.5 - _FEWEST_USED / (2 * n):g}."
        )
    _check_margin(margin)
    squares = jnp.sort(jnp.abs(eigenvalues) ** 2, -1)
    inner, outer = _line(squares, ~jnp.isnan(squares), trim)
    for _ in range(_ROUNDS - 1):
        # The same slack at both ends: a multiple of the inner radius would leave out eigenvalues
        # near 0, which belong to a disc.
        slack = (margin**2 - 1) * outer
        kept = (squares >= inner - slack) & (squares <= outer + slack)
        line = _line(squares, kept, trim)
        # With too few eigenvalues left for a line, the radii of the fit before are kept.
        inner, outer = (
            jnp.where(jnp.isfinite(new), new, old)
            for new, old in zip(line, (inner, outer), strict=True)
        )
    return Annulus(jnp.sqrt(inner[..., 0]), jnp.sqrt(outer[..., 0]))


def _line(
    squares: Float[Array, "*s n"], kept: Bool[Array, "*s n"], trim: float
) -> tuple[Float[Array, "*s 1"], Float[Array, "*s 1"]]:
    """Fit a line to the quantiles of the sorted squares that are kept; return its two ends."""
    count = kept.sum(-1, keepdims=True)
    p = (jnp.cumsum(kept, -1) - 0.5) / count
    used = kept & (trim <= p) & (p <= 1 - trim)

    def mean(x: Float[Array, "*s n"]) -> Float[Array, "*s 1"]:
        # `where` instead of a product with `used`, which would be NaN for an infinite outlier.
        return jnp.where(used, x, 0).sum(-1, keepdims=True) / used.sum(-1, keepdims=True)

    centre, height = mean(p), mean(squares)
    slope = mean((p - centre) * (squares - height)) / mean((p - centre) ** 2)
    inner = jnp.maximum(height - slope * centre, 0)
    return inner, height + slope * (1 - centre)


def outliers(
    eigenvalues: Complex[Array, "*s n"], radius: Float[Array, "*s"] | float, margin: float = 1.1
) -> Bool[Array, "*s n"]:
    r"""Mark the eigenvalues outside of a disc, :math:`|\lambda_i| > m\,r`.

    Args:
        eigenvalues: complex [..., n].
        radius: r, radius of the disc, one for each matrix [...] or one number for all.
        margin: m, above 1, because the disc has no sharp edge at finite n.

    Returns:
        Bools [..., n], True for eigenvalues outside.

    Raises:
        ValueError: ``margin`` is not a finite number above 1.

    Example:
        >>> outliers(jnp.array([3.0, 1j, 0.5 + 0j]), 1.0).tolist()
        [True, False, False]

    Reference:
        Tao 2013.
    """
    _check_margin(margin)
    radius = jnp.broadcast_to(jnp.asarray(radius), eigenvalues.shape[:-1])
    return jnp.abs(eigenvalues) > margin * radius[..., None]


def _check_margin(margin: float) -> None:
    if not 1 < margin < math.inf:
        raise ValueError(f"margin is {margin}; it must be a finite number above 1.")
