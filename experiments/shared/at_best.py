"""Networks trained at several learning rates and clips, each compared at its best by validation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import optax
import pandas as pd

import dalejax as dj
from experiments.engine import comparison
from experiments.engine.comparison import Arm, Trained
from experiments.engine.context import Context
from experiments.engine.names import slug

DIVERGED = 100.0  # per cent: the validation error that counts for a seed that diverged


class Contestant(NamedTuple):
    """A network with what it is trained on and how.

    Attributes:
        net: the network.
        make_tx: makes its optimiser of ``learning_rate`` and ``clip``.
        task: the task, with a validation set.
        rates: learning rates that are tried.
    """

    net: comparison.Network
    make_tx: Callable[..., optax.GradientTransformation]
    task: dj.tasks.Task
    rates: Sequence[float]


class Best(NamedTuple):
    """A network at its best learning rate and clip.

    Attributes:
        point: the learning rate and the clip of the smallest mean validation error.
        told: the point in words; the rate alone where one clip was tried.
        test: final test error by member, in per cent [s].
    """

    point: comparison.Point
    told: str
    test: pd.Series


def train(context: Context, contestants: Mapping[str, Contestant]) -> dict[str, Trained]:
    """Train each contestant at all its rates and all clips of the settings, one ensemble each.

    Args:
        context: the run; its settings have ``clips``.
        contestants: by name.
    """
    out = {}
    for name, (net, make_tx, task, rates) in contestants.items():
        arms, points = {name: Arm(context.keys())}, _points(context, rates)
        out[name] = comparison.train(context, slug(name), net, make_tx, task, arms, points)
        comparison.record(context, out[name], lambda arm, point: _name(context, arm, point))
    return out


def choose(context: Context, rates: Mapping[str, Sequence[float]]) -> dict[str, Best]:
    """Choose for each network the point of the smallest mean validation error, from the tables.

    Args:
        context: the run; its settings have ``clips``.
        rates: the learning rates that were tried, by network.
    """
    out = {}
    for name, tried in rates.items():
        points = _points(context, tried)
        names = [_name(context, name, point) for point in points]
        valid = [context.final(n, "valid_error").fillna(DIVERGED).mean() for n in names]
        best = int(np.argmin(valid))
        told = _told(context, points[best])
        out[name] = Best(points[best], told, context.final(names[best], "test_error"))
    return out


def draw(context: Context, found: Mapping[str, Best]) -> None:
    """Draw the learning curves and the final test errors of the networks at their best."""
    named = {_name(context, name, best.point): name for name, best in found.items()}
    look = {"ylabel": "test error (%)", "log": True}
    errors = {name: best.test for name, best in found.items()}
    context.draw("final_error", dj.plots.final_dots(errors, **look))
    table = context.rows(named).replace({"configuration": named})
    context.draw("test_curves", dj.plots.learning_curves(table, "test_error", **look))


def note(found: Mapping[str, Best]) -> str:
    """Write at which learning rate, and which clip, each network is compared."""
    return "best rates: " + ", ".join(f"{name} {best.told}" for name, best in found.items())


def _points(context: Context, rates: Sequence[float]) -> list[dict[str, float]]:
    return comparison.grid(learning_rate=rates, clip=context.settings.clips)


def _name(context: Context, name: str, point: comparison.Point) -> str:
    return f"{name}, {_told(context, point)}"


def _told(context: Context, point: comparison.Point) -> str:
    rate, clip = point["learning_rate"], point["clip"]
    return f"{rate:g}" if len(context.settings.clips) == 1 else f"{rate:g} (clip {clip:g})"
