"""Repaired ColEI, RNN and ColEI on sequential MNIST, at rates that were searched to the end.

    python -m experiments repaired_searched --preset laptop --data-dir DIR

As `repaired_decay`, but the search is as long as the comparison: the rate that leads after 6 of 30
epochs need not end best. Expect repaired ColEI close behind the RNN.
"""

from __future__ import annotations

from experiments.engine.base import Experiment
from experiments.repaired import _gap, repaired_decay, repaired_smnist
from experiments.repaired._settings import COLEI, REPAIRED, RNN

FULL = repaired_smnist.FULL.replaced(
    search_updates=46_860,
    search_seeds=5,
    rates=(0.01, 0.02, 0.04),
    networks=(RNN, COLEI, REPAIRED),
)
PRESETS = {
    "smoke": repaired_smnist.SMOKE.replaced(search_updates=4, networks=(RNN, COLEI, REPAIRED)),
    "laptop": FULL.replaced(search_seeds=2),
    "paper": FULL,
}
EXPERIMENT = Experiment(
    name="repaired_searched",
    source=_gap.SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 110, "paper": 160},
    claims=("gap_closed", "no_more_variable", "better_than_colei", "as_good_as_rnn"),
    train=repaired_decay.train,
    judge=repaired_smnist.judge,
    draw=repaired_smnist.draw,
)
