"""Repaired ColEI, RNN and ColEI on sequential MNIST, at rates that were searched to the end.

    python -m experiments repaired_searched --preset laptop --data-dir DIR

As `repaired_decay`, but the search is as long as the comparison: what leads after 6 of 30 epochs
need not be what ends best. Expect repaired ColEI close behind the RNN.
"""

from __future__ import annotations

from dataclasses import dataclass

import dalejax as dj
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.engine.settings import Training
from experiments.repaired import _gap, _starts, repaired_decay, repaired_smnist

THREE = {"networks": (_starts.RNN, _starts.COLEI, _starts.REPAIRED)}


@dataclass(frozen=True, kw_only=True)
class Settings(Training):
    """Settings of the experiment.

    Attributes:
        n: units.
        n_i: inhibitory units, among the n (ColEI) or on top (DANN).
        num_valid: training examples kept back for validation.
        search_updates: updates of each network in the search.
        search_seeds: seeds of each point in the search.
        rates: learning rates tried.
        clips: gradient clips tried; "none" for no clipping.
        biases: starts of the bias tried.
        networks: the networks compared.
    """

    n: int
    n_i: int
    num_valid: int
    search_updates: int
    search_seeds: int
    rates: tuple[float, ...]
    clips: tuple[float, ...]
    biases: tuple[str, ...]
    networks: tuple[str, ...]


FULL = Settings(
    data="mnist",
    n=100,
    n_i=10,
    updates=46_860,
    eval_every=1562,
    seeds=20,
    last=5,
    batch_size=32,
    num_valid=10_000,
    search_updates=46_860,
    search_seeds=5,
    rates=(0.01, 0.02, 0.04),
    clips=(1.0, 10.0),
    biases=("zero", "centred"),
    networks=("RNN", "ColEI", "repaired ColEI"),
)
PRESETS = {
    "smoke": FULL.replaced(
        data="digits",
        n=10,
        n_i=1,
        updates=4,
        eval_every=2,
        seeds=3,
        last=1,
        num_valid=500,
        search_updates=4,
        search_seeds=2,
        rates=(0.01, 0.02),
        clips=(1.0,),
    ),
    "laptop": FULL.replaced(search_seeds=2),
    "paper": FULL,
}


def run(context: Context) -> list[dj.claims.Claim]:
    """Compare the three at rates that fall."""
    return repaired_smnist.compare(context, schedule=repaired_decay.falling)


EXPERIMENT = Experiment(
    name="repaired_searched",
    source=_gap.SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 110, "paper": 160},
    claims=(
        "gap_closed",
        "no_more_variable",
        "better_than_colei",
        "as_good_as_rnn",
    ),
    train=train,
    judge=judge,
    draw=draw,
)
