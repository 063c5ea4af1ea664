"""Repaired ColEI on the Penn Treebank, 1 x 100 units, a tenth of them inhibitory.

    python -m experiments repaired_ptb --preset laptop --data-dir DIR

The task and the decaying step size of `fig2_ptb`. `laptop` makes 1500 updates of 8 x 35 words,
half as many words as the text has, without the orthogonal RNN and the Dale's ANN.

Three things are other than for pictures read row by row. Ten thousand words make a read-out whose
weights would nearly all want to fall: it is shifted, which the softmax does not see. Word vectors
are no rates, and have a mean near 0: U starts dense. A memory of many steps is not wanted: synapses
start as strong as a standard network's, of root mean square 1/sqrt(3).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import dalejax as dj
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.engine.settings import Training
from experiments.li2023 import fig2_ptb
from experiments.repaired import _compared, _gap, _starts

_TASK = (
    "data",
    "vectors",
    "length",
    "batch_size",
    "epochs",
    "decay",
    "decay_every",
    "updates",
    "eval_every",
    "last",
)


@dataclass(frozen=True, kw_only=True)
class Settings(Training):
    """Settings of the experiment.

    Attributes:
        vectors: DESCRIBE ME.
        length: time steps of a window.
        epochs: epochs.
        decay: DESCRIBE ME.
        decay_every: DESCRIBE ME.
        n: units.
        n_i: inhibitory units, among the n (ColEI) or on top (DANN).
        search_updates: updates of each network in the search.
        search_seeds: seeds of each point in the search.
        rates: learning rates tried.
        clips: gradient clips tried; "none" for no clipping.
        biases: starts of the bias tried.
        networks: the networks compared.
    """

    vectors: str
    length: int
    epochs: str
    decay: float
    decay_every: int
    n: int
    n_i: int
    search_updates: int
    search_seeds: int
    rates: tuple[float, ...]
    clips: tuple[float, ...]
    biases: tuple[str, ...]
    networks: tuple[str, ...]


FULL = Settings(
    data="ptb",
    vectors="glove50",
    length=35,
    batch_size=24,
    epochs="offsets",
    decay=0.99,
    decay_every=50,
    updates=4000,
    eval_every=500,
    last=1,
    n=100,
    n_i=10,
    seeds=10,
    search_updates=500,
    search_seeds=1,
    rates=(0.5, 1.0, 2.0, 4.0),
    clips=(1.0,),
    biases=("zero", "centred"),
    networks=("RNN", "orthogonal RNN", "DANN", "ColEI", "ColEI, RNN's spectrum", "repaired ColEI"),
)
PRESETS = {
    "smoke": FULL.replaced(
        data="topics",
        vectors="random",
        length=10,
        batch_size=8,
        updates=4,
        eval_every=2,
        n=20,
        n_i=2,
        seeds=3,
        search_updates=2,
        search_seeds=2,
        rates=(1.0,),
        biases=("zero",),
    ),
    "laptop": FULL.replaced(
        batch_size=8,
        updates=1500,
        search_updates=400,
        networks=("RNN", "ColEI", "ColEI, RNN's spectrum", "repaired ColEI"),
    ),
    "paper": FULL,
}
REPAIR = _starts.Repair(strength=1 / math.sqrt(3), shift=10.0, dense_inputs=True)


def run(context: Context) -> list[dj.claims.Claim]:
    """Compare the networks."""
    task = fig2_ptb.language_model(context)
    limits = _gap.Limits(closed=0.75, above=0.0)

    def schedule(make_tx, updates):
        return fig2_ptb.decaying(context.settings, make_tx)

    return _compared.run(
        context,
        task,
        "test_perplexity",
        "test perplexity",
        task.input_mean,
        limits,
        schedule=schedule,
        repair=REPAIR,
        every_step=True,
    )


EXPERIMENT = Experiment(
    name="repaired_ptb",
    source=_gap.SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 25, "paper": 300},
    claims=(
        "gap_closed",
        "no_more_variable",
        "better_than_colei",
        "better_than_transplant",
        "as_good_as_rnn",
    ),
    train=train,
    judge=judge,
    draw=draw,
)
