"""Figure 2D of Li et al. 2023: RNN, ColEI and DANN name the category of objects, 1 x 1000 units.

    python -m experiments fig2_objects --preset laptop --data-dir DIR

The picture is seen at the first of five time steps. Nobody published its learning rates and clips;
those here were found with `search_objects --preset laptop`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import dalejax as dj
from experiments.engine import comparison
from experiments.engine.base import Experiment
from experiments.engine.context import Context, stand_in
from experiments.engine.settings import Training
from experiments.li2023 import _figure2, _settings
from experiments.shared import networks
from experiments.shared.networks import CLIPPED, FIGURE_2_STYLES


@dataclass(frozen=True, kw_only=True)
class Settings(_settings.Objects, Training):
    """Settings of the experiment.

    Attributes:
        layers: hidden layers.
        n: units.
        n_i: inhibitory units, among the n (ColEI) or on top (DANN).
        rate_rnn: learning rate of the RNN.
        rate_dann: learning rate of the DANN.
        rate_colei: learning rate of ColEI.
        clip_rnn: largest gradient norm of an RNN's cell, "none" for no clipping.
        clip_dann: largest gradient norm of a DANN's cell, "none" for no clipping.
        clip_colei: largest gradient norm of a ColEI tensor.
    """

    layers: int
    n: int
    n_i: int
    rate_rnn: float
    rate_dann: float
    rate_colei: float
    clip_rnn: float | str
    clip_dann: float | str
    clip_colei: float


FULL = Settings(
    data="objects64",
    scenes="bsds500",
    size=32,
    steps=5,
    pictures=40_000,
    layers=1,
    n=1000,
    n_i=100,
    batch_size=32,
    updates=37_500,
    eval_every=1250,
    seeds=5,
    rate_rnn=0.24,
    rate_dann=0.24,
    rate_colei=0.037,
    clip_rnn="none",
    clip_dann="none",
    clip_colei=1.0,
    last=5,
)
PRESETS = {
    "smoke": FULL.replaced(
        data="shapes",
        scenes="noise",
        size=16,
        pictures=640,
        n=20,
        n_i=2,
        updates=20,
        eval_every=10,
        seeds=3,
        last=1,
    ),
    "laptop": FULL.replaced(updates=7500, eval_every=375),
    "paper": FULL,
}
SOURCE = "Li et al. 2023, Fig. 2D"
CHANCE, LINEAR = "chance", "linear read-out of the picture"
_RIDGES = (1.0, 10.0, 100.0, 1000.0, 10_000.0)


def train(context: Context) -> None:
    """Train RNN and DANN, and ColEI with and without gradient clipping."""
    s, task = context.settings, recognition(context)
    chance = 100 - 100 / task.n_out
    context.write_facts(source=task.source, chance=chance, linear=linear_error(task))
    rates = {"RNN": s.rate_rnn, "DANN": s.rate_dann, CLIPPED: s.rate_colei}
    clips = {"RNN": s.clip_rnn, "DANN": s.clip_dann, CLIPPED: s.clip_colei}
    for name, (net, make_tx) in contestants(context, task).items():
        rate, clip = rates[name], networks.limit(clips[name])
        if name == CLIPPED:
            _figure2.train_both(context, net, functools.partial(make_tx, rate), clip, task)
        else:
            comparison.train_one(context, name, net, make_tx(rate, clip), task)


def draw(context: Context) -> None:
    """Draw the learning curves and the final test errors beside chance and a linear read-out."""
    lines = {CHANCE: context.fact("chance"), LINEAR: context.fact("linear")}
    look = {
        "ylabel": f"test error (%){stand_in(context.fact('source', ''))}",
        "styles": FIGURE_2_STYLES,
        "hlines": lines,
    }
    errors = _figure2.errors(context, "test_error")
    context.draw("final_error", dj.plots.final_dots(errors, **look))
    context.draw("learning_curves", dj.plots.learning_curves(context.table, "test_error", **look))


def note(context: Context) -> str:
    """Say for claims which pictures were used instead of the paper's."""
    s, label = context.settings, stand_in(context.fact("source", ""))
    return f"{s.data} on {s.scenes}{label}; not the pictures of Majaj et al."


def recognition(
    context: Context,
    kind: Callable[..., dj.tasks.ObjectRecognition] = dj.tasks.ObjectRecognition,
) -> dj.tasks.ObjectRecognition:
    """Make the task of the settings; ``kind`` is its class, or makes it as the class does."""
    s = context.settings
    return kind(
        s.data,
        s.scenes,
        size=s.size,
        steps=s.steps,
        batch_size=s.batch_size,
        num_train=s.pictures,
        num_valid=s.pictures // 10,
        num_test=s.pictures // 10,
        data_dir=context.data_dir,
    )


def contestants(context: Context, task) -> dict:
    """Make the three networks, each with what makes its optimiser of a rate and a clip."""
    s = context.settings
    layers, n, n_i = s.layers, s.n, s.n_i
    # The bias starts at 0: the task's inputs are centred already.
    colei = networks.colei(layers, n, n_i, task.n_out)
    return {
        "RNN": (networks.rnn(layers, n, task.n_out), dj.rnn_sgd),
        "DANN": (networks.dann(layers, n, n_i, task.n_out), dj.dann_sgd),
        CLIPPED: (colei, dj.colei_sgd),
    }


def linear_error(task) -> float:
    """Give the test error (%) of the best linear read-out of the pictures themselves.

    Ridge regression on the categories, the ridge chosen on the validation pictures.
    """

    def with_one(pictures):
        return np.concatenate([pictures / 255.0, np.ones((len(pictures), 1))], axis=1)

    pictures, labels = task.data["train"]
    x, y = with_one(pictures), np.eye(task.n_out)[labels]
    squares, products = x.T @ x, x.T @ y

    def error(ridge, split):
        weights = np.linalg.solve(squares + ridge * np.eye(len(squares)), products)
        pictures, labels = task.data[split]
        return 100 * float(np.mean((with_one(pictures) @ weights).argmax(1) != labels))

    return error(min(_RIDGES, key=lambda ridge: error(ridge, "valid")), "test")


def judge(context: Context) -> list[dj.claims.Claim]:
    """Compare the final test errors with each other."""
    errors = _figure2.errors(context, "test_error")
    told = note(context)
    if math.isfinite(linear := context.fact("linear", math.nan)):
        chance = context.fact("chance")
        told += f"; chance {chance:.1f} %, linear read-out {linear:.1f} %"
    return _figure2.claims(context, errors, "Li et al. 2023, section 3.1, Fig. 2D", told)


EXPERIMENT = Experiment(
    name="fig2_objects",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.3, "laptop": 30, "paper": 150},
    claims=(
        "colei_worse_than_rnn",
        "colei_worse_than_dann",
        "clipping_benefits_colei",
        "colei_more_variable",
    ),
    train=train,
    judge=judge,
    draw=draw,
)
