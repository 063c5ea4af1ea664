"""Learning rates and clips for `fig2_objects` and `table2_objects_transplant`, by validation.

    python -m experiments search_objects --preset laptop --data-dir DIR

Nobody published any for this task. The trials are in `trials.csv`.
"""

from __future__ import annotations

import dalejax as dj
from experiments import fig2_objects, search
from experiments.base import Context, Experiment

SEARCH = {"rate_low": 0.003, "rate_high": 0.3, "last": 1}
PRESETS = {
    "smoke": search.of(fig2_objects.PRESETS["smoke"]) | SEARCH | {"at_once": 2, "updates": 10},
    "laptop": search.of(fig2_objects.PRESETS["laptop"]) | SEARCH | {"updates": 2500,
                                                                    "eval_every": 2500},
    "paper": search.of(fig2_objects.PRESETS["paper"]) | SEARCH | {"updates": 5000, "at_once": 10,
                                                       "rounds": 5},
}  # fmt: skip
CLIPS = (1.0, 10.0, search.NOT_CLIPPED)


def run(context: Context) -> list[dj.claims.Claim]:
    """Search for each of the three networks."""
    task = fig2_objects.recognition(context)
    contestants = fig2_objects.contestants(context, task).items()
    search.keep(
        context,
        [search.search(context, name, *how, task, clips=CLIPS) for name, how in contestants],
    )
    return []


EXPERIMENT = Experiment(
    name="search_objects",
    source="for Li et al. 2023, Fig. 2D",
    presets=PRESETS,
    expected_minutes={"smoke": 0.3, "laptop": 11, "paper": 120},
    claims=0,
    run=run,
)
