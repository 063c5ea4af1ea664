"""Does the balance of excitation and inhibition last? (Cornford et al. 2021, section 6)

    python -m experiments iclr_balance --preset laptop --data-dir DIR

A DANN learns MNIST; at some updates inhibition and excitation of every layer are measured on test
pictures, and the spread of its activations.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

import dalejax as dj
from experiments.cornford2021 import _networks
from experiments.cornford2021._networks import DANN
from experiments.engine import evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.engine.settings import Settings as BaseSettings


@dataclass(frozen=True, kw_only=True)
class Settings(BaseSettings):
    """Settings of the experiment.

    Attributes:
        layers: hidden layers.
        units: units of a hidden layer.
        few: interneurons of the network with few.
        some: interneurons of the usual network.
        many: interneurons of the network with many.
        seeds: DESCRIBE ME.
        batch_size: DESCRIBE ME.
        rate: learning rate.
        at: DESCRIBE ME.
        pictures: pictures measured.
    """

    layers: int
    units: int
    few: int
    some: int
    many: int
    seeds: int
    batch_size: int
    rate: float
    at: tuple[int, ...]
    pictures: int


FULL = Settings(
    data="mnist",
    layers=3,
    units=500,
    few=1,
    some=50,
    many=100,
    seeds=6,
    batch_size=32,
    rate=0.1107,
    at=(100, 400, 1600, 6400, 25_600, 93_750),
    pictures=1000,
)
PRESETS = {
    "smoke": FULL.replaced(
        data="digits", layers=2, units=20, some=2, many=4, seeds=3, at=(20, 60), pictures=200
    ),
    "laptop": FULL.replaced(at=(100, 400, 1600, 6400)),
    "paper": FULL,
}


@dataclass(frozen=True, kw_only=True)
class Settings(BaseSettings):
    """Settings of the experiment.

    Attributes:
        layers: hidden layers.
        units: units of a hidden layer.
        few: interneurons of the network with few.
        some: interneurons of the usual network.
        many: interneurons of the network with many.
        seeds: DESCRIBE ME.
        batch_size: DESCRIBE ME.
        rate: learning rate.
        at: DESCRIBE ME.
        pictures: pictures measured.
    """

    layers: int
    units: int
    few: int
    some: int
    many: int
    seeds: int
    batch_size: int
    rate: float
    at: tuple[int, ...]
    pictures: int


FULL = Settings(
    data="mnist",
    layers=3,
    units=500,
    few=1,
    some=50,
    many=100,
    seeds=6,
    batch_size=32,
    rate=0.1107,
    at=(100, 400, 1600, 6400, 25_600, 93_750),
    pictures=1000,
)
PRESETS = {
    "smoke": FULL.replaced(
        data="digits", layers=2, units=20, some=2, many=4, seeds=3, at=(20, 60), pictures=200
    ),
    "laptop": FULL.replaced(at=(100, 400, 1600, 6400)),
    "paper": FULL,
}
SOURCE = "Cornford et al. 2021, sections 3 and 6"


def measured(net, params, x) -> np.ndarray:
    """Measure, for each hidden layer [members, layers, 2]: inhibition over excitation (means over
    units and pictures), and the standard deviation of its activations z."""

    def one(params):
        inputs, out = x, []
        for i, h in enumerate(net.apply({"params": params}, x, method="activities")):
            p = params[f"layers_{i}"]
            excitation = inputs @ p["W_ee"].T
            inhibition = inputs @ p["W_ie"].T @ p["W_ei"].T
            z = net.layers[i].respond(p, inputs)
            out.append(jnp.array([inhibition.mean() / excitation.mean(), z.std()]))
            inputs = h
        return jnp.stack(out)

    return np.asarray(jax.jit(lambda params: jax.lax.map(one, params))(params))


def run(context: Context) -> list[dj.claims.Claim]:
    """Train in legs; measure after each."""
    s, task = context.settings, _networks.task_of(context)
    keys = context.keys()
    net = _networks.dann(s, s.some, context.variant)
    x = task.encode(jnp.asarray(task.data["test"][0][: s.pictures]))
    found = {0: measured(net, dj.initial_params(net, task, keys=keys), x)}
    params = None
    for before, update in zip((0, *s.at), s.at, strict=False):
        legs = context.train(
            f"to_{update}",
            net,
            dj.dann_sgd(s.rate),
            task,
            keys=_keys(keys, before),
            params=params,
            num_updates=update - before,
            eval_every=update - before,
        )
        params = legs.params
        context.record(DANN, legs.table.assign(update=update))
        found[update] = measured(net, params, x)
    updates = list(found)
    for i, (name, label) in enumerate(
        (("balance", "inhibition / excitation"), ("spread", "sd of the activations z"))
    ):
        lines = {
            f"layer {layer + 1}": [found[u][:, layer, i] for u in updates]
            for layer in range(s.layers)
        }
        shown = [max(u, updates[1] / 4) for u in updates]  # the start, on a logarithmic axis
        picture = dj.plots.sweep(
            lines,
            dict.fromkeys(lines, shown),
            xlabel="update (the first point: the start)",
            ylabel=label,
            log_x=True,
        )
        context.draw(name, picture)
    rows = [
        (update, member, layer + 1, *values[member, layer])
        for update, values in found.items()
        for member in range(values.shape[0])
        for layer in range(values.shape[1])
    ]
    columns = ["update", "member", "layer", "inhibition_over_excitation", "sd"]
    context.write_csv("balance.csv", pd.DataFrame(rows, columns=columns), digits=4)
    return _claims(context, found)


def _keys(keys, before: int):
    """Each leg shows the pictures in an order of its own."""
    return jax.vmap(lambda key: jax.random.fold_in(key, before))(keys) if before else keys


def _claims(context: Context, found) -> list[dj.claims.Claim]:
    start, end = found[0], found[max(found)]
    apart = np.abs(start[:, :, 0] - 1).max(1)
    moved = np.abs(np.log(end[:, :, 0])).max(1)
    grown = np.abs(np.log(end[:, :, 1] / start[:, :, 1])).max(1)

    def mean(id, statement, values, holds, reference, **more):
        return evidence.mean(context, id, statement, SOURCE, values, holds, reference, **more)

    def by_layer(values):
        return ", ".join(f"{x:.2f}" for x in values.mean(0))

    return [
        mean(
            "balanced_at_start",
            "DANNs are initialised such that excitation and inhibition are "
            "balanced (|inhibition over excitation - 1|, the layer farthest off, on pictures).",
            apart,
            lambda b: b.high < 0.1,
            "below 0.1",
            note=f"by layer: {by_layer(start[:, :, 0])}",
        ),
        mean(
            "diverges",
            "The inhibitory parameters are updated during training, and the model is "
            "free to diverge from this initialisation (|log(inhibition over excitation)| at the "
            "end, the layer farthest off; it does if above 0.1).",
            moved,
            lambda b: b.low > 0.1,
            "above 0.1",
            note=f"by layer: {by_layer(end[:, :, 0])}",
        ),
        mean(
            "activations_move",
            "The distribution of layer activations may be unstable over "
            "successive parameter updates (|log| of the growth of their standard deviation, the "
            "layer that moves most; it is if above log 2).",
            grown,
            lambda b: b.low > np.log(2),
            "above 0.69",
            note=f"sd by layer: {by_layer(start[:, :, 1])} → {by_layer(end[:, :, 1])}",
        ),
    ]


EXPERIMENT = Experiment(
    name="iclr_balance",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 5, "paper": 40},
    claims=(
        "balanced_at_start",
        "diverges",
        "activations_move",
    ),
    train=train,
    judge=judge,
    draw=draw,
    variants=("text", "code"),
)
