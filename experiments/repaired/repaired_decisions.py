"""Repaired ColEI on decisions: leaky, noisy networks decide in which direction the dots move.

    python -m experiments repaired_decisions --preset laptop

The perceptual decision of Song et al. 2016 for 1 x 100 units, a fifth of them inhibitory. The
answer is the difference of its two inputs, and every unit of ColEI gets both: U starts as dense in
the repaired network.

Do not expect the gap of the other tasks: leaky cells make small steps, (1 - alpha) 1 + alpha W, in
which ColEI's large singular value does no harm.
"""

from __future__ import annotations

from dataclasses import dataclass

import dalejax as dj
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.repaired import _compared, _gap, _settings, _starts


@dataclass(frozen=True, kw_only=True)
class Settings(_settings.Settings):
    """Settings of the experiment.

    Attributes:
        dt: time step, in ms.
        num_test: test trials.
        noise: standard deviation of the recurrent noise.
    """

    dt: float
    num_test: int
    noise: float


FULL = Settings(
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
INPUT_MEAN = 0.2  # both inputs' value where no stimulus is shown
LIMITS = _gap.Limits(closed=0.75)
REPAIR = _starts.Repair(dense_inputs=True)


def train(context: Context) -> None:
    """Search and train the networks on the perceptual decision."""
    train_on(context, dj.tasks.PerceptualDecision)


def train_on(
    context: Context,
    make_task: type[dj.tasks.PerceptualDecision] | type[dj.tasks.ContextIntegration],
) -> None:
    """Search and train the networks, with leaky, noisy cells, on a task with two choices."""
    s = context.settings
    task = make_task(dt=s.dt, batch_size=s.batch_size, num_test=s.num_test)
    cell = {"tau": task.tau, "dt": task.dt, "noise": s.noise}
    _compared.train(context, task, INPUT_MEAN, cell, repair=REPAIR, every_step=True)


def judge(context: Context) -> list[dj.claims.Claim]:
    """Claim how much of the gap between ColEI and the RNN repaired ColEI closes."""
    return _compared.judge(context, "test_error", LIMITS)


def draw(context: Context) -> None:
    """Draw shares of wrong decisions and singular values."""
    _compared.draw(context, "test_error", "wrong decisions (%)")


EXPERIMENT = Experiment(
    name="repaired_decisions",
    source=_gap.SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 20, "paper": 150},
    claims=("gap_closed", "no_more_variable", "better_than_colei", "better_than_transplant"),
    train=train,
    judge=judge,
    draw=draw,
)
