"""Repaired ColEI on naming objects, 1 x 300 units, a tenth of them inhibitory.

    python -m experiments repaired_objects --preset laptop --data-dir DIR

The task of `fig2_objects`, whose inputs are centred: the bias starts at 0, or above it, so that a
dark picture does not silence a network whose input weights are never negative. The picture is there
at the first of five steps: synapses start with strength 1, to hand it on; the read-out is shifted,
which its softmax does not see.

ColEI, repaired or not, takes part three times: as published, with excitatory inputs only, and with
a tenth or half of the input units inhibitory. Which pixels those are is drawn once, by an order of
the pixels that is the same for all networks. `laptop` makes 7,500 of 37,500 updates, without the
orthogonal RNN and the Dale's ANN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import dalejax as dj
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.engine.settings import Training
from experiments.li2023 import fig2_objects
from experiments.repaired import _compared, _gap, _starts


@dataclass(frozen=True, kw_only=True)
class Settings(Training):
    """Settings of the experiment.

    Attributes:
        scenes: data set of the backgrounds.
        size: units.
        steps: steps.
        pictures: pictures measured.
        n: units.
        n_i: inhibitory units, among the n (ColEI) or on top (DANN).
        inputs_n_i: numbers of inhibitory inputs tried.
        search_updates: updates of each network in the search.
        search_seeds: seeds of each point in the search.
        rates: learning rates tried.
        clips: gradient clips tried; "none" for no clipping.
        biases: starts of the bias tried.
        networks: the networks compared.
    """

    scenes: str
    size: int
    steps: int
    pictures: int
    n: int
    n_i: int
    inputs_n_i: tuple[int, ...]
    search_updates: int
    search_seeds: int
    rates: tuple[float, ...]
    clips: tuple[float, ...]
    biases: tuple[str, ...]
    networks: tuple[str, ...]


FULL = Settings(
    data="objects64",
    scenes="bsds500",
    size=32,
    steps=5,
    pictures=40_000,
    n=300,
    n_i=30,
    batch_size=32,
    updates=37_500,
    eval_every=1250,
    seeds=10,
    last=5,
    inputs_n_i=(102, 512),
    search_updates=3750,
    search_seeds=2,
    rates=(0.015, 0.03, 0.06, 0.12, 0.24, 0.48),
    clips=(1.0, 10.0),
    biases=("zero", "raised"),
    networks=("RNN", "orthogonal RNN", "DANN", "ColEI", "ColEI, RNN's spectrum", "repaired ColEI"),
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
        updates=7500,
        eval_every=375,
        search_updates=1500,
        networks=("RNN", "ColEI", "ColEI, RNN's spectrum", "repaired ColEI"),
    ),
    "paper": FULL,
}
REPAIR = _starts.Repair(strength=1.0, singular_value=1.0, shift=10.0)


class AnyOrder(dj.tasks.ObjectRecognition):
    """Pictures whose pixels are in one random order: the last inputs lie anywhere in a picture."""

    def encode(self, inputs):
        """Order the pixels; then as usual."""
        return super().encode(inputs[:, np.random.default_rng(0).permutation(self.n_in)])


def run(context: Context) -> list[dj.claims.Claim]:
    """Compare the networks."""
    task = fig2_objects.recognition(context, AnyOrder)
    return _compared.run(
        context,
        task,
        "test_error",
        "test error (%)",
        0.0,
        _gap.Limits(closed=0.75),
        repair=REPAIR,
    )


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
