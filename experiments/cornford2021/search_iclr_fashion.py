"""Learning rates for Fashion-MNIST of the networks that the paper has on MNIST alone.

    python -m experiments search_iclr_fashion --preset laptop --data-dir DIR

As `search_iclr`; the rates go lower, since without corrections a Dale's ANN needs low ones.
"""

from __future__ import annotations

from experiments.cornford2021 import search_iclr
from experiments.engine.base import Experiment
from experiments.shared import random_search

FEW = ("dann_few", "dann_many", "nc", "colei_many")
MNIST = search_iclr.PRESETS
PRESETS = {
    "smoke": MNIST["smoke"].replaced(networks=("dann_few",)),
    "laptop": MNIST["laptop"].replaced(
        data="fashion_mnist", networks=FEW, trials=10, rate_low=0.0003
    ),
    "paper": MNIST["paper"].replaced(data="fashion_mnist", networks=FEW),
}
EXPERIMENT = Experiment(
    name="search_iclr_fashion",
    source="for Cornford et al. 2021, Fig. 4",
    presets=PRESETS,
    expected_minutes={"smoke": 0.3, "laptop": 10, "paper": 13_000},
    claims=(),
    train=search_iclr.train,
    judge=random_search.no_claims,
    variants=("text", "code"),
)
