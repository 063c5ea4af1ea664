"""Why large ColEI networks learn well all the same: rotation (Li et al. 2023, eq. 5).

    python -m experiments rotation --preset laptop

Nothing is trained. Between two scalings Σ stand two rotations, W² = U Σ Vᵀ U Σ Vᵀ: what the first
stretches is turned away, so that σ_max(W²) stays far below σ_max(W)².
"""

from __future__ import annotations

import itertools
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
        sizes: numbers of units compared.
        share: inhibitory share.
        seeds: networks (random initialisations) of each kind.
    """

    sizes: tuple[int, ...]
    share: float
    seeds: int


FULL = Settings(
    data="none",
    sizes=(100, 200, 400, 1000),
    share=0.1,
    seeds=10,
)
PRESETS = {
    "smoke": FULL.replaced(sizes=(10, 20), seeds=3),
    "laptop": FULL,
    "paper": FULL,
}
SOURCE = "Li et al. 2023, section 4, eq. 5"
KINDS = ("RNN", "DANN", "ColEI")


def train(context: Context) -> None:
    """Measure alignment and stretch of two steps, over sizes."""
    s, keys, found = context.settings, context.keys(), {}
    for n in s.sizes:
        n_i = dj.signs.num_inhibitory(n, s.share)
        cells = {
            "RNN": dj.RNNCell(n),
            "DANN": dj.DANNCell(n, n_i=n_i),
            "ColEI": dj.ColEICell(n, n_i=n_i),
        }
        for kind, cell in cells.items():
            W = np.asarray(spectra.recurrent_weights(cell, keys), float)
            found[_name(kind, n)] = turned(W)
    measured.write(context, found)


def _name(kind: str, n: int) -> str:
    return f"{kind}, {n} units"


def draw(context: Context) -> None:
    """Draw stretch, alignment and the share of small singular values over the size."""
    found, sizes = measured.read(context), context.settings.sizes
    for quantity, label in (
        ("ratio", "σ_max(W²) / σ_max(W)²"),
        ("alignment", "|u₁ · v₁|"),
        ("small", "share of singular values below 1"),
    ):
        lines = {kind: [found[_name(kind, n)][quantity] for n in sizes] for kind in KINDS}
        x = dict.fromkeys(KINDS, sizes)
        figure = dj.plots.sweep(lines, x, xlabel="units n", ylabel=label, log_x=True)
        context.draw(quantity, figure)


def turned(W: np.ndarray) -> dict[str, np.ndarray]:
    """Measure matrices [seeds, n, n]: how far two steps stretch, and where the first turns to."""
    left, sigma, right = np.linalg.svd(W)
    return {
        "ratio": np.linalg.norm(W @ W, 2, axis=(1, 2)) / sigma[:, 0] ** 2,
        # The direction that a step stretches to, u₁, against the one the next step stretches, v₁.
        "alignment": np.abs((left[:, :, 0] * right[:, 0]).sum(1)),
        # The share of u₁ in directions that the next step shrinks.
        "shrunk": ((right @ left[:, :, :1])[:, :, 0] ** 2 * (sigma < 1)).sum(1),
        "small": (sigma < 1).mean(1),
        "count": (sigma < 1).sum(1),
    }


def judge(context: Context) -> list[dj.claims.Claim]:
    """Check what two steps of a ColEI network do, and how it changes with the size."""
    sizes, table = context.settings.sizes, measured.read(context)
    found = [table[_name("ColEI", n)] for n in sizes]

    def by_size(name):
        means = [at[name].mean() for at in found]
        test = ", ".join(f"n = {n}: {mean:.3g}" for n, mean in zip(sizes, means, strict=True))
        return means, test

    def moves(means, sign):
        steps = [sign * (b - a) for a, b in itertools.pairwise(means)]
        return bool(steps) and min(steps) > 0

    ratio, ratios = by_size("ratio")
    _, alignments = by_size("alignment")
    _, shrunk = by_size("shrunk")
    count, counts = by_size("count")
    return [
        evidence.number(
            context,
            "two_steps_stretch_less",
            "These rotation steps could allow the network to "
            "avoid pathological growth by rotating the activity vectors aligned to directions with "
            "large singular values (σ_max(W²)/σ_max(W)², first size).",
            SOURCE,
            found[0]["ratio"],
            found[0]["ratio"].max() < 0.5,
            "below 0.5 (1 without rotation)",
        ),
        evidence.number(
            context,
            "turned_away",
            "… such that they instead align with directions with small "
            "singular values (share of ‖u₁‖² on the v_i with σ_i < 1, first size).",
            SOURCE,
            found[0]["shrunk"],
            all(at["shrunk"].min() > 0.5 for at in found),
            "above 0.5",
            test=f"n = {len(found[0]['shrunk'])}; by size: {shrunk}; |u₁ · v₁|: {alignments}",
        ),
        evidence.number(
            context,
            "more_rotation_in_larger",
            "As the network width n increases, the number of "
            "rotations where this effect occurs increases (σ_max(W²)/σ_max(W)², last to first "
            "size).",
            SOURCE,
            ratio[-1] / ratio[0],
            moves(ratio, -1),
            "below 1, falling",
            test=ratios,
        ),
        evidence.number(
            context,
            "more_small_directions",
            "In larger networks, even if some directions have "
            "large singular values, there are many more directions with small singular values "
            "(number of singular values below 1, last to first size).",
            "Li et al. 2023, section 3.4",
            count[-1] / count[0],
            moves(count, 1),
            "above 1, growing",
            test=counts,
        ),
    ]


EXPERIMENT = Experiment(
    name="rotation",
    source="Li et al. 2023, eq. 5",
    presets=PRESETS,
    expected_minutes={"smoke": 0.1, "laptop": 0.5, "paper": 0.5},
    claims=(
        "two_steps_stretch_less",
        "turned_away",
        "more_rotation_in_larger",
        "more_small_directions",
    ),
    train=train,
    judge=judge,
    draw=draw,
)
