"""Learning rates and clips for `fig2_ptb` at the size of its presets, by the validation text.

    python -m experiments search_ptb --preset laptop --data-dir DIR

The published rates are those of 3 x 500 units with two dense layers; they need not suit another
size. The trials are in `trials.csv`.
"""

from __future__ import annotations

from dataclasses import dataclass

from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.li2023 import _settings, fig2_ptb
from experiments.shared import random_search
from experiments.shared.random_search import SearchSettings


@dataclass(frozen=True, kw_only=True)
class Settings(_settings.Text, SearchSettings):
    """Settings of the search.

    Attributes:
        layers: recurrent layers.
        n: units.
        n_i: inhibitory units, among the n (ColEI) or on top (DANN).
        readout_n_i: interneurons of DANN's read-out.
    """

    layers: int
    n: int
    n_i: int
    readout_n_i: int


FULL = Settings(
    data="ptb",
    vectors="glove300",
    layers=3,
    n=500,
    n_i=50,
    readout_n_i=1000,
    batch_size=64,
    length=50,
    epochs="offsets",
    updates=2900,
    eval_every=725,
    decay=0.99,
    decay_every=50,
    last=1,
    rounds=5,
    at_once=4,
    rate_low=0.3,
    rate_high=8.0,
)
PRESETS = {
    "smoke": FULL.replaced(
        data="topics",
        vectors="random",
        layers=1,
        n=20,
        n_i=2,
        readout_n_i=2,
        batch_size=8,
        length=10,
        updates=10,
        eval_every=10,
        rounds=2,
        at_once=2,
    ),
    "laptop": FULL.replaced(
        vectors="glove50",
        layers=1,
        n=200,
        n_i=20,
        readout_n_i=20,
        batch_size=24,
        length=35,
        updates=400,
        eval_every=400,
        rounds=2,
    ),
    "paper": FULL,
}


def train(context: Context) -> None:
    """Propose learning rates and clips, and train them, for each of the three networks."""
    task = fig2_ptb.language_model(context)
    random_search.search_all(context, task, fig2_ptb.contestants(context, task), clips=(1.0, 5.0))


EXPERIMENT = Experiment(
    name="search_ptb",
    source="for Li et al. 2023, Fig. 2C",
    presets=PRESETS,
    expected_minutes={"smoke": 0.2, "laptop": 15, "paper": 1000},
    claims=(),
    train=train,
    judge=random_search.no_claims,
    variants=("text", "code"),
)
