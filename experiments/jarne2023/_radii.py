"""Radii of eigenvalues before the first projection, after it and after training, and their laws."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

import dalejax as dj
from dalejax import dynamics
from dalejax.types import Array, Complex, Float
from experiments.engine.context import Context

BEFORE, AFTER, TRAINED = STAGES = ("before projection", "after projection", "trained")
# Radius of the eigenvalues before the projection, for large n.
UNPROJECTED = {"normal": float(np.sqrt(2)), "orthogonal": 1.0}
# Start, share of excitatory units as text, units, and stage of the recurrent weights.
Which = tuple[str, str, int, str]


def name(start: str, excitatory: float | str, n: int) -> str:
    """Name the configuration of n units with this share of excitatory ones."""
    split = f"{100 * excitatory:.0f} % E" if isinstance(excitatory, float) else excitatory
    return f"{start}, {split}, {n} units"


def measure(
    W: Mapping[str, Float[Array, "s n n"]], eigenvalues: Mapping[str, Complex[Array, "s n"]]
) -> pd.DataFrame:
    """Measure radii and departure from normality at each stage, a row a stage and member.

    Args:
        W: stage -> recurrent weights [s, n, n].
        eigenvalues: stage -> their eigenvalues [s, n].
    """
    parts = []
    for stage, values in eigenvalues.items():
        fit = dynamics.fit_annulus(values)
        columns = {
            "outer": dynamics.outer_radius(values),
            "inner": dynamics.inner_radius(values),
            "fitted_outer": fit.outer,
            "fitted_inner": fit.inner,
            "largest": np.abs(values).max(-1),
            "henrici": dynamics.henrici(W[stage]),
        }
        parts.append(pd.DataFrame(columns).assign(stage=stage, member=range(len(values))))
    return pd.concat(parts)


def read(context: Context) -> dict[Which, pd.DataFrame]:
    """Read ``radii.csv``: (start, share of excitatory units, units, stage) -> a row a member."""
    table = context.read_csv("radii.csv").astype({"excitatory": str})
    out = {}
    for _, rows in table.groupby(["start", "excitatory", "n", "stage"], sort=False):
        start, excitatory, n, stage = rows[["start", "excitatory", "n", "stage"]].iloc[0]
        out[str(start), str(excitatory), int(n), str(stage)] = rows.sort_values("member")
    return out


def law(start: str, n: int, n_i: int) -> tuple[float, float]:
    """Give the inner and outer radius that the eigenvalues have after the projection, for large n.

    Args:
        start: ``"normal"`` (a disc: the inner radius is 0) or ``"orthogonal"`` (a ring).
        n: units.
        n_i: inhibitory units among them.
    """
    if start == "orthogonal":
        ring = dynamics.projected_orthogonal()
        return float(ring.inner), float(ring.outer)
    return 0.0, dynamics.projected_normal(n, n_i, np.sqrt(2 / n)).radius


def outlier(start: str, n: int, n_i: int) -> float:
    """Give the one eigenvalue outside of disc or ring after the projection, for large n."""
    std = 1 / np.sqrt(n) if start == "orthogonal" else np.sqrt(2 / n)
    return dynamics.projected_normal(n, n_i, std).outlier


def law_of(start: str, excitatory: float | str, n: int) -> tuple[float, float]:
    """Give the inner and outer radius of trained networks' law, unconstrained ones included."""
    if isinstance(excitatory, str):
        return 0.0, UNPROJECTED[start]
    return law(start, n, dj.signs.num_inhibitory(n, 1 - excitatory))
