"""Rank tests over seeds: Mann–Whitney and Wilcoxon, with exact p values for few seeds.

SciPy's statistics are imported when a test is computed: they take a second to import.
"""

from __future__ import annotations

import math
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import ArrayLike

from dalejax import checks

_ALTERNATIVES = ("two-sided", "less", "greater")
_LARGEST_EXACT = 10_000  # n_a · n_b up to which the exact null distribution takes milliseconds
_LARGEST_ENUMERATION = 20_000  # relabellings (2 ** 14 sign flips) enumerated at most, given ties


class RankTest(NamedTuple):
    """Result of a Mann–Whitney test.

    Attributes:
        statistic: U of the first sample.
        p: the p value.
        n_a: size of the first sample.
        n_b: size of the second sample.
        method: how p was computed: "exact", "permutation" or "asymptotic".
    """

    statistic: float
    p: float
    n_a: int
    n_b: int
    method: str


class SignedRankTest(NamedTuple):
    """Result of a Wilcoxon signed-rank test.

    Attributes:
        statistic: the smaller of the two rank sums, or for a one-sided test that of the positive
            differences.
        p: the p value.
        n: number of differences.
        method: how p was computed: "exact", "permutation" or "asymptotic".
    """

    statistic: float
    p: float
    n: int
    method: str


def finite_sample(values: ArrayLike, least: int = 1) -> np.ndarray:
    """Convert a sample to float64 [n], or raise ValueError if it is too small or not finite.

    Args:
        values: the sample [n].
        least: smallest size allowed.

    Raises:
        ValueError: another shape, fewer values, or one that is not finite.
    """
    x = np.asarray(values, np.float64)
    if x.ndim != 1 or x.size < least:
        raise ValueError(
            f"values have shape {x.shape}; they must have one axis of {least} or more."
        )
    if bad := int((~np.isfinite(x)).sum()):
        raise ValueError(
            f"{bad} of {x.size} values are not finite; leave those out, and report how many."
        )
    return x


def mann_whitney(a: ArrayLike, b: ArrayLike, *, alternative: str = "two-sided") -> RankTest:
    """Test by Mann–Whitney's U whether two independent samples have one distribution.

    Without ties, p is exact for n_a · n_b ≤ 10,000. With ties, all relabellings are enumerated if
    there are at most 20,000 (8 against 8). Otherwise p is from the normal approximation, corrected
    for ties.

    Args:
        a: first sample [n_a], finite.
        b: second sample [n_b], finite.
        alternative: "two-sided", "less" (a is the smaller) or "greater" (a is the larger).

    Raises:
        ValueError: a sample is empty or not finite, or the alternative is none of these.

    Example:
        >>> test = mann_whitney([1, 2, 3, 4, 5], [6, 7, 8, 9, 10])
        >>> round(test.p, 4), test.method  # the smallest p that 5 against 5 can have
        (0.0079, 'exact')

    Reference:
        Mann and Whitney 1947.
    """
    from scipy import stats

    checks.choice("alternative", alternative, _ALTERNATIVES)
    x, y = finite_sample(a), finite_sample(b)
    ties = np.unique(np.concatenate([x, y])).size < x.size + y.size
    name = "asymptotic"
    if not ties and x.size * y.size <= _LARGEST_EXACT:
        name = "exact"
    elif ties and math.comb(x.size + y.size, x.size) <= _LARGEST_ENUMERATION:
        name = "permutation"
    if np.ptp(np.concatenate([x, y])) == 0:  # all values equal, for which newer SciPys give NaN
        return RankTest(x.size * y.size / 2, 1.0, x.size, y.size, name)
    if name == "permutation" and min(x.size, y.size) == 1:  # SciPy needs two values a sample
        return _one_of_many(x, y, alternative)
    by: str | stats.PermutationMethod = name
    if name == "permutation":
        by = stats.PermutationMethod(n_resamples=_LARGEST_ENUMERATION)
    # The signature says that `method` is a string; SciPy's documentation allows the object, too.
    result = stats.mannwhitneyu(x, y, alternative=alternative, method=cast(str, by))
    statistic, p = cast(tuple[float, float], result)
    return RankTest(float(statistic), float(p), x.size, y.size, name)


def _one_of_many(x: np.ndarray, y: np.ndarray, alternative: str) -> RankTest:
    """Test a sample of one value against another by taking each pooled value for it in turn."""
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

    Without ties or zeros, p is exact for up to 50 differences; with them, all flips of signs are
    enumerated for up to 14. Otherwise p is from the normal approximation. Zeros are ranked with the
    others, and their ranks are left out of both sums (Pratt).

    Args:
        differences: seed-paired differences [n], finite.
        alternative: "two-sided", "less" (below zero) or "greater" (above zero).

    Raises:
        ValueError: no difference, one that is not finite, or the alternative is none of these.

    Example:
        >>> wilcoxon_signed([1.0, 2.0, 3.0, 4.0, 5.0]).p  # 2 / 2⁵
        0.0625

    Reference:
        Wilcoxon 1945; Pratt 1959.
    """
    from scipy import stats

    checks.choice("alternative", alternative, _ALTERNATIVES)
    d = finite_sample(differences)
    if not d.any():
        return SignedRankTest(0.0, 1.0, d.size, "exact")
    plain = d.all() and np.unique(np.abs(d)).size == d.size
    name = "asymptotic"
    if plain and d.size <= 50:
        name = "exact"
    elif not plain and 2**d.size <= _LARGEST_ENUMERATION:
        name = "permutation"
    by: str | stats.PermutationMethod = name
    if name == "permutation":
        by = stats.PermutationMethod(n_resamples=_LARGEST_ENUMERATION)
    # The signature says that `method` is a string; SciPy's documentation allows the object, too.
    result = stats.wilcoxon(d, zero_method="pratt", alternative=alternative, method=cast(str, by))
    statistic, p = cast(tuple[float, float], result)
    return SignedRankTest(float(statistic), float(p), d.size, name)
