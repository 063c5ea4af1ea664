"""Table 2 of Li et al. 2023: the eight configurations of Figure 4 on object recognition.

    python -m experiments table2_objects_transplant --preset laptop --data-dir DIR

The learning rate and the clip are those that `search_objects` found for ColEI. `text` transplants
the spectrum of W, `code` those of U and of the read-out too.
"""

from __future__ import annotations

import dalejax as dj
from experiments.engine import evidence
from experiments.engine.base import Context, Experiment, stand_in
from experiments.li2023 import _transplant, fig2_objects
from experiments.li2023._transplant import COLEI, RNN

_OF_TASK = ("data", "scenes", "size", "steps", "pictures", "batch_size", "n", "n_i", "last")
FULL = {name: fig2_objects.FULL[name] for name in _OF_TASK} | {
    "updates": 37_500,
    "eval_every": 1250,
    "seeds_colei": 30,
    "seeds_rnn": 10,
    "learning_rate": 0.037,
    "clip": 1.0,
    "hybrid_signs": "elements",
    "bias": "zero",
}
PRESETS = {
    "smoke": FULL
    | {
        "data": "shapes",
        "scenes": "noise",
        "size": 16,
        "pictures": 640,
        "n": 20,
        "n_i": 2,
        "updates": 20,
        "eval_every": 10,
        "seeds_colei": 3,
        "seeds_rnn": 3,
        "last": 1,
    },
    "laptop": FULL | {"n": 500, "n_i": 50, "updates": 5000, "eval_every": 250, "seeds_colei": 10},
    "paper": FULL,
}
SOURCE = "Li et al. 2023, Table 2"


def run(context: Context) -> list[dj.claims.Claim]:
    """Train all configurations in one ensemble and take the six effects."""
    s = context.settings
    task = fig2_objects.recognition(context)
    errors = _transplant.train(context, task, "test_error")
    sides, comparisons = _transplant.effects(errors)
    chance = {"chance": 100 - 100 / task.n_out}
    label = f"test error (%){stand_in(task.source)}"
    _transplant.draw(context, "test_error", label, sides, comparisons, hlines=chance)
    note = f"{s['data']} on {s['scenes']}{stand_in(task.source)}; not the pictures of Majaj et al."
    gap = dj.results.paired_differences(errors[COLEI], errors[RNN]).values
    return [
        evidence.mean(
            context,
            "gap",
            "ColEI networks did not learn as well as standard RNNs (difference in "
            "test error, natural objects).",
            SOURCE,
            gap,
            lambda x: x.low > 0,
            "positive",
            note=note,
        ),
        *_transplant.spectrum_claims(
            context, sides, comparisons, f"{SOURCE} and section 3.3", note
        ),
        *_transplant.sign_claims(context, errors, sides, f"{SOURCE} and section 3.3", note=note),
    ]


EXPERIMENT = Experiment(
    name="table2_objects_transplant",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.3, "laptop": 24, "paper": 900},
    claims=7,
    run=run,
    variants=("text", "code"),
)
