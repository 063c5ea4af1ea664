"""Repaired ColEI on decisions: leaky, noisy networks decide in which direction the dots move.

    python -m experiments repaired_decisions --preset laptop

The perceptual decision of Song et al. 2016 for 1 x 100 units, a fifth of them inhibitory. Its two
inputs show the answer in their difference, which every unit of ColEI sees: U starts as dense here.

Do not expect the gap of the other tasks: leaky cells make small steps, (1 - alpha) 1 + alpha W, in
which ColEI's large singular value does no harm.
"""

from __future__ import annotations

from dataclasses import dataclass

import dalejax as dj
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.engine.settings import Training
from experiments.repaired import _compared, _gap, _starts


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
    updates=4000,
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
    "laptop": FULL.replaced(updates=1000, eval_every=50, num_test=500),
    "paper": FULL,
}


def compare(context: Context, make_task) -> list[dj.claims.Claim]:
    """Compare the six on a task with choices, in leaky, noisy cells."""
    s = context.settings
    task = make_task(dt=s.dt, batch_size=s.batch_size, num_test=s.num_test)
    return _compared.run(
        context,
        task,
        "test_error",
        "wrong decisions (%)",
        INPUT_MEAN,
        LIMITS,
        cell={"tau": task.tau, "dt": task.dt, "noise": s.noise},
        repair=REPAIR,
        every_step=True,
    )


def run(context: Context) -> list[dj.claims.Claim]:
    """Compare the six."""
    return compare(context, dj.tasks.PerceptualDecision)


INPUT_MEAN = 0.2  # what both inputs show at rest
LIMITS = _gap.Limits(closed=0.75)
REPAIR = _starts.Repair(dense_inputs=True)
EXPERIMENT = Experiment(
    name="repaired_decisions",
    source=_gap.SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 20, "paper": 150},
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
