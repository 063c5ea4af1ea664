"""Figure 3 of Li et al. 2023: eigenvalues and singular values of the three networks at the start.

    python -m experiments fig3_spectra --preset laptop

Nothing is trained: 100 initialisations of each network, 100 units, 10 % inhibitory.
"""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
import pandas as pd
from scipy import stats

import dalejax as dj
from experiments.engine import evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.li2023 import _settings
from experiments.shared import spectra

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
SOURCE = "Li et al. 2023, Fig. 3"
# An RNN's entries have variance 1/(3n): circle and quarter circle of radius 1/sqrt(3), 2/sqrt(3).
RNN_RADIUS = 1 / math.sqrt(3)
COLEI_RADIUS = 1.5


def train(context: Context) -> None:
    """Draw the initialisations, and write what the claims say of their spectra."""
    s = context.settings
    keys = context.keys()
    cells = {
        "ColEI": dj.ColEICell(s.n, n_i=s.n_i),
        "RNN": dj.RNNCell(s.n),
        "DANN": dj.DANNCell(s.n, n_i=s.n_i),
    }
    W = {name: spectra.recurrent_weights(cell, keys) for name, cell in cells.items()}
    eigenvalues = {name: np.asarray(dj.spectrum.eigenvalues(w)) for name, w in W.items()}
    sigma = {name: np.asarray(dj.spectrum.singular_values(w)) for name, w in W.items()}
    radii = {"ColEI": COLEI_RADIUS, "RNN": RNN_RADIUS, "DANN": RNN_RADIUS}
    context.draw("eigenvalues", dj.plots.eigenvalue_plane(eigenvalues, radii=radii))
    context.draw(
        "singular_values",
        dj.plots.singular_histograms(
            sigma, laws={"RNN": RNN_RADIUS, "DANN": RNN_RADIUS}, log=True, inset=True
        ),
    )
    n_i, rows, laws = s.n_i, [], {}
    for name, w in W.items():
        radius = np.abs(eigenvalues[name])
        table = {
            "network": name,
            "member": range(s.seeds),
            "radius": radius.max(1),
            "inside": (radius < 0.5 * COLEI_RADIUS).mean(1),
            "sigma_max": sigma[name][:, 0],
            "gap": sigma[name][:, n_i - 1] / sigma[name][:, n_i],
            "nse": np.asarray(dj.spectrum.nse(jnp.asarray(w))),
        }
        rows.append(pd.DataFrame(table))
        # Uniform on the disc: |λ|² / r² is uniform on [0, 1].
        uniform = stats.kstest((radius / RNN_RADIUS).ravel() ** 2, "uniform")
        laws[f"circle_{name}"] = float(uniform.statistic)
        laws[f"quarter_circle_{name}"] = spectra.quarter_circle_distance(sigma[name], RNN_RADIUS)
    context.write_csv("starts.csv", pd.concat(rows))
    context.write_facts(**laws)


def judge(context: Context) -> list[dj.claims.Claim]:
    """Compare the spectra of the initialisations with the laws of random matrices."""
    section = f"{SOURCE}; section 3.2"
    claims = []
    table = context.read_csv("starts.csv")
    of = {str(name): rows.set_index("member") for name, rows in table.groupby("network")}

    def add(id, statement, values, holds, reference, source=section, test=""):
        test = test or f"n = {len(values)} initialisations"
        claims.append(
            evidence.number(context, id, statement, source, values, holds, reference, test=test)
        )

    radius = {name: rows.radius.to_numpy() for name, rows in of.items()}
    add(
        "colei_radius",
        "ColEI recurrent weights are initialised such that the spectral radius is 1.5.",
        radius["ColEI"],
        np.allclose(radius["ColEI"], 1.5, atol=1e-3),
        1.5,
    )
    for name in ("RNN", "DANN"):
        # The largest of n eigenvalues lies a little outside the circle of the law.
        mean = radius[name].mean()
        add(
            f"{name.lower()}_radius",
            f"The initialisation of {name} results in a radius of about 1/√3.",
            radius[name],
            abs(mean / RNN_RADIUS - 1) < 0.1,
            0.577,
        )
    for name in ("RNN", "DANN"):
        distance = context.fact(f"circle_{name}")
        add(
            f"{name.lower()}_circle_law",
            f"The eigenvalue distribution of {name} converges to a "
            "uniform circle in the complex plane (Kolmogorov–Smirnov distance).",
            [distance],
            distance < 0.05,
            "below 0.05",
            test="all eigenvalues together",
        )
    inside = of["ColEI"].inside
    add(
        "colei_clustered",
        "The eigenvalues of ColEI networks follow a non-uniform distribution "
        "clustered around the origin (share within half the radius; uniform: 0.25).",
        inside,
        inside.mean() > 0.5,
        "above 0.5",
    )
    for name in ("RNN", "DANN"):
        ratio = of[name].sigma_max.to_numpy() / radius[name]
        add(
            f"{name.lower()}_sigma_max",
            f"The maximum singular value of {name} was approximately "
            "twice the maximum radius of the eigenvalues.",
            ratio,
            abs(ratio.mean() - 2) < 0.25,
            2.0,
        )
        distance = context.fact(f"quarter_circle_{name}")
        add(
            f"{name.lower()}_quarter_circle",
            f"The singular values of {name} converge to a "
            "quarter circle (Kolmogorov–Smirnov distance).",
            [distance],
            distance < 0.05,
            "below 0.05",
            test="all singular values together",
        )
    add(
        "colei_sigma_max",
        "The ColEI spectrum had a notable mode of large singular values (σ_max, "
        "at a radius of 1.5).",
        of["ColEI"].sigma_max,
        abs(of["ColEI"].sigma_max.mean() - 11.5) < 0.6,
        "≈ 11.5",
    )
    # Between the bulk (excitatory columns) and the n_i large values there is a gap.
    gap = of["ColEI"].gap
    add(
        "colei_multimodal",
        "The distribution of singular values for ColEI networks was multimodal "
        "(ratio of the n_i-th to the next singular value, beside the RNN's).",
        gap,
        gap.mean() > 1.5 * of["RNN"].gap.mean(),
        "above 1.5 × the RNN's",
    )
    for name, reference, tolerance in (
        ("RNN", 0.953, 0.003),
        ("DANN", 0.950, 0.004),
        ("ColEI", 0.798, 0.01),
    ):
        nse = of[name].nse
        add(
            f"{name.lower()}_nse",
            f"Normalised SVD entropy of {name} at n = 100, 10 % inhibitory.",
            nse,
            abs(nse.mean() - reference) <= tolerance,
            f"{reference} ± {tolerance}",
            source="Li et al. 2023, section 3.4, Fig. 5",
        )
    return claims


EXPERIMENT = Experiment(
    name="fig3_spectra",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.2, "laptop": 0.3, "paper": 0.3},
    claims=(
        "colei_radius",
        "rnn_radius",
        "dann_radius",
        "rnn_circle_law",
        "dann_circle_law",
        "colei_clustered",
        "rnn_sigma_max",
        "rnn_quarter_circle",
        "dann_sigma_max",
        "dann_quarter_circle",
        "colei_sigma_max",
        "colei_multimodal",
        "rnn_nse",
        "dann_nse",
        "colei_nse",
    ),
    train=train,
    judge=judge,
)
