"""Compare networks: arms × hyper-parameters × seeds, trained as one ensemble, as a tidy table.

An *arm* is where a member starts and what its optimiser is told besides (signs, a rate of its own);
a *point* is one choice of the hyper-parameters that are searched. Members are ordered by arm, then
point, then seed. What an ensemble shares is one network, one optimiser and one task; networks of
other shapes are further ensembles.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pandas as pd

import dalejax as dj
from dalejax.types import Array, Key, PyTree
from experiments.engine.context import Context
from experiments.engine.names import slug

Point = Mapping[str, float]
Network = dj.RecurrentNetwork | dj.FeedforwardNetwork


@dataclass(frozen=True)
class Arm:
    """What is compared inside of one ensemble.

    Attributes:
        keys: one key a seed [s].
        params: parameters to start from, leading axis s; None lets the network draw them.
        hyperparams: name -> number, or tree of arrays with leading axis s, that the optimiser is
            made of for all points of this arm, such as a sign tree.
    """

    keys: Key[Array, " s"]
    params: PyTree | None = None
    hyperparams: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Trained:
    """A trained ensemble with its plan.

    Attributes:
        run: the run.
        plan: a row a member, in order: arm, seed, and a column a hyper-parameter of the points.
        arms: the arms, as they started.
    """

    run: dj.Run
    plan: pd.DataFrame
    arms: Mapping[str, Arm]

    def members(self, arm: str, point: Point | None = None) -> np.ndarray:
        """Number the members of an arm, at one point or at all [members]."""
        chosen = self.plan["arm"] == arm
        for name, value in (point or {}).items():
            chosen &= self.plan[name] == value
        return np.flatnonzero(chosen)

    def params(self, arm: str, point: Point | None = None) -> PyTree:
        """Give the final parameters of an arm's members, at one point or at all."""
        members = self.members(arm, point)
        return jax.tree.map(lambda leaf: leaf[members], self.run.params)

    def table(self, arm: str, point: Point | None = None) -> pd.DataFrame:
        """Give the metrics of an arm's members, numbered from 0."""
        members = self.members(arm, point)
        rows = self.run.table[self.run.table.member.isin(members)]
        return rows.assign(member=np.searchsorted(members, rows.member))

    def finals(self, metric: str, last: int = 1) -> pd.DataFrame:
        """Give the plan with a column of the metric's final values; NaN where a member diverged."""
        return self.plan.assign(
            **{metric: dj.results.final_values(self.run.table, metric, last=last)}
        )


def grid(**values: Sequence[float]) -> list[dict[str, float]]:
    """List the points of a grid: every combination of the values, the last name fastest.

    Example:
        >>> grid(learning_rate=[0.1, 0.2], clip=[1.0])
        [{'learning_rate': 0.1, 'clip': 1.0}, {'learning_rate': 0.2, 'clip': 1.0}]
    """
    return [dict(zip(values, point, strict=True)) for point in itertools.product(*values.values())]


def train(
    context: Context,
    name: str,
    net: Network,
    make_tx: Callable[..., optax.GradientTransformation],
    task: dj.tasks.Task,
    arms: Mapping[str, Arm],
    points: Sequence[Point] = ({},),
    **options: int,
) -> Trained:
    """Train arms × points × seeds as one ensemble, in the folder ``name`` of the run.

    Args:
        context: the run.
        name: of the ensemble's folder.
        net: the network.
        make_tx: makes a member's optimiser of its hyper-parameters, those of its point and of its
            arm, by name.
        task: the task.
        arms: the arms by name; either all or none have parameters to start from.
        points: the hyper-parameters that are searched; every arm is trained at every point.
        options: ``num_updates`` and ``eval_every``, where they are not those of the settings.

    Returns:
        The trained ensemble.
    """
    rows, keys, params, hyperparams = [], [], [], []
    for arm_name, arm in arms.items():
        seeds = len(arm.keys)
        for point in points:
            rows += [{"arm": arm_name, "seed": seed, **point} for seed in range(seeds)]
            keys.append(arm.keys)
            params.append(arm.params)
            both = {**point, **arm.hyperparams}
            hyperparams.append({key: _of_each(value, seeds) for key, value in both.items()})
    run = context.train(
        name,
        net,
        make_tx,
        task,
        keys=jnp.concatenate(keys),
        params=None if params[0] is None else _joined(params),
        hyperparams=_joined(hyperparams),
        **options,
    )
    return Trained(run, pd.DataFrame(rows), arms)


def train_one(context: Context, name: str, net: Network, tx, task, **options) -> dj.Run:
    """Train one configuration as the settings say, and add its metrics to the run's table.

    Args:
        context: the run.
        name: of the configuration; its folder's name is made of it.
        net: the network.
        tx: its optimiser.
        task: the task.
        options: further arguments of :func:`dalejax.train`; ``keys`` are the settings' seeds where
            they are not given.
    """
    options.setdefault("keys", context.keys())
    run = context.train(slug(name), net, tx, task, **options)
    context.record(name, run.table)
    return run


def record(context: Context, trained: Trained, label: Callable[[str, Point], str]) -> None:
    """Add every arm and point of an ensemble to the run's table.

    Args:
        context: the run.
        trained: the ensemble.
        label: ``label(arm, point)``: the name of the configuration.
    """
    names = [name for name in trained.plan.columns if name not in ("arm", "seed")]
    for arm in trained.arms:
        rows = trained.plan[trained.plan["arm"] == arm]
        points = rows[names].drop_duplicates().to_dict("records") if names else [{}]
        for values in points:
            context.record(label(arm, values), trained.table(arm, values))


def best_points(
    finals: pd.DataFrame, score: str, *, diverged: float = np.inf
) -> dict[str, dict[str, float]]:
    """Choose for each arm the point with the lowest mean score over seeds; the first of equals.

    Args:
        finals: what :meth:`Trained.finals` gave.
        score: the column of the scores, lower is better.
        diverged: the score that counts for a seed that diverged.
    """
    names = [name for name in finals.columns if name not in ("arm", "seed", score)]
    counted = finals.assign(**{score: finals[score].where(np.isfinite(finals[score]), diverged)})
    out = {}
    for arm, rows in counted.groupby("arm", sort=False):
        means = rows.groupby(names, sort=False)[score].mean().reset_index()
        out[str(arm)] = means.loc[means[score].idxmin(), names].to_dict()
    return out


def _of_each(value: Any, seeds: int) -> Any:
    """Repeat a number for every seed; trees of arrays have a seed axis already."""
    if isinstance(value, int | float):
        return jnp.full(seeds, value, jnp.float32)
    return value


def _joined(trees: Sequence[PyTree]) -> PyTree:
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *trees)
