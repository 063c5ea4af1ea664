"""Repaired ColEI on decisions by context: motion counts in one of them, colour in the other.

    python -m experiments repaired_context --preset laptop

The context integration of Song et al. 2016; networks and search are those of `repaired_decisions`.
"""

from __future__ import annotations

from dataclasses import dataclass

import dalejax as dj
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.engine.settings import Training
from experiments.repaired import _gap, repaired_decisions

LONGER = {"laptop": 37, "paper": 2}  # as many updates as the perceptual decision needs


@dataclass(frozen=True, kw_only=True)
class Settings(Training):
    """Settings of the experiment.

    Attributes:
        dt: time step, in ms.
        n: units.
        n_i: inhibitory units, among the n (ColEI) or on top (DANN).
        num_test: test trials.
        noise: standard deviation of the recurrent noise.
        search_updates: updates of each network in the search.
        search_seeds: seeds of each point in the search.
        rates: learning rates tried.
        clips: gradient clips tried; "none" for no clipping.
        biases: starts of the bias tried.
    """

    dt: float
    n: int
    n_i: int
    num_test: int
    noise: float
    search_updates: int
    search_seeds: int
    rates: tuple[float, ...]
    clips: tuple[float, ...]
    biases: tuple[str, ...]


FULL = Settings(
    data="none",
    dt=20.0,
    n=100,
    n_i=20,
    updates=8000,
    eval_every=100,
    seeds=10,
    last=5,
    batch_size=64,
    num_test=1000,
    noise=0.15,
    search_updates=500,
    search_seeds=2,
    rates=(0.03, 0.1, 0.3, 1.0),
    clips=(1.0, 10.0),
    biases=("zero", "centred"),
)
PRESETS = {
    "smoke": FULL.replaced(
        dt=50.0,
        n=10,
        n_i=2,
        updates=4,
        eval_every=2,
        seeds=3,
        last=1,
        batch_size=8,
        num_test=16,
        search_updates=2,
        rates=(0.1,),
        clips=(1.0,),
    ),
    "laptop": FULL.replaced(updates=37_000, eval_every=50, num_test=500),
    "paper": FULL,
}


def run(context: Context) -> list[dj.claims.Claim]:
    """Compare the six."""
    return repaired_decisions.compare(context, dj.tasks.ContextIntegration)


EXPERIMENT = Experiment(
    name="repaired_context",
    source=_gap.SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 37, "paper": 300},
    claims=(
        "gap_closed",
        "no_more_variable",
        "better_than_colei",
        "better_than_transplant",
    ),
    train=train,
    judge=judge,
    draw=draw,
)
