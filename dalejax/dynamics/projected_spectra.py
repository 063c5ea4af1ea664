"""Predicted eigenvalues of random weights whose entries of the wrong sign were set to 0."""

from __future__ import annotations

import math
from typing import NamedTuple

from dalejax import checks
from dalejax.dynamics.geometry import Annulus


class ProjectedSpectrum(NamedTuple):
    """Where the eigenvalues of normal weights lie after the projection on Dale's law.

    Attributes:
        radius: radius of the disc around 0 that all eigenvalues but one fill.
        outlier: value of that one, which is real; below ``radius`` it can't be told from the rest.
    """

    radius: float
    outlier: float


def projected_normal(n: int, n_i: int, std: float) -> ProjectedSpectrum:
    r"""Predict the eigenvalues of normal weights whose entries of the wrong sign were set to 0.

    An entry is max(0, x) or min(0, x) with x ~ N(0, s²). It has half of the second moment of x, and
    its mean is half of the mean of abs(x), :math:`s \sqrt{2/\pi} / 2`, with its column's sign:

    .. math:: E[w] = \pm\frac{s}{\sqrt{2\pi}}, \qquad
              \operatorname{Var}[w] = s^2 \left(\frac12 - \frac1{2\pi}\right)

    W is a matrix of independent entries of mean 0 and that variance, whose eigenvalues fill a disc
    (Girko's law), plus its mean, a matrix of rank 1: :math:`1 m^\top` for one sign in each column,
    :math:`m 1^\top` for one in each row. Both have one eigenvalue that is not 0, :math:`m^\top 1`:

    .. math:: r = s \sqrt{n \left(\frac12 - \frac1{2\pi}\right)}, \qquad
              \lambda_1 = \frac{s\,(n_e - n_i)}{\sqrt{2\pi}}

    With σ² the variance, λ₁ has the standard deviation :math:`σ n / (n_e - n_i)` over draws. Since
    the norm of the mean grows with n even if n_e = n_i, some more eigenvalues lie a little outside
    of the disc, at random places, unless every row of W sums to 0.

    Args:
        n: number of units.
        n_i: number of inhibitory units among them, from 0 to n.
        std: s, standard deviation of the entries before the projection.

    Returns:
        The radius of the disc and the outlier, in the unit of ``std``.

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
    r"""Predict the ring of eigenvalues of orthogonal weights after the projection on Dale's law.

    The projection sets the entries of a random orthogonal Q whose sign is wrong to 0. With D the
    diagonal matrix of the columns' signs, it is (Q + abs(Q) D) / 2. The entries of abs(Q) are a
    mean, which gives a matrix of rank 1 and the same outlier as in :func:`projected_normal`, plus
    fluctuations of variance :math:`(1 - 2/\pi)/n`, which are uncorrelated with Q. Hence W is a
    rotation times a, plus a matrix of nearly independent entries whose eigenvalues have radius b;
    the eigenvalues of such a sum fill a ring (Haagerup and Larsen's single ring theorem):

    .. math:: a = \tfrac12, \quad b = \tfrac12 \sqrt{1 - 2/\pi}, \qquad
              r_{in} = \sqrt{a^2 - b^2} = \frac{1}{\sqrt{2 \pi}}, \qquad
              r_{out} = \sqrt{a^2 + b^2} = \sqrt{\frac12 - \frac1{2\pi}}

    The outer radius equals that of projected normal weights of variance 1/n, the variance of Q's
    entries. Neither radius depends on n or on the share of inhibitory units.

    Returns:
        The inner and the outer radius of the ring.

    Example:
        >>> ring = projected_orthogonal()
        >>> round(ring.inner, 4), round(ring.outer, 4)
        (0.3989, 0.5838)

    Reference:
        Derived here; the ring: Guionnet, Krishnapur and Zeitouni 2011.
    """
    return Annulus(1 / math.sqrt(2 * math.pi), math.sqrt(0.5 - 0.5 / math.pi))
