"""Learning rates and clips for sequential MNIST, 1 x 100 units, by 10,000 digits kept back.

    python -m experiments search_smnist --preset laptop --data-dir DIR

To set beside the published ones (0.01, 10). The trials are in `trials.csv`.
"""

from __future__ import annotations

from dataclasses import dataclass

from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.li2023 import fig10_clipping
from experiments.shared import random_search, tasks
from experiments.shared.random_search import SearchSettings


@dataclass(frozen=True, kw_only=True)
class Settings(SearchSettings):
    """Settings of the search.

    Attributes:
        n: units.
        n_i: inhibitory units, among the n (ColEI) or on top (DANN).
        bias: start of ColEI's bias: "zero" or "centred".
        valid: training digits kept back for validation.
    """

    n: int
    n_i: int
    bias: str
    valid: int


FULL = Settings(
    data="mnist",
    n=100,
    n_i=10,
    updates=46_890,
    eval_every=1563,
    last=1,
    batch_size=32,
    bias="zero",
    rounds=5,
    at_once=10,
    rate_low=0.002,
    rate_high=0.1,
    valid=10_000,
)
PRESETS = {
    "smoke": FULL.replaced(
        data="digits", n=20, n_i=2, updates=10, eval_every=5, rounds=2, at_once=2, valid=500
    ),
    "laptop": FULL.replaced(updates=15_630, eval_every=3126, rounds=3, at_once=8),
    "paper": FULL,
}


def train(context: Context) -> None:
    """Propose learning rates and clips, and train them, for each of the three networks."""
    task = tasks.smnist(context, num_valid=context.settings.valid)
    random_search.search_all(
        context, task, fig10_clipping.contestants(context, task), clips=(1.0, 10.0, "none")
    )


EXPERIMENT = Experiment(
    name="search_smnist",
    source="for Li et al. 2023, Fig. 10",
    presets=PRESETS,
    expected_minutes={"smoke": 0.3, "laptop": 10, "paper": 60},
    claims=(),
    train=train,
    judge=random_search.no_claims,
    variants=("text",),
)
