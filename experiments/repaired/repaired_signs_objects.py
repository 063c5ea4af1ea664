"""Why repaired ColEI is behind where pictures are seen at once: the signs of its input weights.

    python -m experiments repaired_signs_objects --preset laptop --data-dir DIR

The task of `repaired_objects`, 1 x 300 units, 30 of them inhibitory: the picture is there at the
first of five steps, and U never negative, so that no unit can tell an edge in it. All but the RNN
start as repaired ColEI does on sequential MNIST; what differs is which matrices have to keep their
signs. Expect those of U to make most of what is left to the RNN. `laptop` makes 3,000 of 37,500
updates.
"""

from __future__ import annotations

from dataclasses import dataclass

import dalejax as dj
from experiments.engine import evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.engine.settings import Training
from experiments.li2023 import fig2_objects
from experiments.repaired import _gap, repaired_signs
from experiments.repaired.repaired_signs import ALL, RNN
from experiments.shared.at_best import note

_OWN = {"seeds": 10, "clips": (1.0,), "rates": (0.06, 0.12, 0.24)}
_SMOKE = {"seeds": 3, "rates": (0.1, 0.2)}
_LAPTOP = {"seeds": 4, "rates": (0.12, 0.24), "updates": 3000, "eval_every": 600, "last": 1}
_SEARCH = ("search_updates", "search_seeds", "clips", "biases", "networks", "inputs_n_i")


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
        rates: learning rates tried.
        clips: gradient clips tried; "none" for no clipping.
    """

    scenes: str
    size: int
    steps: int
    pictures: int
    n: int
    n_i: int
    rates: tuple[float, ...]
    clips: tuple[float, ...]


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
    rates=(0.06, 0.12, 0.24),
    clips=(1.0,),
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
        rates=(0.1, 0.2),
    ),
    "laptop": FULL.replaced(updates=3000, eval_every=600, seeds=4, last=1, rates=(0.12, 0.24)),
    "paper": FULL,
}
SHARE = 0.5  # of the points between repaired ColEI and the RNN that U's signs make at least


def run(context: Context) -> list[dj.claims.Claim]:
    """Compare the networks, each with other signs to keep."""
    found = repaired_signs.train(context, fig2_objects.recognition(context))
    test = {name: best.test for name, best in found.items()}
    mean = {name: values.mean() for name, values in test.items()}
    share = (mean[ALL] - mean["free U"]) / (mean[ALL] - mean[RNN])
    return [
        *evidence.above(
            context,
            [
                evidence.Above(
                    "signs_of_u_cost",
                    "The signs of U cost learning (error with all signs, and "
                    "with those of U free).",
                    test[ALL],
                    test["free U"],
                    (ALL, "free U"),
                ),
            ],
            _gap.SOURCE,
            note(found),
        ),
        evidence.number(
            context,
            "signs_of_u_make_most",
            "The signs of U make most of what repaired ColEI is "
            "behind the RNN (their share of the difference of the means).",
            _gap.SOURCE,
            share,
            mean[ALL] > mean[RNN] and share >= SHARE,
            f"at least {SHARE:g}",
            note=note(found),
        ),
    ]


EXPERIMENT = Experiment(
    name="repaired_signs_objects",
    source=_gap.SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 6, "paper": 180},
    claims=(
        "signs_of_u_cost",
        "signs_of_u_make_most",
    ),
    train=train,
    judge=judge,
    draw=draw,
)
