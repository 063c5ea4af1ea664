"""Figure 4 of Li et al. 2023: what the spectrum, the vectors and the signs each do to learning.

    python -m experiments fig4_transplant --preset laptop --data-dir DIR
    make demo                     the same on the embedded digits, in three to four minutes

Eight configurations, {RNN, ColEI} spectrum x {RNN, ColEI} vectors x signs {free, frozen}, 1 x 100
units, all in one ensemble: a configuration is nothing but where a member starts and which signs
its entries must keep.
"""

from __future__ import annotations

import dalejax as dj
from experiments.engine import evidence
from experiments.engine.base import Context, Experiment
from experiments.li2023 import _transplant
from experiments.li2023._transplant import COLEI, RNN

FULL = {
    "data": "mnist",
    "n": 100,
    "n_i": 10,
    "updates": 56_250,
    "eval_every": 750,
    "last": 5,
    "seeds_colei": 30,
    "seeds_rnn": 10,
    "learning_rate": 0.01,
    "clip": 10.0,
    "batch_size": 32,
    "hybrid_signs": "elements",
    "bias": "zero",
}
PRESETS = {
    "smoke": FULL
    | {
        "data": "digits",
        "n": 20,
        "n_i": 2,
        "updates": 60,
        "eval_every": 30,
        "last": 1,
        "seeds_colei": 4,
        "seeds_rnn": 3,
    },
    "laptop": FULL | {"updates": 18_750},
    "paper": FULL,
}
SOURCE = "Li et al. 2023, Fig. 4"
SECTION = "Li et al. 2023, section 3.3"
# Of the published runs; the hybrids' is the rest.
CODE_RATES = {name: 0.0108 for name in _transplant.STYLES} | {
    RNN: 0.01,
    _transplant.RNN_FROZEN: 0.01,
    COLEI: 0.0158,
    _transplant.COLEI_FREE: 0.0158,
}
# The paper's RNN line comes from a network of three layers, the hybrids have one.
PAPER_RNN_LINE = 1.65


def run(context: Context) -> list[dj.claims.Claim]:
    """Train all configurations in one ensemble and take the six effects."""
    task = context.smnist(batch_size=context.settings["batch_size"])
    rates = CODE_RATES if context.variant == "code" else None
    errors = _transplant.train(context, task, "test_error", rates)
    sides, comparisons = _transplant.effects(errors)
    mnist = context.settings["data"] == "mnist"
    _transplant.draw(
        context,
        "test_error",
        "test error (%)",
        sides,
        comparisons,
        log=True,
        ylim=(1.4, 40) if mnist else None,
        hlines={"Li et al.'s RNN of 3 layers": PAPER_RNN_LINE} if mnist else None,
    )
    return claims(context, errors, sides, comparisons)


def claims(context: Context, errors, sides, comparisons) -> list[dj.claims.Claim]:
    """Check the sentences of section 3.3 and Fig. 4C, one by one."""

    def claim(id, statement, values, reference, low, high, source=SECTION):
        return evidence.mean(
            context,
            id,
            statement,
            source,
            values,
            lambda x: x.low <= high and x.high >= low and x.low > 0,
            reference,
        )

    gap = dj.results.paired_differences(errors[COLEI], errors[RNN]).values
    out = [
        claim(
            "gap",
            "The full difference in performance between standard RNNs and ColEIs is 2.3 % ± 0.6 %.",
            gap,
            "2.3 ± 0.6",
            1.7,
            2.9,
        )
    ]
    shares = (("RNN", "1.5 ± 0.3", 1.2, 1.8), ("ColEI", "2 ± 1", 1.0, 3.0))
    for side, reference, low, high in shares:
        out.append(
            claim(
                f"{side.lower()}_spectrum",
                f"The spectrum's contribution to the gap is {reference} % ({side} side).",
                sides[side, "spectrum"],
                reference,
                low,
                high,
                f"{SECTION}, Fig. 4C",
            )
        )
    return out + _transplant.spectrum_claims(context, sides, comparisons, f"{SECTION}, Fig. 4C")


EXPERIMENT = Experiment(
    name="fig4_transplant",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 35, "paper": 160},
    claims=7,
    run=run,
    variants=("text", "code"),
)
