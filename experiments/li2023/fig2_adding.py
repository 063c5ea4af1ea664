"""Figure 2A of Li et al. 2023: RNN, ColEI and DANN on the adding problem, 1 x 10 units.

    python -m experiments fig2_adding --preset laptop

Full scale (100 epochs, 30 seeds): DANN < RNN < ColEI in median test error.
"""

from __future__ import annotations

from dataclasses import dataclass

import dalejax as dj
from experiments.engine import comparison, evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context, finite
from experiments.engine.settings import Training
from experiments.li2023 import _figure2
from experiments.shared import networks
from experiments.shared.networks import CLIPPED


@dataclass(frozen=True, kw_only=True)
class Settings(Training):
    """Settings of the experiment.

    Attributes:
        n: units.
        n_i: inhibitory units, among the n (ColEI) or on top (DANN).
        learning_rate: learning rate.
        clip_colei: largest gradient norm of a ColEI tensor.
        clip_dann: largest gradient norm of a DANN's cell, "none" for no clipping.
        num_train: training examples.
    """

    n: int
    n_i: int
    learning_rate: float
    clip_colei: float
    clip_dann: float
    num_train: int


FULL = Settings(
    data="generated",
    n=10,
    n_i=1,
    updates=14_100,
    eval_every=141,
    seeds=30,
    learning_rate=0.1,
    clip_colei=7.0,
    clip_dann=3.0,
    batch_size=64,
    last=5,
    num_train=9000,
)
PRESETS = {
    "smoke": FULL.replaced(updates=30, eval_every=10, seeds=3, last=1, num_train=640),
    "laptop": FULL,
    "paper": FULL,
}
SOURCE = "Li et al. 2023, Fig. 2A"
PAPER = {"RNN": 0.038, "DANN": 0.010, CLIPPED: 0.077}
# The mean of the two inputs: numbers in [0, 1], and 2 marks in 20 steps.
INPUT_MEAN = (0.5 + 2 / 20) / 2


def train(context: Context) -> None:
    """Train RNN and DANN, and ColEI with and without gradient clipping."""
    s = context.settings
    task = dj.tasks.AddingProblem(batch_size=s.batch_size, num_train=s.num_train)
    rate = decay(s.learning_rate, task.updates_per_epoch)
    mean = INPUT_MEAN if context.variant == "text" else 0.0
    rnn, dann = networks.rnn(1, s.n, 1), networks.dann(1, s.n, s.n_i, 1)
    colei = networks.colei(1, s.n, s.n_i, 1, input_mean=mean)
    comparison.train_one(context, "RNN", rnn, dj.rnn_sgd(rate), task)
    comparison.train_one(context, "DANN", dann, dj.dann_sgd(rate, s.clip_dann), task)
    _figure2.train_both(context, colei, lambda clip: dj.colei_sgd(rate, clip), s.clip_colei, task)


def decay(initial: float, updates_per_epoch: int):
    """Schedule of the published code: x 0.99 after every 20 batches of an epoch."""

    def rate(update):
        epoch, batch = update // updates_per_epoch, update % updates_per_epoch
        decays = epoch * ((updates_per_epoch - 1) // 20) + batch // 20
        return initial * 0.99**decays

    return rate


def draw(context: Context) -> None:
    """Draw the learning curves and the final test errors."""
    _figure2.draw(context, "test_mse", "test mean squared error")


def judge(context: Context) -> list[dj.claims.Claim]:
    """Compare the final test errors with each other and with those read off the figure."""
    errors = _figure2.errors(context, "test_mse")
    summary = {name: dj.results.summary(values) for name, values in errors.items()}
    # A few bad seeds dominate the means, so ranks and medians are compared and tested.
    statement = "DANN below RNN in test error."
    besides = evidence.Above(
        "rnn_above_dann", statement, errors["RNN"], errors["DANN"], ("RNN", "DANN")
    )
    claims = _figure2.claims(context, errors, f"{SOURCE}; section 3.1", besides=[besides])
    for name, paper in PAPER.items():
        interval = evidence.interval(finite(errors[name]))
        claims.append(
            context.claim(
                id=f"error_{name.split()[0].lower()}",
                statement=f"Final test error of {name} is {paper} (mean over seeds).",
                source=SOURCE,
                measured=summary[name]["mean"],
                spread=summary[name]["sd"],
                interval=tuple(interval),
                reference=f"{paper} (read off the figure)",
                test=f"bootstrap interval holds the reference; {summary[name]['text']}",
                holds=bool(interval.low <= paper <= interval.high),
            )
        )
    return claims


EXPERIMENT = Experiment(
    name="fig2_adding",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.3, "laptop": 3.5, "paper": 3.5},
    claims=(
        "colei_worse_than_rnn",
        "colei_worse_than_dann",
        "rnn_above_dann",
        "clipping_benefits_colei",
        "colei_more_variable",
        "error_rnn",
        "error_dann",
        "error_colei",
    ),
    train=train,
    judge=judge,
    draw=draw,
    variants=("text", "code"),
)
