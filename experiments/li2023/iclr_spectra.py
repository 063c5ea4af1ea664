"""Spectra of feedforward and convolutional E/I layers at the start, beside the standard ones.

    python -m experiments iclr_spectra --preset laptop

Li et al. 2023 (section 4) expect their insight to apply "broadly to all EI network architectures,
such as convolutional, feedforward". Nothing is trained. Hidden layers of Cornford et al. 2021 and
the filters of VGG16 (a filter is a row, its k k weights of each channel the columns).
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import numpy as np

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
        units: units of a hidden layer.
        n_i: inhibitory units, among the n (ColEI) or on top (DANN).
        filters: filters of a convolutional layer.
        filters_i: inhibitory filters of a convolutional layer.
        seeds: networks (random initialisations) of each kind.
    """

    units: int
    n_i: int
    filters: int
    filters_i: int
    seeds: int


FULL = Settings(
    data="none",
    units=500,
    n_i=50,
    filters=256,
    filters_i=40,
    seeds=10,
)
PRESETS = {
    "smoke": FULL.replaced(units=60, n_i=6, filters=20, filters_i=3, seeds=4),
    "laptop": FULL,
    "paper": FULL,
}
SOURCE = "Li et al. 2023, section 4"
DENSE, CONV = "dense", "filters"


def layers(s) -> dict[str, dict[str, tuple]]:
    """Give each kind's layer and its number of inputs: columns of the weight matrix."""
    n, n_i, f, f_i = s.units, s.n_i, s.filters, s.filters_i
    return {
        DENSE: {
            "MLP": (dj.Dense(n), n),
            "DANN": (dj.DivisiveDANNDense(n, n_i=n_i), n),
            "ColEI": (dj.ColEIDense(n + n_i, n_i=n_i, inputs_n_i=n_i), n + n_i),
        },
        CONV: {
            "MLP": (dj.Conv(f), 9 * f),
            "DANN": (dj.DANNConv(f, n_i=f_i), 9 * f),
            "ColEI": (dj.ColEIConv(f, n_i=f_i, inputs_n_i=f_i), 9 * f),
        },
    }


def train(context: Context) -> None:
    """Draw many layers of each kind, measure their singular values and draw these."""
    keys, found = context.keys(), {}
    for which, kinds in layers(context.settings).items():
        shown = {}
        for name, (layer, n_in) in kinds.items():
            start = jax.vmap(
                lambda key, layer=layer, n_in=n_in: (
                    layer.effective(layer.initial_params(n_in, key=key)).W
                )
            )
            W = start(keys)
            sigma = np.asarray(dj.spectrum.singular_values(W))
            shown["standard" if name == "MLP" else name] = sigma
            found[f"{which}, {name}"] = {
                # Starts differ in scale, so the largest value is taken over the typical one.
                "peak": sigma[:, 0] / np.sqrt((sigma**2).mean(1)),
                "nse": np.asarray(dj.spectrum.nse(W)),
            }
        picture = dj.plots.singular_histograms(shown, log=True)
        context.draw(f"singular_values_{which}", picture)
    measured.write(context, found)


def judge(context: Context) -> list[dj.claims.Claim]:
    """Compare the spectra of ColEI and DANN layers with the standard layer's."""
    return [claim for which in (DENSE, CONV) for claim in _claims(context, which)]


def _claims(context: Context, which: str) -> list[dj.claims.Claim]:
    found = measured.read(context)
    peak, entropy = (
        {name: found[f"{which}, {name}"][quantity] for name in ("MLP", "DANN", "ColEI")}
        for quantity in ("peak", "nse")
    )
    gap = entropy["MLP"].mean() - entropy["ColEI"].mean()

    def number(id, statement, values, holds, reference, **more):
        return evidence.number(
            context, f"{which}_{id}", statement, SOURCE, values, holds, reference, **more
        )

    told = ", ".join(f"{name} {v.mean():.3f}" for name, v in entropy.items())
    return [
        number(
            "colei_entropy",
            f"The insight applies broadly to all EI architectures ({which}: NSE "
            "of ColEI below that of the standard layer, every draw).",
            entropy["MLP"] - entropy["ColEI"],
            (entropy["ColEI"].max() < entropy["MLP"].min()),
            "positive",
            note=f"NSE: {told}",
        ),
        number(
            "colei_peak",
            f"The insight applies broadly to all EI architectures ({which}: ColEI's "
            "largest singular value over the root mean square, as a multiple of the standard "
            "layer's).",
            peak["ColEI"] / peak["MLP"].mean(),
            peak["ColEI"].min() > peak["MLP"].max(),
            "above 1",
        ),
        number(
            "dann_alike",
            f"DANN's spectrum is like the standard layer's ({which}: NSE below the "
            "standard layer's, as a share of ColEI's gap).",
            (entropy["MLP"].mean() - entropy["DANN"]) / gap,
            abs(entropy["MLP"].mean() - entropy["DANN"].mean()) < 0.25 * abs(gap),
            "within ± 0.25",
        ),
    ]


EXPERIMENT = Experiment(
    name="iclr_spectra",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.2, "laptop": 1.3, "paper": 1.3},
    claims=(
        "dense_colei_entropy",
        "dense_colei_peak",
        "dense_dann_alike",
        "filters_colei_entropy",
        "filters_colei_peak",
        "filters_dann_alike",
    ),
    train=train,
    judge=judge,
)
