"""Initial activations of Cornford et al. 2021 (section 3, appendices C and D), by machine.

    python -m experiments iclr_initialisation --preset laptop

Nothing is trained. Inputs are rectified normal numbers, as the appendices assume.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

import dalejax as dj
from experiments.engine import evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.engine.settings import Settings as BaseSettings


@dataclass(frozen=True, kw_only=True)
class Settings(BaseSettings):
    """Settings of the experiment.

    Attributes:
        sizes: numbers of units compared.
        n_in: DESCRIBE ME.
        n_e: DESCRIBE ME.
        n_i: inhibitory units, among the n (ColEI) or on top (DANN).
        trials: trials measured.
        layers: hidden layers.
        seeds: DESCRIBE ME.
    """

    sizes: tuple[int, ...]
    n_in: int
    n_e: int
    n_i: int
    trials: int
    layers: int
    seeds: int


FULL = Settings(
    data="none",
    sizes=(100, 200, 400, 800),
    n_in=400,
    n_e=500,
    n_i=50,
    trials=2000,
    layers=6,
    seeds=20,
)
PRESETS = {
    "smoke": FULL.replaced(
        sizes=(50, 100), n_in=100, n_e=100, n_i=10, trials=300, layers=4, seeds=4
    ),
    "laptop": FULL,
    "paper": FULL,
}
PAPER = "Cornford et al. 2021"
BIASED = "DANN, bias 1"  # as algorithm 1 has it; the published code starts at 0
DEEP = ("DANN", BIASED, "ColEI")
# sd / mean of a unit's excitation, times the root of its inputs: appendix D's three cases.
CONSTANTS = {
    "data and parameters": math.sqrt(2 * math.pi - 1),
    "data": math.sqrt(2 * math.pi - 2),
    "layer": math.sqrt(math.pi),
}


def run(context: Context) -> list[dj.claims.Claim]:
    """Draw layers and deep networks; set their moments beside the appendices'."""
    s = context.settings
    keys = context.keys()
    found = {n: moments(n, s, keys) for n in sorted({*s.sizes, s.n_in})}
    names, sizes = list(CONSTANTS), list(found)
    lines = {name: [found[n][name] for n in sizes] for name in names}
    laws = {f"{name}, law": [CONSTANTS[name] / math.sqrt(n) for n in sizes] for name in names}
    sweep = dj.plots.sweep(
        lines,
        dict.fromkeys(names, sizes),
        laws=laws,
        xlabel="inputs d",
        ylabel="sd / mean of zᴱ",
        log_x=True,
        log=True,
    )
    context.draw("standard_deviation_over_mean", sweep)
    depth = {name: np.stack([_deep(name, s, key) for key in keys]) for name in DEEP}
    layers = list(range(1, s.layers + 1))
    for picture, column, ylabel in (
        ("sd_over_depth", 1, "sd of z"),
        ("trials_over_depth", 2, "sd of a unit's z over trials"),
    ):
        sds = {name: list(d[:, :, column].T) for name, d in depth.items()}
        context.draw(
            picture,
            dj.plots.sweep(
                sds, dict.fromkeys(sds, layers), xlabel="layer", ylabel=ylabel, log=True
            ),
        )
    return [*_layer_claims(context, found, keys), *_depth_claims(context, depth)]


def excitation(n_in: int, s, key, sigma: float = 1.0) -> tuple[jax.Array, jax.Array, dict]:
    """Draw a layer and inputs; give the excitation z_E [trials, n_e], the inputs, the weights."""
    key_W, key_x = jax.random.split(key)
    layer = dj.DivisiveDANNDense(s.n_e, n_i=s.n_i)
    params = layer.initial_params(n_in, key=key_W)
    x = jax.nn.relu(sigma * jax.random.normal(key_x, (s.trials, n_in)))
    return x @ params["W_ee"].T, x, params


def moments(n_in: int, s, keys) -> dict[str, np.ndarray]:
    """Measure sd over mean of the excitation in the appendix's three cases [seeds]."""
    out = {name: [] for name in (*CONSTANTS, "variance")}
    for key in keys:
        z = np.asarray(excitation(n_in, s, key, sigma=2.0)[0], float)
        # One network's units are draws of the parameters, its trials draws of the data.
        out["data and parameters"].append(z.std() / z.mean())
        out["data"].append((z.std(0) / z.mean(0)).mean())
        out["layer"].append(math.sqrt(z.var(1, ddof=1).mean()) / z.mean())
        out["variance"].append(z.var() / 2.0**2)
    return {name: np.array(values) for name, values in out.items()}


