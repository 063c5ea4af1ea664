"""Learning rates and clips for `fig2_ptb` at the size of its presets, by the validation text.

    python -m experiments search_ptb --preset laptop --data-dir DIR

The published rates are those of 3 x 500 units with two dense layers; they need not suit another
size. The trials are in `trials.csv`.
"""

from experiments.li2023 import fig2_ptb
from experiments.shared import random_search

RATES = {"rate_low": 0.3, "rate_high": 8.0}

EXPERIMENT = random_search.experiment(
    fig2_ptb.EXPERIMENT,
    "search_ptb",
    fig2_ptb.language_model,
    fig2_ptb.contestants,
    clips=(1.0, 5.0),
    presets={
        "smoke": RATES | {"at_once": 2, "updates": 10},
        "laptop": RATES | {"updates": 400, "eval_every": 400},
        "paper": RATES | {"updates": 2900, "rounds": 5},
    },
    expected_minutes={"smoke": 0.2, "laptop": 15, "paper": 1000},
)
