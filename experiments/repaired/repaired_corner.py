"""Repaired ColEI where ColEI is worst: one inhibitory unit among a hundred (sequential MNIST).

    python -m experiments repaired_corner --preset laptop --data-dir DIR

The corner of Li et al. 2023, Fig. 7, for RNN, ColEI and repaired ColEI. Expect ColEI to learn
little in the time of `laptop` (8 of 30 epochs), and repaired ColEI much more.
"""

from __future__ import annotations

from experiments.engine.base import Experiment
from experiments.repaired import _gap, _starts, repaired_smnist

CORNER = {"n_i": 1, "networks": (_starts.RNN, _starts.COLEI, _starts.REPAIRED)}
PRESETS = {name: settings | CORNER for name, settings in repaired_smnist.PRESETS.items()}
PRESETS["laptop"] |= {"updates": 12_496, "last": 2}
EXPERIMENT = Experiment(
    name="repaired_corner",
    source=_gap.SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 24, "paper": 125},
    claims=4,
    run=repaired_smnist.run,
)