def _layer_claims(context: Context, found, keys) -> Iterator[dj.claims.Claim]:
    s, n_in = context.settings, context.settings.n_in

    def number(id, statement, source, values, holds, reference, **more):
        return evidence.number(
            context,
            id,
            statement,
            f"{PAPER}, {source}",
            values,
            holds(np.mean(values)),
            reference,
            **more,
        )

    near = lambda x, within: lambda mean: abs(mean / x - 1) < within  # noqa: E731
    cases = {
        "data and parameters": (
            "unit_constant",
            "expectation over the data and the parameters",
            "eq. 3; appendix D.1",
            "√(2π-1)",
        ),
        "data": (
            "data_constant",
            "expectation and variance taken only over the data",
            "appendix D.2, eq. 32",
            "√(2π-2)",
        ),
        "layer": (
            "layer_constant",
            "the layer statistics, as if one was to apply layer normalisation",
            "appendix D.3, eq. 51",
            "√π",
        ),
    }
    for name, (id, what, source, text) in cases.items():
        law = CONSTANTS[name]
        yield number(
            id,
            f"The mean and standard deviation of the excitatory input are proportional: {what} "
            f"(sd/mean √d, d = {n_in}).",
            source,
            math.sqrt(n_in) * found[n_in][name],
            near(law, 0.03),
            f"{text} = {law:.3f} ± 3 %",
        )
    yield number(
        "variance",
        "We can set λ_E for Var(z_E) = σ² (of the layer below).",
        "eq. 29",
        found[n_in]["variance"],
        near(1, 0.05),
        "1 ± 5 %",
    )
    for id, inhibition, what in (
        ("balanced", "equal", "W_IE drawn like W_EE and W_EI ← 1/n_i"),
        ("balanced_alike", "alike", "both drawn from the same distribution"),
    ):
        ratios = [_balance(n_in, s, key, inhibition) for key in keys]
        yield number(
            id,
            "Excitation and subtractive inhibition are balanced, E[z_E] = E[W_EI z_I]: "
            f"{what} (inhibition over excitation).",
            "section 3; appendix C.2",
            ratios,
            near(1, 0.05),
            "1 ± 5 %",
        )
    gammas, spread, centred = np.transpose([_standardised(n_in, s, key) for key in keys])
    yield number(
        "gamma_is_sd",
        "If e^α is set to c, the divisive inhibition approximates dividing z_E by "
        "its standard deviation (E[γ] over it).",
        "section 3",
        gammas,
        near(1, 0.05),
        "1 ± 5 %",
    )
    yield number(
        "standardised",
        "We initialise e^α ← c, thereby achieving standardisation at "
        "initialisation (standard deviation of z).",
        "section 3",
        spread,
        near(1, 0.1),
        "1 ± 10 %",
        note="the subtraction takes the fluctuations away that all units share: what is left is "
        f"√π/√(2π-1) = {math.sqrt(math.pi / (2 * math.pi - 1)):.3f}, the layer's spread over "
        "the unit's",
    )
    yield number(
        "centred",
        "The weight initialisation given above will produce centered activities at the "
        "start of training (mean of z over its standard deviation).",
        "section 3",
        centred,
        lambda mean: abs(mean) < 0.1,
        "0 ± 0.1",
    )
    same, apart = np.transpose([_as_layer_norm(n_in, s, key) for key in keys])
    yield number(
        "layer_norm_mean",
        "For a DANN layer with a single inhibitory unit, μ = z_I: what is "
        "subtracted is the layer's mean, trial by trial (largest difference over the mean).",
        "appendix D.3",
        same,
        lambda mean: mean < 1e-4,
        "0 (below 1e-4)",
    )
    yield number(
        "layer_norm_sd",
        "Divisive inhibition can be made equivalent to layer standard deviation "
        "at initialisation in expectation, if e^α ← √π/√d (E[γ] over E[σ²]^½).",
        "appendix D.3",
        apart,
        near(1, 0.05),
        "1 ± 5 %",
    )


def _balance(n_in, s, key, inhibition) -> float:
    key_W, key_x = jax.random.split(key)
    mean = dj.initializers.unit_mean(n_in)
    ee, ie, ei = dj.initializers.dann((s.n_e, n_in), s.n_i, mean, key=key_W, inhibition=inhibition)
    x = jax.nn.relu(jax.random.normal(key_x, (s.trials, n_in)))
    return float((x @ ie.T @ ei.T).mean() / (x @ ee.T).mean())


def _standardised(n_in, s, key) -> tuple[float, float, float]:
    z_E, x, params = excitation(n_in, s, key)
    gamma = (x @ params["W_ie"].T * jnp.exp(params["W_alpha"])) @ params["W_ei"].T
    z = dj.DivisiveDANNDense(s.n_e, n_i=s.n_i).apply({"params": params}, x)
    return float(gamma.mean() / z_E.std()), float(z.std()), float(z.mean() / z.std())


