"""An experiment that trains two RNNs of four units for four updates, to test the engine with."""

from dataclasses import dataclass

import dalejax as dj
from experiments.engine import comparison, evidence
from experiments.engine.base import Experiment
from experiments.engine.settings import Training

NET = dj.RecurrentNetwork([dj.RNNCell(4)], dj.Dense(1))
TASK = dj.tasks.AddingProblem(4, batch_size=8, num_train=32, num_test=8)


@dataclass(frozen=True, kw_only=True)
class Tiny(Training):
    """Settings of every type that the command line reads."""

    rate: float
    rates: tuple[float, ...]
    clips: tuple[float | str, ...]
    bias: str = ""
    sizes: tuple[int, ...] = ()


def train(context):
    """Train one small RNN on the adding problem."""
    comparison.train_one(context, "RNN", NET, dj.rnn_sgd(context.settings.rate), TASK)


def judge(context):
    """State the mean error."""
    errors = context.final("RNN", "test_mse")
    return [evidence.number(context, "error", "S.", "N23", errors, True, "any")]


SMALL = Tiny(
    data="generated",
    updates=4,
    eval_every=2,
    seeds=2,
    rate=0.1,
    rates=(0.05, 0.2),
    clips=(1.0, "none"),
)
TINY = Experiment(
    name="tiny",
    source="N23",
    presets=dict.fromkeys(("smoke", "laptop", "paper"), SMALL),
    expected_minutes=dict.fromkeys(("smoke", "laptop", "paper"), 0.1),
    claims=("error",),
    train=train,
    judge=judge,
)
