"""Divisive inhibition in recurrent networks (Cornford et al. 2021, appendix B.2, eqs. 18 and 19).

    python -m experiments iclr_recurrent --preset laptop --data-dir DIR

The appendix gives the equations and no experiment. Here: sequential MNIST, 1 x 100 units, beside
the subtractive DANN and the RNN of Li et al. 2023, each at its best of several learning rates by
validation. The divisive one's grid lies higher, because on a common one from 0.01 to 0.1 it was
best at 0.1; here it is best at 0.05, the lowest. `laptop` makes 10 of 30 epochs.
"""

from __future__ import annotations

from dataclasses import dataclass

import dalejax as dj
from experiments.engine import evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.engine.settings import Training
from experiments.shared import at_best, networks, tasks

RNN, SUBTRACTIVE, DIVISIVE = "RNN", "DANN", "divisive DANN"


@dataclass(frozen=True, kw_only=True)
class Settings(Training):
    """Settings of the experiment.

    Attributes:
        n: units.
        n_i: inhibitory units, among the n (ColEI) or on top (DANN).
        num_valid: training examples kept back for validation.
        rates: learning rates tried.
        high_rates: learning rates tried for the divisive DANN.
        clips: gradient clips tried; "none" for no clipping.
    """

    n: int
    n_i: int
    num_valid: int
    rates: tuple[float, ...]
    high_rates: tuple[float, ...]
    clips: tuple[float, ...]


FULL = Settings(
    data="mnist",
    n=100,
    n_i=10,
    updates=46_860,
    eval_every=1562,
    seeds=10,
    last=5,
    batch_size=32,
    num_valid=10_000,
    rates=(0.005, 0.01, 0.02, 0.05),
    high_rates=(0.05, 0.1, 0.2, 0.4),
    clips=(10.0,),
)
PRESETS = {
    "smoke": FULL.replaced(
        data="digits",
        n=20,
        n_i=2,
        updates=60,
        eval_every=30,
        seeds=3,
        last=1,
        num_valid=500,
        rates=(0.01, 0.05),
        high_rates=(0.05, 0.1),
    ),
    "laptop": FULL.replaced(updates=15_620, seeds=5, last=3),
    "paper": FULL,
}
SOURCE = "Cornford et al. 2021, appendix B.2"
EQUIVALENT = 0.5  # points of test error within which two networks are equivalent; our choice


def train(context: Context) -> None:
    """Train RNN, subtractive and divisive DANN at all learning rates."""
    s = context.settings
    task = tasks.smnist(context, num_valid=s.num_valid)
    n_out = task.n_out
    pairs = {
        RNN: (networks.rnn(1, s.n, n_out), dj.rnn_sgd),
        SUBTRACTIVE: (networks.dann(1, s.n, s.n_i, n_out), dj.dann_sgd),
        DIVISIVE: (networks.divisive(1, s.n, s.n_i, n_out), dj.dann_sgd),
    }
    rates = _rates(context)
    at_best.train(
        context,
        {name: at_best.Contestant(*pair, task, rates[name]) for name, pair in pairs.items()},
    )


def _rates(context: Context) -> dict[str, tuple[float, ...]]:
    s = context.settings
    return {RNN: s.rates, SUBTRACTIVE: s.rates, DIVISIVE: s.high_rates}


def draw(context: Context) -> None:
    """Draw learning curves and final errors, each at its best learning rate."""
    at_best.draw(context, at_best.choose(context, _rates(context)))


def judge(context: Context) -> list[dj.claims.Claim]:
    """Compare the divisive DANN with the subtractive one and the RNN."""
    found = at_best.choose(context, _rates(context))
    statement = (
        "All of the existing DANN approaches developed above can be applied to recurrent networks"
    )
    return [
        evidence.gap_within(
            context,
            f"divisive_as_{id}",
            f"{statement} (test error, divisive DANN minus {other}).",
            SOURCE,
            found[DIVISIVE].test,
            found[other].test,
            EQUIVALENT,
            at_best.note(found),
        )
        for id, other in (("subtractive", SUBTRACTIVE), ("rnn", RNN))
    ]


EXPERIMENT = Experiment(
    name="iclr_recurrent",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.4, "laptop": 12, "paper": 40},
    claims=(
        "divisive_as_subtractive",
        "divisive_as_rnn",
    ),
    train=train,
    judge=judge,
    draw=draw,
)
