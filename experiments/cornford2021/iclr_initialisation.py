"""Initial activations of Cornford et al. 2021 (section 3, appendices C and D), by machine.

    python -m experiments iclr_initialisation --preset laptop

Nothing is trained. Inputs are rectified normal numbers, as the appendices assume.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

import dalejax as dj
from experiments.cornford2021 import _layer_claims, _layers
from experiments.cornford2021._layers import BIASED
from experiments.engine import evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.engine.settings import Settings as BaseSettings
from experiments.shared import measured


@dataclass(frozen=True, kw_only=True)
class Settings(BaseSettings):
    """Settings of the experiment.

    Attributes:
        sizes: numbers of units compared.
        n_in: inputs of a layer.
        n_e: excitatory units of a layer.
        n_i: inhibitory units, among the n (ColEI) or on top (DANN).
        trials: trials measured.
        layers: hidden layers.
        seeds: networks (random initialisations) of each kind.
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
DEEP = ("DANN", BIASED, "ColEI")


def train(context: Context) -> None:
    """Draw layers and deep networks, and measure their moments."""
    s, keys = context.settings, context.keys()
    found = {f"d = {n}": moments(n, s, keys) for n in _sizes(s)}
    found["layer"] = _layers.measure(s, keys)
    for name in DEEP:
        depth = np.stack([_layers.deep(name, s, key) for key in keys])  # [seeds, layers, 3]
        for layer in range(s.layers):
            mean, sd, over_trials = depth[:, layer].T
            quantities = {"mean": mean, "sd": sd, "sd over trials": over_trials}
            found[f"{name}, layer {layer + 1}"] = quantities
    measured.write(context, found)


def _sizes(s: Settings) -> list[int]:
    return sorted({*s.sizes, s.n_in})


def _over_depth(context: Context, name: str, quantity: str) -> np.ndarray:
    """Read a quantity of every layer of a deep network [seeds, layers]."""
    found, layers = measured.read(context), range(1, context.settings.layers + 1)
    return np.stack([found[f"{name}, layer {layer}"][quantity] for layer in layers], 1)


def draw(context: Context) -> None:
    """Draw sd over mean of the excitation over the inputs, and the sd of z over depth."""
    s, found = context.settings, measured.read(context)
    names, sizes = list(_layer_claims.CONSTANTS), _sizes(s)
    lines = {name: [found[f"d = {n}"][name] for n in sizes] for name in names}
    laws = {
        f"{name}, law": [_layer_claims.CONSTANTS[name] / math.sqrt(n) for n in sizes]
        for name in names
    }
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
    layers = list(range(1, s.layers + 1))
    for picture, quantity, ylabel in (
        ("sd_over_depth", "sd", "sd of z"),
        ("trials_over_depth", "sd over trials", "sd of a unit's z over trials"),
    ):
        sds = {name: list(_over_depth(context, name, quantity).T) for name in DEEP}
        x = dict.fromkeys(sds, layers)
        context.draw(picture, dj.plots.sweep(sds, x, xlabel="layer", ylabel=ylabel, log=True))


def judge(context: Context) -> list[dj.claims.Claim]:
    """Compare the moments with the appendices' laws."""
    return [*_layer_claims.claims(context), *_depth_claims(context)]


def moments(n_in: int, s, keys) -> dict[str, np.ndarray]:
    """Measure sd over mean of the excitation in the appendix's three cases [seeds]."""
    out = {name: [] for name in (*_layer_claims.CONSTANTS, "variance")}
    for key in keys:
        z = np.asarray(_layers.excitation(n_in, s, key, sigma=2.0)[0], float)
        # One network's units are draws of the parameters, its trials draws of the data.
        out["data and parameters"].append(z.std() / z.mean())
        out["data"].append((z.std(0) / z.mean(0)).mean())
        out["layer"].append(math.sqrt(z.var(1, ddof=1).mean()) / z.mean())
        out["variance"].append(z.var() / 2.0**2)
    return {name: np.array(values) for name, values in out.items()}


def _depth_claims(context: Context) -> Iterator[dj.claims.Claim]:
    last = context.settings.layers
    for name, source in (("DANN", "section 3"), ("ColEI", "section 5.1; appendix C.1")):
        mean, sd = (_over_depth(context, name, quantity) for quantity in ("mean", "sd"))
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
            f"{_layer_claims.PAPER}, {source}",
            growth,
            abs(math.log(growth.mean())) < 0.2,
            "1 ± 20 %",
            note="by layer: " + ", ".join(f"{x:.2f}" for x in sd.mean(0)),
        )
        if name == "DANN":
            over_trials = (_over_depth(context, n, "sd over trials") for n in (name, BIASED))
            kept, lost = (sd[:, -1] / sd[:, 1] for sd in over_trials)
            yield evidence.number(
                context,
                "bias_hides_trials",
                "With a bias of 1, as algorithm 1 has it, a DANN's "
                "units tell trials apart less and less with depth; with the published code's 0 "
                f"less so (standard deviation over trials, layer {last} over layer 2: with 0 over "
                "with 1).",
                f"own; {_layer_claims.PAPER}, algorithm 1 and published code",
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
                f"{_layer_claims.PAPER}, {source}",
                np.abs(shift.mean(0)).max(),
                np.abs(shift.mean(0)).max() < 0.2,
                "below 0.2",
                test="by layer: " + ", ".join(f"{x:.2f}" for x in shift.mean(0)),
            )


EXPERIMENT = Experiment(
    name="iclr_initialisation",
    source=f"{_layer_claims.PAPER}, section 3; appendices C, D",
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
