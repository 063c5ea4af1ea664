"""Repaired ColEI on decisions by context: motion counts in one of them, colour in the other.

    python -m experiments repaired_context --preset laptop

The context integration of Song et al. 2016; networks and search are those of `repaired_decisions`.
"""

from __future__ import annotations

import dalejax as dj
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.repaired import _gap, repaired_decisions

# The task needs many more updates than the perceptual decision.
PRESETS = repaired_decisions.PRESETS | {
    "laptop": repaired_decisions.PRESETS["laptop"].replaced(updates=37_000),
    "paper": repaired_decisions.FULL.replaced(updates=8000),
}


def train(context: Context) -> None:
    """Search and train the networks on the context integration."""
    repaired_decisions.train_on(context, dj.tasks.ContextIntegration)


EXPERIMENT = Experiment(
    name="repaired_context",
    source=_gap.SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 37, "paper": 300},
    claims=repaired_decisions.EXPERIMENT.claims,
    train=train,
    judge=repaired_decisions.judge,
    draw=repaired_decisions.draw,
)
