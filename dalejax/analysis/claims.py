"""Claims: sentences of a paper with the measurement that tests each, as JSON and as text."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Sequence
from typing import Any

from dalejax.analysis.results import number_text
from dalejax.analysis.statistics import Interval
from dalejax.storage.atomic import read_json, write_json


@dataclasses.dataclass(frozen=True, kw_only=True)
class Claim:
    """One sentence of a paper, the measurement that tests it, and whether it holds.

    Attributes:
        id: name of the claim, unique in its experiment.
        statement: the sentence.
        source: where the sentence stands, such as "Li et al. 2023, Fig. 4C".
        holds: whether the measurement agrees with the sentence.
        measured: the measured value.
        spread: spread of the measured value.
        spread_kind: what the spread is: "sd" or "half of the 95 % interval".
        interval: confidence interval of the measured value.
        test: statistical test, such as "Mann–Whitney U, 30 vs 30, Holm".
        p: p value of the test.
        reference: value that the paper reports.
        variant: what the experiment follows where the paper's text and its published code differ:
            "text" or "code".
        preset: scale of the run: "smoke", "laptop" or "paper".
        note: how the run differs from the full scale, and other remarks.

    Example:
        >>> Claim(id="a", statement="ColEI is worse.", source="N23", holds=True).variant
        'text'
    """

    id: str
    statement: str
    source: str
    holds: bool
    measured: float | None = None
    spread: float | None = None
    spread_kind: str = "sd"
    interval: tuple[float, float] | None = None
    test: str = ""
    p: float | None = None
    reference: str | float = ""
    variant: str = "text"
    preset: str = ""
    note: str = ""


def _require_unique_ids(claims: Sequence[Claim]) -> None:
    ids = [c.id for c in claims]
    if twice := sorted({i for i in ids if ids.count(i) > 1}):
        raise ValueError(f"the claim ids {twice} stand more than once; each id must stand once.")


def _plain(x: Any) -> Any:
    x = x.item() if hasattr(x, "item") else x  # numbers of NumPy and JAX
    if isinstance(x, (tuple, list)):
        return [_plain(v) for v in x]
    return None if isinstance(x, float) and not math.isfinite(x) else x


def write_claims(path: str | os.PathLike[str], claims: Sequence[Claim]) -> None:
    """Write claims as a JSON list, atomically; NaN and ±inf become null.

    Args:
        path: the file, usually claims.json.
        claims: claims of one experiment.

    Raises:
        ValueError: two claims have the same id.

    Example:
        >>> import tempfile
        >>> claim = Claim(id="a", statement="S.", source="N23", holds=False, measured=1.5)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_claims(f"{folder}/claims.json", [claim])
        ...     read_claims(f"{folder}/claims.json") == [claim]
        True
    """
    _require_unique_ids(claims)
    rows = [{k: _plain(v) for k, v in vars(c).items()} for c in claims]
    write_json(path, rows)


def read_claims(path: str | os.PathLike[str]) -> list[Claim]:
    """Read claims that `write_claims` wrote; an end of an interval that is null becomes NaN.

    Args:
        path: the file.

    Raises:
        ValueError: two claims have the same id, or the file is not JSON.
        OSError: the file cannot be read.
    """
    claims = []
    for row in read_json(path):
        if row["interval"] is not None:
            row["interval"] = Interval(*(math.nan if v is None else v for v in row["interval"]))
        claims.append(Claim(**row))
    _require_unique_ids(claims)
    return claims


def format_claims(claims: Sequence[Claim]) -> str:
    """Format claims as text, two lines for each and at the end the count of those that hold.

    Args:
        claims: claims of one experiment.

    Raises:
        ValueError: two claims have the same id.

    Example:
        >>> claim = Claim(id="gap", statement="ColEI is worse.", source="N23, Fig. 2", holds=True,
        ...     measured=2.31, spread=0.12, reference=2.3, preset="laptop")
        >>> print(format_claims([claim]))
        holds  gap  2.31 ± 0.12 (sd)  reported 2.3
               ColEI is worse. [N23, Fig. 2; text, laptop]
        1 of 1 claims hold
    """
    _require_unique_ids(claims)
    width = max((len(c.id) for c in claims), default=0)
    lines = []
    for c in claims:
        parts = [f"{'holds' if c.holds else 'FAILS'}  {c.id:<{width}}"]
        if c.measured is not None:
            sd = c.spread if c.spread is not None and math.isfinite(c.spread) else math.nan
            spread = f" ± {number_text(sd, sd)} ({c.spread_kind})" if sd == sd else ""
            parts.append(number_text(c.measured, sd) + spread)
        if c.interval is not None:
            parts.append("[{:.3g}, {:.3g}]".format(*c.interval))
        parts += [c.test] if c.test else []
        parts += [] if c.p is None else [f"p = {c.p:.2g}"]
        parts += [] if c.reference == "" else [f"reported {c.reference}"]
        origin = "; ".join(filter(None, [c.source, ", ".join(filter(None, [c.variant, c.preset]))]))
        note = f" ({c.note})" if c.note else ""
        lines += ["  ".join(parts), f"       {c.statement} [{origin}]{note}"]
    return "\n".join([*lines, f"{sum(bool(c.holds) for c in claims)} of {len(claims)} claims hold"])
