"""Claims on the eigenvalues' radii: the sentences of Jarne & Caruso 2023, and closed forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

import dalejax as dj
from experiments.engine import evidence
from experiments.engine.context import Context
from experiments.jarne2023 import _networks, _radii
from experiments.jarne2023._networks import OWN

ABSTRACT = f"{_networks.SOURCE}, abstract"
LEARNED = 5.0  # AND counts as learned below this share of wrong decisions, in per cent
MEASURES = {"outer": "7th largest modulus", "fitted_outer": "fitted"}
# Ids name the shares and sizes of the preset paper, also where a run has others in their place.
SHARES = ("50", "70", "80")  # per cent of excitatory units
SIZES = ("75", "250", "500")  # units
Found = Mapping[_radii.Which, pd.DataFrame]


def judge(context: Context) -> list[dj.claims.Claim]:
    """Make all claims, by start, from ``radii.csv`` and the final test errors."""
    found = _radii.read(context)
    return [
        claim
        for start in _networks.STARTS
        for part in (_shapes, _invariances, _laws, _beside_unconstrained)
        for claim in part(context, found, start)
    ]


def _shares(context: Context) -> list[tuple[str, float, str]]:
    """List the shares of excitatory units: the one in ids, the run's own, and its per cent."""
    pairs = zip(SHARES, context.settings.excitatory, strict=True)
    return [(id, share, f"{100 * share:.0f}") for id, share in pairs]


def _values(
    found: Found, start: str, excitatory: float | str, n: int, stage: str, column: str
) -> np.ndarray:
    """Give one measure of every network of a configuration at a stage [s]."""
    return found[start, str(excitatory), n, stage][column].to_numpy(float)


def _within(low: float, high: float) -> Callable[[dj.statistics.Interval], bool]:
    return lambda bounds: bounds.low > low and bounds.high < high


def _shapes(context: Context, found: Found, start: str) -> list[dj.claims.Claim]:
    """Claim a radius below 1, a disc or a ring, and low test errors, after training."""
    n, out = context.settings.n, []
    for id, share, percent in _shares(context):

        def trained(column: str, share: float = share) -> np.ndarray:
            return _values(found, start, share, n, _radii.TRAINED, column)

        out.append(
            evidence.mean(
                context,
                f"radius_{start}_{id}",
                "The non-dominant eigenvalues lie within a "
                f"radius less than 1 ({start} start, {percent} % excitatory, after training).",
                ABSTRACT,
                trained("outer"),
                lambda b: b.high < 1,
                "below 1",
            )
        )
        hole = trained("fitted_inner") / trained("fitted_outer")
        if start == "normal":
            out.append(
                evidence.mean(
                    context,
                    f"disc_{id}",
                    "For those whose initial condition before training "
                    f"was random normal they fill a circle ({percent} % excitatory; fitted inner "
                    "over outer radius).",
                    ABSTRACT,
                    hole,
                    lambda b: b.high < 0.3,
                    "a disc: 0",
                )
            )
        else:
            out.append(
                evidence.mean(
                    context,
                    f"ring_{id}",
                    "They are distributed in a ring for those whose "
                    f"initial condition was random orthogonal ({percent} % excitatory; fitted "
                    "inner over outer radius).",
                    ABSTRACT,
                    hole,
                    lambda b: b.low > 0.5,
                    "a ring: √(1 / (π - 1)) = 0.683 after the projection",
                )
            )
        errors = context.final(_radii.name(start, share, n), "test_error")
        learned = int((errors < LEARNED).sum())
        out.append(
            evidence.number(
                context,
                f"learned_{start}_{id}",
                f"The networks have learned the task ({start} "
                f"start, {percent} % excitatory; wrong decisions, %).",
                OWN,
                errors.dropna(),
                learned >= 0.8 * len(errors),
                f"below {LEARNED:g} % in 80 % of the seeds",
                test=f"{learned} of {len(errors)} seeds",
            )
        )
    return out


