"""Figure 2 of Cornford et al. 2021: do the heuristic corrections follow the Fisher information?

    python -m experiments iclr_fig2_fisher_alignment --preset laptop --data-dir DIR

A DANN learns MNIST with gradients multiplied by the inverse of a running diagonal of the Fisher
information; each is compared with the same gradient as it is and with the heuristic corrections.
`text` divides by the norm of F, `code` by that of its inverse; learning rates and damping are
settings of ours, the paper names neither (`text` learns from a rate of 10 on, the larger the
faster up to 300, the largest tried). `laptop` makes 6 of 50 epochs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pandas as pd

import dalejax as dj
from dalejax.types import Array
from experiments.cornford2021 import _networks
from experiments.engine import comparison, evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context


@dataclass(frozen=True, kw_only=True)
class Settings(_networks.Settings):
    """Settings of the experiment.

    Attributes:
        momentum: share of the batch in hand in the running Fisher information.
        fisher_rate: lambda of algorithm 4, which only scales.
        damping: added to the Fisher information, as a share of its mean.
        rate_text: learning rate of the variant text.
        rate_code: learning rate of the variant code.
        bins: bins of the training over which cosines are averaged.
    """

    momentum: float
    fisher_rate: float
    damping: float
    rate_text: float
    rate_code: float
    bins: int


FULL = Settings(
    data="mnist",
    layers=3,
    units=500,
    few=1,
    some=50,
    many=100,
    updates=12_000,
    eval_every=240,
    seeds=6,
    last=1,
    batch_size=250,
    momentum=0.02,
    fisher_rate=2.5e-05,
    damping=0.01,
    rate_text=300.0,
    rate_code=100.0,
    bins=50,
)
PRESETS = {
    "smoke": FULL.replaced(
        data="digits",
        layers=2,
        units=20,
        some=2,
        many=4,
        updates=40,
        eval_every=20,
        seeds=3,
        batch_size=50,
        bins=4,
    ),
    "laptop": FULL.replaced(updates=1440, seeds=4, bins=12),
    "paper": FULL,
}
SOURCE = "Cornford et al. 2021, Fig. 2; section 4"
UNCORRECTED, CORRECTED = "uncorrected", "corrected"
NAME = "DANN, Fisher"


class Recorded(NamedTuple):
    """State of :func:`recorded`: the inner one, updates so far, and sums of cosines.

    Attributes:
        inner: of the Fisher scaling.
        count: updates so far.
        cosines: sums over a bin's updates [2, layers, bins]: uncorrected, corrected.
    """

    inner: optax.OptState
    count: Array
    cosines: Array


def recorded(fisher, updates: int, bins: int) -> optax.GradientTransformationExtraArgs:
    """Scale by the Fisher information, and note the angles of what it is compared with."""
    heuristic = dj.scale_by_dann_fisher()

    def init(params):
        sums = jnp.zeros((2, len(params), bins))
        return Recorded(fisher.init(params), jnp.int32(0), sums)

    def update(gradients, state, params=None, **extra):
        scaled, inner = fisher.update(gradients, state.inner, params, **extra)
        corrected, _ = heuristic.update(gradients, optax.EmptyState())
        cosines = jnp.array(
            [[_cosine(by[k], scaled[k]) for k in sorted(scaled)] for by in (gradients, corrected)]
        )
        into = state.count * bins // updates
        sums = state.cosines.at[:, :, into].add(cosines)
        return scaled, Recorded(inner, state.count + 1, sums)

    return optax.GradientTransformationExtraArgs(init, update)


def _cosine(a, b):
    inner = sum(jnp.vdot(x, y) for x, y in zip(*map(jax.tree.leaves, (a, b)), strict=True))
    return inner / (optax.tree.norm(a) * optax.tree.norm(b))


def train(context: Context) -> None:
    """Train with Fisher-corrected gradients; compare what else they could have been."""
    s, task = context.settings, _networks.task_of(context)
    net = _networks.dann(s, s.few, context.variant)
    fisher = dj.scale_by_running_fisher(
        s.momentum, s.fisher_rate, norm=context.variant, damping=s.damping
    )
    rate = s.rate_text if context.variant == "text" else s.rate_code
    tx = optax.chain(recorded(fisher, s.updates, s.bins), optax.sgd(rate), dj.dale_projection())
    run = comparison.train_one(context, NAME, net, tx, task)
    whole = np.bincount(np.arange(s.updates) * s.bins // s.updates, minlength=s.bins)
    cosines = np.asarray(run.opt_state[0].cosines) / whole  # [members, 2, layers, bins]
    epochs = (np.arange(s.bins) + 0.5) * s.updates / s.bins / task.updates_per_epoch
    rows = [
        (name, member, layer, epoch, cosines[member, i, layer, at])
        for i, name in enumerate((UNCORRECTED, CORRECTED))
        for member in range(cosines.shape[0])
        for layer in range(cosines.shape[2])
        for at, epoch in enumerate(epochs)
    ]
    columns = ["gradient", "member", "layer", "epoch", "cosine"]
    context.write_csv("cosines.csv", pd.DataFrame(rows, columns=columns))


def _cosines(context: Context) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Read the cosines by gradient [members, layers, bins], and the bins' epochs [bins]."""
    table = context.read_csv("cosines.csv")
    by = ["member", "layer", "epoch"]
    shape = [table[name].nunique() for name in by]
    found = {
        name: table[table.gradient == name].sort_values(by).cosine.to_numpy().reshape(shape)
        for name in (UNCORRECTED, CORRECTED)
    }
    return found, np.sort(table.epoch.unique())


