"""What Li et al. 2023 say of all four benchmark tasks (section 3.1, Fig. 2), checked on each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import jax.numpy as jnp
import numpy as np
import pandas as pd

import dalejax as dj
from experiments.engine import evidence
from experiments.engine.base import Context
from experiments.shared.networks import CLIPPED, FREE


def train_both(context: Context, net, make_tx, clip: float, task, *, keys) -> None:
    """Train ColEI with and without gradient clipping, each seed twice, as one ensemble."""
    s = context.settings
    table = context.train(
        "colei",
        net,
        lambda clip: make_tx(clip),
        task,
        keys=jnp.concatenate([keys, keys]),
        hyperparams={"clip": jnp.repeat(jnp.array([clip, jnp.inf]), len(keys))},
        num_updates=s["updates"],
        eval_every=s["eval_every"],
    ).table
    context.record_groups((CLIPPED, FREE), table, len(keys))


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
