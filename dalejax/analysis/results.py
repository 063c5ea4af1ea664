"""Tidy tables of metrics: final values of members, their summary, paired differences, Parquet.

Importing this module brings pandas and NumPy alone; PyArrow and JAX are imported where a file is
read or written.
"""

from __future__ import annotations

import math
import os
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike


class Differences(NamedTuple):
    """Seed-paired differences of two configurations.

    Attributes:
        values: differences [pairs], all finite.
        n_dropped: number of pairs left out because one of the two members diverged.
    """

    values: np.ndarray
    n_dropped: int


def by_member(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Pivot one metric of a tidy table into one row an update and one column a member.

    Args:
        table: tidy table of one configuration, with the columns member, update, metric, value.
        metric: name of the metric.

    Returns:
        Values [updates, members], indexed by update, with the members as columns.

    Raises:
        ValueError: the metric is not in the table, a member has two values at one update, or the
            members were evaluated at different updates.

    Example:
        >>> table = pd.DataFrame(dict(member=[0, 1], update=5, metric="loss", value=[1.0, 3.0]))
        >>> by_member(table, "loss").to_numpy().tolist()
        [[1.0, 3.0]]
    """
    rows = table[table["metric"] == metric]
    if rows.empty:
        raise ValueError(
            f"metric is {metric!r}; it must be one that the table has: "
            f"{sorted(set(table['metric']))}."
        )
    if rows.set_index(["member", "update"]).index.has_duplicates:
        raise ValueError(
            f"{metric!r} has two values for one member and update; give the rows of one "
            "configuration."
        )
    wide = rows.pivot(index="update", columns="member", values="value")
    # The pivot fills gaps with NaN, which in these tables means that a member diverged.
    if wide.size != len(rows):
        raise ValueError(
            f"the members of {metric!r} have values at unequal updates; all must have the same."
        )
    return wide


def final_values(table: pd.DataFrame, metric: str, *, last: int = 1) -> pd.Series:
    """Average the last evaluations of each member; the average of a diverged member is NaN.

    Args:
        table: tidy table of one configuration, with the columns member, update, metric, value.
        metric: name of the metric.
        last: number of evaluations to average.

    Returns:
        The averages [members], indexed by member.

    Raises:
        ValueError: as `by_member`, or `last` is not in 1 … number of evaluations.

    Example:
        >>> table = pd.DataFrame(dict(member=0, update=[1, 2], metric="loss", value=[2.0, 1.0]))
        >>> final_values(table, "loss", last=2).to_dict()
        {0: 1.5}
    """
    wide = by_member(table, metric)
    if not 1 <= last <= len(wide):
        raise ValueError(f"last is {last}; it must be in 1 … {len(wide)}, the evaluations.")
    return wide.iloc[-last:].mean(axis=0, skipna=False).rename(metric)


def number_text(x: float, sd: float) -> str:
    """Write a number with the decimals that two significant digits of its spread need.

    Args:
        x: the number.
        sd: its spread; if it is 0 or not finite, the number has three significant digits.

    Example:
        >>> number_text(2.3456, 0.12)
        '2.35'
    """
    if not math.isfinite(sd) or sd <= 0:
        return f"{x:.3g}"
    exponent = int(f"{sd:.1e}".split("e")[1])  # after rounding, since 0.0996 is 0.10
    decimals = max(0, 1 - exponent)
    return f"{x:.{decimals}f}" if decimals <= 6 else f"{x:.3g}"


def summary(values: ArrayLike) -> dict[str, Any]:
    """Summarise one value for each member, over the members whose value is finite.

    Args:
        values: values [members]; NaN or ±inf for a diverged member.

    Returns:
        n (all members), n_finite, and of the finite ones mean, sd (ddof = 1), median, min, max;
        text has mean, sd and the counts.

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
    """Subtract values of the same member, a_i − b_i, of two configurations.

    Args:
        a: values of one configuration, indexed by member, as `final_values` gives them.
        b: values of another configuration, likewise.

    Returns:
        The differences over the members that are in both; pairs with a value that is not finite
        are left out and counted.

    Raises:
        ValueError: a member is twice in one of them, or no member is in both.

    Example:
        >>> a, b = pd.Series({0: 3.0, 1: 5.0, 2: float("nan")}), pd.Series({2: 1.0, 1: 1.0, 0: 1.0})
        >>> paired_differences(a, b)
        Differences(values=array([2., 4.]), n_dropped=1)
    """
    if not (a.index.is_unique and b.index.is_unique):
        raise ValueError(
            "a member stands twice in the values to pair; each member must stand once."
        )
    members = a.index.intersection(b.index).sort_values()
    if members.empty:
        raise ValueError(
            f"the members are {list(a.index)} and {list(b.index)}; at least one must be in both."
        )
    x, y = (v.loc[members].to_numpy(np.float64) for v in (a, b))
    keep = np.isfinite(x) & np.isfinite(y)
    return Differences(x[keep] - y[keep], int((~keep).sum()))


def write_table(table: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a table as Parquet, atomically and without its index; equal tables give equal bytes.

    Args:
        table: any table, such as the metrics of a run.
        path: the file.

    Raises:
        OSError: the file cannot be written; an older one stays as it was.

    Example:
        >>> import tempfile
        >>> table = pd.DataFrame(dict(member=[0], update=[5], metric=["loss"], value=[1.0]))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_table(table, f"{folder}/metrics.parquet")
        ...     read_table(f"{folder}/metrics.parquet").equals(table)
        True
    """
    # Late, since they bring PyArrow and JAX, which the other functions do without.
    import pyarrow as pa
    import pyarrow.parquet as pq

    from dalejax.storage.atomic import replace_atomically

    arrow = pa.Table.from_pandas(table, preserve_index=False).combine_chunks()
    # The metadata of pandas (its version, attrs) and its two types of string change the bytes.
    large = pa.types.is_large_string
    fields = [f.with_type(pa.string()) if large(f.type) else f for f in arrow.schema]
    arrow = arrow.cast(pa.schema(fields)).replace_schema_metadata(None)
    replace_atomically(path, lambda p: pq.write_table(arrow, p))


def read_table(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a table that `write_table` wrote.

    Args:
        path: the Parquet file.

    Raises:
        OSError: the file is not there or is not Parquet.
    """
    import pyarrow.parquet as pq  # late: most functions of this module do without PyArrow

    return pq.read_table(path).to_pandas()
