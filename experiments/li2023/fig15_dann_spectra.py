"""Figure 15 of Li et al. 2023: DANN's singular values over E/I ratios and sizes.

    python -m experiments fig15_dann_spectra --preset laptop

Nothing is trained: 20 initialisations of each; every one follows the RNN's quarter circle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import dalejax as dj
from experiments.engine import evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.engine.settings import Settings as BaseSettings
from experiments.shared import measured, spectra


@dataclass(frozen=True, kw_only=True)
class Settings(BaseSettings):
    """Settings of the experiment.

    Attributes:
        n: units.
        shares: inhibitory shares compared.
        sizes: numbers of units compared.
        share: inhibitory share.
        seeds: networks (random initialisations) of each kind.
    """

    n: int
    shares: tuple[float, ...]
    sizes: tuple[int, ...]
    share: float
    seeds: int


FULL = Settings(
    data="none",
    n=100,
    shares=(0.01, 0.1, 0.5),
    sizes=(100, 300, 1000),
    share=0.1,
    seeds=20,
)
PRESETS = {
    "smoke": FULL.replaced(n=20, shares=(0.05, 0.1, 0.5), sizes=(10, 20, 40), seeds=5),
    "laptop": FULL,
    "paper": FULL,
}
SOURCE = "Li et al. 2023, Fig. 15"
SECTION = f"{SOURCE}; section 3.4"
RNN_RADIUS = 1 / np.sqrt(3)


def train(context: Context) -> None:
    """Draw the initialisations, measure their singular values and draw these."""
    s, keys = context.settings, context.keys()

    def start(cells):
        return spectra.at_start(
            {name: spectra.recurrent_weights(cell, keys) for name, cell in cells.items()}
        )

    def dann(n, share):
        return dj.DANNCell(n, n_i=dj.signs.num_inhibitory(n, share))

    ratios = start({label: dann(s.n, share) for label, share in _ratios(s).items()})
    sizes = start({label: dann(n, s.share) for label, n in _sizes(s).items()})
    rnns = start({_rnn(n): dj.RNNCell(n) for n in (s.n, *s.sizes)})
    for name, group in (("ratios", ratios), ("sizes", sizes)):
        sigma = {label: at.sigma for label, at in group.items()}
        laws = dict.fromkeys(group, RNN_RADIUS)
        context.draw(f"singular_values_{name}", dj.plots.singular_histograms(sigma, laws=laws))
    found = {
        label: {
            "nse": at.nse,
            "distance": spectra.quarter_circle_distance(at.sigma, RNN_RADIUS),
        }
        for label, at in (ratios | sizes | rnns).items()
    }
    measured.write(context, found)


def _ratios(s: Settings) -> dict[str, float]:
    return {f"{100 * share:g} % I": share for share in s.shares}


def _sizes(s: Settings) -> dict[str, int]:
    return {f"{n} units": n for n in s.sizes}


def _rnn(n: int) -> str:
    return f"RNN, {n} units"


def judge(context: Context) -> list[dj.claims.Claim]:
    """Compare DANN's spectra with the quarter circle and with the RNN's entropy."""
    s, found = context.settings, measured.read(context)
    out = []
    for id, sentence, size_of in (
        (
            "ratio",
            "The spectra of DANNs were robust to changes in the EI ratio",
            dict.fromkeys(_ratios(s), s.n),
        ),
        (
            "size",
            "DANN spectra were similar across network sizes",
            _sizes(s),
        ),
    ):
        distance = {label: float(found[label]["distance"][0]) for label in size_of}
        out.append(
            evidence.number(
                context,
                f"{id}_quarter_circle",
                f"{sentence} (largest Kolmogorov–Smirnov distance from the quarter circle).",
                SECTION,
                max(distance.values()),
                max(distance.values()) < 0.05,
                "below 0.05",
                test=", ".join(f"{label} {d:.3f}" for label, d in distance.items()),
            )
        )
        apart = {
            label: float(found[label]["nse"].mean() - found[_rnn(n)]["nse"].mean())
            for label, n in size_of.items()
        }
        out.append(
            evidence.number(
                context,
                f"{id}_nse",
                f"{sentence} (largest distance of their mean NSE from that of RNNs of same size).",
                SECTION,
                max(map(abs, apart.values())),
                max(map(abs, apart.values())) < 0.01,
                "below 0.01",
                test=", ".join(f"{label} {d:+.4f}" for label, d in apart.items()),
            )
        )
    return out


EXPERIMENT = Experiment(
    name="fig15_dann_spectra",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.1, "laptop": 0.5, "paper": 0.5},
    claims=(
        "ratio_quarter_circle",
        "ratio_nse",
        "size_quarter_circle",
        "size_nse",
    ),
    train=train,
    judge=judge,
)
