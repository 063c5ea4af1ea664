"""Subtractive, divisive, and both: what the two kinds of inhibition do for learning.

    python -m experiments iclr_inhibition --preset laptop --data-dir DIR

Cornford et al. 2021 leave it as a question (section 6): subtraction is what the functional space
needs, division "may confer some of the same optimisation benefits as normalisation schemes". All
three learn at several rates, the better one by validation. Ours: the bias starts at 0, a layer's
gradient is clipped at 10, and what only subtracts starts with weights that keep the variance.
"""

from __future__ import annotations

import dalejax as dj
from experiments.cornford2021 import _networks
from experiments.engine import evidence
from experiments.engine.base import Context, Experiment
from experiments.shared import at_best

BOTH, SUBTRACTIVE, DIVISIVE = "both", "subtractive", "divisive"
KINDS = {
    BOTH: {},
    SUBTRACTIVE: {"divisive": False},
    DIVISIVE: {"subtractive": False},
}
# 50 epochs of the 50,000 pictures that are not kept back.
FULL = _networks.FULL | {
    "rates": (0.3, 0.1, 0.03, 0.01),
    "num_valid": 10_000,
    "clips": (10.0,),
    "updates": 78_150,
    "eval_every": 1563,
}
PRESETS = {
    "smoke": FULL | _networks.SMOKE | {"rates": (0.1, 0.03), "num_valid": 500},
    "laptop": FULL | {"updates": 7_815, "last": 1, "rates": (0.3, 0.1, 0.03)},
    "paper": FULL,
}
SOURCE = "Cornford et al. 2021, section 6"


def run(context: Context) -> list[dj.claims.Claim]:
    """Train the three kinds at all rates; compare each at its best."""
    s = context.settings
    task = _networks.task_of(context, num_valid=s["num_valid"])
    found = at_best.train(
        context,
        {
            kind: at_best.Contestant(
                _networks.dann(s, s["some"], bias=0.0, **how),
                dj.dann_sgd,
                task,
                s["rates"],
            )
            for kind, how in KINDS.items()
        },
    )
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
    claims=3,
    run=run,
)
