"""The shape of an eigenvalue cloud: radii, outliers, departure from normality, Dale's circle."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax.numpy as jnp

from dalejax import checks, spectrum
from dalejax.types import Array, Bool, Complex, Float

_FEWEST = 10  # eigenvalues that an annulus is fitted to
_FEWEST_USED = 3  # of them that trimming may leave to draw the line through
_ROUNDS = 4  # fits, each without the outliers of the one before; they settle after two or three


class Annulus(NamedTuple):
    """A ring around 0 in the complex plane; a disc has inner radius 0.

    Attributes:
        inner: one radius a matrix [...].
        outer: likewise.
    """

    inner: Float[Array, "*s"] | float
    outer: Float[Array, "*s"] | float


class ProjectedSpectrum(NamedTuple):
    """Where the eigenvalues of normal weights lie once Dale's law has projected them.

    Attributes:
        radius: of the disc that all eigenvalues but one fill.
        outlier: the one; it shows only where it is larger than the radius.
    """

    radius: float
    outlier: float


def outer_radius(eigenvalues: Complex[Array, "*s n"], skip: int = 6) -> Float[Array, "*s"]:
    r"""Take the (skip + 1)-th largest modulus, so that a few outliers don't set the radius.

    .. math:: r = |\lambda|_{(k + 1)}, \qquad |\lambda|_{(1)} \ge |\lambda|_{(2)} \ge \dots

    Args:
        eigenvalues: complex [..., n].
        skip: k, how many of the largest are left out, from 0 to n - 1.

    Returns:
        One radius a matrix, in the eigenvalues' unit.

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
    r"""Take the smallest modulus, :math:`\min_i |\lambda_i|`: 0 for a singular matrix.

    Args:
        eigenvalues: complex [..., n].

    Returns:
        One radius a matrix, in the eigenvalues' unit.

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
    r"""Fit the annulus that the eigenvalues fill evenly, up to a tenth of them outliers.

    The part of an annulus inside radius r has a share of its area that is linear in r²,

    .. math:: p(r) = \frac{\pi (r^2 - a^2)}{\pi (b^2 - a^2)}
              \quad\Rightarrow\quad |\lambda|^2_p = a^2 + p\,(b^2 - a^2),

    so the quantiles of |λ|² lie on a line, which meets p = 0 at the inner radius a, squared, and
    p = 1 at the outer one, b. The line is the least-squares one through the quantiles from p = trim
    to 1 - trim. What lies beyond the ends of the line by more than :math:`(m^2 - 1) b^2`, m the
    margin, is then left out, and the line drawn again, four times in all.

    Outliers are those outside of the outer circle, and those inside of a hole that is wide enough
    (inner radius above 0.6 of the outer one); a tenth of all inside of a narrow hole make a disc of
    it. The inner radius of a disc is the root of a small number, so not quite 0: for Gaussian
    matrices of unit radius 0.06 on average at n = 100 (one in twenty above 0.18), 0.03 at n = 300.

    Args:
        eigenvalues: complex [..., n], at least 10 a matrix.
        trim: share of the quantiles that is not used at either end; more than the share of outliers
            at that end, less than 0.5.
        margin: m, from which multiple of the outer radius on an eigenvalue is an outlier, above 1.

    Returns:
        The inner and the outer radius of each matrix; NaN for a matrix with NaN.

    Raises:
        ValueError: fewer than 10 eigenvalues, or ``trim`` or ``margin`` out of range.

    Example:
        >>> ring = jnp.exp(2j * jnp.pi * jnp.arange(12) / 12)
        >>> inner, outer = fit_annulus(2 * ring)
        >>> round(float(inner), 4), round(float(outer), 4)
        (2.0, 2.0)

    Reference:
        The even filling: Girko 1985 (a disc, of independent entries).
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
        # The same slack at both ends: a multiple of the inner radius would cut a disc's middle out.
        slack = (margin**2 - 1) * outer
        kept = (squares >= inner - slack) & (squares <= outer + slack)
        line = _line(squares, kept, trim)
        # Where too few are left to draw a line through, the last one stands.
        inner, outer = (
            jnp.where(jnp.isfinite(new), new, old)
            for new, old in zip(line, (inner, outer), strict=True)
        )
    return Annulus(jnp.sqrt(inner[..., 0]), jnp.sqrt(outer[..., 0]))


def _line(squares, kept, trim):
    # The ends of the line through the quantiles of the sorted squares that are kept.
    count = kept.sum(-1, keepdims=True)
    p = (jnp.cumsum(kept, -1) - 0.5) / count
    used = kept & (trim <= p) & (p <= 1 - trim)

    def mean(x):
        # Not a product with `used`: an infinite outlier would make it NaN.
        return jnp.where(used, x, 0).sum(-1, keepdims=True) / used.sum(-1, keepdims=True)

    centre, height = mean(p), mean(squares)
    slope = mean((p - centre) * (squares - height)) / mean((p - centre) ** 2)
    inner = jnp.maximum(height - slope * centre, 0)
    return inner, height + slope * (1 - centre)


