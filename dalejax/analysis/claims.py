"""Claims: a sentence of a paper, what was measured for it, and whether it holds."""

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
    write_json(path, rows)


def read_claims(path: str | os.PathLike[str]) -> list[Claim]:
    """Read what `write_claims` wrote; intervals are `Interval`s again (with NaN where open).

    Raises:
        ValueError: two claims with one id.
    """
    claims = []
    for row in read_json(path):
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
