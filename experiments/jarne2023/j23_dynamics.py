"""Activity of constrained networks beside that of unconstrained ones (Jarne & Caruso 2023).

    python -m experiments j23_dynamics --preset laptop

Networks of `j23_spectra`, trained anew on AND from a normal and from an orthogonal start: half of
the units excitatory, or unconstrained. Every measure is tested two-sided, since the paper says that
the two kinds differ, not in which direction.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

import dalejax as dj
from dalejax import dynamics
from dalejax.types import Array, Float
from experiments.engine import comparison, evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context, rank_test
from experiments.jarne2023 import _networks, _settings


@dataclass(frozen=True, kw_only=True)
class Settings(_settings.Settings):
    """Settings of the experiment.

    Attributes:
        excitatory: share of excitatory units in the constrained networks.
        trials: new trials on which activity is measured.
        starts: trials whose last states the search for stable points starts from.
        steps: time steps over which a state's growth is measured.
    """

    excitatory: float = 0.5
    trials: int = 128
    starts: int = 32
    steps: int = 20


FULL = Settings(**asdict(_settings.FULL))
PRESETS = {
    "smoke": Settings(**asdict(_settings.SMOKE.replaced(seeds=3)), trials=8, starts=4, steps=3),
    "laptop": Settings(**asdict(_settings.LAPTOP.replaced(seeds=10))),
    "paper": FULL,
}
SOURCE = f"{_networks.SOURCE}, findings"
SATURATED = 0.9  # modulus of a tanh unit's activity above which it counts as saturated
MEASURES = {
    "dimension": "the effective dimension of the activity",
    "activity": "the mean modulus of the activity",
    "saturated": "the share of saturated activity (|h| > 0.9), in %,",
    "growth": "the largest growth of a state by W alone, over 20 steps,",
    "henrici": "the departure from normality",
}
KINDS = ("constrained", _networks.FREE)
# AND's two inputs by kind of trial.
TRIALS = {"neither": (0, 0), "A": (1, 0), "B": (0, 1), "both": (1, 1)}
POINTS = "stable points"


class Found(NamedTuple):
    """What the trained networks of one kind and start do.

    Attributes:
        measures: a row a member, a column a measure.
        attractors: number of distinct stable points of each member, without input [s].
        lines: kind of trial -> mean trajectory of the first member in the plane of its first two
            principal components [t, 2]; also its stable points in that plane [k, 2].
    """

    measures: pd.DataFrame
    attractors: np.ndarray
    lines: dict[str, np.ndarray]


def train(context: Context) -> None:
    """Train both kinds of network from both starts; measure their activity and stable points."""
    s = context.settings
    task = dj.tasks.LogicTask("and", dt=s.dt, batch_size=s.batch_size, num_test=s.num_test)
    found = {
        _name(start, kind): _measured(context, task, start, kind)
        for start in _networks.STARTS
        for kind in KINDS
    }
    measures = [f.measures.assign(network=name) for name, f in found.items()]
    context.write_csv("dynamics.csv", pd.concat(measures))
    attractors = [
        pd.DataFrame({"network": name, "member": range(s.seeds), "attractors": f.attractors})
        for name, f in found.items()
    ]
    context.write_csv("attractors.csv", pd.concat(attractors))
    lines = [
        pd.DataFrame({"network": name, "line": line, "x": path[:, 0], "y": path[:, 1]})
        for name, f in found.items()
        for line, path in f.lines.items()
    ]
    context.write_parquet("trajectories.parquet", pd.concat(lines, ignore_index=True))


def _name(start: str, kind: str) -> str:
    return f"{start}, {kind}"


def _measured(context: Context, task: dj.tasks.TrialTask, start: str, kind: str) -> Found:
    s = context.settings
    excitatory = _networks.FREE if kind == _networks.FREE else s.excitatory
    net = _networks.network(s.n, excitatory, start, task.n_out)
    keys = context.keys()
    _, params = _networks.start_from(net, task, start, keys=keys)
    tx = _networks.adam(net, s.rate, s.clip)
    run = comparison.train_one(context, _name(start, kind), net, tx, task, keys=keys, params=params)
    answers = dj.run_trials(net, task, run.params, s.trials, key=jax.random.key(3 + s.root))
    h = answers.activities[0]
    effective = net.effective(run.params)[0]
    measures = pd.DataFrame(
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
    stable = [
        _stable(*jax.tree.map(lambda leaf: leaf[i], (effective, found)))  # noqa: B023
        for i in range(s.seeds)
    ]
    plane = dynamics.principal_components(h[0], 2)
    condition, lines = answers.trials.condition, {}
    for trial, (a, b) in TRIALS.items():
        these = np.asarray((condition["a"] == a) & (condition["b"] == b))
        if these.any():
            lines[trial] = np.asarray(plane.projections)[:, these].mean(1)
    lines[POINTS] = (stable[0] - np.asarray(plane.mean)) @ np.asarray(plane.components).T
    return Found(measures, np.array([len(points) for points in stable]), lines)


def _points(effective: dj.Effective, states: Float[Array, "k n"]) -> dynamics.FixedPoints:
    """Search for fixed points of one network without input, from the states [k, n]."""
    return dynamics.find_fixed_points(dynamics.step_of(effective, "tanh"), states, iterations=200)


def _stable(effective: dj.Effective, found: dynamics.FixedPoints) -> np.ndarray:
    """Select the distinct stable ones of one network's fixed points [k, n]."""
    step = dynamics.step_of(effective, "tanh")
    found = dynamics.distinct(found, tolerance=0.1, max_speed=1e-8)
    if not len(found.points):
        return np.asarray(found.points)
    jacobians = dynamics.linearise(step, found.points)
    stable = np.abs(np.linalg.eigvals(np.asarray(jacobians))).max(-1) < 1
    return np.asarray(found.points)[stable]


