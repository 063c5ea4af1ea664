"""A table of Cornford et al. 2021 beside the errors of the run that trained its networks."""

from __future__ import annotations

from types import ModuleType

import pandas as pd

import dalejax as dj
from experiments.cornford2021 import _networks
from experiments.engine import evidence, settings
from experiments.engine.base import Experiment
from experiments.engine.context import Context

WITHIN = 0.3  # points of test error around a table's mean, where its own spread is smaller


def experiment(name: str, table: str, module: ModuleType, worst: str) -> Experiment:
    """Make the experiment that sets a table's numbers beside a run's.

    Args:
        name: of the experiment.
        table: of the paper.
        module: the experiment that trained the networks; its TABLE are the paper's numbers.
        worst: the network with the largest test error of the table's (but for its own kind).
    """
    trained = module.EXPERIMENT
    rows, source = module.TABLE, f"Cornford et al. 2021, {table}"

    def train(context: Context) -> None:
        write(context, rows)

    def errors_of(context: Context) -> dict[str, pd.Series]:
        return {name: context.final(name, "test_error") for name in rows}

    def draw(context: Context) -> None:
        context.draw("final_error", dj.plots.final_dots(errors_of(context), **_networks.LOOK))

    def judge(context: Context) -> list[dj.claims.Claim]:
        errors = errors_of(context)
        others = {n: e.mean() for n, e in errors.items() if not n.startswith(worst)}
        next_worst = max(others, key=others.get)
        out = _networks.table_claims(context, rows, source, WITHIN)
        return [
            *out,
            *evidence.above(
                context,
                [
                    evidence.Above(
                        "colei_last",
                        "The column-constrained model has the largest test error of the table.",
                        errors[worst],
                        errors[next_worst],
                        (worst, next_worst),
                    )
                ],
                source,
            ),
        ]

    return Experiment(
        name=name,
        source=source,
        presets=settings.of_data(trained.presets),
        expected_minutes=dict.fromkeys(trained.presets, 0.1),
        claims=(
            *(
                f"{which}_error_{_networks.SLUGS[name]}"
                for name in rows
                for which in ("test", "training")
            ),
            "colei_last",
        ),
        train=train,
        judge=judge,
        draw=draw,
        variants=trained.variants,
        reads=trained,
    )


def write(context: Context, rows) -> None:
    """Write the run's errors beside the paper's as ``table.csv``, normalised networks included."""
    names = [name for name in _networks.SLUGS if name in set(context.table.configuration)]
    table = pd.DataFrame(
        [
            {
                "network": name,
                "rate": context.scale.rate_of(name),
                **{
                    f"{which}_{part}": dj.results.summary(context.final(name, f"{which}_error"))[
                        part
                    ]
                    for which in ("training", "test")
                    for part in ("mean", "sd")
                },
                **{
                    f"paper_{k}": v
                    for k, v in (rows[name]._asdict() if name in rows else {}).items()
                },
            }
            for name in names
        ]
    )
    context.write_csv("table.csv", table, digits=4)
