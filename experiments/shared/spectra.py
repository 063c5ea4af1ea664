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


def write_entropy(
    context: Context, start: Mapping[str, Start], errors: Mapping[str, pd.Series]
) -> None:
    """Write ``entropy.csv``: a row a network, its entropy, largest singular value, final score."""
    rows = [
        (name, member, float(at.nse[i]), float(at.sigma[i, 0]), float(value))
        for name, at in start.items()
        for i, (member, value) in enumerate(errors[name].items())
    ]
    columns = ["configuration", "member", "nse", "sigma_max", "score"]
    context.write_csv("entropy.csv", pd.DataFrame(rows, columns=columns))


def draw_beside(
    context: Context,
    start: Mapping[str, Start],
    errors: Mapping[str, pd.Series],
    names: Sequence[str],
    label: str,
) -> None:
    """Draw what some configurations start with: singular values, and entropy beside the score."""
    sigma = {name: start[name].sigma for name in names}
    context.draw("singular_values", dj.plots.singular_histograms(sigma, log=True))
    groups = {name: (start[name].nse, errors[name]) for name in names}
    scatter = dj.plots.scatter(groups, xlabel="NSE at the start", ylabel=label)
    context.draw("entropy_and_error", scatter)
