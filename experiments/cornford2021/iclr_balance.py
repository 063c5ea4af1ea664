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


@dataclass(frozen=True, kw_only=True)
class Settings(_networks.Shape):
    """Settings of the experiment.

    Attributes:
        seeds: networks (random initialisations).
        batch_size: trials an update.
        rate: learning rate.
        at: updates at which inhibition is measured.
        pictures: test pictures on which it is measured.
    """

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
QUANTITIES = ("inhibition_over_excitation", "sd")


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


def train(context: Context) -> None:
    """Train in legs, and measure inhibition and activations after each."""
    s, task = context.settings, _networks.task_of(context)
    keys = context.keys()
    net = _networks.dann(s, s.some, context.variant)
    x = task.encode(jnp.asarray(task.data["test"][0][: s.pictures]))
    found = {0: measured(net, dj.initial_params(net, task, keys=keys), x)}
    params = None
    for before, update in zip((0, *s.at), s.at, strict=False):
        leg = context.train(
            f"to_{update}",
            net,
            dj.dann_sgd(s.rate),
            task,
            keys=_keys(keys, before),
            params=params,
            num_updates=update - before,
            eval_every=update - before,
        )
        params = leg.params
        context.record(DANN, leg.table.assign(update=update))
        found[update] = measured(net, params, x)
    rows = [
        (update, member, layer + 1, *values[member, layer])
        for update, values in found.items()
        for member in range(values.shape[0])
        for layer in range(values.shape[1])
    ]
    columns = ["update", "member", "layer", *QUANTITIES]
    context.write_csv("balance.csv", pd.DataFrame(rows, columns=columns))


def _found(context: Context) -> dict[int, dict[str, np.ndarray]]:
    """Read what was measured: update -> quantity -> values [members, layers]."""
    table = context.read_csv("balance.csv")
    return {
        int(update): {
            name: rows.pivot(index="member", columns="layer", values=name).to_numpy()
            for name in QUANTITIES
        }
        for update, rows in table.groupby("update")
    }


def draw(context: Context) -> None:
    """Draw inhibition over excitation, and the spread of the activations, over training."""
    found = _found(context)
    updates = list(found)
    shown = [max(u, updates[1] / 4) for u in updates]  # the start, on a logarithmic axis
    for name, quantity, label in (
        ("balance", QUANTITIES[0], "inhibition / excitation"),
        ("spread", QUANTITIES[1], "sd of the activations z"),
    ):
        lines = {
            f"layer {layer + 1}": [found[u][quantity][:, layer] for u in updates]
            for layer in range(context.settings.layers)
        }
        picture = dj.plots.sweep(
            lines,
            dict.fromkeys(lines, shown),
            xlabel="update (the first point: the start)",
            ylabel=label,
            log_x=True,
        )
        context.draw(name, picture)


def _keys(keys, before: int):
    """Give keys for one leg of the training, so that each leg has its own order of pictures."""
    return jax.vmap(lambda key: jax.random.fold_in(key, before))(keys) if before else keys


def judge(context: Context) -> list[dj.claims.Claim]:
    """Check the balance at the start, and how far balance and activations move in training."""
    found = _found(context)
    (balance, sd), (balance_end, sd_end) = (
        [found[update][name] for name in QUANTITIES] for update in (0, max(found))
    )
    apart = np.abs(balance - 1).max(1)
    moved = np.abs(np.log(balance_end)).max(1)
    grown = np.abs(np.log(sd_end / sd)).max(1)

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
            note=f"by layer: {by_layer(balance)}",
        ),
        mean(
            "diverges",
            "The inhibitory parameters are updated during training, and the model is "
            "free to diverge from this initialisation (|log(inhibition over excitation)| at the "
            "end, the layer farthest off; it does if above 0.1).",
            moved,
            lambda b: b.low > 0.1,
            "above 0.1",
            note=f"by layer: {by_layer(balance_end)}",
        ),
        mean(
            "activations_move",
            "The distribution of layer activations may be unstable over "
            "successive parameter updates (|log| of the growth of their standard deviation, the "
            "layer that moves most; it is if above log 2).",
            grown,
            lambda b: b.low > np.log(2),
            "above 0.69",
            note=f"sd by layer: {by_layer(sd)} → {by_layer(sd_end)}",
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
