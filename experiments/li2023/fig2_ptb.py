"""Figure 2C of Li et al. 2023: RNN, ColEI and DANN on the Penn Treebank.

    python -m experiments fig2_ptb --preset laptop --data-dir DIR

`paper` is 3 x 500 units, 64 x 50 words and three passes over all starts of a window; `laptop` is
1 x 200, 24 x 35 words, 50-d vectors and a tenth of the updates. The variant `code` has two dense
layers before the softmax, as the published scripts do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import optax

import dalejax as dj
from dalejax.datasets.readers.corpus import EOS
from experiments.engine import comparison
from experiments.engine.base import Experiment
from experiments.engine.context import Context, stand_in
from experiments.engine.settings import Training
from experiments.li2023 import _figure2, _settings
from experiments.shared import networks, ngrams


@dataclass(frozen=True, kw_only=True)
class Settings(_settings.Text, Training):
    """Settings of the experiment.

    Attributes:
        layers: hidden layers.
        n: units.
        n_i: inhibitory units, among the n (ColEI) or on top (DANN).
        readout_n_i: interneurons of the read-out.
        rate_colei: learning rate of ColEI.
        rate_dann: learning rate of the DANN.
        rate_rnn: learning rate of the RNN.
        clip: largest gradient norm.
    """

    layers: int
    n: int
    n_i: int
    readout_n_i: int
    rate_colei: float
    rate_dann: float
    rate_rnn: float
    clip: float


FULL = Settings(
    data="ptb",
    vectors="glove300",
    layers=3,
    n=500,
    n_i=50,
    readout_n_i=1000,
    batch_size=64,
    length=50,
    epochs="offsets",
    updates=43_500,
    eval_every=725,
    seeds=5,
    rate_colei=1.554,
    rate_dann=0.805,
    rate_rnn=0.805,
    clip=1.0,
    decay=0.99,
    decay_every=50,
    last=1,
)
PRESETS = {
    "smoke": FULL.replaced(
        data="topics",
        vectors="random",
        layers=1,
        n=20,
        n_i=2,
        readout_n_i=2,
        batch_size=8,
        length=10,
        updates=20,
        eval_every=10,
        seeds=3,
    ),
    "laptop": FULL.replaced(
        vectors="glove50",
        layers=1,
        n=200,
        n_i=20,
        readout_n_i=20,
        batch_size=24,
        length=35,
        updates=4000,
        eval_every=500,
        seeds=3,
        rate_colei=1.8,
        rate_dann=1.08,
        rate_rnn=2.17,
    ),
    "paper": FULL,
}
SOURCE = "Li et al. 2023, Fig. 2C"
NAMES = ("RNN", "DANN", "ColEI (gc)")
PAPER = {"RNN": 137.0, "DANN": 137.0}  # read off the figure
DENSE = 2  # hidden layers before the softmax in the published scripts


def train(context: Context) -> None:
    """Train RNN, DANN and ColEI; every one is clipped, as the published runs were."""
    s, task = context.settings, language_model(context)
    text = dj.datasets.load_text(s.data, data_dir=context.data_dir)
    counted = ngrams.perplexities(*text[:3], task.n_out, text.vocabulary.index(EOS))
    context.write_facts(source=text.source, **counted)
    rates = {"RNN": s.rate_rnn, "DANN": s.rate_dann, "ColEI (gc)": s.rate_colei}
    for name, (net, make_tx) in contestants(context, task).items():
        comparison.train_one(context, name, net, make_tx(rates[name], s.clip), task)


def draw(context: Context) -> None:
    """Draw the learning curves and the final perplexities beside those of n-gram models."""
    look = {
        "ylabel": f"test perplexity{stand_in(context.fact('source', ''))}",
        "styles": networks.FIGURE_2_STYLES,
        "log": True,
        "hlines": {name: context.fact(name) for name in ngrams.MODELS},
    }
    context.draw("final_perplexity", dj.plots.final_dots(_perplexity(context), **look))
    curves = dj.plots.learning_curves(context.table, "test_perplexity", **look)
    context.draw("learning_curves", curves)


def _perplexity(context: Context) -> dict:
    return {name: context.final(name, "test_perplexity") for name in NAMES}


def language_model(context: Context) -> dj.tasks.LanguageModel:
    """Make the task of the settings."""
    s = context.settings
    return dj.tasks.LanguageModel(
        s.data,
        vectors=s.vectors,
        length=s.length,
        batch_size=s.batch_size,
        epochs=s.epochs,
        data_dir=context.data_dir,
    )


def decaying(settings, optimizer):
    """Make an optimiser of a learning rate, which decays as the published code's, and a clip."""

    def make_tx(learning_rate, clip):
        rate = optax.exponential_decay(
            learning_rate, settings.decay_every, settings.decay, staircase=True
        )
        return optimizer(rate, clip)

    return make_tx


def contestants(context: Context, task) -> dict:
    """Make the three networks, each with what makes its optimiser of a rate and a clip."""
    s = context.settings
    size = {"dense": DENSE if context.variant == "code" else 0, "every_step": True}
    layers, n, n_i = s.layers, s.n, s.n_i
    mean = task.input_mean if context.variant == "text" else 0.0

    return {
        "RNN": (networks.rnn(layers, n, task.n_out, **size), decaying(s, dj.rnn_sgd)),
        "DANN": (
            networks.dann(layers, n, n_i, task.n_out, readout_n_i=s.readout_n_i, **size),
            decaying(s, dj.dann_sgd),
        ),
        "ColEI (gc)": (
            networks.colei(layers, n, n_i, task.n_out, input_mean=mean, **size),
            decaying(s, dj.colei_sgd),
        ),
    }


def judge(context: Context) -> list[dj.claims.Claim]:
    """Compare the final perplexities with those read off the figure, and with each other."""
    perplexity = _perplexity(context)
    summary = {name: dj.results.summary(values) for name, values in perplexity.items()}
    note = context.settings.data + stand_in(context.fact("source", ""))
    counted = {name: context.fact(name, math.nan) for name in ngrams.MODELS}
    models = ", ".join(f"{name} {value:.0f}" for name, value in counted.items())
    claims = []
    for name, paper in PAPER.items():
        mean = summary[name]["mean"]
        claims.append(
            context.claim(
                id=f"perplexity_{name.lower()}",
                statement=f"Final test perplexity of {name}, within 10 % of {paper:.0f}.",
                source=SOURCE,
                measured=mean,
                spread=summary[name]["sd"],
                reference=f"{paper:.0f} (read off the figure)",
                holds=bool(abs(mean - paper) <= 0.1 * paper),
                test=f"{summary[name]['text']}; {models}",
                note=note,
            )
        )
    return claims + _figure2.claims(
        context, perplexity, "Li et al. 2023, section 3.1, Fig. 2C", note
    )


EXPERIMENT = Experiment(
    name="fig2_ptb",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 56, "paper": 5600},
    claims=(
        "perplexity_rnn",
        "perplexity_dann",
        "colei_worse_than_rnn",
        "colei_worse_than_dann",
        "colei_more_variable",
    ),
    train=train,
    judge=judge,
    draw=draw,
    variants=("text", "code"),
)
