"""Learning rates and clips for `fig2_ptb` at the size of its presets, by the validation text.

    python -m experiments search_ptb --preset laptop --data-dir DIR

The published rates are those of 3 x 500 units with two dense layers; they need not suit another
size. The trials are in `trials.csv`.
"""

from __future__ import annotations

import dalejax as dj
from experiments import fig2_ptb, search
from experiments.base import Context, Experiment

SEARCH = {"rate_low": 0.3, "rate_high": 8.0}
PRESETS = {
    "smoke": search.of(fig2_ptb.PRESETS["smoke"]) | SEARCH | {"at_once": 2, "updates": 10},
    "laptop": search.of(fig2_ptb.PRESETS["laptop"]) | SEARCH | {"updates": 400, "eval_every": 400},
    "paper": search.of(fig2_ptb.PRESETS["paper"]) | SEARCH | {"updates": 2900, "rounds": 5},
}
CLIPS = (1.0, 5.0)


def run(context: Context) -> list[dj.claims.Claim]:
    """Search for each of the three networks."""
    task = fig2_ptb.language_model(context)
    contestants = fig2_ptb.contestants(context, task).items()
    search.keep(
        context,
        [search.search(context, name, *how, task, clips=CLIPS) for name, how in contestants],
    )
    return []


EXPERIMENT = Experiment(
    name="search_ptb",
    source="for Li et al. 2023, Fig. 2C",
    presets=PRESETS,
    expected_minutes={"smoke": 0.2, "laptop": 15, "paper": 1000},
    claims=0,
    run=run,
    variants=fig2_ptb.EXPERIMENT.variants,
)
