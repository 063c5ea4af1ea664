"""Networks tried at several learning rates and clips, each compared at its best by validation."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import pandas as pd

import dalejax as dj
from experiments.engine.base import Context, slug


class Contestant(NamedTuple):
    """A network, what makes its optimiser of a rate and a clip, its task, and rates to try."""

    net: dj.RecurrentNetwork | dj.FeedforwardNetwork
    make_tx: Callable
    task: object
    rates: Sequence[float]


class Best(NamedTuple):
    """A network at its best rate and clip.

    Attributes:
        where: rate and clip of the smallest mean validation error, as notes and configurations say
            it; the rate alone where there is one clip. A seed that diverged counts 100.
        test: final test error by member, in per cent.
        params: of its members at the end.
    """

    where: str
    test: pd.Series
    params: dict


def train(
    context: Context,
    contestants: Mapping[str, Contestant],
) -> dict[str, Best]:
    """Train each at all its rates and all clips as one ensemble; draw those at their best."""
    s = context.settings
    keys = dj.seed_keys(s.get("root", 0), s["seeds"])
    out = {}
    for name, (net, make_tx, task, rates) in contestants.items():
        grid = list(itertools.product(rates, s["clips"]))
        run = context.train(
            slug(name),
            net,
            make_tx,
            task,
            keys=jnp.tile(keys, len(grid)),
            hyperparams=over_grid(grid, len(keys)),
            num_updates=s["updates"],
            eval_every=s["eval_every"],
        )
        points = [_told(*point, s["clips"]) for point in grid]
        names = [f"{name}, {point}" for point in points]
        context.record_groups(names, run.table, len(keys))
        valid = [context.final(n, "valid_error").fillna(100).mean() for n in names]
        best = valid.index(min(valid))
        mine = slice(best * len(keys), (best + 1) * len(keys))
        params = jax.tree.map(lambda leaf, mine=mine: leaf[mine], run.params)
        out[name] = Best(points[best], context.final(names[best], "test_error"), params)
    draw(context, out)
    return out


def over_grid(grid: Sequence[tuple], num: int) -> dict:
    """Lay out the members of a grid of (rate, clip), so many a point."""
    rates, clips = (jnp.repeat(jnp.array(column), num) for column in zip(*grid, strict=True))
    return {"learning_rate": rates, "clip": clips}


def draw(context: Context, found: Mapping[str, Best]) -> None:
    """Draw the curves and the final test errors of the networks at their best."""
    named = {f"{name}, {best.where}": name for name, best in found.items()}
    table = context.table
    table = table[table.configuration.isin(named)].replace({"configuration": named})
    look = {"ylabel": "test error (%)", "log": True}
    context.draw("test_curves", dj.plots.learning_curves(table, "test_error", **look))
    errors = {name: best.test for name, best in found.items()}
    context.draw("final_error", dj.plots.final_dots(errors, **look))


def note(found: Mapping[str, Best]) -> str:
    """Say at which rate, and which clip, each is compared."""
    return "best rates: " + ", ".join(f"{name} {best.where}" for name, best in found.items())


def _told(rate: float, clip: float, clips: Sequence[float]) -> str:
    return f"{rate:g}" if len(clips) == 1 else f"{rate:g} (clip {clip:g})"
