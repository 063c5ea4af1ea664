"""Figure 7 of Li et al. 2023: NSE at the start predicts the error, over sizes and E/I ratios.

    python -m experiments fig7_entropy_predicts --preset laptop --data-dir DIR

`laptop` takes 3 of 10 sizes, 3 of 30 epochs, 3 of 5 seeds. Expect a rank correlation below -0.7.
"""

from __future__ import annotations

from dataclasses import dataclass

import dalejax as dj
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.engine.settings import Training
from experiments.li2023 import _entropy
from experiments.shared import networks, tasks


@dataclass(frozen=True, kw_only=True)
class Settings(Training):
    """Settings of the experiment.

    Attributes:
        sizes: numbers of units compared.
        shares: inhibitory shares compared.
        bias: start of ColEI's bias: "zero" or "centred" (cancels the mean input).
        rate: learning rate.
        clips: gradient clips tried; "none" for no clipping.
    """

    sizes: tuple[int, ...]
    shares: tuple[float, ...]
    bias: str
    rate: float
    clips: tuple[float, ...]


FULL = Settings(
    data="mnist",
    sizes=(100, 200, 300, 400, 500, 600, 700, 800, 900, 1000),
    shares=(0.01, 0.0644, 0.1189, 0.1733, 0.2278, 0.2822, 0.3367, 0.3911, 0.4456, 0.5),
    updates=56_250,
    eval_every=1125,
    seeds=5,
    last=5,
    batch_size=32,
    bias="zero",
    rate=0.01,
    clips=(5.0, 10.0),
)
PRESETS = {
    "smoke": FULL.replaced(
        data="digits",
        sizes=(20, 30),
        shares=(0.05, 0.5),
        updates=20,
        eval_every=10,
        seeds=2,
        last=1,
    ),
    "laptop": FULL.replaced(sizes=(100, 200, 400), updates=5625, seeds=3, last=1, clips=(10.0,)),
    "paper": FULL,
}
SOURCE = "Li et al. 2023, Fig. 7"


def train(context: Context) -> None:
    """Train ColEI networks of all sizes and inhibitory shares on sequential MNIST."""
    task = tasks.smnist(context)
    mean = networks.input_mean(context.settings.bias, task)
    _entropy.train(context, task, "test_error", input_mean=mean)


def judge(context: Context) -> list[dj.claims.Claim]:
    """Relate entropies at the start to final test errors."""
    grid, section = _entropy.grid_of(context), f"{SOURCE}; section 3.4"
    return _entropy.claims(context, grid, section) + _entropy.nse_claims(context, grid, section)


def draw(context: Context) -> None:
    """Draw the maps and the scatter."""
    _entropy.draw(context, "test error (%)")


EXPERIMENT = Experiment(
    name="fig7_entropy_predicts",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 50, "paper": 20_000},
    claims=(
        "nse_predicts_error",
        "small_balanced_beats_large_skewed",
        "fewer_inhibitory_units_are_worse",
        "nse_rises_with_size",
        "nse_rises_with_share",
    ),
    train=train,
    judge=judge,
    draw=draw,
)
