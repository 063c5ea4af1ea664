"""The networks of Cornford et al. 2021 with their optimisers, as its experiments use them.

Three hidden layers with ReLU and a read-out; batches of 32, plain gradient descent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import optax

import dalejax as dj
from dalejax.plots import Style
from experiments.engine import comparison, evidence
from experiments.engine.context import Context
from experiments.engine.settings import Settings as BaseSettings
from experiments.engine.settings import Training

MLP, DANN, NC, COLEI, LAYER, BATCH = "MLP", "DANN", "DANN, nc", "ColEI", "LayerNorm", "BatchNorm"
FEW, MANY, COLEI_MANY = "DANN, 1 I", "DANN, 100 I", "ColEI, 100 I"
# Networks of one kind share a colour.
STYLES = {
    MLP: Style("#222222", "-", "o"),
    FEW: Style("#009E73", ":", "v"),
    MANY: Style("#009E73", "--", "P"),
    NC: Style("#888888", "-", "X"),
    COLEI_MANY: Style("#E69F00", ":", "D"),
    LAYER: Style("#56B4E9", "-", "<"),
    BATCH: Style("#CC79A7", "--", ">"),
}
LOOK = {"ylabel": "test error (%)", "log": True, "styles": STYLES}
# The end of the name of each network's own setting, `rate_…`, and of its claims' ids.
SLUGS = {
    MLP: "mlp",
    LAYER: "layer",
    BATCH: "batch",
    DANN: "dann",
    FEW: "dann_few",
    MANY: "dann_many",
    NC: "nc",
    COLEI: "colei",
    COLEI_MANY: "colei_many",
}


@dataclass(frozen=True, kw_only=True)
class Shape(BaseSettings):
    """Sizes of feedforward networks of several hidden layers.

    Attributes:
        layers: hidden layers.
        units: units of a hidden layer; of a column-signed network, its excitatory ones.
        few: inhibitory units a layer of the DANN with few.
        some: inhibitory units a layer of the usual DANN and ColEI network.
        many: inhibitory units a layer of the DANN and the ColEI network with many.
    """

    layers: int = 3
    units: int = 500
    few: int = 1
    some: int = 50
    many: int = 100


@dataclass(frozen=True, kw_only=True)
class Settings(Shape, Training):
    """Settings of an experiment that trains such networks; a rate that it does not use is 0.

    Attributes:
        rate_mlp: learning rate of the MLP.
        rate_layer: learning rate of the MLP with layer normalisation.
        rate_batch: learning rate of the MLP with batch normalisation.
        rate_dann: learning rate of the usual DANN.
        rate_dann_few: learning rate of the DANN with few inhibitory units.
        rate_dann_many: learning rate of the DANN with many inhibitory units.
        rate_nc: learning rate of the DANN without corrected updates.
        rate_colei: learning rate of the usual ColEI network.
        rate_colei_many: learning rate of the ColEI network with many inhibitory units.
    """

    rate_mlp: float = 0.0
    rate_layer: float = 0.0
    rate_batch: float = 0.0
    rate_dann: float = 0.0
    rate_dann_few: float = 0.0
    rate_dann_many: float = 0.0
    rate_nc: float = 0.0
    rate_colei: float = 0.0
    rate_colei_many: float = 0.0

    def rate_of(self, name: str) -> float:
        """Give the learning rate of the network of that name."""
        return getattr(self, f"rate_{SLUGS[name]}")


# 50 epochs of 60,000 pictures, evaluated once an epoch.
FULL = Settings(data="mnist", updates=93_750, eval_every=1875, seeds=6, last=5)
SMOKE = {
    "data": "digits",
    "layers": 2,
    "units": 20,
    "some": 2,
    "many": 4,
    "updates": 60,
    "eval_every": 30,
    "seeds": 3,
    "last": 1,
}
LAPTOP = {"updates": 28_125}  # 15 epochs


class Row(NamedTuple):
    """A row of one of the paper's tables: errors in per cent, mean and standard deviation."""

    rate: float
    training: float
    training_sd: float
    test: float
    test_sd: float


def presets(
    tables: Mapping[str, Row], searched: Mapping[str, float], data: str
) -> dict[str, Settings]:
    """Make the presets of a data set, with learning rates of the paper's table and searched ones.

    Args:
        tables: rows of the paper's table by network.
        searched: learning rates of networks that the paper has no rate of.
        data: the data set.
    """
    rates = {f"rate_{SLUGS[name]}": row.rate for name, row in tables.items()}
    rates |= {f"rate_{SLUGS[name]}": rate for name, rate in searched.items()}
    full = FULL.replaced(data=data, **rates)
    return {"smoke": full.replaced(**SMOKE), "laptop": full.replaced(**LAPTOP), "paper": full}


