"""Tidy tables (member, update, metric, value), the statistics on them, and the ledger of claims."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import ArrayLike
from scipy import stats

_LARGEST_EXACT = 10_000  # n_a · n_b up to which SciPy's exact null distribution costs milliseconds
_LARGEST_ENUMERATION = 20_000  # relabellings (2 ** 14 sign flips) that are enumerated, given ties


class Interval(NamedTuple):
    """A confidence interval."""

    low: float
    high: float


class Differences(NamedTuple):
    """Seed-paired differences, and how many pairs were dropped because one of the two diverged."""

    values: np.ndarray
    n_dropped: int


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


def by_member(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Spread one metric of a tidy table: a row an update, a column a member.

    Args:
        table: columns member, update, metric, value; one configuration.
        metric: the metric's name.

    Raises:
        ValueError: no such metric, an evaluation given twice, or members with unequal updates.

    Example:
        >>> table = pd.DataFrame(dict(member=[0, 1], update=5, metric="loss", value=[1.0, 3.0]))
        >>> by_member(table, "loss").to_numpy().tolist()
        [[1.0, 3.0]]
    """
    rows = table[table["metric"] == metric]
    if rows.empty:
        raise ValueError(f"no metric {metric!r}; the table has {sorted(set(table['metric']))}.")
    if rows.duplicated(["member", "update"]).any():
        raise ValueError(f"{metric!r} holds a member's update twice; select one configuration.")
    wide = rows.pivot(index="update", columns="member", values="value")
    if wide.size != len(rows):  # pivot would fill the gaps with NaN, which here means "diverged"
        raise ValueError(f"the members of {metric!r} have unequal updates; all must have the same.")
    return wide


def final_values(table: pd.DataFrame, metric: str, *, last: int = 1) -> pd.Series:
    """Average each member's last evaluations; a diverged member stays NaN.

    Args:
        table: columns member, update, metric, value; one configuration.
        metric: the metric's name.
        last: how many evaluations are averaged.

    Returns:
        The values, indexed by member.

    Raises:
        ValueError: as `by_member`, or `last` outside 1 … number of evaluations.

    Example:
        >>> table = pd.DataFrame(dict(member=0, update=[1, 2], metric="loss", value=[2.0, 1.0]))
        >>> final_values(table, "loss", last=2).to_dict()
        {0: 1.5}
    """
    wide = by_member(table, metric)
    if not 1 <= last <= len(wide):
        raise ValueError(f"last is {last}; allowed are 1 … {len(wide)} evaluations.")
    return wide.iloc[-last:].mean(axis=0, skipna=False).rename(metric)


def _number(x: float, sd: float) -> str:
    # Two significant digits of the spread decide the decimals; without a spread, three of x.
    if not math.isfinite(sd) or sd <= 0:
        return f"{x:.3g}"
    decimals = max(0, 1 - math.floor(math.log10(sd)))
    return f"{x:.{decimals}f}" if decimals <= 6 else f"{x:.3g}"


def summary(values: ArrayLike) -> dict[str, Any]:
    """Summarise one number a member; statistics are over the finite ones, and the text says so.

    Args:
        values: [members]; NaN or ±inf for a diverged one.

    Returns:
        n, n_finite, mean, sd (ddof = 1), median, min, max, text.

    Example:
        >>> summary([2.0, 3.0, 4.0])["text"]
        '3.0 ± 1.0 (n = 3)'
        >>> summary([2.0, float("nan"), 4.0])["text"]
        '3.0 ± 1.4 (2 of 3, 1 diverged)'
    """
    x = np.asarray(values, np.float64).ravel()
    good = x[np.isfinite(x)]
    n, k, nan = x.size, good.size, math.nan
    mean = float(good.mean()) if k else nan
    sd = float(good.std(ddof=1)) if k > 1 else nan
    count = f"n = {n}" if k == n else f"{k} of {n}, {n - k} diverged"
    number = _number(mean, sd) if k else "—"
    spread = f" ± {_number(sd, sd)}" if k > 1 else ""
    low, median, high = np.quantile(good, [0, 0.5, 1]).tolist() if k else (nan, nan, nan)
    numbers = dict(n=n, n_finite=k, mean=mean, sd=sd, median=median, min=low, max=high)
    return numbers | dict(text=f"{number}{spread} ({count})")


