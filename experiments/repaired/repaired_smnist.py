"""Repaired ColEI on sequential MNIST, 1 x 100 units, a tenth of them inhibitory.

    python -m experiments repaired_smnist --preset laptop --data-dir DIR

Expect repaired ColEI a little behind the RNN, and far ahead of ColEI. `laptop` makes 12 of 30
epochs with 10 of 20 seeds. The search makes 6 epochs: after 2, the rates that learn fast are ahead
of those that learn well. `repaired_decay` does the same with learning rates that fall.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import dalejax as dj
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.repaired import _compared, _gap, _settings
from experiments.shared import tasks


@dataclass(frozen=True, kw_only=True)
class Settings(_settings.Settings):
    """Settings of the experiment.

    Attributes:
        num_valid: training digits kept back for validation.
    """

    num_valid: int = 10_000


FULL = Settings(
    data="mnist",
    n=100,
    n_i=10,
    updates=46_860,  # 30 epochs
    eval_every=1562,
    seeds=20,
    last=5,
    search_updates=9372,
    search_seeds=3,
    rates=(0.005, 0.01, 0.02, 0.04),
    clips=(1.0, 10.0),
)
SMOKE = FULL.replaced(
    data="digits",
    n=10,
    n_i=1,
    updates=4,
    eval_every=2,
    seeds=3,
    last=1,
    num_valid=500,
    search_updates=2,
    search_seeds=2,
    rates=(0.01, 0.02),
    clips=(1.0,),
)
PRESETS = {
    "smoke": SMOKE,
    "laptop": FULL.replaced(updates=18_744, seeds=10, last=3, search_seeds=2),
    "paper": FULL,
}
LIMITS = _gap.Limits(closed=0.9, above=0.3)


def train(context: Context, schedule: Callable = _compared.constant) -> None:
    """Search and train the networks, at constant rates or at those of a schedule."""
    task = tasks.smnist(context, num_valid=context.settings.num_valid)
    _compared.train(context, task, task.input_mean, schedule=schedule)


def judge(context: Context) -> list[dj.claims.Claim]:
    """Claim how much of the gap repaired ColEI closes, and that it is as good as the RNN."""
    return _compared.judge(context, "test_error", LIMITS)


def draw(context: Context) -> None:
    """Draw test errors and singular values."""
    _compared.draw(context, "test_error", "test error (%)")


EXPERIMENT = Experiment(
    name="repaired_smnist",
    source=_gap.SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 30, "paper": 250},
    claims=(
        "gap_closed",
        "no_more_variable",
        "better_than_colei",
        "better_than_transplant",
        "as_good_as_rnn",
    ),
    train=train,
    judge=judge,
    draw=draw,
)