def task_of(context: Context, **options) -> dj.tasks.ImageClassification:
    """Make the task on the run's data set; further options are the task's own."""
    s = context.settings
    return dj.tasks.ImageClassification(
        s.data, data_dir=context.data_dir, batch_size=s.batch_size, **options
    )


def mlp(s: Shape, norm: dj.LayerNorm | dj.BatchNorm | None = None) -> dj.FeedforwardNetwork:
    """Make a standard network, with or without normalisation."""
    hidden = [dj.Dense(s.units, first=i == 0) for i in range(s.layers)]
    return dj.FeedforwardNetwork(hidden, dj.Dense(10), norm=norm)


def dann(s: Shape, n_i: int, variant: str = "text", **layer) -> dj.FeedforwardNetwork:
    """Make a Dale's ANN with n_i interneurons a layer, one in the read-out.

    The paper's text starts the bias at 1 and draws every layer alike; its published code starts at
    0, and the first layer's excitatory weights with the standard deviation sqrt(1/(2 n_in)).
    """
    how = {"bias": 1.0 if variant == "text" else 0.0} | layer
    hidden = [
        dj.DivisiveDANNDense(s.units, n_i=n_i, first=variant == "code" and i == 0, **how)
        for i in range(s.layers)
    ]
    return dj.FeedforwardNetwork(hidden, dj.DivisiveDANNDense(10, n_i=1, **how))


def colei(s: Shape, n_i: int, input_mean: float) -> dj.FeedforwardNetwork:
    """Make a column-signed network: n_i inhibitory units join the others in every layer."""
    first = dj.ColEIDense(s.units + n_i, n_i=n_i, input_mean=input_mean)
    deeper = dj.ColEIDense(s.units + n_i, n_i=n_i)
    return dj.FeedforwardNetwork([first] + [deeper] * (s.layers - 1), dj.ColEIDense(10))


def uncorrected_sgd(learning_rate) -> optax.GradientTransformation:
    """Descend as a Dale's ANN without corrections does: step, project."""
    return optax.chain(optax.sgd(learning_rate), dj.dale_projection())


def network(name: str, s: Shape, task, variant: str) -> dj.FeedforwardNetwork:
    """Make the network of that name."""
    if name in (MLP, LAYER, BATCH):
        return mlp(s, {MLP: None, LAYER: dj.LayerNorm(), BATCH: dj.BatchNorm()}[name])
    n_i = {FEW: s.few, MANY: s.many, COLEI_MANY: s.many}.get(name, s.some)
    if name in (COLEI, COLEI_MANY):
        return colei(s, n_i, task.input_mean)
    return dann(s, n_i, variant)


def optimizer(name: str) -> Callable[..., optax.GradientTransformation]:
    """Give what makes the optimiser of the network of that name of a learning rate."""
    if name in (MLP, LAYER, BATCH):
        return dj.rnn_sgd
    if name in (COLEI, COLEI_MANY):
        return dj.colei_sgd
    return uncorrected_sgd if name == NC else dj.dann_sgd


def train_all(context: Context, names: Iterable[str]) -> None:
    """Train the networks of those names at their learning rates."""
    s, task = context.settings, task_of(context)
    for name in names:
        net = network(name, s, task, context.variant)
        tx = optimizer(name)(s.rate_of(name))
        comparison.train_one(context, name, net, tx, task)


def draw(context: Context, names: Sequence[str]) -> None:
    """Draw the final test errors and the learning curves of networks."""
    errors = {name: context.final(name, "test_error") for name in names}
    context.draw("final_error", dj.plots.final_dots(errors, **LOOK))
    table = context.rows(names)
    for which in ("test", "training"):
        look = {"ylabel": f"{which} error (%)", "log": which == "test", "styles": STYLES}
        curves = dj.plots.learning_curves(table, f"{which}_error", **look)
        context.draw(f"{which}_curves", curves)


def table_claims(context: Context, tables: Mapping[str, Row], source: str, within: float):
    """Compare each network's errors with the paper's: within so many points, or 3 of its sd.

    Args:
        context: the run.
        tables: rows of the paper's table by network.
        source: the table.
        within: points of error, where three of the paper's standard deviations are fewer.
    """
    out = []
    for name, row in tables.items():
        for which, paper, sd in (
            ("test", row.test, row.test_sd),
            ("training", row.training, row.training_sd),
        ):
            error = context.final(name, f"{which}_error")
            diverged = int(error.isna().sum())
            limit = max(within, 3 * sd)
            low, high = paper - limit, paper + limit
            out.append(
                evidence.mean(
                    context,
                    f"{which}_error_{SLUGS[name]}",
                    f"Final {which} error of {name} (%).",
                    source,
                    error.dropna(),
                    lambda b, low=low, high=high: low <= b.low and b.high <= high,
                    f"{paper:g} ± {sd:g} (here: interval within ± {limit:.2g})",
                    note=f"{diverged} of {len(error)} seeds diverged" if diverged else "",
                )
            )
    return out
