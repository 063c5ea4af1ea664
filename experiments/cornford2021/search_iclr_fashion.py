"""Learning rates for Fashion-MNIST of the networks that the paper has on MNIST alone.

    python -m experiments search_iclr_fashion --preset laptop --data-dir DIR

As `search_iclr`; the rates go lower, since without corrections a Dale's ANN needs low ones.
"""

from __future__ import annotations

from experiments.cornford2021 import search_iclr
from experiments.engine.base import Experiment

FASHION = {"data": "fashion_mnist", "networks": ("dann_few", "dann_many", "nc", "colei_many")}
PRESETS = {
    "smoke": search_iclr.PRESETS["smoke"] | {"networks": ("dann_few",)},
    "laptop": search_iclr.PRESETS["laptop"] | FASHION | {"trials": 10, "rate_low": 3e-4},
    "paper": search_iclr.PRESETS["paper"] | FASHION,
}
EXPERIMENT = Experiment(
    name="search_iclr_fashion",
    source="for Cornford et al. 2021, Fig. 4",
    presets=PRESETS,
    expected_minutes={"smoke": 0.3, "laptop": 10, "paper": 13_000},
    claims=0,
    run=search_iclr.run,
    variants=("text", "code"),
)
