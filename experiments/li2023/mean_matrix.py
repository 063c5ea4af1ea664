"""Why ColEI's spectrum is bad: the matrix of its column means (Li et al. 2023, section 4).

    python -m experiments mean_matrix --preset laptop

Nothing is trained. W = M + A before any scaling: M = 1 mᵀ holds the column means, A has mean zero.
The means balance, mᵀ1 = 0, so M is nilpotent and has no eigenvalue but 0; yet its one singular
value is √(n 2π/(2π-1)), far outside of A's. What the figure draws over the samples are these laws.
"""

from __future__ import annotations

import itertools
import math
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
        n: units.
        share: inhibitory share.
        seeds: networks (random initialisations) of each kind.
    """

    sizes: tuple[int, ...]
    n: int
    share: float
    seeds: int


FULL = Settings(
    data="none",
    sizes=(50, 100, 200, 400),
    n=100,
    share=0.1,
    seeds=50,
)
PRESETS = {
    "smoke": FULL.replaced(sizes=(10, 20), n=20, seeds=5),
    "laptop": FULL,
    "paper": FULL,
}
SOURCE = "Li et al. 2023, section 4"
# Entries have second moment 1/(n (2π-1)/2π), mean over a row's entries.
_GAIN = 2 * math.pi / (2 * math.pi - 1)


def train(context: Context) -> None:
    """Split unscaled ColEI matrices of all sizes into column means and the rest; measure both."""
    s = context.settings
    measured.write(context, {n: take_apart(n, s.share, s.root, s.seeds) for n in _every(s)})


def _every(s: Settings) -> list[int]:
    return sorted({*s.sizes, s.n})


def draw(context: Context) -> None:
    """Draw largest singular values and spectral radii over the size, beside their laws."""
    found = {int(n): at for n, at in measured.read(context).items()}
    sizes = list(found)
    lines = {
        "σ_max of W": [found[n]["sigma_W"] for n in sizes],
        "σ_max of M": [found[n]["sigma_M"] for n in sizes],
        "ρ of W": [found[n]["rho_W"] for n in sizes],
        "ρ of A": [found[n]["rho_A"] for n in sizes],
    }
    laws = {
        "√(n 2π/(2π-1))": [law(n) for n in sizes],
        "√(2π/(2π-1))": [math.sqrt(_GAIN) for _ in sizes],
    }
    sweep = dj.plots.sweep(
        lines,
        dict.fromkeys(lines, sizes),
        laws=laws,
        xlabel="units n",
        ylabel="singular value, radius",
        log_x=True,
        log=True,
    )
    context.draw("over_sizes", sweep)


def law(n: int) -> float:
    r"""Give the one singular value of the means, :math:`\sqrt{n \, 2\pi/(2\pi-1)}`."""
    return math.sqrt(n * _GAIN)


def take_apart(n: int, share: float, root: int, seeds: int) -> dict[str, np.ndarray]:
    """Measure unscaled matrices, their column means and the rest A = W - E[M], [seeds] each."""
    n_i = dj.signs.num_inhibitory(n, share)
    n_e, keys = n - n_i, dj.seed_keys(root, seeds)
    cell = dj.ColEICell(n, n_i=n_i, rho=None, zero_diagonal=False)
    W = np.asarray(spectra.recurrent_weights(cell, keys), float)
    mean_e = 1 / math.sqrt((n_e + n_e**2 / n_i) / _GAIN)
    m = np.where(np.arange(n) < n_e, mean_e, -mean_e * n_e / n_i)
    M = np.broadcast_to(m, (n, n))
    sampled = W.mean(1)  # the column means of each matrix
    A = W - M
    radius = lambda w: np.abs(np.linalg.eigvals(w)).max(-1)  # noqa: E731
    largest = lambda w: np.linalg.norm(w, 2, axis=(-2, -1))  # noqa: E731
    return {
        # M̂ = 1 m̂ᵀ of the sample has one eigenvalue, m̂ᵀ1, and one singular value, √n ‖m̂‖.
        "nilpotent": np.abs(sampled.sum(1)) / (math.sqrt(n) * np.linalg.norm(sampled, axis=1)),
        "rho_W": radius(W),
        "rho_A": radius(A),
        "rho_balanced": radius(W - W.mean(2, keepdims=True)),
        "sigma_W": largest(W),
        "sigma_A": largest(A),
        "sigma_M": math.sqrt(n) * np.linalg.norm(sampled, axis=1),
        "share_I": (W[:, :, n_e:] ** 2).sum((1, 2)) / (W**2).sum((1, 2)),
        "share_law": n_e / n,
        "scaled": largest(W * (1.5 / radius(W))[:, None, None]),
    }


def judge(context: Context) -> list[dj.claims.Claim]:
    """Check what the column means, and what the rest, contribute to spectrum and radius."""
    n, found = context.settings.n, measured.read(context)
    at = found[str(n)]

    def number(id, statement, values, holds, reference, source=SOURCE, **more):
        return evidence.number(context, id, statement, source, values, holds, reference, **more)

    moved = np.abs(at["rho_W"] / at["rho_A"] - 1)
    growth = [found[k]["scaled"].mean() for k in found]
    return [
        number(
            "nilpotent",
            "The ColEI recurrent weight matrix can be written as the sum of a "
            "rank-one nilpotent matrix (of column means) and a zero-mean random matrix (the one "
            "eigenvalue of each sample's means over their one singular value).",
            at["nilpotent"],
            at["nilpotent"].max() < 0.1,
            "below 0.1 (0 in expectation)",
        ),
        number(
            "one_large_value",
            "The unusual spectrum likely stems from the nilpotent matrix of "
            f"column means (σ_max of W, n = {n}; of the rest A it is "
            f"{at['sigma_A'].mean():.2f}).",
            at["sigma_W"],
            abs(at["sigma_W"].mean() / law(n) - 1) < 0.1 and at["sigma_A"].max() < law(n),
            f"√(n 2π/(2π-1)) = {law(n):.2f} ± 10 %",
            note=f"of ‖W‖² the share {at['share_I'].mean():.3f} sits in the inhibitory columns; "
            f"n_e/n is {at['share_law'][0]:.2f}",
        ),
        number(
            "radius_unmoved",
            "The eigenvalues of any nilpotent matrix are 0, and hence we expect "
            "they do not significantly change the eigenvalue radius (|ρ(M + A)/ρ(A) - 1|).",
            moved,
            moved.mean() < 0.1,
            "below 0.1",
            note=f"ρ(A) {at['rho_A'].mean():.2f} ± {at['rho_A'].std():.2f}, ρ(W) "
            f"{at['rho_W'].mean():.2f} ± {at['rho_W'].std():.2f}; with every row of W summing "
            f"to 0 it is {at['rho_balanced'].mean():.2f}",
        ),
        number(
            "radius_constrains_nothing",
            "Constraining the spectral radius of the recurrent matrix "
            "will not constrain the nilpotent matrix's contribution towards the singular value "
            "spectrum (σ_max at ρ = 1.5, largest to smallest size).",
            growth[-1] / growth[0],
            len(growth) > 1 and all(a < b for a, b in itertools.pairwise(growth)),
            "above 1, growing",
            test=", ".join(f"n = {k}: {g:.1f}" for k, g in zip(found, growth, strict=True)),
        ),
    ]


EXPERIMENT = Experiment(
    name="mean_matrix",
    source="Li et al. 2023, section 4",
    presets=PRESETS,
    expected_minutes={"smoke": 0.1, "laptop": 0.5, "paper": 0.5},
    claims=(
        "nilpotent",
        "one_large_value",
        "radius_unmoved",
        "radius_constrains_nothing",
    ),
    train=train,
    judge=judge,
    draw=draw,
)