def outliers(
    eigenvalues: Complex[Array, "*s n"], radius: Float[Array, "*s"] | float, margin: float = 1.1
) -> Bool[Array, "*s n"]:
    r"""Mark the eigenvalues outside of the disc, :math:`|\lambda_i| > m\,r`.

    Args:
        eigenvalues: complex [..., n].
        radius: r, of the disc, one a matrix or one for all.
        margin: m, above 1: at finite n the disc has no sharp edge.

    Returns:
        True for outliers [..., n].

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


def _check_margin(margin):
    if not 1 < margin < math.inf:
        raise ValueError(f"margin is {margin}; it must be a finite number above 1.")


def henrici(W: Float[Array, "*s n n"]) -> Float[Array, "*s"]:
    r"""Compute Henrici's departure from normality, relative to the norm: 0 for normal matrices.

    .. math:: d(W) = \frac{\sqrt{\|W\|_F^2 - \sum_i |\lambda_i|^2}}{\|W\|_F}

    It is the share of the Frobenius norm that the Schur form has above its diagonal; 1 if all
    eigenvalues are 0. In float32 the difference of nearly equal numbers leaves a normal matrix some
    1e-3; use float64 to see less.

    Args:
        W: square matrices [..., n, n].

    Returns:
        One number a matrix, in [0, 1]; 0 for a zero matrix.

    Example:
        >>> float(henrici(jnp.array([[0.0, 2.0], [0.0, 0.0]])))
        1.0

    Reference:
        Henrici 1962; Trefethen and Embree 2005.
    """
    norm = jnp.linalg.norm(W, axis=(-2, -1))
    # A zero matrix is normal; NaN must stay visible, so the test is for 0 and not for > 0.
    scaled = W / jnp.where(norm == 0, 1, norm)[..., None, None]
    left = 1 - (jnp.abs(spectrum.eigenvalues(scaled)) ** 2).sum(-1)
    return jnp.where(norm == 0, 0, jnp.sqrt(jnp.maximum(left, 0)))


def projected_normal(n: int, n_i: int, std: float) -> ProjectedSpectrum:
    r"""Predict the spectrum of normal weights whose wrong-signed entries were set to 0.

    An entry is max(0, x) or min(0, x) with x ~ N(0, s²). Half of its second moment is left, and its
    mean is half of the mean modulus, :math:`s \sqrt{2/\pi} / 2`:

    .. math:: E[w] = \pm\frac{s}{\sqrt{2\pi}}, \qquad
              \operatorname{Var}[w] = s^2 \left(\frac12 - \frac1{2\pi}\right)

    W is a matrix of independent centred entries of that variance, whose eigenvalues fill a disc
    (Girko's law), plus its mean, of rank one: :math:`1 m^\top` for one sign a column,
    :math:`m 1^\top` for one a row. Either has one eigenvalue that is not 0, :math:`m^\top 1`:

    .. math:: r = s \sqrt{n \left(\frac12 - \frac1{2\pi}\right)}, \qquad
              \lambda_1 = \frac{s\,(n_e - n_i)}{\sqrt{2\pi}}

    With σ² the variance, λ₁ varies over draws with standard deviation :math:`σ n / (n_e - n_i)`.
    The mean's norm grows with n even where n_e = n_i: unless every row is balanced, some more
    eigenvalues stand a little outside of the disc, at random places.

    Args:
        n: units.
        n_i: inhibitory ones among them, from 0 to n.
        std: s, standard deviation of the entries before the projection.

    Returns:
        The disc's radius and the outlier, in the unit of ``std``.

    Raises:
        ValueError: ``n`` or ``n_i`` is out of range, or ``std`` is not positive.

    Example:
        >>> radius, outlier = projected_normal(100, 10, std=0.1)
        >>> round(radius, 4), round(outlier, 4)
        (0.5838, 3.1915)

    Reference:
        Rajan and Abbott 2006; the outlier: Tao 2013.
    """
    checks.whole("n", n)
    checks.whole("n_i", n_i, 0, n)
    checks.positive("std", std)
    radius = std * math.sqrt(n * (0.5 - 0.5 / math.pi))
    return ProjectedSpectrum(radius, std * (n - 2 * n_i) / math.sqrt(2 * math.pi))


def projected_orthogonal() -> Annulus:
    r"""Predict the ring that orthogonal weights leave when their wrong-signed entries are set to 0.

    With D the signs of the columns, the projection of Q is (Q + abs(Q) D) / 2: half of Q, a random
    rotation, plus half of the moduli. These are their mean, of rank one (the same outlier as that
    of :func:`projected_normal`), and fluctuations of variance :math:`(1 - 2/\pi)/n`, which are not
    correlated with Q. A rotation by a, plus a matrix of independent entries with radius b, has its
    eigenvalues in a ring (Haagerup and Larsen's single ring theorem):

    .. math:: a = \tfrac12, \quad b = \tfrac12 \sqrt{1 - 2/\pi}, \qquad
              r_{in} = \sqrt{a^2 - b^2} = \frac{1}{\sqrt{2 \pi}}, \qquad
              r_{out} = \sqrt{a^2 + b^2} = \sqrt{\frac12 - \frac1{2\pi}}

    The outer radius is that of normal weights of the same variance, 1/n; neither depends on n or on
    the share of inhibitory units.

    Returns:
        Inner and outer radius.

    Example:
        >>> ring = projected_orthogonal()
        >>> round(ring.inner, 4), round(ring.outer, 4)
        (0.3989, 0.5838)

    Reference:
        Own; the ring: Guionnet, Krishnapur and Zeitouni 2011.
    """
    return Annulus(1 / math.sqrt(2 * math.pi), math.sqrt(0.5 - 0.5 / math.pi))
