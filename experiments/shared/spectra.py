"""Spectra of many starts: matrices, their singular values and entropy, a table beside errors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from scipy import stats

import dalejax as dj
from experiments.engine.context import Context


class Start(NamedTuple):
    """What is known of the recurrent weights of one configuration before any training.

    Attributes:
        sigma: singular values, largest first [seeds, n].
        nse: their normalised entropy [seeds].
    """

    sigma: np.ndarray
    nse: np.ndarray


def recurrent_weights(cell, keys, n_in: int = 28) -> jax.Array:
    """Effective recurrent weights of many initialisations [s, n, n]."""
    start = jax.vmap(lambda key: cell.effective(cell.initial_params(n_in, key=key)).W)
    return jax.jit(start)(keys)


def quarter_circle_distance(sigma: np.ndarray, sd: float) -> float:
    """Kolmogorov–Smirnov distance of singular values from the quarter-circle law of scale sd."""
    x = np.linspace(0, 2 * sd, 2001)
    density = np.sqrt(np.clip(4 * sd**2 - x**2, 0, None)) / (math.pi * sd**2)
    steps = (density[1:] + density[:-1]) / 2 * np.diff(x)
    cumulative = np.concatenate([[0.0], np.cumsum(steps)])
    cumulative /= cumulative[-1]
    return float(stats.kstest(sigma.ravel(), lambda s: np.interp(s, x, cumulative)).statistic)


def at_start(W: Mapping[str, np.ndarray]) -> dict[str, Start]:
    """Analyse each configuration's matrices [seeds, n, n]."""
    out = {}
    for name, w in W.items():
        sigma = np.asarray(dj.spectrum.singular_values(jnp.asarray(w)))
        out[name] = Start(sigma, np.asarray(dj.spectrum.nse(jnp.asarray(w))))
    return out


def write(context: Context, start: Mapping[str, Start], scores: Mapping[str, pd.Series]) -> None:
    """Write what is known of networks at the start beside what they reach.

    ``entropy.csv`` has a row a network: its normalised entropy, its largest singular value, and its
    final score; ``singular_values.parquet`` all singular values.

    Args:
        context: the run.
        start: spectra by configuration.
        scores: final scores by configuration, indexed by member.
    """
    rows = [
        (name, member, float(at.nse[i]), float(at.sigma[i, 0]), float(value))
        for name, at in start.items()
        for i, (member, value) in enumerate(scores[name].items())
    ]
    columns = ["configuration", "member", "nse", "sigma_max", "score"]
    context.write_csv("entropy.csv", pd.DataFrame(rows, columns=columns))
    parts = [
        pd.DataFrame({"configuration": name, "member": member, "sigma": sigma})
        for name, at in start.items()
        for member, sigma in enumerate(at.sigma)
    ]
    context.write_parquet("singular_values.parquet", pd.concat(parts, ignore_index=True))


def read(context: Context, column: str) -> dict[str, pd.Series]:
    """Read one column of ``entropy.csv`` by configuration, indexed by member.

    Args:
        context: the run.
        column: ``"nse"``, ``"sigma_max"`` or ``"score"``.
    """
    table = context.read_csv("entropy.csv")
    groups = table.groupby("configuration", sort=False)
    return {str(name): rows.set_index("member")[column] for name, rows in groups}


def singular_values(context: Context) -> dict[str, np.ndarray]:
    """Read all singular values at the start by configuration, largest first [seeds, n]."""
    table = context.read_parquet("singular_values.parquet")
    return {
        str(name): np.stack([own.sigma.to_numpy() for _, own in rows.groupby("member")])
        for name, rows in table.groupby("configuration", sort=False)
    }


def draw_beside(context: Context, names: Sequence[str], label: str) -> None:
    """Draw the singular values of some configurations, and their entropy beside the score.

    Args:
        context: the run.
        names: of the configurations.
        label: of the score's axis.
    """
    nse, score = read(context, "nse"), read(context, "score")
    groups = {name: (nse[name], score[name]) for name in names}
    scatter = dj.plots.scatter(groups, xlabel="NSE at the start", ylabel=label)
    context.draw("entropy_and_error", scatter)
    sigma = singular_values(context)
    shown = {name: sigma[name] for name in names}
    context.draw("singular_values", dj.plots.singular_histograms(shown, log=True))
