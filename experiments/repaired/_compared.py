"""Repaired ColEI beside other networks: the same search for each, then many seeds at its best.

The networks of one layer, all six or those that a setting names, are: RNN, orthogonal RNN, ColEI,
ColEI with the RNN's spectrum (whose signs are mixed and not constrained), repaired ColEI
(`RepairedColEICell` and `RepairedColEIDense`) and Dale's ANN. For each the same grid of learning
rates, gradient clips and starts of the bias is searched.
"""

from __future__ import annotations

import itertools
import types
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import optax
import pandas as pd

import dalejax as dj
from dalejax.types import PyTree
from experiments.engine import comparison
from experiments.engine.comparison import Arm
from experiments.engine.context import Context
from experiments.engine.names import slug
from experiments.repaired import _gap
from experiments.repaired._settings import COLEI, REPAIRED, RNN
from experiments.repaired._starts import USUAL, Contestant, Repair, contestants, start

OTHER_SEEDS = 1000  # added to the root: the search uses other seeds than the comparison
DRAWN = (RNN, COLEI, REPAIRED)  # networks whose singular values are drawn
_POINT = ["network", "rate", "clip", "bias"]  # columns of search.csv besides the score

MakeTx = Callable[..., optax.GradientTransformation]


class Choice(NamedTuple):
    """What the search chose for a network: learning rate, gradient clip and start of the bias."""

    rate: float
    clip: float
    bias: str


def constant(make_tx: MakeTx, updates: int) -> MakeTx:
    """Keep the learning rate the same in all updates."""
    del updates
    return make_tx


def train(
    context: Context,
    task: dj.tasks.Task,
    input_mean: float,
    cell: Mapping[str, Any] = types.MappingProxyType({}),
    schedule: Callable[[MakeTx, int], MakeTx] = constant,
    repair: Repair = USUAL,
    **how: Any,
) -> None:
    """Search every network on the same grid, then train each at its best with all seeds.

    Writes ``search.csv`` (the mean score of each point), ``spectra.csv`` (measures of the singular
    values of W at start and end) and ``singular_values.parquet``.

    Args:
        context: the run.
        task: the task; its ``score`` decides the search, lower is better.
        input_mean: mean of the task's inputs, which a centred bias cancels.
        cell: further arguments of every network's cell.
        schedule: makes of what makes an optimiser of a rate and a clip, and of the number of
            updates, one whose rate changes over these updates.
        repair: how the repaired network starts.
        how: further arguments of every network.
    """
    s = context.settings
    nets = contestants(s, task.n_out, cell, repair, **how)
    tables = [_search(context, n, net, task, input_mean, schedule) for n, net in nets.items()]
    context.write_csv("search.csv", pd.concat(tables, ignore_index=True))
    stages = {}
    for name, (rate, clip, bias) in chosen(context).items():
        net = nets[name]
        params = start(net, task, bias, input_mean, keys=context.keys())
        tx = schedule(net.make_tx, s.updates)(rate, clip)
        run = comparison.train_one(context, name, net.net, tx, task, params=params)
        stages[name] = {"start": _recurrent(net, params), "end": _recurrent(net, run.params)}
    _write_spectra(context, stages)


def chosen(context: Context) -> dict[str, Choice]:
    """Read from ``search.csv`` what was chosen for each network: the first of the lowest scores."""
    table = context.read_csv("search.csv")
    best = table.loc[table.groupby("network", sort=False)[score(context)].idxmin()]
    points = best[_POINT].itertuples(index=False, name=None)
    return {name: Choice(float(rate), float(clip), bias) for name, rate, clip, bias in points}


def score(context: Context) -> str:
    """Read from ``search.csv`` which metric decided the search."""
    return next(name for name in context.read_csv("search.csv").columns if name not in _POINT)


def judge(context: Context, metric: str, limits: _gap.Limits) -> list[dj.claims.Claim]:
    """Claim how much of the gap between ColEI and the RNN the repaired network closes.

    Args:
        context: the run.
        metric: the test metric that is compared, lower is better.
        limits: what is wanted of the repaired network.
    """
    choices = chosen(context)
    errors = {name: context.final(name, metric) for name in choices}
    s = context.settings
    told = [_told(name, choice, s.rates) for name, choice in choices.items()]
    note = f"rates: {'; '.join(told)}"
    out = _gap.claims(context, errors, limits, note)
    if s.inputs_n_i:
        out += _gap.with_inputs(context, errors, s.inputs_n_i, score(context), limits, note)
    return out


