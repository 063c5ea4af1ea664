"""Repaired ColEI where ColEI is worst: one inhibitory unit among a hundred (sequential MNIST).

    python -m experiments repaired_corner --preset laptop --data-dir DIR

The numbers of units at which ColEI is worst in Fig. 7 of Li et al. 2023, for RNN, ColEI and
repaired ColEI. Expect ColEI to learn little in the time of `laptop` (8 of 30 epochs), and repaired
ColEI much more.
"""

from __future__ import annotations

from experiments.engine.base import Experiment
from experiments.repaired import _gap, repaired_smnist
from experiments.repaired._settings import COLEI, REPAIRED, RNN

PRESETS = {
    name: settings.replaced(n_i=1, networks=(RNN, COLEI, REPAIRED))
    for name, settings in repaired_smnist.PRESETS.items()
}
PRESETS["laptop"] = PRESETS["laptop"].replaced(updates=12_496, last=2)
EXPERIMENT = Experiment(
    name="repaired_corner",
    source=_gap.SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 24, "paper": 125},
    claims=("gap_closed", "no_more_variable", "better_than_colei", "as_good_as_rnn"),
    train=repaired_smnist.train,
    judge=repaired_smnist.judge,
    draw=repaired_smnist.draw,
)
