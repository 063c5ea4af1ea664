"""Repaired ColEI beside everybody else: the same search for each, then many seeds at its best.

Contestants of one layer, all six or those that a setting names: RNN, orthogonal RNN, ColEI, ColEI
with the RNN's spectrum (its signs are illegal, and free), repaired ColEI (`RepairedColEICell` and
`RepairedColEIDense`), Dale's ANN. Learning rate, clip and whether the bias starts at 0, above it,
or cancels the mean input are searched on the same grid for each.
"""

from __future__ import annotations

import itertools
import types
from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

import dalejax as dj
from experiments.engine.base import Context, slug
from experiments.repaired import _gap
from experiments.repaired._starts import (
    BIASES,
    COLEI,
    NAMES,
    REPAIRED,
    RNN,
    USUAL,
    Contestant,
    Repair,
    contestants,
    start,
)
from experiments.shared import at_best

OTHER_SEEDS = 1000  # those of a search are not those of the comparison


class Found(NamedTuple):
    """What became of a contestant: its choice, its start, and its run."""

    rate: float
    clip: float
    bias: str
    start: dict
    run: dj.Run


def constant(make_tx: Callable, updates: int) -> Callable:
    """Leave what makes an optimiser as it is: the rate is the same in all updates."""
    del updates
    return make_tx


def compare(
    context: Context,
    task,
    input_mean: float,
    names: Mapping[str, Contestant],
    schedule: Callable = constant,
) -> dict[str, Found]:
    """Search for every contestant on the same grid; train it at its best with all seeds.

    ``schedule`` may turn what makes an optimiser of a rate and a clip into one whose rate changes
    over so many updates: those of the search, or all.
    """
    s = context.settings
    root, rows, out = s.get("root", 0), [], {}
    grid = list(itertools.product(s["rates"], s["clips"], s["biases"]))
    few = dj.seed_keys(root + OTHER_SEEDS, s["search_seeds"])
    keys = dj.seed_keys(root, s["seeds"])
    for name, contestant in names.items():
        by_bias = {b: start(contestant, task, b, input_mean, keys=few) for b in s["biases"]}
        starts = [by_bias[bias] for *_, bias in grid]
        tried = context.train(
            f"search_{slug(name)}",
            contestant.net,
            schedule(contestant.make_tx, s["search_updates"]),
            task,
            keys=jnp.tile(few, len(grid)),
            params=jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *starts),
            hyperparams=at_best.over_grid([point[:2] for point in grid], len(few)),
            num_updates=s["search_updates"],
            eval_every=s["search_updates"],
        )
        scores = dj.results.final_values(tried.table, task.score).to_numpy()
        scores = np.where(np.isfinite(scores), scores, np.inf).reshape(len(grid), -1).mean(1)
        rows += [(name, *g, score) for g, score in zip(grid, scores, strict=True)]
        rate, clip, bias = grid[int(scores.argmin())]
        params = start(contestant, task, bias, input_mean, keys=keys)
        tx = schedule(contestant.make_tx, s["updates"])(rate, clip)
        run = context.train_one(name, contestant.net, tx, task, keys=keys, params=params)
        out[name] = Found(rate, clip, bias, params, run)
    table = pd.DataFrame(rows, columns=["network", "rate", "clip", "bias", task.score])
    context.write_csv("search.csv", table, digits=4)
    return out


def run(
    context: Context,
    task,
    metric: str,
    ylabel: str,
    input_mean: float,
    limits: _gap.Limits,
    cell: Mapping = types.MappingProxyType({}),
    schedule: Callable = constant,
    repair: Repair = USUAL,
    **how,
) -> list[dj.claims.Claim]:
    """Compare them on a task: errors, the gap that is closed, spread, spectra; draw them.

    ``cell``, ``repair`` and ``how`` are :func:`contestants`'s, ``schedule`` is :func:`compare`'s.
    """
    _check(context.settings)
    nets = contestants(context.settings, task.n_out, cell, repair, **how)
    found = compare(context, task, input_mean, nets, schedule)
    errors = {name: context.final(name, metric) for name in found}
    look = {"ylabel": ylabel, "log": True}
    context.draw("final_error", dj.plots.final_dots(errors, **look))
    context.draw("learning_curves", dj.plots.learning_curves(context.table, metric, **look))
    _spectra(context, nets, found)
    note = "; ".join(_chosen(n, f, context.settings["rates"]) for n, f in found.items())
    note = f"rates: {note}"
    out = _gap.claims(context, errors, limits, note)
    inputs = context.settings.get("inputs_n_i", ())
    if inputs:
        out += _gap.with_inputs(context, errors, inputs, task.score, limits, note)
    return out


def _chosen(name: str, found: Found, rates) -> str:
    """Say what the search chose, and whether a better rate may lie beyond its grid."""
    edge = " (the grid's last)" if len(rates) > 2 and found.rate in (min(rates), max(rates)) else ""
    return f"{name} {found.rate:g}{edge}, clip {found.clip:g}, bias {found.bias}"


def _check(s: Mapping) -> None:
    for bias in s["biases"]:
        dj.checks.choice("a bias", bias, BIASES)
    networks = s.get("networks", NAMES)
    for name in networks:
        dj.checks.choice("a network", name, NAMES)
    for inputs_n_i in s.get("inputs_n_i", ()):
        dj.checks.whole("inputs_n_i", inputs_n_i)
    if missing := {RNN, COLEI, REPAIRED} - set(networks):
        raise ValueError(
            f"the networks are {networks}; they must hold {', '.join(sorted(missing))}."
        )


def _spectra(context: Context, nets, found: Mapping[str, Found]) -> None:
    rows, curves, styles = [], {}, {}
    own = dj.plots.STYLES | {REPAIRED: dj.plots.Style("#CC79A7", "-", "D")}
    for name, f in found.items():
        for stage, params in (("start", f.start), ("end", f.run.params)):
            W = jnp.asarray(nets[name].net.effective(params)[0].W)
            sigma = np.asarray(dj.spectrum.singular_values(W))
            entropy = np.asarray(dj.spectrum.nse(W))
            share = np.asarray(dj.spectrum.participation(W))
            rows += [
                (name, stage, i, entropy[i], sigma[i, 0], np.sqrt((sigma[i] ** 2).mean()), share[i])
                for i in range(len(sigma))
            ]
            if name in (RNN, COLEI, REPAIRED):
                curves[f"{name}, {stage}"] = list(sigma.T)
                line = ":" if stage == "start" else "-"
                styles[f"{name}, {stage}"] = own[name]._replace(line=line)
    columns = ["network", "stage", "member", "nse", "sigma_max", "sigma_rms", "participation"]
    context.write_csv("spectra.csv", pd.DataFrame(rows, columns=columns), digits=4)
    ranks = np.arange(1, len(next(iter(curves.values()))) + 1)
    figure = dj.plots.sweep(
        curves,
        dict.fromkeys(curves, ranks),
        xlabel="rank",
        ylabel="singular value of W",
        styles=styles,
    )
    context.draw("singular_values", figure)
