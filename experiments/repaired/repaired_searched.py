"""Repaired ColEI, RNN and ColEI on sequential MNIST, at rates that were searched to the end.

    python -m experiments repaired_searched --preset laptop --data-dir DIR

As `repaired_decay`, but the search is as long as the comparison: what leads after 6 of 30 epochs
need not be what ends best. Expect repaired ColEI close behind the RNN.
"""

from __future__ import annotations

import dalejax as dj
from experiments.engine.base import Context, Experiment
from experiments.repaired import _gap, _starts, repaired_decay, repaired_smnist

THREE = {"networks": (_starts.RNN, _starts.COLEI, _starts.REPAIRED)}
FULL = repaired_decay.PRESETS["paper"]
FULL = (
    FULL
    | THREE
    | {
        "search_updates": FULL["updates"],
        "search_seeds": 2,
        "rates": (0.01, 0.02, 0.04),
        "clips": (1.0, 10.0),
    }
)
PRESETS = {
    "smoke": repaired_decay.PRESETS["smoke"] | THREE | {"search_updates": 4},
    "laptop": FULL,
    "paper": FULL | {"search_seeds": 5},
}


def run(context: Context) -> list[dj.claims.Claim]:
    """Compare the three at rates that fall."""
    return repaired_smnist.compare(context, schedule=repaired_decay.falling)


EXPERIMENT = Experiment(
    name="repaired_searched",
    source=_gap.SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 110, "paper": 160},
    claims=4,
    run=run,
)
