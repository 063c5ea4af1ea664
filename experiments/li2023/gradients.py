"""Activity and gradients over time at the start: who explodes, who vanishes (section 3.2).

    python -m experiments gradients --preset laptop --data-dir DIR

Nothing is trained. Digits run through untrained networks; back from a late row, the Jacobian
product ∂h_T/∂h_{T-k} = Π diag(f') W is taken apart by its singular values: what k steps do to a
gradient. (The first and the last rows of a digit are blank, and silence is no subject of this.)
"""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import pandas as pd

import dalejax as dj
from experiments.engine import evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.engine.settings import Settings as BaseSettings
from experiments.shared import networks


@dataclass(frozen=True, kw_only=True)
class Settings(BaseSettings):
    """Settings of the experiment.

    Attributes:
        n: units.
        n_i: inhibitory units, among the n (ColEI) or on top (DANN).
        seeds: networks (random initialisations) of each kind.
        digits: test digits that are followed.
        bias: start of ColEI's bias: "zero" or "centred" (cancels the mean input).
        row: rows of a digit that are shown, the time steps.
        back: steps back in time that gradients are followed.
    """

    n: int
    n_i: int
    seeds: int
    digits: int
    bias: str
    row: int
    back: int


FULL = Settings(
    data="mnist",
    n=100,
    n_i=10,
    seeds=10,
    digits=10,
    bias="zero",
    row=20,
    back=10,
)
PRESETS = {
    "smoke": FULL.replaced(data="digits", n=20, n_i=2, seeds=3, digits=3),
    "laptop": FULL,
    "paper": FULL,
}
SOURCE = "Li et al. 2023, section 3.2"
KINDS = ("RNN", "DANN", "ColEI")


def train(context: Context) -> None:
    """Follow activity forwards and Jacobians backwards, in networks at their start."""
    s = context.settings
    task = dj.tasks.SequentialMNIST(s.data, data_dir=context.data_dir)
    x = np.asarray(task.encode(jnp.asarray(task.data["test"][0][: s.digits])), float)[: s.row]
    keys, parts = context.keys(), []
    for kind, (net, _) in networks.three(task, s.n, s.n_i, bias=s.bias).items():
        weights = net.effective(dj.initial_params(net, task, keys=keys))[0]
        for member, own in enumerate(zip(*weights, strict=True)):
            activity, sigma = follow(*(np.asarray(w, float) for w in own), x, s.back)
            for quantity, values in {
                "activity": activity,
                "stretch": sigma[:, 0],
                "spread": sigma[:, 0] / sigma.mean(1),
            }.items():
                about = {"network": kind, "quantity": quantity, "member": member}
                parts.append(
                    pd.DataFrame(about | {"step": range(1, len(values) + 1), "value": values})
                )
    context.write_csv("steps.csv", pd.concat(parts, ignore_index=True))


def _by_step(context: Context, quantity: str) -> dict[str, np.ndarray]:
    """Read a quantity of every network: [steps, seeds]."""
    table = context.read_csv("steps.csv")
    table = table[table.quantity == quantity]
    return {
        kind: table[table.network == kind]
        .pivot(index="step", columns="member", values="value")
        .to_numpy()
        for kind in KINDS
    }


def draw(context: Context) -> None:
    """Draw activity over the digit's rows, and stretch and spread over steps back in time."""
    s = context.settings
    for quantity, look in {
        "activity": {"xlabel": "row of the digit", "ylabel": "activity ‖h_t‖"},
        "stretch": {"ylabel": "largest singular value of ∂h(T)/∂h(T-k)", "log": True},
        "spread": {"ylabel": "largest over mean singular value", "log": True},
    }.items():
        steps = range(1, (s.row if quantity == "activity" else s.back) + 1)
        look = {"xlabel": "steps back in time k"} | look
        x = dict.fromkeys(KINDS, steps)
        context.draw(quantity, dj.plots.sweep(_by_step(context, quantity), x, **look))


def follow(U, W, b, x, back: int) -> tuple[np.ndarray, np.ndarray]:
    """Run one network over inputs [t, b, n_in].

    Returns:
        The mean norm of its activity [t], and the singular values of the Jacobian product over
        1 … back steps from the last one, means over the inputs [back, n].
    """
    h, states = np.zeros((x.shape[1], len(W))), []
    for u in x @ U.T + b:
        h = np.maximum(u + h @ W.T, 0)
        states.append(h)
    product, sigma = np.eye(len(W)), []
    for h in states[: -back - 1 : -1]:
        product = product @ ((h > 0)[:, :, None] * W)  # one more step back in time
        sigma.append(np.linalg.svd(product, compute_uv=False).mean(0))
    return np.linalg.norm(states, axis=2).mean(1), np.array(sigma)


def judge(context: Context) -> list[dj.claims.Claim]:
    """Check how far activity and gradients are stretched, one and many steps back in time."""
    stretch, spread = _by_step(context, "stretch"), _by_step(context, "spread")
    deformed = (
        "There will still be directions in activity space corresponding to the large singular "
        "values along which the activations and gradients will be heavily deformed and stretched"
    )
    eigen = "Eigenvalues {} than one indicate activity directions that lead to {}"
    k = context.settings.back

    def wanted(id, sentence, values, high="ColEI", low="RNN"):
        series = [pd.Series(values[kind]) for kind in (high, low)]
        return evidence.Above(id, sentence, *series, (high, low))

    def at(values, i):
        return {kind: v[i] for kind, v in values.items()}

    one, last = at(stretch, 0), at(stretch, -1)
    return [
        *evidence.above(
            context,
            [
                wanted(
                    "stretched",
                    f"{deformed} (largest singular value of one step back, beside the RNN's).",
                    one,
                ),
                wanted(
                    "deformed",
                    f"{deformed} (largest over mean singular value of {k} steps "
                    "back, beside the DANN's).",
                    at(spread, -1),
                    low="DANN",
                ),
            ],
            SOURCE,
        ),
        evidence.number(
            context,
            "explodes",
            eigen.format("greater", "exploding activations and gradients")
            + f" (largest singular value of {k} steps back, ColEI of radius 1.5).",
            SOURCE,
            last["ColEI"],
            last["ColEI"].min() > 1,
            "every network above 1",
            test=f"n = {len(last['ColEI'])}, from {last['ColEI'].min():.2g} to "
            f"{last['ColEI'].max():.2g}",
        ),
        evidence.number(
            context,
            "rnn_vanishes",
            eigen.format("less", "vanishing gradients")
            + f" (largest singular value of {k} steps back, RNN of radius 1/√3).",
            SOURCE,
            last["RNN"],
            last["RNN"].max() < 0.1,
            "every network below 0.1",
        ),
    ]


EXPERIMENT = Experiment(
    name="gradients",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.1, "laptop": 0.5, "paper": 0.5},
    claims=(
        "stretched",
        "deformed",
        "explodes",
        "rnn_vanishes",
    ),
    train=train,
    judge=judge,
    draw=draw,
)
