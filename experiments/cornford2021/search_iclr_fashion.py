"""Learning rates for Fashion-MNIST of the networks that the paper has on MNIST alone.

    python -m experiments search_iclr_fashion --preset laptop --data-dir DIR

As `search_iclr`; the rates go lower, since without corrections a Dale's ANN needs low ones.
"""

from __future__ import annotations

from experiments.cornford2021 import search_iclr
from experiments.engine.base import Experiment
from experiments.shared import random_search

FULL = search_iclr.Settings(
    data="fashion_mnist",
    layers=3,
    units=500,
    few=1,
    some=50,
    many=100,
    updates=78_150,
    eval_every=1563,
    last=5,
    batch_size=32,
    num_valid=10_000,
    trials=100,
    seeds=3,
    rate_low=1e-05,
    rate_high=10.0,
    networks=("dann_few", "dann_many", "nc", "colei_many"),
)
PRESETS = {
    "smoke": FULL.replaced(
        data="digits",
        layers=2,
        units=20,
        some=2,
        many=4,
        updates=60,
        eval_every=30,
        last=1,
        num_valid=500,
        trials=3,
        seeds=2,
        rate_low=0.01,
        rate_high=0.3,
        networks=("dann_few",),
    ),
    "laptop": FULL.replaced(
        updates=3126, last=1, trials=10, seeds=1, rate_low=0.0003, rate_high=1.0
    ),
    "paper": FULL,
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
