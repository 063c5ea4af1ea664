"""Figure 4 of Li et al. 2023: what the spectrum, the vectors and the signs each do to learning.

    python -m experiments fig4_transplant --preset laptop --data-dir DIR
    make demo                     the same on the embedded digits, in three to four minutes

Eight configurations, {RNN, ColEI} spectrum x {RNN, ColEI} vectors x signs {free, frozen}, 1 x 100
units, all in one ensemble: a configuration is nothing but where a member starts and which signs
its entries must keep.
"""

from __future__ import annotations

from dataclasses import dataclass

import dalejax as dj
from experiments.engine import evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.engine.settings import Settings as BaseSettings
from experiments.li2023 import _transplant
from experiments.li2023._transplant import COLEI, RNN
from experiments.shared import tasks


@dataclass(frozen=True, kw_only=True)
class Settings(BaseSettings):
    """Settings of the experiment.

    Attributes:
        n: units.
        n_i: inhibitory units, among the n (ColEI) or on top (DANN).
        updates: updates of each network.
        eval_every: updates between evaluations.
        last: how many of the last evaluations a final value averages.
        seeds_colei: seeds of configurations on ColEI's side.
        seeds_rnn: seeds of configurations that start as RNNs.
        learning_rate: learning rate.
        clip: largest gradient norm.
        batch_size: trials an update.
        hybrid_signs: signs that frozen hybrids keep: their own or the columns'.
        bias: start of ColEI's bias: "zero" or "centred" (cancels the mean input).
    """

    n: int
    n_i: int
    updates: int
    eval_every: int
    last: int
    seeds_colei: int
    seeds_rnn: int
    learning_rate: float
    clip: float
    batch_size: int
    hybrid_signs: str
    bias: str


FULL = Settings(
    data="mnist",
    n=100,
    n_i=10,
    updates=56_250,
    eval_every=750,
    last=5,
    seeds_colei=30,
    seeds_rnn=10,
    learning_rate=0.01,
    clip=10.0,
    batch_size=32,
    hybrid_signs="elements",
    bias="zero",
)
PRESETS = {
    "smoke": FULL.replaced(
        data="digits", n=20, n_i=2, updates=60, eval_every=30, last=1, seeds_colei=4, seeds_rnn=3
    ),
    "laptop": FULL.replaced(updates=18_750),
    "paper": FULL,
}
SOURCE = "Li et al. 2023, Fig. 4"
SECTION = "Li et al. 2023, section 3.3"
# Learning rates of the published runs; configurations not listed use the hybrids'.
CODE_RATES = {name: 0.0108 for name in _transplant.STYLES} | {
    RNN: 0.01,
    _transplant.RNN_FROZEN: 0.01,
    COLEI: 0.0158,
    _transplant.COLEI_FREE: 0.0158,
}
# Test error of the paper's RNN of three layers, in per cent; the hybrids have one layer.
PAPER_RNN_LINE = 1.65


def train(context: Context) -> None:
    """Train all eight configurations in one ensemble."""
    rates = CODE_RATES if context.variant == "code" else None
    _transplant.train(context, tasks.smnist(context), rates)


def draw(context: Context) -> None:
    """Draw the learning curves and the six effects."""
    look = {"log": True}
    if context.settings.data == "mnist":
        line = {"Li et al.'s RNN of 3 layers": PAPER_RNN_LINE}
        look |= {"ylim": (1.4, 40), "hlines": line}
    _transplant.draw(context, "test error (%)", **look)


def judge(context: Context) -> list[dj.claims.Claim]:
    """Check the sentences of section 3.3 and Fig. 4C, one by one."""
    errors = _transplant.final(context)
    sides, comparisons = _transplant.effects(errors)

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
    claims=(
        "gap",
        "rnn_spectrum",
        "colei_spectrum",
        "rnn_spectrum_above_signs",
        "rnn_spectrum_above_vectors",
        "colei_spectrum_above_signs",
        "colei_spectrum_above_vectors",
    ),
    train=train,
    judge=judge,
    draw=draw,
    variants=("text", "code"),
)
