"""Figure 14 of Li et al. 2023: ColEI's spectrum is no matter of the exponential distribution.

    python -m experiments fig14_distributions --preset laptop

Nothing is trained: 100 initialisations of ColEI, 100 units, 10 % inhibitory, a distribution each.
"""

from __future__ import annotations

import dalejax as dj
from experiments.engine import evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.li2023 import _settings
from experiments.shared import measured, spectra

FULL = _settings.Starts(
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


def train(context: Context) -> None:
    """Draw the initialisations, measure their singular values and draw these."""
    s, keys = context.settings, context.keys()
    cells = {
        name: dj.ColEICell(s.n, n_i=s.n_i, distribution=name) for name in ("exponential", *OTHERS)
    } | {"RNN": dj.RNNCell(s.n)}
    start = spectra.at_start(
        {name: spectra.recurrent_weights(cell, keys) for name, cell in cells.items()}
    )
    sigma = {name: at.sigma for name, at in start.items()}
    context.draw("singular_values", dj.plots.singular_histograms(sigma, log=True))
    # Between the mode of n_i large values and the bulk there is a gap, which the RNN has not.
    found = {
        name: {
            "sigma_max": at.sigma[:, 0],
            "gap": at.sigma[:, s.n_i - 1] / at.sigma[:, s.n_i],
            "nse": at.nse,
        }
        for name, at in start.items()
    }
    measured.write(context, found)


def judge(context: Context) -> list[dj.claims.Claim]:
    """Compare the other distributions' spectra with the RNN's."""
    found = measured.read(context)
    rnn = found["RNN"]
    out = []
    for name in OTHERS:
        at, usual_at = found[name], found["exponential"]
        sentence = (
            "This phenomenon is not unique to exponential distribution. We also observed similar "
            f"spectral properties for gamma and uniform distributions (here: {name};"
        )
        for id, what, values, usual, holds, reference in (
            (
                "large_mode",
                "largest singular value",
                at["sigma_max"],
                usual_at["sigma_max"],
                (at["sigma_max"] > 2 * rnn["sigma_max"]).all(),
                "above twice the RNN's",
            ),
            (
                "multimodal",
                "ratio of the n_i-th to the next singular value",
                at["gap"],
                usual_at["gap"],
                at["gap"].mean() > 1.5 * rnn["gap"].mean(),
                "above 1.5 × the RNN's",
            ),
            (
                "nse",
                "normalised SVD entropy",
                at["nse"],
                usual_at["nse"],
                at["nse"].max() < rnn["nse"].min(),
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
)
