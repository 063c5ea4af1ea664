"""Tidy tables: a member's final values, their summary, seed-paired differences, Parquet files."""

from __future__ import annotations

import math
import os
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import ArrayLike

from dalejax.storage.atomic import replace_atomically


class Differences(NamedTuple):
    """Seed-paired differences, and how many pairs were dropped because one of the two diverged."""

    values: np.ndarray
    n_dropped: int


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


def number_text(x: float, sd: float) -> str:
    """Write a number with as many decimals as its spread has two significant digits for.

    Args:
        x: the number.
        sd: its spread; without one (0, NaN), x has three significant digits.

    Example:
        >>> number_text(2.3456, 0.12)
        '2.35'
    """
    if not math.isfinite(sd) or sd <= 0:
        return f"{x:.3g}"
    exponent = int(f"{sd:.1e}".split("e")[1])  # of the rounded spread: 0.0996 is 0.10
    decimals = max(0, 1 - exponent)
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
    number = number_text(mean, sd) if k else "—"
    spread = f" ± {number_text(sd, sd)}" if k > 1 else ""
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
    replace_atomically(path, lambda p: pq.write_table(arrow, p))


def read_table(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read what `write_table` wrote."""
    return pq.read_table(path).to_pandas()
