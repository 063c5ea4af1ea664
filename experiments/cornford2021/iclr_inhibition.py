"""Subtractive, divisive, and both: what the two kinds of inhibition do for learning.

    python -m experiments iclr_inhibition --preset laptop --data-dir DIR

Cornford et al. 2021 leave it as a question (section 6): subtraction is what the functional space
needs, division "may confer some of the same optimisation benefits as normalisation schemes". All
three learn at several rates, the better one by validation. Ours: the bias starts at 0, a layer's
gradient is clipped at 10, and what only subtracts starts with weights that keep the variance.
"""

from __future__ import annotations

from dataclasses import dataclass

import dalejax as dj
from experiments.cornford2021 import _networks
from experiments.engine import evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.shared import at_best

BOTH, SUBTRACTIVE, DIVISIVE = "both", "subtractive", "divisive"
KINDS = {
    BOTH: {},
    SUBTRACTIVE: {"divisive": False},
    DIVISIVE: {"subtractive": False},
}


# 50 epochs of the 50,000 pictures that are not kept back.
@dataclass(frozen=True, kw_only=True)
class Settings(_networks.Settings):
    """Settings of the experiment.

    Attributes:
        rates: learning rates tried.
        num_valid: training examples kept back for validation.
        clips: gradient clips tried; "none" for no clipping.
    """

    rates: tuple[float, ...]
    num_valid: int
    clips: tuple[float, ...]


FULL = Settings(
    data="mnist",
    layers=3,
    units=500,
    few=1,
    some=50,
    many=100,
    updates=78_150,
    eval_every=1563,
    seeds=6,
    last=5,
    batch_size=32,
    rates=(0.3, 0.1, 0.03, 0.01),
    num_valid=10_000,
    clips=(10.0,),
)
PRESETS = {
    "smoke": FULL.replaced(
        data="digits",
        layers=2,
        units=20,
        some=2,
        many=4,
        updates=60,
        eval_every=30,
        seeds=3,
        last=1,
        rates=(0.1, 0.03),
        num_valid=500,
    ),
    "laptop": FULL.replaced(updates=7815, last=1, rates=(0.3, 0.1, 0.03)),
    "paper": FULL,
}
SOURCE = "Cornford et al. 2021, section 6"


def train(context: Context) -> None:
    """Train DANNs with both kinds of inhibition and with either, at all learning rates."""
    s, task = context.settings, _networks.task_of(context, num_valid=context.settings.num_valid)
    contestants = {}
    for kind, how in KINDS.items():
        net = _networks.dann(s, s.some, bias=0.0, **how)
        contestants[kind] = at_best.Contestant(net, dj.dann_sgd, task, s.rates)
    at_best.train(context, contestants)


def _found(context: Context) -> dict[str, at_best.Best]:
    return at_best.choose(context, dict.fromkeys(KINDS, context.settings.rates))


def draw(context: Context) -> None:
    """Draw learning curves and final errors, each at its best learning rate."""
    at_best.draw(context, _found(context))


def judge(context: Context) -> list[dj.claims.Claim]:
    """Compare both kinds of inhibition with either alone, each at its best learning rate."""
    found = _found(context)
    test = {kind: best.test for kind, best in found.items()}
    return evidence.above(
        context,
        [
            evidence.Above(
                "division_helps",
                "Divisive inhibition may confer some of the same optimisation "
                "benefits as normalisation schemes (test error of subtraction alone above both).",
                test[SUBTRACTIVE],
                test[BOTH],
                (SUBTRACTIVE, BOTH),
            ),
            evidence.Above(
                "subtraction_is_required",
                "Subtractive inhibition is required for the "
                "unconstrained functional space of DANN layers (test error of division alone above "
                "both).",
                test[DIVISIVE],
                test[BOTH],
                (DIVISIVE, BOTH),
            ),
            evidence.Above(
                "subtraction_matters_more",
                "Subtractive inhibition is required (test error of "
                "division alone above that of subtraction alone).",
                test[DIVISIVE],
                test[SUBTRACTIVE],
                (DIVISIVE, SUBTRACTIVE),
            ),
        ],
        SOURCE,
        at_best.note(found),
    )


EXPERIMENT = Experiment(
    name="iclr_inhibition",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 30, "paper": 400},
    claims=(
        "division_helps",
        "subtraction_is_required",
        "subtraction_matters_more",
    ),
    train=train,
    judge=judge,
    draw=draw,
)
