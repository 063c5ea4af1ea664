"""Logic, memory and time: the tasks of Jarne & Caruso 2023, learned by networks under Dale's law.

    python -m experiments j23_tasks --preset laptop

Half of the units are excitatory. With 80 % of them and the published start, the one eigenvalue
outside of the others' ring (2.4 after the first projection) saturates every unit. `laptop` takes
time steps of 5 ms instead of 1 ms and a larger learning rate. No network stops early (the published
code stops at a loss of 9e-5). A task counts as learned at 15 % of wrong decisions or less, or at a
squared error of 10 % of the targets' variance or less.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import numpy as np
import pandas as pd

import dalejax as dj
from dalejax.types import Params
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.jarne2023 import _networks, _settings
from experiments.shared import task_learning


@dataclass(frozen=True, kw_only=True)
class Settings(_settings.Settings):
    """Settings of the experiment.

    Attributes:
        excitatory: share of excitatory units.
        start: distribution of the recurrent weights before the projection, "normal" or
            "orthogonal".
        trials: new trials on which the reproduced intervals are measured.
    """

    excitatory: float
    start: str
    trials: int


FULL = Settings(
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
    trials=500,
)
PRESETS = {
    "smoke": FULL.replaced(
        dt=10.0, n=10, seeds=2, updates=4, eval_every=2, batch_size=8, num_test=16
    ),
    "laptop": FULL.replaced(dt=5.0, updates=2000, rate=0.001),
    "paper": FULL,
}
INTERVALS = "time reproduction"
# Tasks that take longer to learn than logic, and by how much their updates are multiplied.
TIMES = {"2-bit flip-flop": 2, "3-bit flip-flop": 4, INTERVALS: 4}


def tasks(s: Settings) -> dict[str, dj.tasks.TrialTask]:
    """Make every task by name; the duration of each of its epochs is a multiple of the time step.

    Args:
        s: settings, for the time step, the batch size and the number of test trials.
    """
    common = {"dt": s.dt, "batch_size": s.batch_size, "num_test": s.num_test}
    logic = ("and", "or", "xor", "not")
    return {
        **{kind.upper(): dj.tasks.LogicTask(kind, **common) for kind in logic},
        **{f"{bits}-bit flip-flop": dj.tasks.FlipFlop(bits, **common) for bits in (1, 2, 3)},
        "pulse memory": dj.tasks.PulseMemory(**common),
        INTERVALS: dj.tasks.TimeReproduction(width=20.0, **common),
        "delayed match": dj.tasks.DelayedMatch(**common),
    }


def train(context: Context) -> None:
    """Train networks under Dale's law on each task; measure the intervals that they reproduce."""
    s = context.settings
    assignments = {}
    for name, task in tasks(s).items():
        net = _networks.network(s.n, s.excitatory, s.start, task.n_out, readout=dj.ColEIDense)
        tx = dj.colei_adam(s.rate, s.clip)
        assignments[name] = task_learning.Assignment(task, net, tx, times=TIMES.get(name, 1))
    runs = task_learning.train(context, assignments)
    task, net = assignments[INTERVALS].task, assignments[INTERVALS].net
    assert isinstance(task, dj.tasks.TimeReproduction)
    intervals = reproduced(net, task, runs[INTERVALS].params, s.trials, s.root)
    context.write_csv("intervals.csv", intervals)


def reproduced(
    net: dj.RecurrentNetwork,
    task: dj.tasks.TimeReproduction,
    params: Params,
    trials: int,
    root: int = 0,
) -> pd.DataFrame:
    """Measure the mean interval that each member produces after each interval that it is shown.

    Args:
        net: the network.
        task: the task.
        params: parameters, with leading member axis.
        trials: number of new trials, the same for all members.
        root: root seed of the experiment, from which the trials are drawn.

    Returns:
        A row a shown interval and member: shown and produced (mean; NaN if none was) in ms.
    """
    answers = dj.run_trials(net, task, params, trials, key=jax.random.key(7 + root))
    condition = answers.trials.condition
    shown = np.asarray(condition["interval"])
    parts = [
        pd.DataFrame(
            {"shown": shown, "member": member, "produced": task.reproduced(out, condition)}
        )
        for member, out in enumerate(answers.outputs)
    ]
    return pd.concat(parts).groupby(["shown", "member"], as_index=False).produced.mean()


def judge(context: Context) -> list[dj.claims.Claim]:
    """Claim for each task that networks under Dale's law learn it."""
    return task_learning.claims(context, _networks.SOURCE)


def draw(context: Context) -> None:
    """Draw final scores, learning curves, and the intervals produced against those shown."""
    task_learning.draw(context)
    table = context.read_csv("intervals.csv")
    means = table.pivot(index="shown", columns="member", values="produced")
    shown = means.index.to_numpy(float)
    figure = dj.plots.sweep(
        {"produced": means.to_numpy()},
        {"produced": shown},
        xlabel="interval shown (ms)",
        ylabel="interval produced (ms)",
        laws={"as shown": shown},
    )
    context.draw("intervals", figure)


EXPERIMENT = Experiment(
    name="j23_tasks",
    source=_networks.SOURCE,
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
