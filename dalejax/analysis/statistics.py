"""Statistics on experiments: rank tests, bootstrap intervals, correlation, Holm's correction."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from dalejax import checks

_ALTERNATIVES = ("two-sided", "less", "greater")
_LARGEST_EXACT = 10_000  # n_a · n_b up to which SciPy's exact null distribution costs milliseconds
_FEW_PAIRS = 8  # whose orders are enumerated
_LARGEST_ENUMERATION = 20_000  # relabellings (2 ** 14 sign flips) that are enumerated, given ties


class Interval(NamedTuple):
    """A confidence interval."""

    low: float
    high: float


class RankTest(NamedTuple):
    """A Mann–Whitney test; `method` says where p comes from: exact, permutation, asymptotic."""

    statistic: float
    p: float
    n_a: int
    n_b: int
    method: str


class SignedRankTest(NamedTuple):
    """A Wilcoxon signed-rank test; `method` as in `RankTest`."""

    statistic: float
    p: float
    n: int
    method: str


class Correlation(NamedTuple):
    """A rank correlation of n pairs, with a bootstrap interval."""

    rho: float
    p: float
    n: int
    interval: Interval


def _finite(values: ArrayLike, least: int = 1) -> np.ndarray:
    x = np.asarray(values, np.float64)
    if x.ndim != 1 or x.size < least:
        raise ValueError(f"values have shape {x.shape}; wanted one axis of at least {least}.")
    if bad := int((~np.isfinite(x)).sum()):
        raise ValueError(f"{bad} of {x.size} values are not finite; drop them first, and say so.")
    return x


def mann_whitney(a: ArrayLike, b: ArrayLike, *, alternative: str = "two-sided") -> RankTest:
    """Compare two independent samples by Mann–Whitney's U.

    The p value is exact without ties and for n_a · n_b ≤ 10,000; with ties all relabellings are
    enumerated where they are at most 20,000 (8 vs 8), and else p is the tie-corrected normal one.

    Args:
        a: first sample, finite.
        b: second sample, finite.
        alternative: "two-sided", "less" or "greater" (of a against b).

    Raises:
        ValueError: a sample is empty or not finite, or the alternative is not known.

    Example:
        >>> test = mann_whitney([1, 2, 3, 4, 5], [6, 7, 8, 9, 10])
        >>> round(test.p, 4), test.method  # the smallest p that 5 against 5 can have
        (0.0079, 'exact')

    Reference:
        Mann and Whitney 1947.
    """
    checks.choice("alternative", alternative, _ALTERNATIVES)
    x, y = _finite(a), _finite(b)
    ties = np.unique(np.concatenate([x, y])).size < x.size + y.size
    name, method = "asymptotic", "asymptotic"
    if not ties and x.size * y.size <= _LARGEST_EXACT:
        name, method = "exact", "exact"
    elif ties and math.comb(x.size + y.size, x.size) <= _LARGEST_ENUMERATION:
        name, method = "permutation", stats.PermutationMethod(n_resamples=_LARGEST_ENUMERATION)
    if np.ptp(np.concatenate([x, y])) == 0:  # no order at all: newer SciPys say NaN
        return RankTest(x.size * y.size / 2, 1.0, x.size, y.size, name)
    if name == "permutation" and min(x.size, y.size) == 1:  # which SciPy refuses
        return _one_of_many(x, y, alternative)
    result = stats.mannwhitneyu(x, y, alternative=alternative, method=method)
    return RankTest(float(result.statistic), float(result.pvalue), x.size, y.size, name)


def _one_of_many(x: np.ndarray, y: np.ndarray, alternative: str) -> RankTest:
    """Enumerate which of all values could be the sample of one."""
    pooled = np.concatenate([x, y])
    above = pooled[:, None] > pooled
    equal = (pooled[:, None] == pooled).sum(1) - 1
    statistics = above.sum(1) + equal / 2
    if x.size > 1:
        statistics = x.size - statistics
    found = statistics[0] if x.size == 1 else statistics[-1]
    less, greater = (statistics <= found).mean(), (statistics >= found).mean()
    p = {"less": less, "greater": greater, "two-sided": min(1.0, 2 * min(less, greater))}
    return RankTest(float(found), float(p[alternative]), x.size, y.size, "permutation")


def wilcoxon_signed(differences: ArrayLike, *, alternative: str = "two-sided") -> SignedRankTest:
    """Test by Wilcoxon's signed ranks whether seed-paired differences are symmetric about zero.

    Exact up to 50 differences without ties or zeros; with them, enumerated up to 14; else normal.
    Zeros are ranked, then left out of both sums (Pratt).

    Args:
        differences: finite.
        alternative: "two-sided", "less" or "greater".

    Raises:
        ValueError: no difference, one that is not finite, or an alternative that is not known.

    Example:
        >>> wilcoxon_signed([1.0, 2.0, 3.0, 4.0, 5.0]).p  # 2 / 2⁵
        0.0625

    Reference:
        Wilcoxon 1945; Pratt 1959.
    """
    checks.choice("alternative", alternative, _ALTERNATIVES)
    d = _finite(differences)
    if not d.any():
        return SignedRankTest(0.0, 1.0, d.size, "exact")
    plain = d.all() and np.unique(np.abs(d)).size == d.size
    name, method = "asymptotic", "asymptotic"
    if plain and d.size <= 50:
        name, method = "exact", "exact"
    elif not plain and 2**d.size <= _LARGEST_ENUMERATION:
        name, method = "permutation", stats.PermutationMethod(n_resamples=_LARGEST_ENUMERATION)
    result = stats.wilcoxon(d, zero_method="pratt", alternative=alternative, method=method)
    return SignedRankTest(float(result.statistic), float(result.pvalue), d.size, name)


def bootstrap_interval(
    values: ArrayLike,
    *,
    statistic: Callable[..., Any] = np.mean,
    level: float = 0.95,
    seed: int,
    resamples: int = 10_000,
) -> Interval:
    """Bound a statistic by the bias-corrected and accelerated bootstrap (BCa).

    Equal values v give (v, v), one value (NaN, NaN). Where BCa does not exist (all leave-one-out
    statistics equal) the interval is the percentile one, and a warning says so.

    Args:
        values: [n], finite.
        statistic: of one sample; one that takes `axis` is computed for all resamples at once.
        level: coverage.
        seed: of the resampling: the same seed gives the same interval.
        resamples: how many.

    Raises:
        ValueError: no value, or one that is not finite.

    Example:
        >>> bootstrap_interval([2.0, 2.0, 2.0], seed=0)
        Interval(low=2.0, high=2.0)

    Reference:
        Efron 1987.
    """
    x = _finite(values)
    if x.size == 1:
        return Interval(math.nan, math.nan)
    if np.ptp(x) == 0:
        v = float(statistic(x))
        return Interval(v, v)
    given = dict(confidence_level=level, n_resamples=resamples)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SciPy warns, of a division by zero too, then gives NaN
        with np.errstate(all="ignore"):
            low, high = stats.bootstrap((x,), statistic, rng=seed, **given).confidence_interval
    if not (math.isfinite(low) and math.isfinite(high)):
        warnings.warn("BCa does not exist for these values; percentile bootstrap.", stacklevel=2)
        result = stats.bootstrap((x,), statistic, rng=seed, method="percentile", **given)
        low, high = result.confidence_interval
    return Interval(float(low), float(high))


def spearman(
    x: ArrayLike, y: ArrayLike, *, seed: int, level: float = 0.95, resamples: int = 10_000
) -> Correlation:
    """Correlate the ranks of two paired samples, with a percentile bootstrap over the pairs.

    Resamples in which all x or all y are equal have no correlation and are left out. p is exact up
    to eight pairs, whose orders are enumerated; above, SciPy's from Student's t, but never less
    than that of a perfect order, 2 / n!.

    Args:
        x: [n], finite.
        y: [n], finite.
        seed: of the resampling.
        level: coverage of the interval.
        resamples: how many.

    Raises:
        ValueError: fewer than three pairs, unequal lengths, a constant sample, or not finite.

    Example:
        >>> spearman([1.0, 2.0, 3.0, 4.0], [1.0, 4.0, 9.0, 16.0], seed=0).rho
        1.0

    Reference:
        Spearman 1904.
    """
    a, b = _finite(x, 3), _finite(y, 3)
    if a.size != b.size or np.ptp(a) == 0 or np.ptp(b) == 0:
        raise ValueError(f"no correlation of {a.size} with {b.size} values, or one is constant.")
    pick = np.random.default_rng(seed).integers(0, a.size, (resamples, a.size))
    ranks = [stats.rankdata(v[pick], axis=1) - (a.size + 1) / 2 for v in (a, b)]
    norm = np.sqrt((ranks[0] ** 2).sum(1) * (ranks[1] ** 2).sum(1))
    drawn = (ranks[0] * ranks[1]).sum(1)[norm > 0] / norm[norm > 0]
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    rho, p = stats.spearmanr(a, b)
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
    r"""Adjust p values for being tested together, by Holm's step-down (not in SciPy).

    .. math:: \tilde p_{(i)} = \max_{j \le i} \min\bigl(1, (m - j + 1)\, p_{(j)}\bigr)

    Args:
        p_values: [m], each in [0, 1].

    Raises:
        ValueError: one outside [0, 1].

    Example:
        >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
        [0.03, 0.06, 0.06]

    Reference:
        Holm 1979.
    """
    p = np.asarray(p_values, np.float64)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"p values are {p.tolist()}; wanted one axis, each in [0, 1].")
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    steps = np.minimum(1, np.arange(p.size, 0, -1) * p[order])
    adjusted[order] = np.maximum.accumulate(steps) if p.size else steps
    return adjusted
