"""Statistics over seeds: rank tests, bootstrap intervals, rank correlation, Holm's correction.

SciPy's statistics are imported when one is computed: they take a second to import.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import ArrayLike

from dalejax.analysis.rank_tests import (
    RankTest,
    SignedRankTest,
    finite_sample,
    mann_whitney,
    wilcoxon_signed,
)

__all__ = [
    "Correlation",
    "Interval",
    "RankTest",
    "SignedRankTest",
    "bootstrap_interval",
    "holm",
    "mann_whitney",
    "spearman",
    "wilcoxon_signed",
]

_FEW_PAIRS = 8  # pairs up to which all orders are enumerated


class Interval(NamedTuple):
    """A confidence interval, from its lower to its upper end."""

    low: float
    high: float


class Correlation(NamedTuple):
    """Rank correlation of pairs.

    Attributes:
        rho: Spearman's ρ.
        p: the p value of no correlation.
        n: number of pairs.
        interval: bootstrap interval of ρ.
    """

    rho: float
    p: float
    n: int
    interval: Interval


def bootstrap_interval(
    values: ArrayLike,
    *,
    statistic: Callable[..., Any] = np.mean,
    level: float = 0.95,
    seed: int,
    resamples: int = 10_000,
) -> Interval:
    """Estimate a confidence interval by the bias-corrected and accelerated bootstrap (BCa).

    If all values are v, the interval is (v, v); of one value it is (NaN, NaN). Where BCa does not
    exist, because all leave-one-out statistics are equal, the interval is that of the percentile
    bootstrap, with a warning.

    Args:
        values: the sample [n], finite.
        statistic: function of a sample, such as np.median; if it takes `axis`, it is called once
            for all resamples.
        level: coverage of the interval, between 0 and 1.
        seed: seed of the resampling; the same seed gives the same interval.
        resamples: number of resamples.

    Raises:
        ValueError: no value, or one that is not finite.

    Example:
        >>> bootstrap_interval([2.0, 2.0, 2.0], seed=0)
        Interval(low=2.0, high=2.0)

    Reference:
        Efron 1987.
    """
    from scipy import stats

    x = finite_sample(values)
    if x.size == 1:
        return Interval(math.nan, math.nan)
    if np.ptp(x) == 0:
        v = float(statistic(x))
        return Interval(v, v)

    def interval(method: str) -> tuple[float, float]:
        drawn = stats.bootstrap(
            (x,),
            statistic,
            confidence_level=level,
            n_resamples=resamples,
            method=method,
            rng=seed,
        )
        return drawn.confidence_interval

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where BCa does not exist, SciPy warns and gives NaN
        with np.errstate(all="ignore"):
            low, high = interval("BCa")
    if not (math.isfinite(low) and math.isfinite(high)):
        warnings.warn(
            "the BCa interval does not exist for these values; the interval is the percentile one.",
            stacklevel=2,
        )
        low, high = interval("percentile")
    return Interval(float(low), float(high))


def spearman(
    x: ArrayLike, y: ArrayLike, *, seed: int, level: float = 0.95, resamples: int = 10_000
) -> Correlation:
    """Correlate the ranks of paired values, with a percentile bootstrap interval over the pairs.

    Up to eight pairs, p is exact: all orders are enumerated. Above, it is from Student's t, but not
    below 2 / n!, the exact p of a perfect order. Resamples in which all x or all y are equal have
    no correlation and are left out of the interval.

    Args:
        x: one value of each pair [n], finite.
        y: the other value of each pair [n], finite.
        seed: seed of the resampling.
        level: coverage of the interval, between 0 and 1.
        resamples: number of resamples.

    Raises:
        ValueError: fewer than three pairs, unequal lengths, a constant sample, or not finite.

    Example:
        >>> spearman([1.0, 2.0, 3.0, 4.0], [1.0, 4.0, 9.0, 16.0], seed=0).rho
        1.0

    Reference:
        Spearman 1904.
    """
    from scipy import stats

    a, b = finite_sample(x, 3), finite_sample(y, 3)
    if a.size != b.size or np.ptp(a) == 0 or np.ptp(b) == 0:
        raise ValueError(
            f"x has {a.size} values and y has {b.size}; they must be as many, and neither constant."
        )
    pick = np.random.default_rng(seed).integers(0, a.size, (resamples, a.size))
    ranks = [stats.rankdata(v[pick], axis=1) - (a.size + 1) / 2 for v in (a, b)]
    norm = np.sqrt((ranks[0] ** 2).sum(1) * (ranks[1] ** 2).sum(1))
    drawn = (ranks[0] * ranks[1]).sum(1)[norm > 0] / norm[norm > 0]
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    rho, p = cast(tuple[float, float], stats.spearmanr(a, b))
    p = max(p, 2 / math.factorial(a.size))
    if a.size <= _FEW_PAIRS:
        other = stats.rankdata(b)
        p = stats.permutation_test(
            (stats.rankdata(a),),
            lambda order, axis: (order * other).sum(axis),
            permutation_type="pairings",
            vectorized=True,
            n_resamples=math.factorial(_FEW_PAIRS),
        ).pvalue
    return Correlation(float(rho), float(p), a.size, Interval(float(low), float(high)))


def holm(p_values: ArrayLike) -> np.ndarray:
    r"""Correct p values of several tests by Holm's step-down procedure.

    .. math:: \tilde p_{(i)} = \max_{j \le i} \min\bigl(1, (m - j + 1)\, p_{(j)}\bigr)

    Args:
        p_values: p values of the m tests [m], each in [0, 1].

    Returns:
        The corrected p values [m], in the same order.

    Raises:
        ValueError: a p value is not in [0, 1].

    Example:
        >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
        [0.03, 0.06, 0.06]

    Reference:
        Holm 1979.
    """
    p = np.asarray(p_values, np.float64)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"p_values is {p.tolist()}; it must have one axis and each in [0, 1].")
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    steps = np.minimum(1, np.arange(p.size, 0, -1) * p[order])
    adjusted[order] = np.maximum.accumulate(steps) if p.size else steps
    return adjusted
