"""Exponentiated gradients beside projection: two ways to keep signs, and the synapses they leave.

    python -m experiments exponentiated_gradients --preset laptop --data-dir DIR

ColEI networks on sequential MNIST, 1 x 100 units, are trained both ways from the same start, each
at several learning rates and clips, of which the best is chosen by validation. Exponentiated
gradients multiply the weights, so that the same step changes small weights less: each way has
learning rates of its own. `laptop` makes 6 of 30 epochs, at one clip.
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
        n_i: inhibitory units, among the n.
        clips: largest gradient norms of a tensor tried.
        num_valid: training digits kept back for validation.
        rates_projected: learning rates tried of gradient descent with projection.
        rates_exponentiated: learning rates tried of exponentiated gradients.
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
    updates=46_860,  # 30 epochs
    eval_every=1562,
    seeds=10,
    last=5,
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


def train(context: Context) -> None:
    """Train both ways at all rates; measure the synapses of W that the best ones leave."""
    s = context.settings
    task = tasks.smnist(context, num_valid=s.num_valid)
    net = networks.colei(1, s.n, s.n_i, task.n_out)
    make_tx = {PROJECTED: dj.colei_sgd, EXPONENTIATED: dj.colei_exponentiated_gradient}
    ways = {
        name: at_best.Contestant(net, make_tx[name], task, rates)
        for name, rates in _rates(context).items()
    }
    trained = at_best.train(context, ways)
    rows = []
    off_diagonal = ~np.eye(s.n, dtype=bool)  # no unit has a synapse onto itself
    for name, best in _found(context).items():
        params = trained[name].params(name, best.point)
        for member, W in enumerate(np.abs(np.asarray(params["cells_0"]["W"]))):
            weights = W[off_diagonal]
            rows.append((name, member, 100 * (weights == 0).mean(), _log_skew(weights)))
    table = pd.DataFrame(rows, columns=["way", "member", "zero_percent", "log_skewness"])
    context.write_csv("synapses.csv", table)


def judge(context: Context) -> list[dj.claims.Claim]:
    """Test which way learns better, and whether projection alone turns synapses off."""
    found, lost = _found(context), _lost(context)
    test = {name: best.test for name, best in found.items()}
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
        at_best.note(found),
    )


def draw(context: Context) -> None:
    """Draw learning curves and final errors of both ways, and the share of synapses at zero."""
    at_best.draw(context, _found(context))
    context.draw("lost", dj.plots.final_dots(_lost(context), ylabel="synapses of W at zero (%)"))


def _rates(context: Context) -> dict[str, tuple[float, ...]]:
    s = context.settings
    return {PROJECTED: s.rates_projected, EXPONENTIATED: s.rates_exponentiated}


def _found(context: Context) -> dict[str, at_best.Best]:
    return at_best.choose(context, _rates(context))


def _lost(context: Context) -> dict[str, pd.Series]:
    """Read the share of synapses at zero (%) of each way by member."""
    table = context.read_csv("synapses.csv")
    groups = table.groupby("way", sort=False)
    return {str(name): rows.set_index("member").zero_percent for name, rows in groups}


def _log_skew(weights: np.ndarray) -> float:
    """Measure the skewness of the logarithms of the weights above 0; 0 for a log-normal one."""
    logs = np.log(weights[weights > 0])
    return float(((logs - logs.mean()) ** 3).mean() / logs.std() ** 3)


EXPERIMENT = Experiment(
    name="exponentiated_gradients",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.4, "laptop": 3, "paper": 90},
    claims=("exponentiated_learns_better", "projection_loses_synapses"),
    train=train,
    judge=judge,
    draw=draw,
)
