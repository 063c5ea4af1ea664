"""How far one parameter moves a layer's answer (Cornford et al. 2021, section 4 and appendix E).

    python -m experiments iclr_kl --preset laptop

Nothing is trained. A layer's activations are the means of normal answers of variance 1, so that
moving one parameter by δ has the KL divergence ½ Σ_k E[(z_k(θ+δ) - z_k(θ))²], measured here by
moving it; the appendix's formula is computed beside it. Both inputs and parameters are as at the
start of training.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

import dalejax as dj
from experiments.engine import evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.engine.settings import Settings as BaseSettings
from experiments.shared import measured


@dataclass(frozen=True, kw_only=True)
class Settings(BaseSettings):
    """Settings of the experiment.

    Attributes:
        n_in: inputs of a layer.
        n_e: excitatory units of a layer.
        n_i: inhibitory units, among the n (ColEI) or on top (DANN).
        trials: trials measured.
        moved: parameters of a kind that are moved.
        delta: by how much a parameter is moved.
        seeds: networks (random initialisations) of each kind.
    """

    n_in: int
    n_e: int
    n_i: int
    trials: int
    moved: int
    delta: float
    seeds: int


FULL = Settings(
    data="none",
    n_in=400,
    n_e=500,
    n_i=50,
    trials=500,
    moved=40,
    delta=0.0001,
    seeds=10,
)
PRESETS = {
    "smoke": FULL.replaced(n_in=30, n_e=40, n_i=4, trials=50, moved=10, seeds=3),
    "laptop": FULL,
    "paper": FULL,
}
SOURCE = "Cornford et al. 2021, section 4; appendix E"
KINDS = ("W_ee", "W_ie", "W_ei", "W_alpha")
# A step along the gradient is as large as the derivative, so its divergence goes with the square.
STEPS = (("equal", 1, "equal updates"), ("gradient", 2, "gradient steps"))


def train(context: Context) -> None:
    """Move single parameters of layers with one and with many interneurons; measure the change."""
    s, keys = context.settings, context.keys()
    with jax.enable_x64(True):
        measured.write(context, {n_i: _of_layers(s, n_i, keys) for n_i in (1, s.n_i)})


def _of_layers(s: Settings, n_i: int, keys) -> dict[str, np.ndarray]:
    found = [divergences(s, n_i, key) for key in keys]
    return {
        f"{kind}, {which}": np.array([f[kind][i] for f in found])
        for kind in KINDS
        for i, which in enumerate(("measured", "derived"))
    }


def _read(context: Context, n_i: int) -> dict[str, np.ndarray]:
    """Read the divergences of layers with n_i interneurons: kind -> (measured, derived) [s, 2]."""
    found = measured.read(context)[str(n_i)]
    return {
        kind: np.stack([found[f"{kind}, measured"], found[f"{kind}, derived"]], 1) for kind in KINDS
    }


def draw(context: Context) -> None:
    """Draw the divergence of each kind of parameter over that of W_EE, corrected and not."""
    s = context.settings
    many, bars = _read(context, s.n_i), {}
    for kind in KINDS:
        for name, factor in (("as it is", 1.0), ("corrected", correction(kind, s) ** 2)):
            ratio = factor * many[kind][:, 0] / many["W_ee"][:, 0]
            bars[f"{kind[2:]}, {name}"] = pd.Series(ratio)
    look = {"ylabel": "KL of an update / that of W_EE", "log": True}
    context.draw("divergence", dj.plots.final_dots(bars, **look))


def correction(kind: str, s) -> float:
    """Give the factor that algorithm 3 puts on an update."""
    n_e, n_in = s.n_e, s.n_in
    divisor = {"W_ee": 1.0, "W_ie": n_e**0.5, "W_ei": n_in, "W_alpha": n_in * n_e**0.5}
    return 1 / divisor[kind]


def divergences(s, n_i: int, key) -> dict[str, tuple[float, float]]:
    """Measure, and derive, the mean KL divergence of moving one parameter of a kind by delta.

    Both are over delta squared: kind -> (measured, derived).
    """
    key_W, key_x, key_which = jax.random.split(key, 3)
    layer = dj.DivisiveDANNDense(s.n_e, n_i=n_i)
    params = jax.tree.map(lambda p: p.astype(float), layer.initial_params(s.n_in, key=key_W))
    x = jax.nn.relu(jax.random.normal(key_x, (s.trials, s.n_in)))
    before = layer.respond(params, x)
    delta = s.delta

    @partial(jax.jit, static_argnums=0)
    def moved(kind, params, x, before, which):
        def of(index):
            flat = params[kind].ravel().at[index].add(delta)
            after = layer.respond(params | {kind: flat.reshape(params[kind].shape)}, x)
            return 0.5 * jnp.square(after - before).sum(1).mean() / delta**2

        return jax.lax.map(of, which)

    out = {}
    for kind, key_kind in zip(KINDS, jax.random.split(key_which, len(KINDS)), strict=True):
        num = params[kind].size
        which = jax.random.choice(key_kind, num, (min(num, s.moved),), replace=False)
        changed = moved(kind, params, x, before, which)
        derived = _formula(kind, params, x)[which]
        out[kind] = (float(changed.mean()), float(derived.mean()))
    return out


@partial(jax.jit, static_argnums=0)
def _formula(kind: str, p, x):
    """Evaluate eqs. 84 to 87 for every parameter of a kind, flat, over delta squared."""
    e, W_EI = jnp.exp(p["W_alpha"]), p["W_ei"]
    z_I = x @ p["W_ie"].T
    gamma = (z_I * e) @ W_EI.T + 1e-8
    kept = x @ p["W_ee"].T - z_I @ W_EI.T
    scale = p["W_g"] / gamma
    a = (kept / gamma)[:, :, None] * e + 1  # [trials, k, i]
    num = len(x)
    if kind == "W_ee":
        squares = jnp.einsum("tk,tj->kj", scale**2, x**2)
    elif kind == "W_ie":
        squares = jnp.einsum("tk,tki,ki,tj->ij", scale**2, a**2, W_EI**2, x**2)
    elif kind == "W_ei":
        squares = jnp.einsum("tk,tki,ti->ki", scale**2, a**2, z_I**2)
    else:
        squares = jnp.einsum("tk,ki,ti,tki->i", scale**2, W_EI**2, z_I**2, (a - 1) ** 2)
    return (0.5 * squares / num).ravel()


def _spread(f, s, power: int, corrected: bool) -> np.ndarray:
    """Measure how far apart the divergences of the kinds' updates are [seeds]."""
    factors = {kind: correction(kind, s) ** 2 if corrected else 1.0 for kind in KINDS}
    return np.std([np.log(factors[kind] * f[kind][:, 0] ** power) for kind in KINDS], axis=0)


