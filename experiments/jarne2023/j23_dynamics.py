"""Activity of constrained networks beside that of unconstrained ones (Jarne & Caruso 2023).

    python -m experiments j23_dynamics --preset laptop

The networks are those of `j23_spectra`, trained anew: AND, from both starts. Every measure is
compared two-sided: the paper says that they differ, not how.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

import dalejax as dj
from dalejax import dynamics
from experiments.engine import evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.engine.settings import Training, rank_test
from experiments.jarne2023 import _networks
from experiments.jarne2023.j23_spectra import OWN

_SHARED = (
    "data",
    "dt",
    "n",
    "updates",
    "eval_every",
    "batch_size",
    "rate",
    "clip",
    "num_test",
    "last",
)


@dataclass(frozen=True, kw_only=True)
class Settings(Training):
    """Settings of the experiment.

    Attributes:
        dt: time step, in ms.
        n: units.
        rate: learning rate.
        clip: largest gradient norm.
        num_test: test trials.
        excitatory: excitatory share of the units.
        trials: trials measured.
        starts: random starts.
        steps: steps.
    """

    dt: float
    n: int
    rate: float
    clip: float
    num_test: int
    excitatory: float
    trials: int
    starts: int
    steps: int


FULL = Settings(
    data="none",
    dt=1.0,
    n=100,
    updates=4700,
    eval_every=470,
    batch_size=64,
    rate=0.0001,
    clip=0.5,
    num_test=500,
    last=1,
    seeds=30,
    excitatory=0.5,
    trials=128,
    starts=32,
    steps=20,
)
PRESETS = {
    "smoke": FULL.replaced(
        dt=10.0,
        n=20,
        updates=4,
        eval_every=2,
        batch_size=8,
        num_test=16,
        seeds=3,
        trials=8,
        starts=4,
        steps=3,
    ),
    "laptop": FULL.replaced(
        dt=5.0, updates=1000, eval_every=250, rate=0.001, num_test=250, seeds=10
    ),
    "paper": FULL,
}
SOURCE = "Jarne & Caruso 2023, findings"
SATURATED = 0.9
MEASURES = {
    "dimension": "the effective dimension of the activity",
    "activity": "the mean modulus of the activity",
    "saturated": "the share of saturated activity (|h| > 0.9), in %,",
    "growth": "the largest growth of a state by W alone, over 20 steps,",
    "henrici": "the departure from normality",
}
KINDS = {"neither": (0, 0), "A": (1, 0), "B": (0, 1), "both": (1, 1)}


class Found(NamedTuple):
    """What one kind of network does.

    Attributes:
        table: a row a member, a column a measure.
        attractors: distinct stable points at rest, by member.
        lines: kind of trial -> the mean trajectory of the first member in its plane [t, 2].
        points: the first member's stable points in that plane [k, 2].
    """

    table: pd.DataFrame
    attractors: np.ndarray
    lines: dict[str, np.ndarray]
    points: np.ndarray


def run(context: Context) -> list[dj.claims.Claim]:
    """Train both kinds from both starts, and follow their activity."""
    s = context.settings
    task = dj.tasks.LogicTask("and", dt=s.dt, batch_size=s.batch_size, num_test=s.num_test)
    found = {
        (start, kind): _one(context, task, start, kind)
        for start in _networks.STARTS
        for kind in (s.excitatory, _networks.FREE)
    }
    rows = [f.table.assign(network=_name(*at)) for at, f in found.items()]
    context.write_csv("dynamics.csv", pd.concat(rows), digits=4)
    context.draw(
        "trajectories",
        dj.plots.trajectories(
            {_name(*at): f.lines for at, f in found.items()},
            points={_name(*at): f.points for at, f in found.items()},
        ),
    )
    context.draw(
        "dimension",
        dj.plots.final_dots(
            {_name(*at): f.table.dimension for at, f in found.items()},
            ylabel="effective dimension",
        ),
    )
    return _claims(context, found)


def _name(start: str, kind) -> str:
    return f"{start}, {_networks.FREE if kind == _networks.FREE else 'constrained'}"


def _one(context: Context, task, start: str, kind) -> Found:
    s = context.settings
    net = _networks.network(s.n, kind, start, task.n_out)
    keys = context.keys()
    _, params = _networks.start_from(net, task, start, keys=keys)
    trained = context.train_one(
        _name(start, kind),
        net,
        _networks.adam(net, s.rate, s.clip),
        task,
        keys=keys,
        params=params,
    ).params
    answers = dj.run_trials(net, task, trained, s.trials, key=jax.random.key(3))
    h = answers.activities[0]
    effective = net.effective(trained)[0]
    table = pd.DataFrame(
        {
            "dimension": dynamics.effective_dimension(h),
            "activity": jnp.abs(h).mean((1, 2, 3)),
            "saturated": 100 * (jnp.abs(h) > SATURATED).mean((1, 2, 3)),
            "growth": dynamics.transient_growth(effective.W, s.steps).max(-1),
            "henrici": dynamics.henrici(effective.W),
            "member": range(s.seeds),
        }
    )
    found = jax.jit(jax.vmap(_points))(effective, h[:, -1, : s.starts])  # all members at once
    at_rest = [
        _stable(*jax.tree.map(lambda leaf: leaf[i], (effective, found)))  # noqa: B023
        for i in range(s.seeds)
    ]
    plane = dynamics.principal_components(h[0], 2)
    condition = answers.trials.condition
    lines = {}
    for kind_of_trial, (a, b) in KINDS.items():
        these = np.asarray((condition["a"] == a) & (condition["b"] == b))
        if these.any():
            lines[kind_of_trial] = np.asarray(plane.projections)[:, these].mean(1)
    points = (at_rest[0] - np.asarray(plane.mean)) @ np.asarray(plane.components).T
    return Found(table, np.array([len(p) for p in at_rest]), lines, points)


def _points(effective, states) -> dynamics.FixedPoints:
    """Find where a member stays without input, from where its trials end."""
    return dynamics.find_fixed_points(dynamics.step_of(effective, "tanh"), states, iterations=200)


def _stable(effective, found: dynamics.FixedPoints) -> np.ndarray:
    """Leave the distinct stable ones of a member's points."""
    step = dynamics.step_of(effective, "tanh")
    found = dynamics.distinct(found, tolerance=0.1, max_speed=1e-8)
    if not len(found.points):
        return found.points
    jacobians = dynamics.linearise(step, found.points)
    stable = np.abs(np.linalg.eigvals(np.asarray(jacobians))).max(-1) < 1
    return found.points[stable]


