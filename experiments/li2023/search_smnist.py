"""Learning rates and clips for sequential MNIST, 1 x 100 units, by 10,000 digits kept back.

    python -m experiments search_smnist --preset laptop --data-dir DIR

To set beside the published ones (0.01, 10). The trials are in `trials.csv`.
"""

from experiments.li2023 import fig10_clipping
from experiments.shared import random_search

RATES = {"rate_low": 0.002, "rate_high": 0.1, "last": 1, "valid": 10_000}

EXPERIMENT = random_search.experiment(
    fig10_clipping.EXPERIMENT,
    "search_smnist",
    lambda context: context.smnist(
        batch_size=context.settings["batch_size"], num_valid=context.settings["valid"]
    ),
    fig10_clipping.contestants,
    clips=(1.0, 10.0, "none"),
    presets={
        "smoke": RATES | {"at_once": 2, "updates": 10, "valid": 500},
        "laptop": RATES | {"updates": 15_630, "eval_every": 3126, "at_once": 8, "rounds": 3},
        "paper": RATES | {"updates": 46_890, "eval_every": 1563, "at_once": 10, "rounds": 5},
    },
    expected_minutes={"smoke": 0.3, "laptop": 10, "paper": 60},
)
