"""Repaired ColEI on naming objects, 1 x 300 units, a tenth of them inhibitory.

    python -m experiments repaired_objects --preset laptop --data-dir DIR

The task of `fig2_objects`, whose inputs are centred: the bias starts at 0. `laptop` makes 7,500 of
37,500 updates, without the orthogonal RNN and the Dale's ANN.
"""

from __future__ import annotations

import dalejax as dj
from experiments import fig2_objects, repaired, starts
from experiments.base import Context, Experiment

FULL = fig2_objects.FULL | {"n": 300, "n_i": 30, "seeds": 10, "search_updates": 3750,
                            "search_seeds": 2, "rates": (0.03, 0.06, 0.12, 0.24),
                            "clips": (1.0, 10.0), "biases": ("zero",),
                            "networks": starts.NAMES}  # fmt: skip
FULL = {n: v for n, v in FULL.items() if not n.startswith(("rate_", "clip_", "layers"))}
PRESETS = {
    "smoke": FULL
    | {"data": "shapes", "scenes": "noise", "size": 16, "pictures": 640, "n": 20, "n_i": 2,
       "updates": 4, "eval_every": 2, "seeds": 3, "last": 1, "search_updates": 2,
       "rates": (0.1,), "clips": (1.0,)},
    "laptop": FULL | {"updates": 7500, "eval_every": 375, "search_updates": 1500,
                      "networks": starts.FOUR},
    "paper": FULL,
}  # fmt: skip


def run(context: Context) -> list[dj.claims.Claim]:
    """Compare the networks."""
    task = fig2_objects.recognition(context)
    return repaired.run(
        context, task, "test_error", "test error (%)", 0.0, repaired.Limits(closed=0.75)
    )


EXPERIMENT = Experiment(
    name="repaired_objects",
    source=repaired.SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 20, "paper": 150},
    claims=4,
    run=run,
)
