"""Repaired ColEI on the Penn Treebank, 1 x 100 units, a tenth of them inhibitory.

    python -m experiments repaired_ptb --preset laptop --data-dir DIR

The task and the decaying learning rate of `fig2_ptb`. `laptop` makes 1500 updates of 8 x 35 words,
half as many words as the text has, without the orthogonal RNN and the Dale's ANN.

Three things differ from the repair for pictures that are read row by row. With ten thousand words
to choose from, nearly all weights of the read-out fall at first, and would soon be 0: their
magnitudes are shifted by a constant, on which the softmax does not depend. Word vectors are no
rates, and have a mean near 0: U starts dense. A memory of many steps does not help here: the
synapses of W start with strength 1/sqrt(3), the root mean square singular value of a standard
network's W.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import dalejax as dj
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.li2023 import fig2_ptb
from experiments.li2023._settings import Text
from experiments.repaired import _compared, _gap, _settings, _starts


@dataclass(frozen=True, kw_only=True)
class Settings(_settings.Settings, Text):
    """Settings of the experiment."""


FULL = Settings(
    data="ptb",
    vectors="glove50",
    length=35,
    batch_size=24,
    updates=4000,
    eval_every=500,
    n=100,
    n_i=10,
    seeds=10,
    search_updates=500,
    search_seeds=1,
    rates=(0.5, 1.0, 2.0, 4.0),
    clips=(1.0,),
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
        batch_size=8, updates=1500, search_updates=400, networks=_settings.CLAIMED
    ),
    "paper": FULL,
}
LIMITS = _gap.Limits(closed=0.75, above=0.0)
REPAIR = _starts.Repair(strength=1 / math.sqrt(3), shift=10.0, dense_inputs=True)


def train(context: Context) -> None:
    """Search and train the networks on the Penn Treebank."""
    task = fig2_ptb.language_model(context)

    def schedule(make_tx: _compared.MakeTx, updates: int) -> _compared.MakeTx:
        del updates  # the rate decays alike in the search and the comparison
        return fig2_ptb.decaying(context.settings, make_tx)

    _compared.train(
        context, task, task.input_mean, schedule=schedule, repair=REPAIR, every_step=True
    )


def judge(context: Context) -> list[dj.claims.Claim]:
    """Claim how much of the gap repaired ColEI closes, and that it is as good as the RNN."""
    return _compared.judge(context, "test_perplexity", LIMITS)


def draw(context: Context) -> None:
    """Draw test perplexities and singular values."""
    _compared.draw(context, "test_perplexity", "test perplexity")


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
