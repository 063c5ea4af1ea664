"""Figure 4A of Li et al. 2023: what sign constraints do alone; reads the run of `fig4_transplant`.

python -m experiments fig4a_sign_constraints --preset laptop
"""

from __future__ import annotations

import pandas as pd

import dalejax as dj
from experiments.engine import evidence, settings
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.li2023 import _transplant, fig4_transplant
from experiments.li2023._transplant import COLEI, COLEI_FREE, RNN, RNN_FROZEN

PRESETS = settings.of_data(fig4_transplant.PRESETS)
SOURCE = "Li et al. 2023, Fig. 4A; section 3.3"
PAPER = {"RNN": ("0.7 ± 0.3", 0.4, 1.0), "ColEI": ("1 ± 1", 0.0, 2.0)}


def train(context: Context) -> None:
    """Train nothing: the run of ``fig4_transplant`` is read."""


def _errors(context: Context) -> dict[str, pd.Series]:
    names = (RNN, RNN_FROZEN, COLEI_FREE, COLEI)
    return {name: context.final(name, "test_error") for name in names}


def draw(context: Context) -> None:
    """Draw the final errors of free networks beside those whose signs were kept."""
    look = {"ylabel": "test error (%)", "styles": _transplant.STYLES, "log": True}
    context.draw("final_error", dj.plots.final_dots(_errors(context), **look))


def judge(context: Context) -> list[dj.claims.Claim]:
    """Compare networks whose signs were kept with free ones."""
    errors = _errors(context)
    sides = {
        ("RNN", "signs"): dj.results.paired_differences(errors[RNN_FROZEN], errors[RNN]).values,
        ("ColEI", "signs"): dj.results.paired_differences(errors[COLEI], errors[COLEI_FREE]).values,
    }
    out = []
    for side, (reference, low, high) in PAPER.items():
        values = sides[side, "signs"]
        out.append(
            evidence.mean(
                context,
                f"{side.lower()}_signs",
                f"Sign constraints impaired learning ({reference} % for {side}).",
                SOURCE,
                values,
                lambda x, low=low, high=high: x.low > 0 and x.low <= high and x.high >= low,
                reference,
            )
        )
    return out + _transplant.sign_claims(context, errors, sides, SOURCE, "0.30 (RNN), 0.43 (ColEI)")


EXPERIMENT = Experiment(
    name="fig4a_sign_constraints",
    source="Li et al. 2023, Fig. 4A",
    presets=PRESETS,
    expected_minutes={"smoke": 0.1, "laptop": 0.1, "paper": 0.1},
    claims=(
        "rnn_signs",
        "colei_signs",
        "rnn_signs_below_gap",
        "colei_signs_below_gap",
    ),
    train=train,
    judge=judge,
    draw=draw,
    variants=fig4_transplant.EXPERIMENT.variants,
    reads=fig4_transplant.EXPERIMENT,
)