def paired_differences(a: pd.Series, b: pd.Series) -> Differences:
    """Subtract seed by seed, a_i − b_i, over the members both have; non-finite pairs are dropped.

    Args:
        a: values indexed by member, as `final_values` gives them.
        b: the same of another configuration.

    Raises:
        ValueError: a member that stands twice in one of them, or no member in both.

    Example:
        >>> a, b = pd.Series({0: 3.0, 1: 5.0, 2: float("nan")}), pd.Series({2: 1.0, 1: 1.0, 0: 1.0})
        >>> paired_differences(a, b)
        Differences(values=array([2., 4.]), n_dropped=1)
    """
    if not (a.index.is_unique and b.index.is_unique):
        raise ValueError("a member stands twice in the values to pair; each may stand once.")
    members = a.index.intersection(b.index).sort_values()
    if members.empty:
        raise ValueError(f"no member in both: {list(a.index)} and {list(b.index)}.")
    x, y = (v.loc[members].to_numpy(np.float64) for v in (a, b))
    keep = np.isfinite(x) & np.isfinite(y)
    return Differences(x[keep] - y[keep], int((~keep).sum()))


def mann_whitney(a: ArrayLike, b: ArrayLike, *, alternative: str = "two-sided") -> RankTest:
    """Compare two independent samples by Mann–Whitney's U.

    The p value is exact without ties and for n_a · n_b ≤ 10,000; with ties all relabellings are
    enumerated where they are at most 20,000 (8 vs 8), and else p is the tie-corrected normal one.

    Args:
        a: first sample, finite.
        b: second sample, finite.
        alternative: "two-sided", "less" or "greater" (of a against b).

    Raises:
        ValueError: a sample is empty or not finite.

    Example:
        >>> test = mann_whitney([1, 2, 3, 4, 5], [6, 7, 8, 9, 10])
        >>> round(test.p, 4), test.method  # the smallest p that 5 against 5 can have
        (0.0079, 'exact')

    Reference:
        Mann and Whitney 1947.
    """
    x, y = _finite(a), _finite(b)
    one = min(x.size, y.size) == 1  # which SciPy's permutation test refuses
    ties = np.unique(np.concatenate([x, y])).size < x.size + y.size
    name, method = "asymptotic", "asymptotic"
    if not ties and x.size * y.size <= _LARGEST_EXACT:
        name, method = "exact", "exact"
    elif ties and not one and math.comb(x.size + y.size, x.size) <= _LARGEST_ENUMERATION:
        name, method = "permutation", stats.PermutationMethod(n_resamples=_LARGEST_ENUMERATION)
    result = stats.mannwhitneyu(x, y, alternative=alternative, method=method)
    return RankTest(float(result.statistic), float(result.pvalue), x.size, y.size, name)


def wilcoxon_signed(differences: ArrayLike, *, alternative: str = "two-sided") -> SignedRankTest:
    """Test by Wilcoxon's signed ranks whether seed-paired differences are symmetric about zero.

    Exact up to 50 differences without ties or zeros; with them, enumerated up to 14; else normal.
    Zeros are ranked, then left out of both sums (Pratt).

    Args:
        differences: finite.
        alternative: "two-sided", "less" or "greater".

    Raises:
        ValueError: no difference, or one that is not finite.

    Example:
        >>> wilcoxon_signed([1.0, 2.0, 3.0, 4.0, 5.0]).p  # 2 / 2⁵
        0.0625

    Reference:
        Wilcoxon 1945; Pratt 1959.
    """
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

    Resamples in which all x or all y are equal have no correlation and are left out. p is SciPy's,
    from Student's t: an approximation below some ten pairs.

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
    result = stats.spearmanr(a, b)
    interval = Interval(float(low), float(high))
    return Correlation(float(result.statistic), float(result.pvalue), a.size, interval)


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


@dataclasses.dataclass(frozen=True, kw_only=True)
class Claim:
    """One sentence of a paper, what was measured for it, and whether it holds.

    Example:
        >>> Claim(id="a", statement="ColEI is worse.", source="N23", holds=True).variant
        'text'
    """

    id: str  # unique in its experiment
    statement: str  # the sentence it comes from
    source: str  # "Li et al. 2023, Fig. 4C"
    holds: bool
    measured: float | None = None
    spread: float | None = None  # of `measured`
    spread_kind: str = "sd"  # or "half of the 95 % interval"
    interval: tuple[float, float] | None = None
    test: str = ""  # "Mann–Whitney U, 30 vs 30, Holm"
    p: float | None = None
    reference: str | float = ""  # what the paper reports
    variant: str = "text"  # or "code"
    preset: str = ""  # "smoke", "laptop", "paper"
    note: str = ""  # reductions of scale


