"""Exponentiated gradients beside projection: two ways to keep signs, and what becomes of synapses.

    python -m experiments exponentiated_gradients --preset laptop --data-dir DIR

ColEI networks on sequential MNIST, 1 x 100 units, both ways from the same start, each at several
rates and clips, the best by validation. A step of a size means more where it is a factor on small
weights, so each way has rates of its own. `laptop` makes 6 of 30 epochs, at one clip.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

import dalejax as dj
from experiments.engine import evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.engine.settings import Training
from experiments.shared import at_best, networks, tasks

PROJECTED, EXPONENTIATED = "projection", "exponentiated gradients"


@dataclass(frozen=True, kw_only=True)
class Settings(Training):
    """Settings of the experiment.

    Attributes:
        n: units.
        n_i: inhibitory units, among the n (ColEI) or on top (DANN).
        clips: gradient clips tried; "none" for no clipping.
        num_valid: training examples kept back for validation.
        rates_projected: DESCRIBE ME.
        rates_exponentiated: DESCRIBE ME.
    """

    n: int
    n_i: int
    clips: tuple[float, ...]
    num_valid: int
    rates_projected: tuple[float, ...]
    rates_exponentiated: tuple[float, ...]


FULL = Settings(
    data="mnist",
    n=100,
    n_i=10,
    updates=46_860,
    eval_every=1562,
    seeds=10,
    last=5,
    batch_size=32,
    clips=(1.0, 10.0),
    num_valid=10_000,
    rates_projected=(0.005, 0.01, 0.02, 0.04),
    rates_exponentiated=(0.03, 0.1, 0.3),
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
        num_valid=500,
        rates_projected=(0.01, 0.02),
        rates_exponentiated=(0.1, 0.3),
    ),
    "laptop": FULL.replaced(
        updates=9372, seeds=5, last=1, clips=(10.0,), rates_projected=(0.01, 0.03)
    ),
    "paper": FULL,
}
SOURCE = "beyond the papers"


def run(context: Context) -> list[dj.claims.Claim]:
    """Train both ways at all rates; compare errors, and the synapses at the end."""
    s = context.settings
    task = tasks.smnist(context, num_valid=s.num_valid)
    net = networks.colei(1, s.n, s.n_i, task.n_out)
    ways = {
        PROJECTED: (dj.colei_sgd, task, s.rates_projected),
        EXPONENTIATED: (dj.colei_exponentiated_gradient, task, s.rates_exponentiated),
    }
    found = at_best.train(context, {n: at_best.Contestant(net, *way) for n, way in ways.items()})
    lost, skew = {}, {}
    for name, best in found.items():
        W = np.abs(np.asarray(best.params["cells_0"]["W"]))
        off = ~np.eye(s.n, dtype=bool)
        lost[name] = pd.Series(100 * (W[:, off] == 0).mean(1))
        skew[name] = pd.Series([_log_skew(w[off]) for w in W])
    context.draw("lost", dj.plots.final_dots(lost, ylabel="synapses of W at zero (%)"))
    rows = [(n, i, lost[n][i], skew[n][i]) for n in found for i in lost[n].index]
    table = pd.DataFrame(rows, columns=["way", "member", "zero_percent", "log_skewness"])
    context.write_csv("synapses.csv", table, digits=4)
    test, told = {name: best.test for name, best in found.items()}, at_best.note(found)
    ways = (PROJECTED, EXPONENTIATED)
    return evidence.above(
        context,
        [
            evidence.Above(
                "exponentiated_learns_better",
                "Exponentiated gradients learn better than gradient "
                "descent where Dale's law constrains the weights (test error with projection above "
                "theirs).",
                test[PROJECTED],
                test[EXPONENTIATED],
                ways,
            ),
            evidence.Above(
                "projection_loses_synapses",
                "Projection turns synapses off, exponentiated "
                "gradients never do (share of W's synapses at zero).",
                lost[PROJECTED],
                lost[EXPONENTIATED],
                ways,
            ),
        ],
        SOURCE,
        told,
    )


def _log_skew(weights: np.ndarray) -> float:
    """Skewness of the logarithm of the weights that are there: 0 for a log-normal distribution."""
    logs = np.log(weights[weights > 0])
    return float(((logs - logs.mean()) ** 3).mean() / logs.std() ** 3)


EXPERIMENT = Experiment(
    name="exponentiated_gradients",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.4, "laptop": 3, "paper": 90},
    claims=(
        "exponentiated_learns_better",
        "projection_loses_synapses",
    ),
    train=train,
    judge=judge,
    draw=draw,
)
