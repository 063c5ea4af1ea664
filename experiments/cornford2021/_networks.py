"""The networks of Cornford et al. 2021 with their optimisers, as its experiments use them.

Three hidden layers with ReLU and a read-out; batches of 32, plain gradient descent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import optax

import dalejax as dj
from dalejax.plots import Style
from experiments.engine import evidence
from experiments.engine.base import Context

MLP, DANN, NC, COLEI, LAYER, BATCH = "MLP", "DANN", "DANN, nc", "ColEI", "LayerNorm", "BatchNorm"
FEW, MANY, COLEI_MANY = "DANN, 1 I", "DANN, 100 I", "ColEI, 100 I"
# Kindred networks share a colour.
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
# Settings of a network's own by the end of their names: `rate_…`.
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
# 50 epochs of 60,000 pictures, evaluated once an epoch.
FULL = {
    "data": "mnist",
    "layers": 3,
    "units": 500,
    "few": 1,
    "some": 50,
    "many": 100,
    "updates": 93_750,
    "eval_every": 1875,
    "seeds": 6,
    "last": 5,
    "batch_size": 32,
}
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


def presets(tables: Mapping[str, Row], searched: Mapping[str, float], data: str) -> dict:
    """Make the presets of a data set: rates of the paper's table, and searched ones beside."""
    rates = {f"rate_{SLUGS[name]}": row.rate for name, row in tables.items()}
    rates |= {f"rate_{SLUGS[name]}": rate for name, rate in searched.items()}
    full = FULL | {"data": data} | rates
    return {"smoke": full | SMOKE, "laptop": full | LAPTOP, "paper": full}


def task_of(context: Context, **options) -> dj.tasks.ImageClassification:
    """Make the task that the settings name."""
    s = context.settings
    return dj.tasks.ImageClassification(
        s["data"], data_dir=context.data_dir, batch_size=s["batch_size"], **options
    )


def mlp(s: Mapping[str, Any], norm: dj.LayerNorm | dj.BatchNorm | None = None):
    """Standard network, perhaps normalised."""
    hidden = [dj.Dense(s["units"], first=i == 0) for i in range(s["layers"])]
    return dj.FeedforwardNetwork(hidden, dj.Dense(10), norm=norm)


def dann(s: Mapping[str, Any], n_i: int, variant: str = "text", **layer):
    """Dale's ANN; its read-out has one interneuron.

    The paper's text starts the bias at 1 and draws every layer alike; its published code starts at
    0, and the first layer's excitatory weights with the standard deviation sqrt(1/(2 n_in)).
    """
    how = {"bias": 1.0 if variant == "text" else 0.0} | layer
    hidden = [
        dj.DivisiveDANNDense(s["units"], n_i=n_i, first=variant == "code" and i == 0, **how)
        for i in range(s["layers"])
    ]
    return dj.FeedforwardNetwork(hidden, dj.DivisiveDANNDense(10, n_i=1, **how))


def colei(s: Mapping[str, Any], n_i: int, input_mean: float):
    """Column-signed network: n_i inhibitory units beside the excitatory ones in every layer."""
    first = dj.ColEIDense(s["units"] + n_i, n_i=n_i, input_mean=input_mean)
    deeper = dj.ColEIDense(s["units"] + n_i, n_i=n_i)
    return dj.FeedforwardNetwork([first] + [deeper] * (s["layers"] - 1), dj.ColEIDense(10))


def uncorrected_sgd(learning_rate) -> optax.GradientTransformation:
    """Descend as a Dale's ANN without corrections does: step, project."""
    return optax.chain(optax.sgd(learning_rate), dj.dale_projection())


def contestant(name: str, s: Mapping[str, Any], task, variant: str) -> tuple:
    """Give a network and its optimiser."""
    rate = s[f"rate_{SLUGS[name]}"]
    if name in (MLP, LAYER, BATCH):
        norm = {MLP: None, LAYER: dj.LayerNorm(), BATCH: dj.BatchNorm()}[name]
        return mlp(s, norm), dj.rnn_sgd(rate)
    n_i = s[{FEW: "few", MANY: "many", COLEI_MANY: "many"}.get(name, "some")]
    if name in (COLEI, COLEI_MANY):
        return colei(s, n_i, task.input_mean), dj.colei_sgd(rate)
    return dann(s, n_i, variant), (uncorrected_sgd if name == NC else dj.dann_sgd)(rate)


def train_all(context: Context, names: Sequence[str]) -> None:
    """Train networks of those names, and draw errors of training and test set."""
    s, task = context.settings, task_of(context)
    keys = dj.seed_keys(s.get("root", 0), s["seeds"])
    for name in names:
        context.train_one(name, *contestant(name, s, task, context.variant), task, keys=keys)
    draw(context, names)


def draw(context: Context, names: Sequence[str]) -> None:
    """Draw the learning curves and the final test errors of networks."""
    table = context.table
    table = table[table.configuration.isin(names)]
    for which in ("test", "training"):
        curves = dj.plots.learning_curves(
            table, f"{which}_error", ylabel=f"{which} error (%)", log=which == "test", styles=STYLES
        )
        context.draw(f"{which}_curves", curves)
    errors = {name: context.final(name, "test_error") for name in names}
    context.draw("final_error", dj.plots.final_dots(errors, **LOOK))


def table_claims(context: Context, tables: Mapping[str, Row], source: str, within: float):
    """Set every row's errors beside the paper's: within so many points, or 3 of its sd."""
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
