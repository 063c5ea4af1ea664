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
        high_rates: DESCRIBE ME.
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
ALIKE = 0.5  # points of test error, our choice


def run(context: Context) -> list[dj.claims.Claim]:
    """Train the three at all rates; compare the divisive one with the others."""
    s = context.settings
    task = tasks.smnist(context, num_valid=s.num_valid)
    size, n_i = (1, s.n), s.n_i
    found = at_best.train(
        context,
        {
            name: at_best.Contestant(net, make, task, s[rates])
            for name, net, make, rates in (
                (RNN, networks.rnn(*size, task.n_out), dj.rnn_sgd, "rates"),
                (SUBTRACTIVE, networks.dann(*size, n_i, task.n_out), dj.dann_sgd, "rates"),
                (DIVISIVE, networks.divisive(*size, n_i, task.n_out), dj.dann_sgd, "high_rates"),
            )
        },
    )
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
            ALIKE,
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
