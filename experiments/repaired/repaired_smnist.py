"""Repaired ColEI on sequential MNIST, 1 x 100 units, a tenth of them inhibitory.

    python -m experiments repaired_smnist --preset laptop --data-dir DIR

Expect it a little behind the RNN, and far ahead of ColEI. `laptop` makes 12 of 30 epochs with
10 of 20 seeds. The search makes 6: after 2 the rates that learn fast are ahead of those that learn
well. `repaired_decay` does the same with rates that fall.
"""

from __future__ import annotations

from dataclasses import dataclass

import dalejax as dj
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.engine.settings import Training
from experiments.repaired import _compared, _gap
from experiments.shared import tasks


@dataclass(frozen=True, kw_only=True)
class Settings(Training):
    """Settings of the experiment.

    Attributes:
        n: units.
        n_i: inhibitory units, among the n (ColEI) or on top (DANN).
        num_valid: training examples kept back for validation.
        search_updates: updates of each network in the search.
        search_seeds: seeds of each point in the search.
        rates: learning rates tried.
        clips: gradient clips tried; "none" for no clipping.
        biases: starts of the bias tried.
    """

    n: int
    n_i: int
    num_valid: int
    search_updates: int
    search_seeds: int
    rates: tuple[float, ...]
    clips: tuple[float, ...]
    biases: tuple[str, ...]


FULL = Settings(
    data="mnist",
    n=100,
    n_i=10,
    updates=46_860,
    eval_every=1562,
    seeds=20,
    last=5,
    batch_size=32,
    num_valid=10_000,
    search_updates=9372,
    search_seeds=3,
    rates=(0.005, 0.01, 0.02, 0.04),
    clips=(1.0, 10.0),
    biases=("zero", "centred"),
)
PRESETS = {
    "smoke": FULL.replaced(
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
    ),
    "laptop": FULL.replaced(updates=18_744, seeds=10, last=3, search_seeds=2),
    "paper": FULL,
}


def compare(context: Context, **how) -> list[dj.claims.Claim]:
    """Compare the six on sequential MNIST; ``how`` goes to :func:`repaired.run`."""
    s = context.settings
    task = tasks.smnist(context, num_valid=s.num_valid)
    limits = _gap.Limits(closed=0.9, above=0.3)
    return _compared.run(
        context, task, "test_error", "test error (%)", task.input_mean, limits, **how
    )


def run(context: Context) -> list[dj.claims.Claim]:
    """Compare the six at constant rates, as in the papers."""
    return compare(context)


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
