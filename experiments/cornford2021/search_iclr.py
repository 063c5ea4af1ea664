"""Learning rates of Cornford et al. 2021's networks: random search, as the paper did it.

    python -m experiments search_iclr --preset laptop --data-dir DIR

Rates are drawn log-uniformly, the same for every network; seeds and rates are members of one
ensemble; the best is the smallest mean validation error over the seeds, the last pictures of the
training set being kept back. A rate at which a seed diverges is out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from experiments.cornford2021 import _networks
from experiments.engine import comparison
from experiments.engine.base import Experiment
from experiments.engine.comparison import Arm
from experiments.engine.context import Context
from experiments.shared import random_search


@dataclass(frozen=True, kw_only=True)
class Settings(_networks.Settings):
    """Settings of the experiment.

    Attributes:
        num_valid: training examples kept back for validation.
        trials: trials measured.
        rate_low: smallest learning rate proposed.
        rate_high: largest learning rate proposed.
        networks: the networks compared.
    """

    num_valid: int
    trials: int
    rate_low: float
    rate_high: float
    networks: tuple[str, ...]


FULL = Settings(
    data="mnist",
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
    networks=(
        "mlp",
        "layer",
        "batch",
        "dann",
        "dann_few",
        "dann_many",
        "nc",
        "colei",
        "colei_many",
    ),
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
        networks=("mlp", "dann"),
    ),
    "laptop": FULL.replaced(
        updates=3126,
        last=1,
        trials=8,
        seeds=1,
        rate_low=0.003,
        rate_high=1.0,
        networks=("layer", "batch", "dann_few", "dann_many", "nc", "colei_many"),
    ),
    "paper": FULL,
}


def train(context: Context) -> None:
    """Try the same learning rates on every network that the settings name."""
    s = context.settings
    task = _networks.task_of(context, num_valid=s.num_valid)
    rng = np.random.default_rng(s.root)
    rates = np.exp(rng.uniform(np.log(s.rate_low), np.log(s.rate_high), s.trials))
    names = {slug: name for name, slug in _networks.SLUGS.items()}
    tables = []
    for slug in s.networks:
        if slug not in names:
            raise ValueError(f"networks holds {slug!r}; it must be one of {', '.join(names)}.")
        name = names[slug]
        net = _networks.network(name, s, task, context.variant)
        make_tx = _networks.optimizer(name)
        arms = {name: Arm(context.keys())}
        points = comparison.grid(learning_rate=rates.tolist())
        trained = comparison.train(context, slug, net, make_tx, task, arms, points)
        finals = trained.finals(task.score, s.last)
        errors = finals[task.score].where(np.isfinite(finals[task.score]), np.inf)
        means = errors.groupby(finals.learning_rate, sort=False).mean()
        rows = {"network": name, "trial": range(len(rates)), "rate": rates, task.score: [*means]}
        tables.append(pd.DataFrame(rows).sort_values(task.score, ignore_index=True))
    random_search.write_trials(context, tables)


EXPERIMENT = Experiment(
    name="search_iclr",
    source="for Cornford et al. 2021, section 5.1",
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 20, "paper": 20_000},
    claims=(),
    train=train,
    judge=random_search.no_claims,
    variants=("text", "code"),
)
