"""Learning rates and clips for `fig2_objects` and `table2_objects_transplant`, by validation.

    python -m experiments search_objects --preset laptop --data-dir DIR

Nobody published any for this task. The trials are in `trials.csv`.
"""

from __future__ import annotations

from dataclasses import dataclass

from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.li2023 import _settings, fig2_objects
from experiments.shared import random_search
from experiments.shared.random_search import SearchSettings


@dataclass(frozen=True, kw_only=True)
class Settings(_settings.Objects, SearchSettings):
    """Settings of the search.

    Attributes:
        layers: recurrent layers.
        n: units.
        n_i: inhibitory units, among the n (ColEI) or on top (DANN).
    """

    layers: int
    n: int
    n_i: int


FULL = Settings(
    data="objects64",
    scenes="bsds500",
    size=32,
    steps=5,
    pictures=40_000,
    layers=1,
    n=1000,
    n_i=100,
    batch_size=32,
    updates=5000,
    eval_every=1250,
    last=1,
    rounds=5,
    at_once=10,
    rate_low=0.003,
    rate_high=0.3,
)
PRESETS = {
    "smoke": FULL.replaced(
        data="shapes",
        scenes="noise",
        size=16,
        pictures=640,
        n=20,
        n_i=2,
        updates=10,
        eval_every=10,
        rounds=2,
        at_once=2,
    ),
    "laptop": FULL.replaced(updates=2500, eval_every=2500, rounds=2, at_once=4),
    "paper": FULL,
}


def train(context: Context) -> None:
    """Propose learning rates and clips, and train them, for each of the three networks."""
    task = fig2_objects.recognition(context)
    random_search.search_all(
        context, task, fig2_objects.contestants(context, task), clips=(1.0, 10.0, "none")
    )


EXPERIMENT = Experiment(
    name="search_objects",
    source="for Li et al. 2023, Fig. 2D",
    presets=PRESETS,
    expected_minutes={"smoke": 0.3, "laptop": 11, "paper": 120},
    claims=(),
    train=train,
    judge=random_search.no_claims,
    variants=("text",),
)
