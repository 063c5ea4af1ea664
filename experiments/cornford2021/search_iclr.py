"""Learning rates of Cornford et al. 2021's networks: random search, as the paper did it.

    python -m experiments search_iclr --preset laptop --data-dir DIR

Rates are drawn log-uniformly, the same for every network; seeds and rates are members of one
ensemble; the best is the smallest mean validation error over the seeds, the last pictures of the
training set being kept back. A rate at which a seed diverges is out.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import pandas as pd

import dalejax as dj
from experiments.cornford2021 import _networks
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.engine.settings import Training
from experiments.shared.random_search import write_trials


@dataclass(frozen=True, kw_only=True)
class Settings(Training):
    """Settings of the experiment.

    Attributes:
        layers: hidden layers.
        units: units of a hidden layer.
        few: interneurons of the network with few.
        some: interneurons of the usual network.
        many: interneurons of the network with many.
        num_valid: training examples kept back for validation.
        trials: trials measured.
        rate_low: smallest learning rate proposed.
        rate_high: largest learning rate proposed.
        networks: the networks compared.
    """

    layers: int
    units: int
    few: int
    some: int
    many: int
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


def run(context: Context) -> list[dj.claims.Claim]:
    """Search for the rate of every network that the settings name."""
    s = context.settings
    task = _networks.task_of(context, num_valid=s.num_valid)
    rng = np.random.default_rng(s.root)
    rates = np.exp(rng.uniform(np.log(s.rate_low), np.log(s.rate_high), s.trials))
    keys = context.keys()
    names = {slug: name for name, slug in _networks.SLUGS.items()}
    tables = []
    for slug in s.networks:
        if slug not in names:
            raise ValueError(f"networks holds {slug!r}; it must be one of {', '.join(names)}.")
        name = names[slug]
        net, _ = _networks.contestant(name, s | {f"rate_{slug}": 1.0}, task, context.variant)

        def make_tx(rate, name=name, slug=slug):
            return _networks.contestant(name, s | {f"rate_{slug}": rate}, task, context.variant)[1]

        run = context.train(
            slug,
            net,
            make_tx,
            task,
            keys=jnp.tile(keys, len(rates)),
            hyperparams={"rate": jnp.repeat(jnp.array(rates, jnp.float32), len(keys))},
            num_updates=s.updates,
            eval_every=s.eval_every,
        )
        errors = dj.results.final_values(run.table, task.score, last=s.last).to_numpy()
        errors = np.where(np.isfinite(errors), errors, np.inf).reshape(len(rates), -1).mean(1)
        rows = {"network": name, "trial": range(len(rates)), "rate": rates, task.score: errors}
        tables.append(pd.DataFrame(rows).sort_values(task.score, ignore_index=True))
    write_trials(context, tables)
    return []


EXPERIMENT = Experiment(
    name="search_iclr",
    source="for Cornford et al. 2021, section 5.1",
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 20, "paper": 20_000},
    claims=(),
    train=train,
    judge=judge,
    draw=draw,
    variants=("text", "code"),
)
