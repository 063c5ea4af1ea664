"""Repaired ColEI on naming objects, 1 x 300 units, a tenth of them inhibitory.

    python -m experiments repaired_objects --preset laptop --data-dir DIR

The task of `fig2_objects`, whose inputs are centred: the bias starts at 0, or above it, so that a
dark picture does not silence a network whose input weights are never negative. The picture is shown
at the first of five steps: synapses of W start with strength 1, which hands the activity on from
step to step; the magnitudes of the read-out's weights are shifted by a constant, on which its
softmax does not depend.

ColEI, repaired or not, takes part three times: as published, with excitatory inputs only, and with
a tenth or half of the input units inhibitory. The pixels are put into a random order, the same for
all networks, so that the inhibitory ones lie anywhere in the picture. `laptop` makes 7,500 of
37,500 updates, without the orthogonal RNN and the Dale's ANN.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

import dalejax as dj
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.li2023 import fig2_objects
from experiments.li2023._settings import Objects
from experiments.repaired import _compared, _gap, _settings, _starts


@dataclass(frozen=True, kw_only=True)
class Settings(_settings.Settings, Objects):
    """Settings of the experiment."""


FULL = Settings(
    data="objects64",
    n=300,
    n_i=30,
    updates=37_500,  # 30 epochs
    eval_every=1250,
    seeds=10,
    last=5,
    inputs_n_i=(102, 512),
    search_updates=3750,
    search_seeds=2,
    rates=(0.015, 0.03, 0.06, 0.12, 0.24, 0.48),
    clips=(1.0, 10.0),
    biases=("zero", "raised"),
)
PRESETS = {
    "smoke": FULL.replaced(
        data="shapes",
        scenes="noise",
        size=16,
        pictures=640,
        n=20,
        n_i=2,
        updates=4,
        eval_every=2,
        seeds=3,
        last=1,
        inputs_n_i=(26, 128),
        search_updates=2,
        rates=(0.1,),
        clips=(1.0,),
    ),
    "laptop": FULL.replaced(
        updates=7500, eval_every=375, search_updates=1500, networks=_settings.CLAIMED
    ),
    "paper": FULL,
}
LIMITS = _gap.Limits(closed=0.75)
REPAIR = _starts.Repair(strength=1.0, singular_value=1.0, shift=10.0)


class AnyOrder(dj.tasks.ObjectRecognition):
    """Object recognition whose pixels are the inputs in a random order, the same for all pictures.

    Args:
        arguments: of :class:`dalejax.tasks.ObjectRecognition`.
        order_seed: seed of the order.
        options: of :class:`dalejax.tasks.ObjectRecognition`.
    """

    def __init__(self, *arguments: Any, order_seed: int = 0, **options: Any):
        super().__init__(*arguments, **options)
        pixels = self.data["train"][0].shape[1]
        self.pixel_order = np.random.default_rng(order_seed).permutation(pixels)

    def encode(self, inputs):
        """Put the pixels [b, pixels] into the order, and turn them into inputs [1, b, n_in]."""
        return super().encode(inputs[:, self.pixel_order])


def train(context: Context) -> None:
    """Search and train the networks on naming objects."""
    kind = functools.partial(AnyOrder, order_seed=context.settings.root)
    _compared.train(context, fig2_objects.recognition(context, kind), 0.0, repair=REPAIR)


def judge(context: Context) -> list[dj.claims.Claim]:
    """Claim how much of the gap repaired ColEI closes, also where inputs may be inhibitory."""
    return _compared.judge(context, "test_error", LIMITS)


def draw(context: Context) -> None:
    """Draw test errors and singular values."""
    _compared.draw(context, "test_error", "test error (%)")


EXPERIMENT = Experiment(
    name="repaired_objects",
    source=_gap.SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 30, "paper": 220},
    claims=(
        "gap_closed",
        "no_more_variable",
        "better_than_colei",
        "better_than_transplant",
        "gap_closed_inputs",
        "better_than_colei_inputs",
    ),
    train=train,
    judge=judge,
    draw=draw,
)
