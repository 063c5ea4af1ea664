"""Exponentiated gradients beside projection: two ways to keep signs, and what becomes of synapses.

    python -m experiments exponentiated_gradients --preset laptop --data-dir DIR

ColEI networks on sequential MNIST, 1 x 100 units, both ways from the same start, each at several
rates and clips, the best by validation. A step of a size means more where it is a factor on small
weights, so each way has rates of its own. `laptop` makes 6 of 30 epochs, at one clip.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

import dalejax as dj
from experiments.engine import evidence
from experiments.engine.base import Context, Experiment
from experiments.extensions import interneurons
from experiments.shared import at_best, networks

PROJECTED, EXPONENTIATED = "projection", "exponentiated gradients"
PRESETS = {
    name: {n: v for n, v in settings.items() if n != "rates"}
    | {
        "rates_projected": settings["rates"],
        "rates_exponentiated": (0.1, 0.3) if name == "smoke" else (0.03, 0.1, 0.3),
    }
    for name, settings in interneurons.PRESETS.items()
}
SOURCE = "beyond the papers"


def run(context: Context) -> list[dj.claims.Claim]:
    """Train both ways at all rates; compare errors, and the synapses at the end."""
    s = context.settings
    task = context.smnist(batch_size=s["batch_size"], num_valid=s["num_valid"])
    net = networks.colei(1, s["n"], s["n_i"], task.n_out)
    ways = {
        PROJECTED: (dj.colei_sgd, task, s["rates_projected"]),
        EXPONENTIATED: (dj.colei_exponentiated_gradient, task, s["rates_exponentiated"]),
    }
    found = at_best.train(context, {n: at_best.Contestant(net, *way) for n, way in ways.items()})
    lost, skew = {}, {}
    for name, best in found.items():
        W = np.abs(np.asarray(best.params["cells_0"]["W"]))
        off = ~np.eye(s["n"], dtype=bool)
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
    claims=2,
    run=run,
)