def _as_layer_norm(n_in, s, key) -> tuple[float, float]:
    z_E, x, _ = excitation(n_in, {**s, "n_i": 1}, key)
    params = dj.DivisiveDANNDense(s.n_e, n_i=1).initial_params(n_in, key=jax.random.split(key)[0])
    z_I = x @ params["W_ie"].T
    difference = jnp.abs(z_I[:, 0] - z_E.mean(1)).max() / z_E.mean()
    sd = jnp.sqrt(z_E.var(1, ddof=1).mean())
    return float(difference), float(math.sqrt(math.pi / n_in) * z_I.mean() / sd)


def _deep(name: str, s, key) -> np.ndarray:
    """Measure z's mean and standard deviation, and a unit's over trials alone [layers, 3].

    The input is an image's worth of rectified normal numbers.
    """
    key_W, key_x = jax.random.split(key)
    x = jax.nn.relu(jax.random.normal(key_x, (s.trials, s.n_in)))
    n_e, n_i = s.n_e, s.n_i
    if name != "ColEI":
        layer = dj.DivisiveDANNDense(n_e, n_i=n_i, bias=1.0 if name == BIASED else 0.0)
        layers = [layer] * s.layers
    else:
        mean = float(x.mean())
        layers = [dj.ColEIDense(n_e + n_i, n_i=n_i, input_mean=mean)]
        layers += [dj.ColEIDense(n_e + n_i, n_i=n_i, inputs_n_i=n_i)] * (s.layers - 1)
    out = []
    for layer, key_layer in zip(layers, jax.random.split(key_W, len(layers)), strict=True):
        z = layer.apply({"params": layer.initial_params(x.shape[1], key=key_layer)}, x)
        out.append((float(z.mean()), float(z.std()), float(z.std(0).mean())))
        x = jax.nn.relu(z)
    return np.array(out)


def _depth_claims(context: Context, depth) -> Iterator[dj.claims.Claim]:
    last = context.settings.layers
    for name, source in (("DANN", "section 3"), ("ColEI", "section 5.1; appendix C.1")):
        mean, sd = depth[name][:, :, 0], depth[name][:, :, 1]
        growth = sd[:, -1] / sd[:, 1]
        statement = {
            "DANN": "Due to the proportionality between mean and standard deviation, e^α controls "
            "the layer's variance with depth",
            "ColEI": "ColumnEi layer weights were initialised so that variance did not scale with "
            "depth",
        }[name]
        yield evidence.number(
            context,
            f"{name.lower()}_depth",
            f"{statement} (standard deviation of z, layer {last} over layer 2).",
            f"{PAPER}, {source}",
            growth,
            abs(math.log(growth.mean())) < 0.2,
            "1 ± 20 %",
            note="by layer: " + ", ".join(f"{x:.2f}" for x in sd.mean(0)),
        )
        if name == "DANN":
            kept, lost = (depth[n][:, -1, 2] / depth[n][:, 1, 2] for n in (name, BIASED))
            yield evidence.number(
                context,
                "bias_hides_trials",
                "With a bias of 1, as algorithm 1 has it, a DANN's "
                "units tell trials apart less and less with depth; with the published code's 0 "
                f"less so (standard deviation over trials, layer {last} over layer 2: with 0 over "
                "with 1).",
                f"own; {PAPER}, algorithm 1 and published code",
                kept / lost,
                (kept / lost).mean() > 2,
                "above 2",
                note=f"with 0 {kept.mean():.2f}, with 1 {lost.mean():.2g}",
            )
        if name == "ColEI":
            shift = mean / sd
            yield evidence.number(
                context,
                "colei_centred",
                "ColumnEi layer weights were initialised so that "
                "activations were centered (the layer whose mean, over its standard deviation, is "
                "farthest from 0).",
                f"{PAPER}, {source}",
                np.abs(shift.mean(0)).max(),
                np.abs(shift.mean(0)).max() < 0.2,
                "below 0.2",
                test="by layer: " + ", ".join(f"{x:.2f}" for x in shift.mean(0)),
            )


EXPERIMENT = Experiment(
    name="iclr_initialisation",
    source=f"{PAPER}, section 3; appendices C, D",
    presets=PRESETS,
    expected_minutes={"smoke": 0.2, "laptop": 0.5, "paper": 0.5},
    claims=(
        "unit_constant",
        "data_constant",
        "layer_constant",
        "variance",
        "balanced",
        "balanced_alike",
        "gamma_is_sd",
        "standardised",
        "centred",
        "layer_norm_mean",
        "layer_norm_sd",
        "dann_depth",
        "bias_hides_trials",
        "colei_depth",
        "colei_centred",
    ),
    train=train,
    judge=judge,
    draw=draw,
)