def _unique(claims: Sequence[Claim]) -> None:
    ids = [c.id for c in claims]
    if twice := sorted({i for i in ids if ids.count(i) > 1}):
        raise ValueError(f"claim ids {twice} stand more than once; ids must be unique.")


def _plain(x: Any) -> Any:
    x = x.item() if hasattr(x, "item") else x  # NumPy's and JAX's numbers
    if isinstance(x, (tuple, list)):
        return [_plain(v) for v in x]
    return None if isinstance(x, float) and not math.isfinite(x) else x


def _replace(path: str | os.PathLike[str], write: Callable[[Path], Any]) -> None:
    # A reader sees the old file or the new one, never half of one.
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        write(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_claims(path: str | os.PathLike[str], claims: Sequence[Claim]) -> None:
    """Write claims as a JSON list, atomically; NaN and ±inf become null.

    Raises:
        ValueError: two claims with one id.

    Example:
        >>> import tempfile
        >>> claim = Claim(id="a", statement="S.", source="N23", holds=False, measured=1.5)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_claims(f"{folder}/claims.json", [claim])
        ...     read_claims(f"{folder}/claims.json") == [claim]
        True
    """
    _unique(claims)
    rows = [{k: _plain(v) for k, v in vars(c).items()} for c in claims]
    text = json.dumps(rows, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    _replace(path, lambda p: p.write_text(text, encoding="utf-8"))


def read_claims(path: str | os.PathLike[str]) -> list[Claim]:
    """Read what `write_claims` wrote; intervals are `Interval`s again (with NaN where open).

    Raises:
        ValueError: two claims with one id.
    """
    claims = []
    for row in json.loads(Path(path).read_text(encoding="utf-8")):
        if row["interval"] is not None:
            row["interval"] = Interval(*(math.nan if v is None else v for v in row["interval"]))
        claims.append(Claim(**row))
    _unique(claims)
    return claims


def format_claims(claims: Sequence[Claim]) -> str:
    """Print claims for a terminal, two lines each, and the count of those that hold.

    Raises:
        ValueError: two claims with one id.

    Example:
        >>> claim = Claim(id="gap", statement="ColEI is worse.", source="N23, Fig. 2", holds=True,
        ...     measured=2.31, spread=0.12, reference=2.3, preset="laptop")
        >>> print(format_claims([claim]))
        holds  gap  2.31 ± 0.12 (sd)  reported 2.3
               ColEI is worse. [N23, Fig. 2; text, laptop]
        1 of 1 claims hold
    """
    _unique(claims)
    width = max((len(c.id) for c in claims), default=0)
    lines = []
    for c in claims:
        parts = [f"{'holds' if c.holds else 'FAILS'}  {c.id:<{width}}"]
        if c.measured is not None:
            sd = c.spread if c.spread is not None and math.isfinite(c.spread) else math.nan
            spread = f" ± {_number(sd, sd)} ({c.spread_kind})" if sd == sd else ""
            parts.append(_number(c.measured, sd) + spread)
        if c.interval is not None:
            parts.append("[{:.3g}, {:.3g}]".format(*c.interval))
        parts += [c.test] if c.test else []
        parts += [] if c.p is None else [f"p = {c.p:.2g}"]
        parts += [] if c.reference == "" else [f"reported {c.reference}"]
        origin = "; ".join(filter(None, [c.source, ", ".join(filter(None, [c.variant, c.preset]))]))
        note = f" ({c.note})" if c.note else ""
        lines += ["  ".join(parts), f"       {c.statement} [{origin}]{note}"]
    return "\n".join([*lines, f"{sum(bool(c.holds) for c in claims)} of {len(claims)} claims hold"])


def write_table(table: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a tidy table as Parquet, atomically; equal tables give equal bytes. Drops the index.

    Example:
        >>> import tempfile
        >>> table = pd.DataFrame(dict(member=[0], update=[5], metric=["loss"], value=[1.0]))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_table(table, f"{folder}/metrics.parquet")
        ...     read_table(f"{folder}/metrics.parquet").equals(table)
        True
    """
    arrow = pa.Table.from_pandas(table, preserve_index=False).combine_chunks()
    # pandas' own metadata (its version, attrs) and its two kinds of string would change the bytes.
    large = pa.types.is_large_string
    fields = [f.with_type(pa.string()) if large(f.type) else f for f in arrow.schema]
    arrow = arrow.cast(pa.schema(fields)).replace_schema_metadata(None)
    _replace(path, lambda p: pq.write_table(arrow, p))


def read_table(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read what `write_table` wrote."""
    return pq.read_table(path).to_pandas()
