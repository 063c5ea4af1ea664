"""Turn a sentence of a paper into a claim: comparisons, numbers and correlations with their tests.

Each function takes final values of networks (a Series by member, NaN where one diverged), tests
them, and returns claims. Tests of one call are corrected together (Holm).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

import dalejax as dj
from experiments.engine.context import Context, finite, rank_test

LEVEL = 0.05
_FEWEST_ORDERS = 20  # ways to order three and three values


class Above(NamedTuple):
    """A sentence to be tested: one sample of final values lies above another.

    Attributes:
        id: of the claim.
        statement: the sentence.
        high: the sample that should be larger, by member.
        low: the sample that should be smaller, by member.
        names: of the networks of the two samples.
    """

    id: str
    statement: str
    high: pd.Series
    low: pd.Series
    names: tuple[str, str]


def above(
    context: Context, wanted: Sequence[Above], source: str, note: str = ""
) -> list[dj.claims.Claim]:
    """Test by Mann–Whitney whether samples lie above others, p corrected by Holm over all of them.

    A claim holds if the corrected p is below 0.05 and the medians are in order. Where there are too
    few seeds for such a p, it holds if every seed of one sample lies above every seed of the other,
    with three seeds each at least.
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
        orders = math.comb(test.n_a + test.n_b, test.n_a)
        few = 2 * len(wanted) / orders > LEVEL
        apart = bool(orders >= _FEWEST_ORDERS and high.min() > low.max())
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
                reference="positive",
                holds=shown,
                note=note,
            )
        )
    return out


def interval(values) -> dj.statistics.Interval:
    """Give the bootstrap interval of a mean over seeds; NaN where fewer than two are finite."""
    x = np.round(np.asarray(values, float), 9)  # equal values are ties, whatever their last bit
    if x.size < 2:
        return dj.statistics.Interval(float("nan"), float("nan"))
    return dj.statistics.bootstrap_interval(x, seed=0)


def mean(
    context: Context, id: str, statement: str, source: str, values, holds, reference, **more
) -> dj.claims.Claim:
    """Claim something of a mean over seeds, by its bootstrap interval.

    ``holds`` is a function of the interval; where there is no interval, the claim does not hold.
    """
    x, bounds = np.asarray(values, float), interval(values)
    more.setdefault("test", f"bootstrap, n = {x.size}")
    return context.claim(
        id=id,
        statement=statement,
        source=source,
        measured=float(x.mean()) if x.size else None,
        spread=float(x.std(ddof=1)) if x.size > 1 else None,
        interval=tuple(bounds),
        reference=reference,
        holds=bool(np.isfinite(bounds).all() and holds(bounds)),
        **more,
    )


def gap_within(
    context: Context, id: str, statement: str, source: str, a, b, limit: float, note: str = ""
) -> dj.claims.Claim:
    """Claim that two samples are equivalent: the interval of a − b, by seed, is within ± limit."""
    pairs = dj.results.paired_differences(a, b)
    return mean(
        context,
        id,
        statement,
        source,
        pairs.values,
        lambda bounds: bounds.low >= -limit and bounds.high <= limit,
        f"interval within ± {limit:g}",
        test=f"bootstrap of {len(pairs.values)} seed pairs, {pairs.n_dropped} diverged",
        note=note,
    )


def more_variable(
    context: Context, id: str, statement: str, source: str, values, others: dict, note: str = ""
) -> dj.claims.Claim:
    """Claim that one sample varies more over seeds than each of the others (Brown–Forsythe)."""
    x = finite(values)
    spread = {name: float(finite(v).std()) for name, v in others.items()}
    tests = [stats.levene(x, finite(v), center="median").pvalue for v in others.values()]
    p, multiple = float(max(tests)), float(x.std() / max(spread.values()))
    told = ", ".join(f"{name} {sd:.2g}" for name, sd in spread.items())
    return context.claim(
        id=id,
        statement=f"{statement} (standard deviation, as a multiple of the largest other).",
        source=source,
        measured=multiple,
        p=p,
        test=f"Brown–Forsythe, the larger p of {len(tests)}, n = {len(x)}; sd of {told}",
        reference="above 1",
        holds=bool(multiple > 1 and p < LEVEL),
        note=note,
    )


def number(
    context: Context, id: str, statement: str, source: str, values, holds, reference, **more
) -> dj.claims.Claim:
    """Claim something of a measured number, or of its mean over initialisations or seeds."""
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
    """Claim that two quantities rise together (sign 1) or one falls (-1): Spearman's rank test."""
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


def means_in_opposite_order(
    context: Context, id: str, statement: str, source: str, x: Sequence, y: Sequence
) -> dj.claims.Claim:
    """Claim that the means of a few configurations are in opposite order: larger x, smaller y.

    No test is made: networks of one configuration have nearly the same x, so they are not
    independent, and only the order of the means counts. Spearman's rho over the networks describes.
    """
    means = [(float(np.mean(a)), float(finite(b).mean())) for a, b in zip(x, y, strict=True)]
    means.sort()
    pooled = stats.spearmanr(np.concatenate(x), np.concatenate(y), nan_policy="omit")
    falls = all(low > high for (_, low), (_, high) in itertools.pairwise(means))
    return context.claim(
        id=id,
        statement=statement,
        source=source,
        measured=float(pooled.statistic),
        test=f"Spearman's rank correlation of {sum(map(len, y))} networks (describes only); means: "
        + ", ".join(f"{a:.3f}: {b:.2f}" for a, b in means),
        reference=f"all {len(means)} means in opposite order",
        holds=bool(falls),
    )
