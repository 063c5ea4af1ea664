"""Time constants of cell types: does it matter how fast inhibition is?

    python -m experiments time_constants --preset laptop

Leaky E/I networks learn a perceptual decision (Song et al. 2016) with time constants of excitatory
units of 100 ms, of inhibitory ones of 50 and 200; and all units at each of these, for what a time
constant does by itself. A step is a fifth of the shortest of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import optax

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
        inhibitory: DESCRIBE ME.
        rate: learning rate.
        clip: largest gradient norm.
        noise: standard deviation of the recurrent noise.
        num_test: test trials.
        tau: time constant of the units, in ms.
        inhibitory_tau: time constants of the inhibitory units, in ms.
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
    data="none",
    n=100,
    inhibitory=0.2,
    updates=2000,
    eval_every=50,
    batch_size=64,
    rate=0.002,
    clip=1.0,
    noise=0.15,
    num_test=500,
    last=1,
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
PRESETS["laptop"] |= {"updates": 1000, "eval_every": 50}
PRESETS["paper"] |= {"updates": 2000, "eval_every": 50, "batch_size": 64, "rate": 0.002}
SOURCE = "beyond the papers"


def run(context: Context) -> list[dj.claims.Claim]:
    """Train every pair of time constants; compare how long it takes to reach the criterion."""
    s = context.settings
    task = dj.tasks.PerceptualDecision(dt=s.dt, batch_size=s.batch_size, num_test=s.num_test)
    tx = optax.chain(optax.clip_by_global_norm(s.clip), optax.adam(s.rate))
    pairs = {name(s.tau, s.tau): (s.tau, s.tau)}
    for tau in s.inhibitory_tau:
        pairs |= {name(s.tau, tau): (s.tau, tau), name(tau, tau): (tau, tau)}
    assignments = {
        label: task_learning.Assignment(task, network(s, task, pair), tx)
        for label, pair in pairs.items()
    }
    task_learning.train(context, assignments)
    errors = {label: context.final(label, "test_error") for label in pairs}
    areas = {label: _area(context, label) for label in pairs}
    figure = dj.plots.learning_curves(context.table, "test_error", ylabel="wrong decisions (%)")
    context.draw("learning_curves", figure)
    context.draw("area", dj.plots.final_dots(areas, ylabel="mean error while learning (%)"))
    fast, slow = min(s.inhibitory_tau), max(s.inhibitory_tau)
    equal = name(s.tau, s.tau)
    wanted = [
        evidence.Above(
            "fast_inhibition",
            "Inhibition that is faster than excitation learns faster than as "
            "fast a one (mean error while learning).",
            areas[equal],
            areas[name(s.tau, fast)],
            (equal, name(s.tau, fast)),
        ),
        evidence.Above(
            "slow_inhibition",
            "Inhibition that is slower than excitation learns more slowly (mean "
            "error while learning).",
            areas[name(s.tau, slow)],
            areas[equal],
            (name(s.tau, slow), equal),
        ),
        evidence.Above(
            "not_by_slow_units",
            "Slow inhibition is worse than slow units: units that are all "
            "slow learn faster (mean error while learning).",
            areas[name(s.tau, slow)],
            areas[name(slow, slow)],
            (name(s.tau, slow), name(slow, slow)),
        ),
    ]
    final = ", ".join(f"{label} {values.mean():.1f}" for label, values in errors.items())
    return evidence.above(context, wanted, SOURCE, f"final error (%): {final}")


def name(excitatory: float, inhibitory: float) -> str:
    """Name a pair of time constants."""
    return f"E {excitatory:g}, I {inhibitory:g} ms"


def network(s, task, tau: tuple[float, float]) -> dj.RecurrentNetwork:
    """Make the published network with time constants of its own."""
    n_i = dj.signs.num_inhibitory(s.n, s.inhibitory)
    cell = dj.RectifiedCell(s.n, n_i=n_i, tau=tau, dt=s.dt, noise=s.noise)
    return dj.RecurrentNetwork([cell], dj.RectifiedDense(task.n_out), every_step=True)


def _area(context: Context, label: str):
    table = context.table
    rows = table[(table.configuration == label) & (table.metric == "test_error")]
    return rows.groupby("member").value.mean()


EXPERIMENT = Experiment(
    name="time_constants",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 11, "paper": 40},
    claims=(
        "fast_inhibition",
        "slow_inhibition",
        "not_by_slow_units",
    ),
    train=train,
    judge=judge,
    draw=draw,
)
