"""Claims about repaired ColEI: the share of the gap between ColEI and the RNN that it closes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, cast

import numpy as np
import pandas as pd
from scipy import stats

import dalejax as dj
from experiments.engine import evidence
from experiments.engine.context import Context, finite
from experiments.repaired import _starts
from experiments.repaired._settings import COLEI, REPAIRED, RNN, TRANSPLANT

SOURCE = "beyond the papers"


class Limits(NamedTuple):
    """What is wanted of the repaired network.

    Attributes:
        closed: least share of the gap between ColEI and the RNN that it closes.
        above: most that its error is above the RNN's, in the metric's unit; None for no such claim.
    """

    closed: float
    above: float | None = None


def share_closed(
    errors: Mapping[str, pd.Series],
    ours: str = REPAIRED,
    host: str = COLEI,
    average: Callable = np.mean,
) -> tuple[float, tuple[float, float]]:
    """Give the closed share of the gap, (host - ours) / (host - RNN), with its bootstrap interval.

    Args:
        errors: final errors by network and member.
        ours: name of the repaired network.
        host: name of the ColEI network.
        average: averages the errors over members, as ``numpy.mean`` does.

    Returns:
        The share and its interval; NaN where the host is no worse than the RNN, or fewer than two
        members of a network converged.
    """

    def share(colei, ours, rnn, axis=-1):
        colei, ours, rnn = (average(sample, axis=axis) for sample in (colei, ours, rnn))
        return (colei - ours) / (colei - rnn)

    samples = [finite(errors[name]).to_numpy() for name in (host, ours, RNN)]
    colei, repaired, rnn = samples
    if min(map(len, samples)) < 2 or average(colei) <= average(rnn):
        return float("nan"), (float("nan"), float("nan"))
    with np.errstate(divide="ignore", invalid="ignore"):  # draws without a gap
        found = stats.bootstrap(samples, share, method="percentile", rng=0).confidence_interval
    return float(share(colei, repaired, rnn)), (float(found.low), float(found.high))


def claims(
    context: Context, errors: Mapping[str, pd.Series], limits: Limits, note: str
) -> list[dj.claims.Claim]:
    """Claim that repaired ColEI closes the gap, varies little over seeds, and beats ColEI.

    Args:
        context: the run.
        errors: final errors by network and member.
        limits: what is wanted of the repaired network.
        note: what every claim notes.
    """
    ours, rnn = finite(errors[REPAIRED]), finite(errors[RNN])
    sd, sd_rnn = (cast(float, x.std()) for x in (ours, rnn))
    out = [
        closed(
            context,
            errors,
            limits,
            note,
            "gap_closed",
            "An alternative initialisation for ColEI "
            "networks improves their learning: share of the gap between ColEI at its best and the "
            "RNN that it closes.",
            REPAIRED,
        ),
        context.claim(
            id="no_more_variable",
            statement="Its seeds spread hardly more than the RNN's (quotient of the standard "
            "deviations).",
            source=SOURCE,
            measured=float(sd / sd_rnn) if sd_rnn else None,
            test=f"n = {len(ours)} and {len(rnn)}",
            reference="at most 1.5",
            holds=bool(sd <= 1.5 * sd_rnn and len(ours) == len(errors[REPAIRED])),
            note=note,
        ),
        *evidence.above(
            context,
            [
                evidence.Above(
                    f"better_than_{id}",
                    f"Repaired ColEI learns better than {other}.",
                    errors[other],
                    errors[REPAIRED],
                    (other, REPAIRED),
                )
                for id, other in (("colei", COLEI), ("transplant", TRANSPLANT))
                if other in errors
            ],
            SOURCE,
            note,
        ),
    ]
    if limits.above is not None:
        pairs = dj.results.paired_differences(errors[REPAIRED], errors[RNN])
        out.append(
            evidence.mean(
                context,
                "as_good_as_rnn",
                "A column-signed network learns as well as an RNN "
                "(error of repaired ColEI minus the RNN's).",
                SOURCE,
                pairs.values,
                lambda b: b.high < limits.above,
                f"interval below +{limits.above:g}",
                note=note,
            )
        )
    return out


def with_inputs(
    context: Context,
    errors: Mapping[str, pd.Series],
    inputs: Sequence[int],
    score: str,
    limits: Limits,
    note: str,
) -> list[dj.claims.Claim]:
    """Claim that repaired ColEI closes the gap and beats ColEI where inputs may be inhibitory.

    Both networks are compared at their best numbers of inhibitory inputs; ColEI may have none.

    Args:
        context: the run.
        errors: final errors by network and member.
        inputs: numbers of inhibitory inputs.
        score: the validation metric that decides between the numbers, lower is better.
        limits: what is wanted of the repaired network.
        note: what every claim notes.
    """

    def best(names):
        return min(names, key=lambda name: context.final(name, score).fillna(np.inf).mean())

    colei = best([COLEI, *(_starts.with_inputs(COLEI, n_i) for n_i in inputs)])
    ours = best([_starts.with_inputs(REPAIRED, n_i) for n_i in inputs])
    note = f"best by validation: {colei}, {ours}; {note}"
    return [
        closed(
            context,
            errors,
            limits,
            note,
            "gap_closed_inputs",
            "Where inputs may be inhibitory as "
            "well: share of the gap between ColEI at its best and the RNN that repaired ColEI "
            "closes.",
            ours,
            colei,
        ),
        *evidence.above(
            context,
            [
                evidence.Above(
                    "better_than_colei_inputs",
                    "Where inputs may be inhibitory as well, repaired "
                    "ColEI learns better than ColEI.",
                    errors[colei],
                    errors[ours],
                    (colei, ours),
                )
            ],
            SOURCE,
            note,
        ),
    ]


def closed(
    context: Context,
    errors: Mapping[str, pd.Series],
    limits: Limits,
    note: str,
    id: str,
    statement: str,
    ours: str = REPAIRED,
    host: str = COLEI,
    average: Callable = np.mean,
) -> dj.claims.Claim:
    """Claim that a network closes the wanted share of the gap, with an interval above 0.

    Args:
        context: the run.
        errors: final errors by network and member.
        limits: what is wanted of the network.
        note: what the claim notes.
        id: the claim's id.
        statement: the claim's statement.
        ours: name of the repaired network.
        host: name of the ColEI network.
        average: averages the errors over members, as ``numpy.mean`` does.
    """
    share, bounds = share_closed(errors, ours, host, average)
    return context.claim(
        id=id,
        statement=statement,
        source=SOURCE,
        measured=share,
        interval=bounds,
        test=f"bootstrap; {_told(errors)}",
        reference=f"at least {limits.closed:g}, interval above 0",
        holds=bool(share >= limits.closed and bounds[0] > 0),
        note=note,
    )


def _told(errors: Mapping[str, pd.Series]) -> str:
    return ", ".join(f"{n} {dj.results.summary(v)['text']}" for n, v in errors.items())
