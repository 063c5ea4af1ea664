"""How a sentence of a paper becomes a claim: the comparisons, numbers and correlations in use.

Each function takes the runs' final values (a Series by member, NaN where it diverged), tests them,
and gives claims; what is tested together is corrected together (Holm).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

import dalejax as dj
from experiments.base import Context, finite, rank_test

LEVEL = 0.05


class Above(NamedTuple):
    """To be shown: the values `high` lie above the values `low`; `names` are theirs."""

    id: str
    statement: str
    high: pd.Series
    low: pd.Series
    names: tuple[str, str]


def above(
    context: Context, wanted: Sequence[Above], source: str, note: str = "", reference="positive"
) -> list[dj.claims.Claim]:
    """Test by Mann–Whitney whether one sample lies above another; Holm over all that is wanted.

    Where so few seeds can't give a p below the level, every seed of one must lie above the other's.
    """
    tests = [rank_test(w.high, w.low) for w in wanted]
    corrected = dj.statistics.holm([test.p for test in tests])
    holm = f", Holm over {len(wanted)}" if len(wanted) > 1 else ""
    out = []
    for w, test, p in zip(wanted, tests, corrected, strict=True):
        texts = [
            f"{n} {dj.results.summary(v)['text']}" for n, v in zip(w.names, w[2:4], strict=True)
        ]
        high, low = finite(w.high), finite(w.low)
        few = 2 * len(wanted) / math.comb(test.n_a + test.n_b, test.n_a) > LEVEL
        apart = bool(high.min() > low.max())
        shown = apart if few else bool(p < LEVEL and high.median() > low.median())
        out.append(
            context.claim(
                id=w.id,
                statement=w.statement,
                source=source,
                measured=float(high.median() - low.median()),
                p=float(p),
                test=f"difference of medians, Mann–Whitney U ({test.method}), "
                f"{test.n_a} vs {test.n_b}{holm}; "
                + ", ".join(texts)
                + (", all seeds apart" if apart else ""),
                reference=reference,
                holds=shown,
                note=note,
            )
        )
    return out


def gap_within(
    context: Context, id: str, statement: str, source: str, a, b, limit: float, note: str = ""
) -> dj.claims.Claim:
    """Show that two samples are equivalent: the interval of a − b, by seeds, within ± limit."""
    pairs = dj.results.paired_differences(a, b)
    gaps = np.round(pairs.values, 9)  # equal differences are ties, whatever their last bit
    interval = dj.statistics.bootstrap_interval(gaps, seed=0)
    return context.claim(
        id=id,
        statement=statement,
        source=source,
        measured=float(np.mean(gaps)),
        spread=float(np.std(gaps, ddof=1)),
        interval=tuple(interval),
        test=f"bootstrap of {len(gaps)} seed pairs, {pairs.n_dropped} diverged",
        reference=f"interval within ± {limit:g}",
        holds=bool(interval.low >= -limit and interval.high <= limit),
        note=note,
    )


def number(
    context: Context, id: str, statement: str, source: str, values, holds, reference, **more
) -> dj.claims.Claim:
    """Set a measured number, or its mean over initialisations or seeds, beside the paper's."""
    x = np.asarray(values, float).ravel()
    more.setdefault("test", f"n = {x.size}" if x.size > 1 else "")
    return context.claim(
        id=id,
        statement=statement,
        source=source,
        measured=float(x.mean()),
        spread=float(x.std(ddof=1)) if x.size > 1 else None,
        reference=reference,
        holds=bool(holds),
        **more,
    )


def correlated(
    context: Context, id: str, statement: str, source: str, x, y, sign: int, note: str = ""
) -> dj.claims.Claim:
    """Show that two quantities rise together (sign 1) or against each other (-1), by rank."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    good = np.isfinite(x) & np.isfinite(y)
    lost = f", {int((~good).sum())} diverged" if not good.all() else ""
    try:
        found = dj.statistics.spearman(x[good], y[good], seed=0)
    except ValueError:  # too few left, or all alike: nothing is shown
        found = dj.statistics.Correlation(float("nan"), 1.0, int(good.sum()), (np.nan, np.nan))
    return context.claim(
        id=id,
        statement=statement,
        source=source,
        measured=found.rho,
        interval=tuple(found.interval),
        p=found.p,
        test=f"Spearman's rank correlation, {found.n} networks{lost}",
        reference="positive" if sign > 0 else "negative",
        holds=bool(sign * found.rho > 0 and found.p < LEVEL),
        note=note,
    )
