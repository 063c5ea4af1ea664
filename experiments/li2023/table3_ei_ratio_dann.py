"""Table 3 of Li et al. 2023: DANN's error whatever its E/I ratio; reads the run of `fig5_ei_ratio`.

    python -m experiments table3_ei_ratio_dann --preset laptop

With the mean row as inhibition, a DANN starts with the same effective W however many interneurons
it has; what could differ is how it learns.
"""

from __future__ import annotations

import pandas as pd

import dalejax as dj
from experiments.engine import evidence, settings
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.li2023 import fig5_ei_ratio
from experiments.li2023.fig5_ei_ratio import RNN, name_of

PRESETS = settings.of_data(fig5_ei_ratio.PRESETS)
SOURCE = "Li et al. 2023, Table 3; section 3.4"
LIMIT = 0.3  # points of test error; our choice: the spread that section 3.3 reports for effects


def train(context: Context) -> None:
    """Train nothing: the run of ``fig5_ei_ratio`` is read. Write its errors as a table."""
    table = pd.DataFrame({name: dj.results.summary(v) for name, v in _errors(context).items()}).T
    columns = ["n", "mean", "sd", "median", "min", "max"]
    context.write_csv("table.csv", table[columns], digits=4, index=True)


def _names(context: Context) -> list[str]:
    return [name_of("DANN", share) for share in context.scale.shares]


def _errors(context: Context) -> dict[str, pd.Series]:
    return {name: context.final(name, "test_error") for name in (*_names(context), RNN)}


def draw(context: Context) -> None:
    """Draw the final test errors of DANNs and the RNN."""
    context.draw("final_error", dj.plots.final_dots(_errors(context), ylabel="test error (%)"))


def judge(context: Context) -> list[dj.claims.Claim]:
    """Compare DANN's errors at all inhibitory shares with each other and with the RNN's."""
    names, errors = _names(context), _errors(context)
    fewest, some, half = names
    out = [
        evidence.gap_within(
            context,
            f"{id}_alike",
            "The performance of DANNs was robust to changes in the EI "
            f"ratio (error of {a} minus that of {b}).",
            SOURCE,
            errors[a],
            errors[b],
            LIMIT,
        )
        for id, a, b in (("fewest_and_half", fewest, half), ("some_and_half", some, half))
    ]
    return [
        *out,
        evidence.gap_within(
            context,
            "one_interneuron_suffices",
            "DANNs learned well even with 1 inhibitory neuron "
            f"(error of {fewest} minus that of the RNN).",
            SOURCE,
            errors[fewest],
            errors[RNN],
            LIMIT,
        ),
    ]


EXPERIMENT = Experiment(
    name="table3_ei_ratio_dann",
    source="Li et al. 2023, Table 3",
    presets=PRESETS,
    expected_minutes={"smoke": 0.1, "laptop": 0.1, "paper": 0.1},
    claims=(
        "fewest_and_half_alike",
        "some_and_half_alike",
        "one_interneuron_suffices",
    ),
    train=train,
    judge=judge,
    draw=draw,
    variants=fig5_ei_ratio.EXPERIMENT.variants,
    reads=fig5_ei_ratio.EXPERIMENT,
)