def draw(context: Context, metric: str, ylabel: str) -> None:
    """Draw final errors, learning curves, and the singular values of W at start and end.

    Args:
        context: the run.
        metric: the test metric that is compared.
        ylabel: its label, with its unit.
    """
    look = {"ylabel": ylabel, "log": True}
    errors = {name: context.final(name, metric) for name in chosen(context)}
    context.draw("final_error", dj.plots.final_dots(errors, **look))
    table = context.read_parquet("singular_values.parquet")
    curves, styles = {}, {}
    own = dj.plots.STYLES | {REPAIRED: dj.plots.Style("#CC79A7", "-", "D")}
    for name, stage in itertools.product(table.network.unique(), ("start", "end")):
        rows = table[(table.network == name) & (table.stage == stage)]
        sigma = rows.sigma.to_numpy().reshape(rows.member.nunique(), -1)
        curves[f"{name}, {stage}"] = list(sigma.T)
        styles[f"{name}, {stage}"] = own[name]._replace(line=":" if stage == "start" else "-")
    ranks = np.arange(1, len(next(iter(curves.values()))) + 1)
    figure = dj.plots.sweep(
        curves,
        dict.fromkeys(curves, ranks),
        xlabel="rank",
        ylabel="singular value of W",
        styles=styles,
    )
    context.draw("singular_values", figure)
    context.draw("learning_curves", dj.plots.learning_curves(context.table, metric, **look))


def _search(
    context: Context,
    name: str,
    contestant: Contestant,
    task: dj.tasks.Task,
    input_mean: float,
    schedule: Callable[[MakeTx, int], MakeTx],
) -> pd.DataFrame:
    """Train a network at all points; give a row a point with the mean score over the seeds."""
    s = context.settings
    keys = context.keys(s.search_seeds, apart=OTHER_SEEDS)
    arms = {b: Arm(keys, start(contestant, task, b, input_mean, keys=keys)) for b in s.biases}
    trained = comparison.train(
        context,
        f"search_{slug(name)}",
        contestant.net,
        schedule(contestant.make_tx, s.search_updates),
        task,
        arms,
        comparison.grid(learning_rate=s.rates, clip=s.clips),
        num_updates=s.search_updates,
        eval_every=s.search_updates,
    )
    finals = trained.finals(task.score)[task.score].to_numpy()
    finals = np.where(np.isfinite(finals), finals, np.inf)
    rows = []
    for rate, clip, bias in itertools.product(s.rates, s.clips, s.biases):
        members = trained.members(bias, {"learning_rate": rate, "clip": clip})
        rows.append((name, rate, clip, bias, finals[members].mean()))
    return pd.DataFrame(rows, columns=[*_POINT, task.score])


def _told(name: str, choice: Choice, rates: tuple[float, ...]) -> str:
    """Say what the search chose, and whether a better rate may lie beyond its grid."""
    at_edge = len(rates) > 2 and choice.rate in (min(rates), max(rates))
    edge = " (the grid's last)" if at_edge else ""
    return f"{name} {choice.rate:g}{edge}, clip {choice.clip:g}, bias {choice.bias}"


def _recurrent(contestant: Contestant, params: PyTree) -> np.ndarray:
    """Give the effective recurrent weights of all members [s, n, n]."""
    return np.asarray(contestant.net.effective(params)[0].W)


def _write_spectra(context: Context, stages: Mapping[str, Mapping[str, np.ndarray]]) -> None:
    """Write singular values, and measures of them, of matrices by network and stage."""
    rows, parts = [], []
    for name, matrices in stages.items():
        for stage, each in matrices.items():
            W = jnp.asarray(each)
            sigma = np.asarray(dj.spectrum.singular_values(W))
            entropy = np.asarray(dj.spectrum.nse(W))
            share = np.asarray(dj.spectrum.participation(W))
            for i, values in enumerate(sigma):
                rms = np.sqrt((values**2).mean())
                rows.append((name, stage, i, entropy[i], values[0], rms, share[i]))
                if name in DRAWN:
                    columns = {"network": name, "stage": stage, "member": i, "sigma": values}
                    parts.append(pd.DataFrame(columns))
    columns = ["network", "stage", "member", "nse", "sigma_max", "sigma_rms", "participation"]
    context.write_csv("spectra.csv", pd.DataFrame(rows, columns=columns), digits=4)
    context.write_parquet("singular_values.parquet", pd.concat(parts, ignore_index=True))
