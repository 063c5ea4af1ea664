"""Claims of Cornford et al. 2021 on single layers at their start (section 3; appendices C, D)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

import dalejax as dj
from experiments.engine import evidence
from experiments.engine.context import Context
from experiments.shared import measured

PAPER = "Cornford et al. 2021"
# sd / mean of a unit's excitation, times the root of its inputs: appendix D's three cases.
CONSTANTS = {
    "data and parameters": math.sqrt(2 * math.pi - 1),
    "data": math.sqrt(2 * math.pi - 2),
    "layer": math.sqrt(math.pi),
}


def claims(context: Context) -> Iterator[dj.claims.Claim]:
    n_in, found = context.settings.n_in, measured.read(context)
    layer = found["layer"]

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
            math.sqrt(n_in) * found[f"d = {n_in}"][name],
            near(law, 0.03),
            f"{text} = {law:.3f} ± 3 %",
        )
    yield number(
        "variance",
        "We can set λ_E for Var(z_E) = σ² (of the layer below).",
        "eq. 29",
        found[f"d = {n_in}"]["variance"],
        near(1, 0.05),
        "1 ± 5 %",
    )
    for id, what in (
        ("balanced", "W_IE drawn like W_EE and W_EI ← 1/n_i"),
        ("balanced_alike", "both drawn from the same distribution"),
    ):
        yield number(
            id,
            "Excitation and subtractive inhibition are balanced, E[z_E] = E[W_EI z_I]: "
            f"{what} (inhibition over excitation).",
            "section 3; appendix C.2",
            layer[id],
            near(1, 0.05),
            "1 ± 5 %",
        )
    yield number(
        "gamma_is_sd",
        "If e^α is set to c, the divisive inhibition approximates dividing z_E by "
        "its standard deviation (E[γ] over it).",
        "section 3",
        layer["gamma"],
        near(1, 0.05),
        "1 ± 5 %",
    )
    yield number(
        "standardised",
        "We initialise e^α ← c, thereby achieving standardisation at "
        "initialisation (standard deviation of z).",
        "section 3",
        layer["spread"],
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
        layer["centred"],
        lambda mean: abs(mean) < 0.1,
        "0 ± 0.1",
    )
    yield number(
        "layer_norm_mean",
        "For a DANN layer with a single inhibitory unit, μ = z_I: what is "
        "subtracted is the layer's mean, trial by trial (largest difference over the mean).",
        "appendix D.3",
        layer["same"],
        lambda mean: mean < 1e-4,
        "0 (below 1e-4)",
    )
    yield number(
        "layer_norm_sd",
        "Divisive inhibition can be made equivalent to layer standard deviation "
        "at initialisation in expectation, if e^α ← √π/√d (E[γ] over E[σ²]^½).",
        "appendix D.3",
        layer["apart"],
        near(1, 0.05),
        "1 ± 5 %",
    )
