"""What Li et al. 2023 say of all four benchmark tasks (section 3.1, Fig. 2), checked on each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import jax.numpy as jnp
import numpy as np
import pandas as pd

import dalejax as dj
from experiments import evidence
from experiments.base import Context
from experiments.networks import CLIPPED, FREE


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
    context.record_halves((CLIPPED, FREE), table, len(keys))


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
                errors[CLIPPED], errors[better], ("ColEI", better),
            )
            for better in ("RNN", "DANN")
        ]
        + list(besides),
        source,
        note,
    )  # fmt: skip
    if FREE in errors:
        gains = dj.results.paired_differences(errors[FREE], errors[CLIPPED])
        lost = int(errors[FREE].isna().sum())
        # Of the pairs the median: a network that is lost without clipping, but finite, is one pair.
        gain = float(np.median(gains.values)) if len(gains.values) else float("nan")
        out.append(
            context.claim(
                id="clipping_benefits_colei",
                statement="Gradient clipping benefited ColEI networks (without minus with "
                "clipping, median of the pairs).",
                source=f"{source}, Fig. 10",
                measured=gain,
                reference="positive",
                holds=bool(gain > 0 or lost > len(errors[FREE]) / 2),
                test=f"{len(gains.values)} pairs, {lost} diverged without clipping",
                note=note,
            )
        )
    spread = {name: errors[name].std() for name in ("RNN", "DANN", CLIPPED)}
    multiple = float(spread[CLIPPED] / max(spread["RNN"], spread["DANN"]))
    out.append(
        context.claim(
            id="colei_more_variable",
            statement="Their final performance was worse across all four tasks, and more variable "
            "across random seeds (standard deviation, as a multiple of the larger of RNN's and "
            "DANN's).",
            source=source,
            measured=multiple,
            reference="above 1",
            holds=bool(multiple > 1),
            note=note,
        )
    )
    return out