def judge(context: Context) -> list[dj.claims.Claim]:
    """Check the derived divergences, and what the corrections do to them."""
    s = context.settings
    one, many = _read(context, 1), _read(context, s.n_i)

    def number(id, statement, values, holds, reference, **more):
        return evidence.number(context, id, statement, SOURCE, values, holds, reference, **more)

    off = {kind: np.abs(many[kind][:, 0] / many[kind][:, 1] - 1).max() for kind in KINDS}
    out = [
        number(
            f"formula_{kind.lower()}",
            "The approximate KL divergence for an update to an element "
            f"of {kind} (moved by {s.delta:g}; relative error of eq. {eq}, largest over seeds).",
            off[kind],
            off[kind] < 0.01,
            "below 0.01",
        )
        for kind, eq in zip(KINDS, ("84", "85", "86", "87"), strict=True)
    ]
    ratio = {n_i: f["W_ie"][:, 0] / f["W_ee"][:, 0] / s.n_e for n_i, f in ((1, one), (50, many))}
    for id, n_i, values in (("one", 1, ratio[1]), ("many", s.n_i, ratio[50])):
        out.append(
            number(
                f"inhibitory_moves_{id}",
                "An inhibitory weight update of δ to W_IE is expected to "
                "change the model distribution approximately n_e times more than an excitatory "
                f"weight update (with {n_i} interneurons; over n_e).",
                values,
                0.5 < values.mean() < 2,
                "1, within a factor of 2",
                note=""
                if n_i == 1
                else "with W_EI = 1/n_i each unit hears 1/n_i of the change: "
                f"the ratio is n_e/n_i² = {s.n_e / n_i**2:.2g} instead of n_e",
            )
        )
    for (id, n_i, f), (way, power, what) in itertools.product(
        (("many", s.n_i, many), ("one", 1, one)), STEPS
    ):
        before, after = (_spread(f, s, power, corrected) for corrected in (False, True))
        told = []
        for kind in KINDS[1:]:
            ratio = (f[kind][:, 0] / f["W_ee"][:, 0]).mean() ** power
            told.append(f"{kind[2:]} {ratio:.2g} → {correction(kind, s) ** 2 * ratio:.2g}")
        out.append(
            number(
                f"corrections_balance_{id}_{way}",
                "We scale the updates to help ensure that both "
                "excitatory and inhibitory parameter updates have similar impacts on the KL "
                f"divergence ({what}, {n_i} interneurons: spread of the kinds' logarithms, after "
                "over before).",
                after / before,
                (after < before).all(),
                "below 1",
                note=f"KL of an update over that of ee, before → after: {', '.join(told)}",
            )
        )
    return out


EXPERIMENT = Experiment(
    name="iclr_kl",
    source="Cornford et al. 2021, section 4",
    presets=PRESETS,
    expected_minutes={"smoke": 0.3, "laptop": 0.7, "paper": 0.7},
    claims=(
        "formula_w_ee",
        "formula_w_ie",
        "formula_w_ei",
        "formula_w_alpha",
        "inhibitory_moves_one",
        "inhibitory_moves_many",
        "corrections_balance_many_equal",
        "corrections_balance_many_gradient",
        "corrections_balance_one_equal",
        "corrections_balance_one_gradient",
    ),
    train=train,
    judge=judge,
    draw=draw,
)
