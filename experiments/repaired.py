"""Repaired ColEI beside everybody else: the same search for each, then many seeds at its best.

Contestants of one layer, all six or those that a setting names: RNN, orthogonal RNN, ColEI, ColEI
with the RNN's spectrum (its signs are illegal, and free), repaired ColEI (`SpectralColEICell` and
`SpectralColEIDense`), Dale's ANN. Learning rate, clip and whether the bias starts at 0, above it,
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
from scipy import stats

import dalejax as dj
from experiments import evidence
from experiments.base import Context, finite, slug
from experiments.starts import (
    BIASES,
    COLEI,
    INPUTS,
    INPUTS_COLEI,
    INPUTS_REPAIRED,
    NAMES,
    REPAIRED,
    RNN,
    TRANSPLANT,
    USUAL,
    Contestant,
    Repair,
    contestants,
    start,
)

SOURCE = "beyond the papers"
OTHER_SEEDS = 1000  # those of a search are not those of the comparison


class Found(NamedTuple):
    """What became of a contestant: its choice, its start, and its run."""

    rate: float
    clip: float
    bias: str
    start: dict
    run: dj.Run


class Limits(NamedTuple):
    """What is wanted of the repaired network: the gap closed at least, the error above at most."""

    closed: float
    above: float | None = None


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
            hyperparams={
                "learning_rate": jnp.repeat(jnp.array([g[0] for g in grid]), len(few)),
                "clip": jnp.repeat(jnp.array([g[1] for g in grid]), len(few)),
            },
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


def gap_closed(
    errors: Mapping[str, pd.Series], ours: str = REPAIRED, host: str = COLEI
) -> tuple[float, tuple[float, float]]:
    """Give (host - ours) / (host - RNN) of the means, with its bootstrap interval.

    Where the host, ColEI, is no worse than the RNN, there is no gap and no share of it: NaN.
    """

    def share(colei, ours, rnn, axis=-1):
        return (colei.mean(axis) - ours.mean(axis)) / (colei.mean(axis) - rnn.mean(axis))

    samples = [finite(errors[name]).to_numpy() for name in (host, ours, RNN)]
    colei, _, rnn = samples
    if min(map(len, samples)) < 2 or colei.mean() <= rnn.mean():
        return float("nan"), (float("nan"), float("nan"))
    with np.errstate(divide="ignore", invalid="ignore"):  # draws without a gap
        found = stats.bootstrap(samples, share, method="percentile", rng=0).confidence_interval
    return float(share(*samples)), (float(found.low), float(found.high))


def run(
    context: Context,
    task,
    metric: str,
    ylabel: str,
    input_mean: float,
    limits: Limits,
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
    return _claims(context, errors, limits, f"rates: {note}")


def _chosen(name: str, found: Found, rates) -> str:
    """Say what the search chose, and whether a better rate may lie beyond its grid."""
    edge = " (the grid's last)" if len(rates) > 2 and found.rate in (min(rates), max(rates)) else ""
    return f"{name} {found.rate:g}{edge}, clip {found.clip:g}, bias {found.bias}"


def _check(s: Mapping) -> None:
    for bias in s["biases"]:
        dj.checks.choice("a bias", bias, BIASES)
    networks = s.get("networks", NAMES)
    for name in networks:
        dj.checks.choice("a network", name, (*NAMES, *INPUTS))
    if set(INPUTS) & set(networks) and not (set(INPUTS) <= set(networks) and s.get("inputs_n_i")):
        raise ValueError(
            f"the networks are {networks} and inputs_n_i is {s.get('inputs_n_i', 0)}; both of "
            f"{' and '.join(INPUTS)} must take part, and inputs_n_i be at least 1, or neither."
        )
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
        curves, dict.fromkeys(curves, ranks), xlabel="rank", ylabel="singular value of W",
        styles=styles,
    )  # fmt: skip
    context.draw("singular_values", figure)


def _claims(context: Context, errors, limits: Limits, note: str) -> list[dj.claims.Claim]:
    ours, rnn = finite(errors[REPAIRED]), finite(errors[RNN])
    out = [
        _closed(
            context, errors, limits, note, "gap_closed", "An alternative initialisation for ColEI "
            "networks improves their learning: share of the gap between ColEI at its best and the "
            "RNN that it closes.", REPAIRED,
        ),
        context.claim(
            id="no_more_variable",
            statement="Its seeds spread hardly more than the RNN's (quotient of the standard "
            "deviations).",
            source=SOURCE,
            measured=float(ours.std() / rnn.std()) if rnn.std() else None,
            test=f"n = {len(ours)} and {len(rnn)}",
            reference="at most 1.5",
            holds=bool(ours.std() <= 1.5 * rnn.std() and len(ours) == len(errors[REPAIRED])),
            note=note,
        ),
        *evidence.above(
            context,
            [
                evidence.Above(
                    f"better_than_{id}", f"Repaired ColEI learns better than {other}.",
                    errors[other], errors[REPAIRED], (other, REPAIRED),
                )
                for id, other in (("colei", COLEI), ("transplant", TRANSPLANT))
                if other in errors
            ],
            SOURCE, note,
        ),
    ]  # fmt: skip
    if INPUTS_REPAIRED in errors:
        out += [
            _closed(
                context, errors, limits, note, "gap_closed_inputs", "Where some of the inputs are "
                "inhibitory as well: share of the gap between ColEI with such inputs and the RNN "
                "that it closes.", INPUTS_REPAIRED, INPUTS_COLEI,
            ),
            *evidence.above(
                context,
                [
                    evidence.Above(
                        "better_than_colei_inputs", "Repaired ColEI learns better than ColEI, "
                        "inhibitory inputs to both.", errors[INPUTS_COLEI],
                        errors[INPUTS_REPAIRED], (INPUTS_COLEI, INPUTS_REPAIRED),
                    )
                ],
                SOURCE, note,
            ),
        ]  # fmt: skip
    if limits.above is not None:
        pairs = dj.results.paired_differences(errors[REPAIRED], errors[RNN])
        out.append(
            evidence.mean(
                context, "as_good_as_rnn", "A column-signed network learns as well as an RNN "
                "(error of repaired ColEI minus the RNN's).", SOURCE, pairs.values,
                lambda b: b.high < limits.above, f"interval below +{limits.above:g}", note=note,
            )
        )  # fmt: skip
    return out


def _closed(
    context: Context, errors, limits: Limits, note: str, id: str, statement: str, ours: str,
    host: str = COLEI,
):  # fmt: skip
    closed, bounds = gap_closed(errors, ours, host)
    return context.claim(
        id=id,
        statement=statement,
        source=SOURCE,
        measured=closed,
        interval=bounds,
        test=f"bootstrap; {_told(errors)}",
        reference=f"at least {limits.closed:g}",
        holds=bool(closed >= limits.closed),
        note=note,
    )


def _told(errors) -> str:
    return ", ".join(f"{n} {dj.results.summary(v)['text']}" for n, v in errors.items())
