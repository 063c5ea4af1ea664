"""Sentences of Li et al. 2023 on all four benchmark tasks (section 3.1, Fig. 2), as claims."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

import dalejax as dj
from experiments.engine import comparison, evidence
from experiments.engine.comparison import Arm, Network
from experiments.engine.context import Context
from experiments.shared.networks import CLIPPED, FIGURE_2_STYLES, FREE


def train_both(context: Context, net: Network, make_tx: Callable, clip: float, task) -> None:
    """Train ColEI with and without gradient clipping, every seed twice, as one ensemble.

    Args:
        context: the run.
        net: the ColEI network.
        make_tx: makes its optimiser of ``clip``.
        clip: largest gradient norm of a tensor.
        task: the task.
    """
    arms, points = {"ColEI": Arm(context.keys())}, comparison.grid(clip=(clip, math.inf))
    trained = comparison.train(context, "colei", net, make_tx, task, arms, points)
    comparison.record(
        context, trained, lambda _, point: CLIPPED if math.isfinite(point["clip"]) else FREE
    )


def errors(context: Context, metric: str) -> dict[str, pd.Series]:
    """Give the final errors of RNN, DANN and ColEI with and without clipping, by member."""
    return {name: context.final(name, metric) for name in ("RNN", "DANN", CLIPPED, FREE)}


def draw(context: Context, metric: str, ylabel: str, **limits) -> None:
    """Draw the learning curves and the final errors of the four networks."""
    look = {"ylabel": ylabel, "styles": FIGURE_2_STYLES, "log": True}
    curves = dj.plots.learning_curves(context.table, metric, **look, **limits)
    context.draw("learning_curves", curves)
    context.draw("final_error", dj.plots.final_dots(errors(context, metric), **look))


def claims(
    context: Context,
    errors: Mapping[str, pd.Series],
    source: str,
    note: str = "",
    *,
    besides: Sequence[evidence.Above] = (),
) -> list[dj.claims.Claim]:
    """Check: ColEI worse than RNN and DANN, helped by clipping (if trained without), more variable.

    Args:
        context: of the run.
        errors: final values of RNN, DANN, ColEI with clipping and perhaps without.
        source: section and panel.
        note: reductions of scale.
        besides: comparisons that this panel shows besides, tested with the others.
    """
    out = evidence.above(
        context,
        [
            evidence.Above(
                f"colei_worse_than_{better.lower()}",
                "We found that ColEI networks did not learn as well as DANNs and standard RNNs "
                f"(here: {better}).",
                errors[CLIPPED],
                errors[better],
                ("ColEI", better),
            )
            for better in ("RNN", "DANN")
        ]
        + list(besides),
        source,
        note,
    )
    if FREE in errors:
        gains = dj.results.paired_differences(errors[FREE], errors[CLIPPED])
        lost = int(errors[FREE].isna().sum())
        p = (
            dj.statistics.wilcoxon_signed(gains.values, alternative="greater").p
            if len(gains.values)
            else 1.0
        )
        out.append(
            context.claim(
                id="clipping_benefits_colei",
                statement="Gradient clipping benefited ColEI networks (without minus with "
                "clipping, median of the pairs).",
                source=f"{source}, Fig. 10",
                measured=float(np.median(gains.values)) if len(gains.values) else None,
                p=p,
                reference="positive",
                holds=bool(p < evidence.LEVEL or lost > len(errors[FREE]) / 2),
                test=f"Wilcoxon's signed ranks, one-sided, {len(gains.values)} pairs, {lost} "
                "diverged without clipping",
                note=note,
            )
        )
    out.append(
        evidence.more_variable(
            context,
            "colei_more_variable",
            "Their final performance was worse across all four tasks, and more variable across "
            "random seeds",
            source,
            errors[CLIPPED],
            {name: errors[name] for name in ("RNN", "DANN")},
            note,
        )
    )
    return out
