"""Repaired ColEI on sequential MNIST, 1 x 100 units, a tenth of them inhibitory.

    python -m experiments repaired_smnist --preset laptop --data-dir DIR

Expect it a little behind the RNN, and far ahead of ColEI. `laptop` makes 12 of 30 epochs with
10 of 20 seeds. The search makes 6: after 2 the rates that learn fast are ahead of those that learn
well. `repaired_decay` does the same with rates that fall.
"""

from __future__ import annotations

import dalejax as dj
from experiments.engine.base import Context, Experiment
from experiments.repaired import _compared, _gap

FULL = {
    "data": "mnist",
    "n": 100,
    "n_i": 10,
    "updates": 46_860,
    "eval_every": 1562,
    "seeds": 20,
    "last": 5,
    "batch_size": 32,
    "num_valid": 10_000,
    "search_updates": 9372,
    "search_seeds": 3,
    "rates": (0.005, 0.01, 0.02, 0.04),
    "clips": (1.0, 10.0),
    "biases": ("zero", "centred"),
}
PRESETS = {
    "smoke": FULL
    | {
        "data": "digits",
        "n": 10,
        "n_i": 1,
        "updates": 4,
        "eval_every": 2,
        "seeds": 3,
        "last": 1,
        "num_valid": 500,
        "search_updates": 2,
        "search_seeds": 2,
        "rates": (0.01, 0.02),
        "clips": (1.0,),
    },
    "laptop": FULL | {"updates": 18_744, "seeds": 10, "last": 3, "search_seeds": 2},
    "paper": FULL,
}


def compare(context: Context, **how) -> list[dj.claims.Claim]:
    """Compare the six on sequential MNIST; ``how`` goes to :func:`repaired.run`."""
    s = context.settings
    task = context.smnist(batch_size=s["batch_size"], num_valid=s["num_valid"])
    limits = _gap.Limits(closed=0.9, above=0.3)
    return _compared.run(
        context, task, "test_error", "test error (%)", task.input_mean, limits, **how
    )


def run(context: Context) -> list[dj.claims.Claim]:
    """Compare the six at constant rates, as in the papers."""
    return compare(context)


EXPERIMENT = Experiment(
    name="repaired_smnist",
    source=_gap.SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 30, "paper": 250},
    claims=5,
    run=run,
)
