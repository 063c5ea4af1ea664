"""Figure 12 of Li et al. 2023: NSE at the start and the error, on object recognition.

python -m experiments fig12_entropy_objects --preset laptop --data-dir DIR
"""

from __future__ import annotations

from dataclasses import dataclass

import dalejax as dj
from experiments.engine.base import Experiment
from experiments.engine.context import Context, stand_in
from experiments.engine.settings import Training
from experiments.li2023 import _entropy, _settings, fig2_objects

_OF_TASK = ("data", "scenes", "size", "steps", "pictures", "batch_size", "last")


@dataclass(frozen=True, kw_only=True)
class Settings(_settings.Objects, Training):
    """Settings of the experiment.

    Attributes:
        sizes: numbers of units compared.
        shares: inhibitory shares compared.
        rate: learning rate.
        clips: gradient clips tried; "none" for no clipping.
    """

    sizes: tuple[int, ...]
    shares: tuple[float, ...]
    rate: float
    clips: tuple[float, ...]


FULL = Settings(
    data="objects64",
    scenes="bsds500",
    size=32,
    steps=5,
    pictures=40_000,
    batch_size=32,
    last=5,
    sizes=(100, 200, 500, 1000),
    shares=(0.01, 0.05, 0.1, 0.25, 0.5),
    updates=37_500,
    eval_every=1250,
    seeds=5,
    rate=0.037,
    clips=(1.0,),
)
PRESETS = {
    "smoke": FULL.replaced(
        data="shapes",
        scenes="noise",
        size=16,
        pictures=640,
        last=1,
        sizes=(20, 30),
        shares=(0.05, 0.5),
        updates=20,
        eval_every=10,
        seeds=2,
    ),
    "laptop": FULL.replaced(
        sizes=(100, 200, 500), shares=(0.02, 0.1, 0.25, 0.5), updates=10_000, seeds=3
    ),
    "paper": FULL,
}
SOURCE = "Li et al. 2023, Fig. 12"


def train(context: Context) -> None:
    """Train ColEI networks of all sizes and inhibitory shares on objects."""
    task = fig2_objects.recognition(context)
    context.write_facts(source=task.source)
    _entropy.train(context, task, "test_error")


def judge(context: Context) -> list[dj.claims.Claim]:
    """Relate entropies at the start to final test errors."""
    grid, note = _entropy.grid_of(context), fig2_objects.note(context)
    return _entropy.claims(context, grid, f"{SOURCE}; section 3.4", note)


def draw(context: Context) -> None:
    """Draw the maps and the scatter."""
    _entropy.draw(context, f"test error (%){stand_in(context.fact('source', ''))}")


EXPERIMENT = Experiment(
    name="fig12_entropy_objects",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 14, "paper": 900},
    claims=(
        "nse_predicts_error",
        "small_balanced_beats_large_skewed",
        "fewer_inhibitory_units_are_worse",
    ),
    train=train,
    judge=judge,
    draw=draw,
)
