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

import dalejax as dj
from experiments.engine.base import Context, Experiment
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
FULL = {name: fig2_ptb.PRESETS["laptop"][name] for name in _TASK} | {
    "n": 100,
    "n_i": 10,
    "seeds": 10,
    "search_updates": 500,
    "search_seeds": 1,
    "rates": (0.5, 1.0, 2.0, 4.0),
    "clips": (1.0,),
    "biases": ("zero", "centred"),
    "networks": _starts.NAMES,
}
PRESETS = {
    "smoke": FULL
    | {name: fig2_ptb.PRESETS["smoke"][name] for name in _TASK}
    | {
        "n": 20,
        "n_i": 2,
        "updates": 4,
        "eval_every": 2,
        "seeds": 3,
        "search_updates": 2,
        "search_seeds": 2,
        "rates": (1.0,),
        "biases": ("zero",),
    },
    "laptop": FULL
    | {"batch_size": 8, "updates": 1500, "search_updates": 400, "networks": _starts.FOUR},
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
    claims=5,
    run=run,
)
