"""Learning rates and clips for `fig2_objects` and `table2_objects_transplant`, by validation.

    python -m experiments search_objects --preset laptop --data-dir DIR

Nobody published any for this task. The trials are in `trials.csv`.
"""

from experiments.li2023 import fig2_objects
from experiments.shared import random_search

RATES = {"rate_low": 0.003, "rate_high": 0.3, "last": 1}

EXPERIMENT = random_search.experiment(
    fig2_objects.EXPERIMENT,
    "search_objects",
    fig2_objects.recognition,
    fig2_objects.contestants,
    clips=(1.0, 10.0, "none"),
    presets={
        "smoke": RATES | {"at_once": 2, "updates": 10},
        "laptop": RATES | {"updates": 2500, "eval_every": 2500},
        "paper": RATES | {"updates": 5000, "at_once": 10, "rounds": 5},
    },
    expected_minutes={"smoke": 0.3, "laptop": 11, "paper": 120},
)