def _invariances(context: Context, found: Found, start: str) -> list[dj.claims.Claim]:
    """Claim that the radius depends neither on the share of excitatory units nor on the size."""
    s, out = context.settings, []
    (_, first, first_percent), *others = _shares(context)
    for column, measure in MEASURES.items():
        own = _values(found, start, first, s.n, _radii.TRAINED, column)
        for id, share, percent in others:
            out.append(
                evidence.mean(
                    context,
                    f"ratio_{column}_{start}_{id}",
                    "The radius does not depend on the "
                    f"number of excitatory and inhibitory units ({start} start, {measure}; "
                    f"{percent} % minus {first_percent} %).",
                    ABSTRACT,
                    _values(found, start, share, s.n, _radii.TRAINED, column) - own,
                    _within(-0.05, 0.05),
                    "0 (here: within ± 0.05)",
                )
            )
        for id, n in zip(SIZES, s.sizes, strict=True):
            out.append(
                evidence.mean(
                    context,
                    f"size_{column}_{start}_{id}",
                    "The radius does not depend on the size "
                    f"({start} start, {measure}; of {n} units, over that of {s.n} units).",
                    ABSTRACT,
                    _values(found, start, first, n, _radii.TRAINED, column) / own.mean(),
                    _within(0.9, 1.1),
                    "1 (here: within ± 10 %)",
                )
            )
    return out


def _laws(context: Context, found: Found, start: str) -> list[dj.claims.Claim]:
    """Claim the closed forms before and after the projection, and that training changes little."""
    n, out = context.settings.n, []

    def over_law(
        id: str, what: str, at: tuple[float, str, str], column: str, expected: float
    ) -> None:
        share, percent, stage = at
        out.append(
            evidence.mean(
                context,
                id,
                f"{what} is that of the closed form ({start} start, {percent} % "
                "excitatory; measured over expected).",
                OWN,
                _values(found, start, share, n, stage, column) / expected,
                _within(0.93, 1.07),
                "1 (here: within ± 7 %)",
                note=f"closed form: {expected:.3f}",
            )
        )

    shares = _shares(context)
    for id, share, percent in shares:
        n_i = dj.signs.num_inhibitory(n, 1 - share)
        inner, outer = _radii.law(start, n, n_i)
        where, after = f"{start}_{id}", (share, percent, _radii.AFTER)
        what = "The radius after the projection"
        over_law(f"law_{where}", what, after, "fitted_outer", outer)
        if inner:
            what = "The ring's inner radius after the projection"
            over_law(f"law_inner_{where}", what, after, "fitted_inner", inner)
        if id != "50":  # with as many inhibitory as excitatory units the expected outlier is 0
            what, outlier = "The largest eigenvalue after the projection", _radii.outlier
            over_law(f"law_outlier_{where}", what, after, "largest", outlier(start, n, n_i))
        moved = np.subtract(
            *(
                _values(found, start, share, n, stage, "fitted_outer")
                for stage in (_radii.TRAINED, _radii.AFTER)
            )
        )
        out.append(
            evidence.mean(
                context,
                f"training_{where}",
                "It is the first projection that makes the radius, "
                f"training moves it little ({start} start, {percent} % excitatory; trained minus "
                "projected, fitted).",
                OWN,
                moved,
                _within(-0.1, 0.1),
                "0 (here: within ± 0.1)",
            )
        )
    _, share, percent = shares[0]
    before, what = (share, percent, _radii.BEFORE), "The radius before the projection"
    over_law(f"law_whole_{start}", what, before, "fitted_outer", _radii.UNPROJECTED[start])
    return out


def _beside_unconstrained(context: Context, found: Found, start: str) -> list[dj.claims.Claim]:
    """Claim that constraints give a smaller radius and a larger departure from normality."""
    s = context.settings

    def above(id: str, statement: str, column: str, sign: int) -> dj.claims.Claim:
        free, constrained = (
            _values(found, start, excitatory, s.n, _radii.TRAINED, column)
            for excitatory in (_networks.FREE, s.excitatory[0])
        )
        return evidence.mean(
            context,
            f"{id}_{start}",
            statement,
            OWN,
            sign * (free - constrained),
            lambda b: b.low > 0,
            "positive",
        )

    return [
        above(
            "free",
            f"Unconstrained networks from the {start} start keep a larger radius "
            "(trained; unconstrained minus constrained, fitted).",
            "fitted_outer",
            1,
        ),
        above(
            "normality",
            "Constrained networks are further from normal than unconstrained ones "
            f"({start} start, Henrici departure, trained).",
            "henrici",
            -1,
        ),
    ]
