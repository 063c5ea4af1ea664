"""Repaired ColEI on decisions by context: motion counts in one of them, colour in the other.

    python -m experiments repaired_context --preset laptop

The context integration of Song et al. 2016; networks and search are those of `repaired_decisions`.
"""

from __future__ import annotations

import dalejax as dj
from experiments.engine.base import Context, Experiment
from experiments.repaired import _gap, repaired_decisions

LONGER = {"laptop": 37, "paper": 2}  # as many updates as the perceptual decision needs
PRESETS = {
    name: settings | {"updates": LONGER.get(name, 1) * settings["updates"]}
    for name, settings in repaired_decisions.PRESETS.items()
}


def run(context: Context) -> list[dj.claims.Claim]:
    """Compare the six."""
    return repaired_decisions.compare(context, dj.tasks.ContextIntegration)


EXPERIMENT = Experiment(
    name="repaired_context",
    source=_gap.SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 37, "paper": 300},
    claims=4,
    run=run,
)
