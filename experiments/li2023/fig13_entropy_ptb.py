"""Figure 13 of Li et al. 2023: NSE at the start and the perplexity, on the Penn Treebank.

python -m experiments fig13_entropy_ptb --preset laptop --data-dir DIR
"""

from __future__ import annotations

from dataclasses import dataclass

import dalejax as dj
from experiments.engine.base import Experiment
from experiments.engine.context import Context, stand_in
from experiments.engine.settings import Training
from experiments.li2023 import _entropy, _settings, fig2_ptb
from experiments.shared import networks

_OF_TASK = ("data", "vectors", "batch_size", "length", "epochs", "decay", "decay_every", "last")


@dataclass(frozen=True, kw_only=True)
class Settings(_settings.Text, Training):
    """Settings of the experiment.

    Attributes:
        sizes: numbers of units compared.
        shares: inhibitory shares compared.
        rate: learning rate.
        clips: gradient clips tried; "none" for no clipping.
        bias: start of ColEI's bias: "zero" or "centred" (cancels the mean input).
    """

    sizes: tuple[int, ...]
    shares: tuple[float, ...]
    rate: float
    clips: tuple[float, ...]
    bias: str


FULL = Settings(
    data="ptb",
    vectors="glove300",
    batch_size=64,
    length=50,
    epochs="offsets",
    decay=0.99,
    decay_every=50,
    last=1,
    sizes=(100, 200, 300, 500),
    shares=(0.01, 0.05, 0.1, 0.25, 0.5),
    updates=14_500,
    eval_every=725,
    seeds=5,
    rate=1.554,
    clips=(1.0,),
    bias="zero",
)
PRESETS = {
    "smoke": FULL.replaced(
        data="topics",
        vectors="random",
        batch_size=8,
        length=10,
        sizes=(20, 30),
        shares=(0.05, 0.5),
        updates=20,
        eval_every=10,
        seeds=2,
    ),
    "laptop": FULL.replaced(
        vectors="glove50",
        batch_size=16,
        length=25,
        sizes=(50, 100, 200),
        shares=(0.02, 0.1, 0.5),
        updates=2000,
        eval_every=1000,
        seeds=2,
        rate=1.8,
    ),
    "paper": FULL,
}
SOURCE = "Li et al. 2023, Fig. 13"


def train(context: Context) -> None:
    """Train ColEI networks of all sizes and inhibitory shares as language models."""
    s, task = context.settings, fig2_ptb.language_model(context)
    source = dj.datasets.load_text(s.data, data_dir=context.data_dir).source
    context.write_facts(source=source)
    _entropy.train(
        context,
        task,
        "test_perplexity",
        optimizer=fig2_ptb.decaying(s, dj.colei_sgd),
        input_mean=networks.input_mean(s.bias, task),
        every_step=True,
    )


def judge(context: Context) -> list[dj.claims.Claim]:
    """Relate entropies at the start to final perplexities."""
    return _entropy.claims(context, _entropy.grid_of(context), f"{SOURCE}; section 3.4")


def draw(context: Context) -> None:
    """Draw the maps and the scatter."""
    _entropy.draw(context, f"test perplexity{stand_in(context.fact('source', ''))}")


EXPERIMENT = Experiment(
    name="fig13_entropy_ptb",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 35, "paper": 8000},
    claims=(
        "nse_predicts_error",
        "small_balanced_beats_large_skewed",
        "fewer_inhibitory_units_are_worse",
    ),
    train=train,
    judge=judge,
    draw=draw,
)
