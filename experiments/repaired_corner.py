"""Repaired ColEI where ColEI is worst: one inhibitory unit among a hundred (sequential MNIST).

    python -m experiments repaired_corner --preset laptop --data-dir DIR

The corner of Li et al. 2023, Fig. 7. Expect ColEI to learn little in the time of `laptop` (8 of 30
epochs), and repaired ColEI as much as with ten inhibitory units.
"""

from __future__ import annotations

from experiments import repaired, repaired_smnist
from experiments.base import Experiment

PRESETS = {
    name: settings | {"n_i": 1} for name, settings in repaired_smnist.PRESETS.items()
} | {
    "laptop": repaired_smnist.PRESETS["laptop"] | {"n_i": 1, "updates": 12_496, "last": 2},
}  # fmt: skip
EXPERIMENT = Experiment(
    name="repaired_corner",
    source=repaired.SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 40, "paper": 250},
    claims=5,
    run=repaired_smnist.run,
)
