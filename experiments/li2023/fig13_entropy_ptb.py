"""Figure 13 of Li et al. 2023: NSE at the start and the perplexity, on the Penn Treebank.

python -m experiments fig13_entropy_ptb --preset laptop --data-dir DIR
"""

from __future__ import annotations

import dalejax as dj
from experiments.engine.base import Context, Experiment, stand_in
from experiments.li2023 import _entropy, fig2_ptb
from experiments.shared import networks

_OF_TASK = ("data", "vectors", "batch_size", "length", "epochs", "decay", "decay_every", "last")
FULL = {name: fig2_ptb.FULL[name] for name in _OF_TASK} | {
    "sizes": (100, 200, 300, 500),
    "shares": (0.01, 0.05, 0.1, 0.25, 0.5),
    "updates": 14_500,
    "eval_every": 725,
    "seeds": 5,
    "rate": 1.554,
    "clips": (1.0,),
    "bias": "zero",
}
PRESETS = {
    "smoke": FULL
    | {
        "data": "topics",
        "vectors": "random",
        "batch_size": 8,
        "length": 10,
        "sizes": (20, 30),
        "shares": (0.05, 0.5),
        "updates": 20,
        "eval_every": 10,
        "seeds": 2,
    },
    "laptop": FULL
    | {
        "vectors": "glove50",
        "batch_size": 16,
        "length": 25,
        "sizes": (50, 100, 200),
        "shares": (0.02, 0.1, 0.5),
        "updates": 2000,
        "eval_every": 1000,
        "seeds": 2,
        "rate": 1.80,
    },
    "paper": FULL,
}
SOURCE = "Li et al. 2023, Fig. 13"


def run(context: Context) -> list[dj.claims.Claim]:
    """Train the grid; draw the maps and the scatter."""
    s = context.settings
    task = fig2_ptb.language_model(context)
    grid = _entropy.train(
        context,
        task,
        "test_perplexity",
        optimizer=fig2_ptb.decaying(s, dj.colei_sgd),
        input_mean=networks.input_mean(s, task),
        every_step=True,
    )
    source = dj.datasets.load_text(s["data"], data_dir=context.data_dir).source
    _entropy.draw(context, grid, f"test perplexity{stand_in(source)}")
    return _entropy.claims(context, grid, f"{SOURCE}; section 3.4")


EXPERIMENT = Experiment(
    name="fig13_entropy_ptb",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 35, "paper": 8000},
    claims=3,
    run=run,
)
