"""Logic, memory and time: every task of J23's kind, learned by networks under Dale's law.

    python -m experiments j23_tasks --preset laptop

Half of the units are excitatory: from the published start, with 80 % of them, the one eigenvalue
that stands apart (2.4 after the first projection) saturates every unit. `laptop` takes steps of
5 ms instead of 1 and a larger step size; nothing stops early (the published code does, at a loss of
9e-5). Learned is what reaches 85 % correct, or a squared error of 10 % of the targets' variance.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import numpy as np
import pandas as pd

import dalejax as dj
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.engine.settings import Training
from experiments.jarne2023 import _networks
from experiments.shared import task_learning


@dataclass(frozen=True, kw_only=True)
class Settings(Training):
    """Settings of the experiment.

    Attributes:
        dt: time step, in ms.
        n: units.
        excitatory: excitatory share of the units.
        start: DESCRIBE ME.
        rate: learning rate.
        clip: largest gradient norm.
        num_test: test trials.
        trials: trials measured.
    """

    dt: float
    n: int
    excitatory: float
    start: str
    rate: float
    clip: float
    num_test: int
    trials: int


FULL = Settings(
    data="none",
    dt=1.0,
    n=100,
    seeds=5,
    excitatory=0.5,
    start="orthogonal",
    updates=4000,
    eval_every=250,
    batch_size=64,
    rate=0.0001,
    clip=0.5,
    num_test=500,
    last=1,
    trials=500,
)
PRESETS = {
    "smoke": FULL.replaced(
        dt=10.0, n=10, seeds=2, updates=4, eval_every=2, batch_size=8, num_test=16
    ),
    "laptop": FULL.replaced(dt=5.0, updates=2000, rate=0.001),
    "paper": FULL,
}
SOURCE = "Jarne & Caruso 2023"
INTERVALS = "time reproduction"
# What takes longer than the logic tasks, and how many times as long.
TIMES = {"2-bit flip-flop": 2, "3-bit flip-flop": 4, INTERVALS: 4}


def tasks(s) -> dict[str, dj.tasks.TrialTask]:
    """Make every task, in time steps that its epochs are multiples of."""
    common = {"dt": s.dt, "batch_size": s.batch_size, "num_test": s.num_test}
    logic = {
        kind.upper(): dj.tasks.LogicTask(kind, **common) for kind in ("and", "or", "xor", "not")
    }
    flipflops = {f"{bits}-bit flip-flop": dj.tasks.FlipFlop(bits, **common) for bits in (1, 2, 3)}
    return (
        logic
        | flipflops
        | {
            "pulse memory": dj.tasks.PulseMemory(**common),
            INTERVALS: dj.tasks.TimeReproduction(width=20.0, **common),
            "delayed match": dj.tasks.DelayedMatch(**common),
        }
    )


def run(context: Context) -> list[dj.claims.Claim]:
    """Train a Dale network on each task."""
    s = context.settings
    assignments = {}
    for name, task in tasks(s).items():
        net = _networks.network(s.n, s.excitatory, s.start, task.n_out, readout=dj.ColEIDense)
        tx = dj.colei_adam(s.rate, s.clip)
        assignments[name] = task_learning.Assignment(task, net, tx, times=TIMES.get(name, 1))
    runs = task_learning.train(context, assignments)
    _draw_intervals(context, assignments[INTERVALS], runs[INTERVALS].params)
    return task_learning.claims(context, assignments, SOURCE)


def _draw_intervals(context: Context, a: task_learning.Assignment, params) -> None:
    """Draw the intervals that the networks produce against those they were shown."""
    trials = context.settings.trials
    answers = dj.run_trials(a.net, a.task, params, trials, key=jax.random.key(7))
    shown = np.asarray(answers.trials.condition["interval"])
    rows = [
        pd.DataFrame(
            {"shown": shown, "produced": a.task.reproduced(out, answers.trials.condition)}
        ).assign(member=member)
        for member, out in enumerate(answers.outputs)
    ]
    means = pd.concat(rows).pivot_table(
        index="shown", columns="member", values="produced", aggfunc="mean", dropna=False
    )
    figure = dj.plots.sweep(
        {"produced": means.to_numpy()},
        {"produced": means.index.to_numpy(float)},
        xlabel="interval shown (ms)",
        ylabel="interval produced (ms)",
        laws={"as shown": means.index.to_numpy(float)},
    )
    context.draw("intervals", figure)


EXPERIMENT = Experiment(
    name="j23_tasks",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 1, "laptop": 11, "paper": 300},
    claims=(
        "learned_and",
        "learned_or",
        "learned_xor",
        "learned_not",
        "learned_1_bit_flip_flop",
        "learned_2_bit_flip_flop",
        "learned_3_bit_flip_flop",
        "learned_pulse_memory",
        "learned_time_reproduction",
        "learned_delayed_match",
    ),
    train=train,
    judge=judge,
    draw=draw,
)
