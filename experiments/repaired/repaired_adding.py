"""Repaired ColEI on the adding problem, 1 x 10 units, one of them inhibitory.

    python -m experiments repaired_adding --preset laptop

As `fig2_adding`, at full scale, but for a constant step size. The search is as long as the
comparison: after a third of the updates it prefers large rates, which end behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

import dalejax as dj
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.li2023 import fig2_adding
from experiments.repaired import _compared, _gap, _settings


@dataclass(frozen=True, kw_only=True)
class Settings(_settings.Settings):
    """Settings of the experiment.

    Attributes:
        num_train: training sequences.
    """

    num_train: int


FULL = Settings(
    data="generated",
    n=10,
    n_i=1,
    updates=14_100,  # 100 epochs
    eval_every=141,
    seeds=30,
    last=5,
    batch_size=64,
    num_train=9000,
    search_updates=14_100,
    search_seeds=6,
    rates=(0.00625, 0.0125, 0.025, 0.05, 0.1),
    clips=(1.0, 3.0, 7.0, 20.0),
)
PRESETS = {
    "smoke": FULL.replaced(
        updates=4,
        eval_every=2,
        seeds=3,
        last=1,
        num_train=640,
        search_updates=2,
        search_seeds=2,
        rates=(0.05, 0.1),
        clips=(3.0,),
    ),
    "laptop": FULL,
    "paper": FULL,
}
LIMITS = _gap.Limits(closed=0.75)


def train(context: Context) -> None:
    """Search and train the networks on the adding problem."""
    s = context.settings
    task = dj.tasks.AddingProblem(batch_size=s.batch_size, num_train=s.num_train)
    _compared.train(context, task, fig2_adding.INPUT_MEAN)


def judge(context: Context) -> list[dj.claims.Claim]:
    """Claim how much of the gap between the means, and the medians, repaired ColEI closes."""
    out = _compared.judge(context, "test_mse", LIMITS)
    errors = {name: context.final(name, "test_mse") for name in context.settings.networks}
    out.append(
        _gap.closed(
            context,
            errors,
            LIMITS,
            f"medians: {_medians(errors)}",
            "gap_closed_typical",
            "Share of the gap between the medians of ColEI and the RNN that repaired ColEI closes "
            "(the means are decided by a few networks that do not learn).",
            average=np.median,
        )
    )
    return out


def draw(context: Context) -> None:
    """Draw test errors and singular values."""
    _compared.draw(context, "test_mse", "test mean squared error")


def _medians(errors: Mapping[str, pd.Series]) -> str:
    return ", ".join(f"{name} {values.median():.2g}" for name, values in errors.items())


EXPERIMENT = Experiment(
    name="repaired_adding",
    source=_gap.SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 45, "paper": 45},
    claims=(
        "gap_closed",
        "no_more_variable",
        "better_than_colei",
        "better_than_transplant",
        "gap_closed_typical",
    ),
    train=train,
    judge=judge,
    draw=draw,
)