def _claims(context: Context, found) -> list[dj.claims.Claim]:
    s, claims = context.settings, []
    pairs = [
        (
            start,
            measure,
            found[start, s.excitatory].table[measure],
            found[start, _networks.FREE].table[measure],
        )
        for start in _networks.STARTS
        for measure in MEASURES
    ]
    tests = [rank_test(a, b) for _, _, a, b in pairs]
    corrected = dj.statistics.holm([t.p for t in tests])
    for (start, measure, a, b), test, p in zip(pairs, tests, corrected, strict=True):
        texts = [dj.results.summary(v)["text"] for v in (a, b)]
        claims.append(
            context.claim(
                id=f"{measure}_{start}",
                statement="Constrained networks show different activity dynamics compared to "
                f"unconstrained ones: {MEASURES[measure]} differs ({start} start).",
                source=SOURCE if measure != "henrici" else f"{SOURCE}; abstract",
                measured=float(np.median(a) - np.median(b)),
                p=float(p),
                test=f"difference of medians, Mann–Whitney U ({test.method}), {test.n_a} vs "
                f"{test.n_b}, Holm over {len(tests)}; constrained {texts[0]}, unconstrained "
                f"{texts[1]}",
                reference="different",
                holds=bool(p < evidence.LEVEL),
            )
        )
    for at, name in (
        ((start, kind), _name(start, kind))
        for start in _networks.STARTS
        for kind in (s.excitatory, _networks.FREE)
    ):
        counts = found[at].attractors
        claims.append(
            evidence.number(
                context,
                "attractors_" + name.replace(", ", "_"),
                "A trained network holds "
                f"its two answers in stable points (how many there are; {name}).",
                OWN,
                counts,
                (counts >= 2).mean() >= 0.8,
                "2 or more, in 80 % of the seeds",
                test=f"{(counts >= 2).sum()} of {len(counts)} seeds with 2 or more",
            )
        )
    return claims


EXPERIMENT = Experiment(
    name="j23_dynamics",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 2, "paper": 600},
    claims=(
        "dimension_normal",
        "activity_normal",
        "saturated_normal",
        "growth_normal",
        "henrici_normal",
        "dimension_orthogonal",
        "activity_orthogonal",
        "saturated_orthogonal",
        "growth_orthogonal",
        "henrici_orthogonal",
        "attractors_normal_constrained",
        "attractors_normal_unconstrained",
        "attractors_orthogonal_constrained",
        "attractors_orthogonal_unconstrained",
    ),
    train=train,
    judge=judge,
    draw=draw,
)