def draw(context: Context) -> None:
    """Draw the cosines over training, and the test error."""
    found, epochs = _cosines(context)
    over = {name: list(cosines.mean(1).T) for name, cosines in found.items()}
    look = {"xlabel": "epoch", "ylabel": "cosine with F⁻¹ times the gradient"}
    context.draw("cosines", dj.plots.sweep(over, dict.fromkeys(over, epochs), **look))
    look = {"ylabel": "test error (%)", "log": True}
    context.draw("test_curves", dj.plots.learning_curves(context.table, "test_error", **look))


def judge(context: Context) -> list[dj.claims.Claim]:
    """Check that corrected gradients are closer to Fisher-corrected ones than uncorrected are."""
    found, _ = _cosines(context)
    uncorrected, corrected = found[UNCORRECTED], found[CORRECTED]
    gain = corrected - uncorrected  # [members, layers, bins]
    error = context.final(NAME, "test_error")

    def mean(id, statement, values, **more):
        return evidence.mean(
            context, id, statement, SOURCE, values, lambda b: b.low > 0, "positive", **more
        )

    by_layer = ", ".join(f"{x:+.2f}" for x in gain.mean((0, 2)))
    return [
        mean(
            "corrected_closer",
            "The heuristic corrected gradients were more aligned to the Fisher "
            "corrected gradients than the uncorrected gradients were (difference of the cosines, "
            "over all layers and updates).",
            gain.mean((1, 2)),
            note=f"cosine {uncorrected.mean():.2f} → {corrected.mean():.2f}; by layer, the "
            f"read-out last: {by_layer}; test error {error.mean():.1f} %",
        ),
        mean(
            "throughout",
            "Throughout training, we observed that the heuristic corrected gradients "
            "were more aligned (the smallest difference over the bins of the training).",
            gain.mean(1).min(1),
        ),
        mean(
            "in_every_layer",
            "Our heuristic correction factors approximated gradient "
            "multiplication by the diagonal of F⁻¹ for each layer (the smallest gain of a layer).",
            gain.mean(2).min(1),
        ),
    ]


EXPERIMENT = Experiment(
    name="iclr_fig2_fisher_alignment",
    source="Cornford et al. 2021, Fig. 2",
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 4, "paper": 60},
    claims=(
        "corrected_closer",
        "throughout",
        "in_every_layer",
    ),
    train=train,
    judge=judge,
    draw=draw,
    variants=("text", "code"),
)
