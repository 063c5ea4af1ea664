"""Figure 4 of Cornford et al. 2021: a harder data set, with normalised networks beside DANN."""

from __future__ import annotations

from collections.abc import Mapping

import dalejax as dj
from experiments.cornford2021 import _networks
from experiments.cornford2021._networks import (
    BATCH,
    COLEI,
    COLEI_MANY,
    DANN,
    LAYER,
    MANY,
    MLP,
    NC,
    Row,
)
from experiments.engine import evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context

SOURCE = "Cornford et al. 2021, Fig. 4"
SECTION = f"{SOURCE}; section 5.2"
# Comparisons that the paper shows on MNIST alone (Fig. 3), made where a rate was searched for here.
MORE = (
    ("uncorrected_worse", "Not correcting parameter updates impairs optimization", NC, DANN),
    ("colei_many_worse", "ColEI with 100 inhibitory units does no better", COLEI_MANY, MANY),
)


def experiment(
    name: str,
    data: str,
    table: Mapping[str, Row],
    searched: Mapping[str, float],
    alike: float,
    expected_minutes: Mapping[str, float],
) -> Experiment:
    """Make the experiment on one data set.

    Args:
        name: of the experiment.
        data: the data set.
        table: of the paper, with its learning rates.
        searched: learning rates of what else is trained (`search_iclr`).
        alike: points of test error within which two networks count as equivalent.
        expected_minutes: as an experiment's.
    """

    names = [*table, *searched]
    more = [m for m in MORE if {*m[2:]} <= {*names}]

    def train(context: Context) -> None:
        _networks.train_all(context, names)

    def draw(context: Context) -> None:
        _networks.draw(context, names)

    def judge(context: Context) -> list[dj.claims.Claim]:
        test = {name: context.final(name, "test_error") for name in names}
        worse = evidence.above(
            context,
            [
                evidence.Above(
                    f"colei_worse_than_{_networks.SLUGS[better]}",
                    "ColumnEi models struggled to "
                    f"achieve acceptable performance (test error above that of {better}).",
                    test[COLEI],
                    test[better],
                    (COLEI, better),
                )
                for better in (MLP, DANN)
            ]
            + [
                evidence.Above(
                    id,
                    f"{what} (test error above that of {low}).",
                    test[high],
                    test[low],
                    (high, low),
                )
                for id, what, high, low in more
            ],
            SECTION,
        )
        return worse + [
            evidence.gap_within(
                context,
                f"dann_as_{_networks.SLUGS[standard]}",
                "DANNs performed equivalently to these "
                f"standard architectures (test error, DANN minus {standard}).",
                SECTION,
                test[DANN],
                test[standard],
                alike,
            )
            for standard in (MLP, LAYER, BATCH)
        ]

    return Experiment(
        name=name,
        source=f"{SOURCE} ({data.replace('_', '-')})",
        presets=_networks.presets(table, searched, data),
        expected_minutes=expected_minutes,
        claims=(
            *(f"colei_worse_than_{_networks.SLUGS[name]}" for name in (MLP, DANN)),
            *(id for id, *_ in more),
            *(f"dann_as_{_networks.SLUGS[name]}" for name in (MLP, LAYER, BATCH)),
        ),
        train=train,
        judge=judge,
        draw=draw,
        variants=("text", "code"),
    )
