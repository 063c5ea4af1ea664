"""Table 2 of Li et al. 2023: the eight configurations of Figure 4 on object recognition.

    python -m experiments table2_objects_transplant --preset laptop --data-dir DIR

The learning rate and the clip are those that `search_objects` found for ColEI. `text` transplants
the spectrum of W, `code` those of U and of the read-out too.
"""

from __future__ import annotations

from dataclasses import dataclass

import dalejax as dj
from experiments.engine import evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context, stand_in
from experiments.li2023 import _settings, _transplant, fig2_objects
from experiments.li2023._transplant import COLEI, RNN

_OF_TASK = ("data", "scenes", "size", "steps", "pictures", "batch_size", "n", "n_i", "last")


@dataclass(frozen=True, kw_only=True)
class Settings(_settings.Objects):
    """Settings of the experiment.

    Attributes:
        batch_size: trials an update.
        n: units.
        n_i: inhibitory units, among the n (ColEI) or on top (DANN).
        last: how many of the last evaluations a final value averages.
        updates: updates of each network.
        eval_every: updates between evaluations.
        seeds_colei: seeds of configurations on ColEI's side.
        seeds_rnn: seeds of configurations that start as RNNs.
        learning_rate: learning rate.
        clip: largest gradient norm.
        hybrid_signs: signs that frozen hybrids keep: their own or the columns'.
        bias: start of ColEI's bias: "zero" or "centred" (cancels the mean input).
    """

    batch_size: int
    n: int
    n_i: int
    last: int
    updates: int
    eval_every: int
    seeds_colei: int
    seeds_rnn: int
    learning_rate: float
    clip: float
    hybrid_signs: str
    bias: str


FULL = Settings(
    data="objects64",
    scenes="bsds500",
    size=32,
    steps=5,
    pictures=40_000,
    batch_size=32,
    n=1000,
    n_i=100,
    last=5,
    updates=37_500,
    eval_every=1250,
    seeds_colei=30,
    seeds_rnn=10,
    learning_rate=0.037,
    clip=1.0,
    hybrid_signs="elements",
    bias="zero",
)
PRESETS = {
    "smoke": FULL.replaced(
        data="shapes",
        scenes="noise",
        size=16,
        pictures=640,
        n=20,
        n_i=2,
        last=1,
        updates=20,
        eval_every=10,
        seeds_colei=3,
        seeds_rnn=3,
    ),
    "laptop": FULL.replaced(n=500, n_i=50, updates=5000, eval_every=250, seeds_colei=10),
    "paper": FULL,
}
SOURCE = "Li et al. 2023, Table 2"


def train(context: Context) -> None:
    """Train all eight configurations in one ensemble."""
    task = fig2_objects.recognition(context)
    context.write_facts(source=task.source, chance=100 - 100 / task.n_out)
    _transplant.train(context, task)


def draw(context: Context) -> None:
    """Draw the learning curves and the six effects."""
    label = f"test error (%){stand_in(context.fact('source', ''))}"
    _transplant.draw(context, label, hlines={"chance": context.fact("chance")})


def judge(context: Context) -> list[dj.claims.Claim]:
    """Check the gap, the effects of spectrum and vectors, and those of the signs."""
    errors = _transplant.final(context)
    sides, comparisons = _transplant.effects(errors)
    note = fig2_objects.note(context)
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
    claims=(
        "gap",
        "rnn_spectrum_above_signs",
        "rnn_spectrum_above_vectors",
        "colei_spectrum_above_signs",
        "colei_spectrum_above_vectors",
        "rnn_signs_below_gap",
        "colei_signs_below_gap",
    ),
    train=train,
    judge=judge,
    draw=draw,
    variants=("text", "code"),
)
