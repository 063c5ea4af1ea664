"""Time constants of cell types: does it matter how fast inhibition is?

    python -m experiments time_constants --preset laptop

Leaky E/I networks learn a perceptual decision (Song et al. 2016). Excitatory units have a time
constant of 100 ms, inhibitory ones of 50, 100 or 200 ms; in two more networks all units have 50 or
200 ms, which shows the effect of a time constant that E and I share. A time step is a fifth of the
shortest time constant.
"""

from __future__ import annotations

from dataclasses import dataclass

import optax
import pandas as pd

import dalejax as dj
from experiments.engine import evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.engine.settings import Training
from experiments.shared import task_learning


@dataclass(frozen=True, kw_only=True)
class Settings(Training):
    """Settings of the experiment.

    Attributes:
        n: units.
        inhibitory: share of the units that is inhibitory.
        rate: learning rate of Adam.
        clip: largest global gradient norm.
        noise: standard deviation of the recurrent noise.
        num_test: test trials.
        tau: time constant of excitatory units, in ms.
        inhibitory_tau: other time constants of inhibitory units, and of all units, in ms.
        dt: time step, in ms.
    """

    n: int
    inhibitory: float
    rate: float
    clip: float
    noise: float
    num_test: int
    tau: float
    inhibitory_tau: tuple[float, ...]
    dt: float


FULL = Settings(
    n=100,
    inhibitory=0.2,
    updates=2000,
    eval_every=50,
    batch_size=64,
    rate=0.002,
    clip=1.0,
    noise=0.15,
    num_test=500,
    tau=100.0,
    inhibitory_tau=(50.0, 200.0),
    dt=10.0,
    seeds=10,
)
PRESETS = {
    "smoke": FULL.replaced(
        n=10, updates=4, eval_every=2, batch_size=8, rate=0.01, num_test=16, dt=50.0, seeds=2
    ),
    "laptop": FULL.replaced(updates=1000),
    "paper": FULL,
}
SOURCE = "beyond the papers"


def train(context: Context) -> None:
    """Train a network of each pair of time constants."""
    s = context.settings
    task = dj.tasks.PerceptualDecision(dt=s.dt, batch_size=s.batch_size, num_test=s.num_test)
    tx = optax.chain(optax.clip_by_global_norm(s.clip), optax.adam(s.rate))
    assignments = {
        label: task_learning.Assignment(task, network(s, task.n_out, pair), tx)
        for label, pair in pairs(s).items()
    }
    task_learning.train(context, assignments)


def pairs(s: Settings) -> dict[str, tuple[float, float]]:
    """List the time constants (ms) of excitatory and of inhibitory units, by name."""
    out = {name(s.tau, s.tau): (s.tau, s.tau)}
    for tau in s.inhibitory_tau:
        out |= {name(s.tau, tau): (s.tau, tau), name(tau, tau): (tau, tau)}
    return out


def name(excitatory: float, inhibitory: float) -> str:
    """Name the network with two time constants (ms)."""
    return f"E {excitatory:g}, I {inhibitory:g} ms"


def network(s: Settings, n_out: int, tau: tuple[float, float]) -> dj.RecurrentNetwork:
    """Make the network of Song et al. 2016 with its own time constants (ms) of E and I units."""
    n_i = dj.signs.num_inhibitory(s.n, s.inhibitory)
    cell = dj.RectifiedCell(s.n, n_i=n_i, tau=tau, dt=s.dt, noise=s.noise)
    return dj.RecurrentNetwork([cell], dj.RectifiedDense(n_out), every_step=True)


def judge(context: Context) -> list[dj.claims.Claim]:
    """Compare how fast the networks learn: their errors averaged over all evaluations."""
    s, mean = context.settings, _mean_errors(context)
    errors = {label: context.final(label, "test_error") for label in mean}
    fast, slow = min(s.inhibitory_tau), max(s.inhibitory_tau)
    equal, slow_units = name(s.tau, s.tau), name(slow, slow)
    fast_inhibition, slow_inhibition = name(s.tau, fast), name(s.tau, slow)
    wanted = [
        evidence.Above(
            "fast_inhibition",
            "Inhibition that is faster than excitation learns faster than as "
            "fast a one (mean error while learning).",
            mean[equal],
            mean[fast_inhibition],
            (equal, fast_inhibition),
        ),
        evidence.Above(
            "slow_inhibition",
            "Inhibition that is slower than excitation learns more slowly (mean "
            "error while learning).",
            mean[slow_inhibition],
            mean[equal],
            (slow_inhibition, equal),
        ),
        evidence.Above(
            "not_by_slow_units",
            "Slow inhibition is worse than slow units: units that are all "
            "slow learn faster (mean error while learning).",
            mean[slow_inhibition],
            mean[slow_units],
            (slow_inhibition, slow_units),
        ),
    ]
    final = ", ".join(f"{label} {values.mean():.1f}" for label, values in errors.items())
    return evidence.above(context, wanted, SOURCE, f"final error (%): {final}")


def draw(context: Context) -> None:
    """Draw how the task is learned, the learning curves, and the errors averaged over them."""
    task_learning.draw(context)
    figure = dj.plots.learning_curves(context.table, "test_error", ylabel="wrong decisions (%)")
    context.draw("learning_curves", figure)
    mean = _mean_errors(context)
    context.draw("area", dj.plots.final_dots(mean, ylabel="mean error while learning (%)"))


def _mean_errors(context: Context) -> dict[str, pd.Series]:
    """Average the test errors (%) of each network over all evaluations, by member."""
    labels = pairs(context.settings)
    return {label: context.curves(label, "test_error").mean() for label in labels}


EXPERIMENT = Experiment(
    name="time_constants",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 11, "paper": 40},
    claims=("fast_inhibition", "slow_inhibition", "not_by_slow_units"),
    train=train,
    judge=judge,
    draw=draw,
)
