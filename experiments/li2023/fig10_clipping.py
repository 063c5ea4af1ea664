"""Figure 10 of Li et al. 2023: gradient clipping helps ColEI more than the other networks.

    python -m experiments fig10_clipping --preset laptop --data-dir DIR

Sequential MNIST with 1 x 100 units, full scale, each network with and without clipping.
"""

from __future__ import annotations

import math

import pandas as pd

import dalejax as dj
from experiments.engine import comparison, evidence
from experiments.engine.base import Experiment
from experiments.engine.comparison import Arm
from experiments.engine.context import Context
from experiments.li2023 import _settings
from experiments.shared import networks, tasks

FULL = _settings.SequentialMNIST(
    data="mnist",
    n=100,
    n_i=10,
    updates=56_250,
    eval_every=1125,
    seeds=10,
    last=5,
    batch_size=32,
    bias="zero",
    rate=0.01,
    clip=10.0,
)
PRESETS = {
    "smoke": FULL.replaced(data="digits", n=20, n_i=2, updates=20, eval_every=5, seeds=3, last=1),
    "laptop": FULL,
    "paper": FULL,
}
SOURCE = "Li et al. 2023, Fig. 10"
KINDS = ("RNN", "DANN", "ColEI")
CHANCE = 90.0  # per cent: the error of guessing among ten digits


def train(context: Context) -> None:
    """Train each network with and without gradient clipping, from the same starts."""
    s = context.settings
    task, arms = tasks.smnist(context), {"": Arm(context.keys())}
    for kind, (net, optimizer) in contestants(context, task).items():

        def make_tx(clip, optimizer=optimizer):
            return optimizer(s.rate, clip)

        points = comparison.grid(clip=(s.clip, math.inf))
        trained = comparison.train(context, kind.lower(), net, make_tx, task, arms, points)
        comparison.record(
            context, trained, lambda _, point, kind=kind: _name(kind, math.isfinite(point["clip"]))
        )


def _name(kind: str, clipped: bool) -> str:
    return f"{kind} (gc)" if clipped else kind


def draw(context: Context) -> None:
    """Draw the learning curves and the final test errors."""
    both = [(kind, clipped) for kind in KINDS for clipped in (True, False)]
    styles = {
        _name(kind, clipped): dj.plots.STYLES[kind]._replace(line="-" if clipped else ":")
        for kind, clipped in both
    }
    look = {"ylabel": "test error (%)", "log": True, "styles": styles}
    curves = dj.plots.learning_curves(context.table, "test_error", **look)
    context.draw("learning_curves", curves)
    errors = {name: context.final(name, "test_error") for name in styles}
    context.draw("final_error", dj.plots.final_dots(errors, **look))


def contestants(context: Context, task) -> dict:
    """Make the three networks, each with what makes its optimiser of a rate and a clip."""
    return networks.three(task, context.settings.n, context.settings.n_i)


def judge(context: Context) -> list[dj.claims.Claim]:
    """Compare what clipping gains, and how much the errors change between evaluations."""
    sentence = (
        "Gradient clipping benefited ColEI networks substantially more than the other networks"
    )
    # A network that diverged counts as one that guesses.
    gains = {
        kind: context.final(_name(kind, False), "test_error").fillna(CHANCE)
        - context.final(_name(kind, True), "test_error").fillna(CHANCE)
        for kind in KINDS
    }
    out = evidence.above(
        context,
        [
            evidence.Above(
                f"benefits_colei_above_{other.lower()}",
                f"{sentence} (error without minus error with clipping; here: than {other}).",
                gains["ColEI"],
                gains[other],
                ("ColEI", other),
            )
            for other in ("RNN", "DANN")
        ],
        f"{SOURCE}; section 3.1",
    )
    unsteady = {name: unsteadiness(context, name) for name in ("ColEI", "ColEI (gc)", "RNN")}
    out += evidence.above(
        context,
        [
            evidence.Above(
                id,
                f"Without gradient clipping ColEI networks are highly unstable (change of the "
                f"test error between evaluations, lost networks count as "
                f"the most; here: more than {other}).",
                unsteady["ColEI"],
                unsteady[other],
                ("ColEI", other),
            )
            for id, other in (("unstable_without", "ColEI (gc)"), ("unstable_above_rnn", "RNN"))
        ],
        "Li et al. 2023, section 4",
    )
    return out


def unsteadiness(context: Context, name: str) -> pd.Series:
    """Average each member's absolute change of test error between evaluations, second half only.

    A member that diverged, or is hardly better than guessing at the end, does not change either; it
    counts as the most unsteady there can be, 90 points.
    """
    wide = context.curves(name, "test_error")
    changes = wide.iloc[len(wide) // 2 - 1 :].diff().abs().iloc[1:].mean(skipna=False)
    lost = ~(context.final(name, "test_error") < 0.9 * CHANCE)  # true for NaN as well
    return changes.mask(lost, CHANCE)


EXPERIMENT = Experiment(
    name="fig10_clipping",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.3, "laptop": 50, "paper": 50},
    claims=(
        "benefits_colei_above_rnn",
        "benefits_colei_above_dann",
        "unstable_without",
        "unstable_above_rnn",
    ),
    train=train,
    judge=judge,
    draw=draw,
)
