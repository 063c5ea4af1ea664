"""Figure 4 of Cornford et al. 2021: a harder data set, with normalised networks beside DANN."""

from __future__ import annotations

from collections.abc import Mapping

import dalejax as dj
from experiments import evidence, iclr
from experiments.base import Context, Experiment
from experiments.iclr import BATCH, COLEI, DANN, LAYER, MLP, Row

SOURCE = "Cornford et al. 2021, Fig. 4"
SECTION = f"{SOURCE}; section 5.2"


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

    def run(context: Context) -> list[dj.claims.Claim]:
        iclr.train_all(context, [*table, *searched])
        test = {name: context.final(name, "test_error") for name in table}
        worse = evidence.above(
            context,
            [
                evidence.Above(
                    f"colei_worse_than_{iclr.SLUGS[better]}", "ColumnEi models struggled to "
                    f"achieve acceptable performance (test error above that of {better}).",
                    test[COLEI], test[better], (COLEI, better),
                )
                for better in (MLP, DANN)
            ],
            SECTION,
        )  # fmt: skip
        return worse + [
            evidence.gap_within(
                context, f"dann_as_{iclr.SLUGS[standard]}", "DANNs performed equivalently to these "
                f"standard architectures (test error, DANN minus {standard}).", SECTION,
                test[DANN], test[standard], alike,
            )
            for standard in (MLP, LAYER, BATCH)
        ]  # fmt: skip

    return Experiment(
        name=name,
        source=f"{SOURCE} ({data.replace('_', '-')})",
        presets=iclr.presets(table, searched, data),
        expected_minutes=expected_minutes,
        claims=5,
        run=run,
        variants=("text", "code"),
    )