def _read(context: Context, file: str, column: str) -> dict[str, pd.Series]:
    """Read one column of a table by network, indexed by member."""
    groups = context.read_csv(file).groupby("network", sort=False)
    return {str(name): pd.Series(rows.set_index("member")[column]) for name, rows in groups}


def judge(context: Context) -> list[dj.claims.Claim]:
    """Test every measure for a difference between the kinds; count the stable points."""
    return _differences(context) + _attractors(context)


def _differences(context: Context) -> list[dj.claims.Claim]:
    pairs = []
    for start in _networks.STARTS:
        for measure in MEASURES:
            values = _read(context, "dynamics.csv", measure)
            pairs.append((start, measure, *(values[_name(start, kind)] for kind in KINDS)))
    tests = [rank_test(a, b) for _, _, a, b in pairs]
    corrected = dj.statistics.holm([test.p for test in tests])
    claims = []
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
    return claims


def _attractors(context: Context) -> list[dj.claims.Claim]:
    return [
        evidence.number(
            context,
            "attractors_" + name.replace(", ", "_"),
            "A trained network holds "
            f"its two answers in stable points (how many there are; {name}).",
            _networks.OWN,
            counts,
            (counts >= 2).mean() >= 0.8,
            "2 or more, in 80 % of the seeds",
            test=f"{(counts >= 2).sum()} of {len(counts)} seeds with 2 or more",
        )
        for name, counts in _read(context, "attractors.csv", "attractors").items()
    ]


def draw(context: Context) -> None:
    """Draw the effective dimensions, and the trajectories of each kind's first network."""
    dimension = _read(context, "dynamics.csv", "dimension")
    figure = dj.plots.final_dots({**dimension}, ylabel="effective dimension")
    context.draw("dimension", figure)
    table = context.read_parquet("trajectories.parquet")
    panels, points = {}, {}
    for name, rows in table.groupby("network", sort=False):
        groups = rows.groupby("line", sort=False)
        lines = {str(line): path[["x", "y"]].to_numpy() for line, path in groups}
        points[name] = lines.pop(POINTS, ())
        panels[name] = lines
    context.draw("trajectories", dj.plots.trajectories(panels, points=points))


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
