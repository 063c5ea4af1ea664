"""Figure 14 of Li et al. 2023: ColEI's spectrum is no matter of the exponential distribution.

    python -m experiments fig14_distributions --preset laptop

Nothing is trained: 100 initialisations of ColEI, 100 units, 10 % inhibitory, a distribution each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import dalejax as dj
from experiments.engine import evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.engine.settings import Settings as BaseSettings
from experiments.shared import spectra


@dataclass(frozen=True, kw_only=True)
class Settings(BaseSettings):
    """Settings of the experiment.

    Attributes:
        n: units.
        n_i: inhibitory units, among the n (ColEI) or on top (DANN).
        seeds: DESCRIBE ME.
    """

    n: int
    n_i: int
    seeds: int


FULL = Settings(
    data="none",
    n=100,
    n_i=10,
    seeds=100,
)
PRESETS = {
    "smoke": FULL.replaced(n=20, n_i=2, seeds=5),
    "laptop": FULL,
    "paper": FULL,
}
SOURCE = "Li et al. 2023, Fig. 14"
OTHERS = ("gamma", "uniform")


def run(context: Context) -> list[dj.claims.Claim]:
    """Draw the initialisations and take their singular values."""
    s = context.settings
    keys = context.keys()
    cells = {
        name: dj.ColEICell(s.n, n_i=s.n_i, distribution=name) for name in ("exponential", *OTHERS)
    } | {"RNN": dj.RNNCell(s.n)}
    start = spectra.at_start(
        {name: spectra.recurrent_weights(cell, keys) for name, cell in cells.items()}
    )
    context.draw(
        "singular_values",
        dj.plots.singular_histograms({name: at.sigma for name, at in start.items()}, log=True),
    )
    n_i, rnn = s.n_i, start["RNN"]
    out = []
    for name in OTHERS:
        at, usual_at = start[name], start["exponential"]
        sentence = (
            "This phenomenon is not unique to exponential distribution. We also observed similar "
            f"spectral properties for gamma and uniform distributions (here: {name};"
        )
        gap, no_gap = _gap(at, n_i), _gap(rnn, n_i)
        for id, what, values, usual, holds, reference in (
            (
                "large_mode",
                "largest singular value",
                at.sigma[:, 0],
                usual_at.sigma[:, 0],
                (at.sigma[:, 0] > 2 * rnn.sigma[:, 0]).all(),
                "above twice the RNN's",
            ),
            (
                "multimodal",
                "ratio of the n_i-th to the next singular value",
                gap,
                _gap(usual_at, n_i),
                gap.mean() > 1.5 * no_gap.mean(),
                "above 1.5 × the RNN's",
            ),
            (
                "nse",
                "normalised SVD entropy",
                at.nse,
                usual_at.nse,
                at.nse.max() < rnn.nse.min(),
                "below every RNN's",
            ),
        ):
            out.append(
                evidence.number(
                    context,
                    f"{name}_{id}",
                    f"{sentence} {what}).",
                    f"{SOURCE}; footnote 4",
                    values,
                    holds,
                    reference,
                    test=f"n = {len(values)} initialisations; exponential {usual.mean():.3g}",
                )
            )
    return out


def _gap(at: spectra.Start, n_i: int) -> np.ndarray:
    """Between the mode of n_i large values and the bulk: a gap, which the RNN has not."""
    return at.sigma[:, n_i - 1] / at.sigma[:, n_i]


EXPERIMENT = Experiment(
    name="fig14_distributions",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.1, "laptop": 0.2, "paper": 0.2},
    claims=(
        "gamma_large_mode",
        "gamma_multimodal",
        "gamma_nse",
        "uniform_large_mode",
        "uniform_multimodal",
        "uniform_nse",
    ),
    train=train,
    judge=judge,
    draw=draw,
)
