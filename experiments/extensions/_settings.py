"""Settings that the comparisons of kinds of inhibition on sequential MNIST share."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.engine.settings import Training


@dataclass(frozen=True, kw_only=True)
class Settings(Training):
    """Settings of a comparison in which every network is searched for its best rate and clip.

    Attributes:
        n: units.
        n_i: inhibitory units, among the n (ColEI) or on top (DANN).
        rates: learning rates tried.
        clips: gradient clips tried.
        num_valid: training digits kept back for validation.
    """

    n: int = 100
    n_i: int = 10
    rates: tuple[float, ...]
    clips: tuple[float, ...] = (1.0, 10.0)
    num_valid: int = 10_000


FULL = Settings(
    data="mnist",
    updates=46_860,  # 30 epochs
    eval_every=1562,
    seeds=10,
    last=5,
    rates=(0.005, 0.01, 0.02, 0.04),
)
PRESETS = {
    "smoke": FULL.replaced(
        data="digits",
        n=20,
        n_i=2,
        updates=20,
        eval_every=10,
        seeds=3,
        last=1,
        rates=(0.01, 0.02),
        num_valid=500,
    ),
    "laptop": FULL.replaced(updates=9_372, seeds=5, last=1, rates=(0.01, 0.03), clips=(10.0,)),
    "paper": FULL,
}
