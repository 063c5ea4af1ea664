"""Which start repairs a column-signed network? Candidates side by side, on sequential MNIST.

    python -m experiments spectral_designs --preset laptop --data-dir DIR

1 x 100 units, 10 of them inhibitory. Each candidate says how W, U and the read-out start: W alone
like this and the others like ColEI's, W and U, or all three. All are members of one ensemble, each
tried at several learning rates, the best chosen by digits kept back. `laptop` makes 8 of 30 epochs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

import dalejax as dj
from dalejax import initializers
from dalejax.types import Array, Key
from experiments.engine import evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.engine.settings import Training
from experiments.shared import networks, tasks


@dataclass(frozen=True, kw_only=True)
class Settings(Training):
    """Settings of the experiment.

    Attributes:
        n: units.
        n_i: inhibitory units, among the n (ColEI) or on top (DANN).
        clip: largest gradient norm.
        rates: learning rates tried.
        valid: training examples kept back for validation.
    """

    n: int
    n_i: int
    clip: float
    rates: tuple[float, ...]
    valid: int


FULL = Settings(
    data="mnist",
    n=100,
    n_i=10,
    updates=46_860,
    eval_every=1562,
    seeds=10,
    last=5,
    batch_size=32,
    clip=10.0,
    rates=(0.005, 0.01, 0.02, 0.04),
    valid=10_000,
)
PRESETS = {
    "smoke": FULL.replaced(
        data="digits",
        n=20,
        n_i=2,
        updates=20,
        eval_every=10,
        seeds=3,
        last=1,
        rates=(0.01, 0.02),
        valid=500,
    ),
    "laptop": FULL.replaced(updates=12_496, seeds=4, last=2, rates=(0.01, 0.02)),
    "paper": FULL,
}
SOURCE = "beyond the papers"
RNN, ORTHOGONAL, COLEI = "RNN", "orthogonal RNN", "ColEI"
LOOPS, INPUTS, WHOLE = "loops W", "loops W, U", "loops all"

Draw = Callable[[tuple[int, int], Key[Array, ""]], Array]


class Design(NamedTuple):
    """How the matrices start, each by its shape and a key; whether columns keep their sign."""

    W: Draw
    U: Draw
    readout: Draw
    signed: bool = True


def designs(n: int, n_i: int) -> dict[str, Design]:
    """List the candidates of n units, n_i of them inhibitory."""

    def usual(shape, key):
        return initializers.uniform(shape, key=key)

    def readout(shape, key):
        return initializers.normal(shape, key=key)

    def colei(shape, key):
        return initializers.colei(shape, n_i, key=key, zero_diagonal=True, rho=1.5)

    def colei_input(shape, key):
        return initializers.colei_input(shape, key=key)

    def colei_readout(shape, key):
        return initializers.colei(shape, n_i, key=key)

    def quarter_circle(shape, key):
        values = dj.spectrum.singular_values(usual(shape, key))
        return initializers.colei_spectral(shape, n_i, values, key=key)

    def loops(shape, key):
        return dj.RepairedColEICell(n, n_i=n_i).initial_params(1, key=key)["W"]

    def balanced_rows(shape, key):
        W = colei(shape, key)
        quotient = W[:, : n - n_i].sum(1) / -W[:, n - n_i :].sum(1)
        return W.at[:, n - n_i :].multiply(quotient[:, None])

    permutation = partial(initializers.colei_flat, n_i=n_i, rms=1.0)

    def few_inputs(shape, key):
        # A unit sees three of the inputs, with a third of the RNN's norm, as in RepairedColEICell.
        return initializers.colei_flat(shape, 0, math.sqrt(1 / 27), key=key, synapses=3)

    def few_full_inputs(shape, key):
        return initializers.colei_flat(shape, 0, math.sqrt(1 / 3), key=key, synapses=3)

    full_outputs = partial(initializers.colei_flat, n_i=n_i, rms=math.sqrt(2.0))
    few_outputs = partial(initializers.colei_flat, n_i=n_i, rms=1 / 3)
    rest = (colei_input, colei_readout)
    dense = 0.5 / n  # of the background: the largest singular value is 1.5, all others 1
    return {
        RNN: Design(usual, usual, readout, signed=False),
        ORTHOGONAL: Design(
            lambda shape, key: initializers.orthogonal(shape, key=key), usual, readout, signed=False
        ),
        COLEI: Design(colei, *rest),
        "balanced rows W": Design(balanced_rows, *rest),
        LOOPS: Design(loops, *rest),
        INPUTS: Design(loops, few_inputs, colei_readout),
        WHOLE: Design(loops, few_inputs, few_outputs),
        "cycle W": Design(permutation, *rest),
        "cycle all, full norm": Design(permutation, few_full_inputs, full_outputs),
        "cycle all": Design(permutation, few_inputs, few_outputs),
        "projected all": Design(
            lambda shape, key: alternating_projections(colei(shape, key)), few_inputs, few_outputs
        ),
        "descent all": Design(
            lambda shape, key: descent(colei(shape, key)), few_inputs, few_outputs
        ),
        "quarter circle all": Design(quarter_circle, few_inputs, few_outputs),
        "sum of 3 all": Design(
            partial(initializers.colei_flat, n_i=n_i, rms=1 / math.sqrt(3), synapses=3),
            few_inputs,
            few_outputs,
        ),
        "dense all": Design(
            partial(initializers.colei_flat, n_i=n_i, rms=1.0, background=dense),
            few_inputs,
            few_outputs,
        ),
    }


def alternating_projections(W: Array, steps: int = 30) -> Array:
    """Go to and fro between the orthogonal matrices and the signs of W [n, n], signs last."""
    sign = jnp.sign(W.sum(0))

    def step(_, W):
        left, _, right = jnp.linalg.svd(W)
        return jnp.maximum(left @ right * sign, 0) * sign

    return jax.lax.fori_loop(0, steps, step, W)


def descent(W: Array, steps: int = 100, rate: float = 0.05) -> Array:
    """Lower |W W^T - 1|^2 under the signs of W [n, n], from columns of norm 1."""
    sign = jnp.sign(W.sum(0))

    def step(_, W):
        W = W - rate * (W @ W.T @ W - W)
        return jnp.maximum(W * sign, 0) * sign

    return jax.lax.fori_loop(0, steps, step, W / jnp.linalg.norm(W, axis=0))


def members(context: Context, task, candidates):
    """Lay out the ensemble: keys, parameters, signs and rates; candidate, then rate, then seed."""
    s = context.settings
    seeds, n, rates = s.seeds, s.n, jnp.array(s.rates)
    once = dj.seed_keys(s.root, seeds)

    def start(design, key):
        key_W, key_U, key_readout = jax.random.split(key, 3)
        W, U = design.W((n, n), key=key_W), design.U((n, task.n_in), key=key_U)
        readout = design.readout((task.n_out, n), key=key_readout)
        return {
            "cells_0": {"U": U, "W": W, "b": jnp.zeros(n)},
            "readout": {"W": readout, "b": jnp.zeros(task.n_out)},
        }

    def signs(design, params):
        legal = jax.tree.map(lambda p: jnp.zeros(p.shape, jnp.int8), params)
        if design.signed:
            columns = dj.signs.column_signs(n, s.n_i).astype(jnp.int8)
            legal["cells_0"]["U"] += 1
            legal["cells_0"]["W"] += columns
            legal["readout"]["W"] += columns
        return legal

    all_params, all_signs = [], []
    for design in candidates.values():
        params = jax.jit(jax.vmap(partial(start, design)))(once)
        for _ in s.rates:
            all_params.append(params)
            all_signs.append(signs(design, params))
    many = len(candidates)
    join = partial(jax.tree.map, lambda *leaves: jnp.concatenate(leaves))
    keys = jnp.concatenate([once] * (many * len(rates)))
    return keys, join(*all_params), join(*all_signs), jnp.tile(jnp.repeat(rates, seeds), many)


def run(context: Context) -> list[dj.claims.Claim]:
    """Train all candidates at all rates; compare each at its best."""
    s = context.settings
    task = tasks.smnist(context, num_valid=s.valid)
    candidates = designs(s.n, s.n_i)
    keys, params, signs, rates = members(context, task, candidates)
    trained = context.train(
        "ensemble",
        networks.rnn(1, s.n, task.n_out),
        networks.signed_sgd(s.clip),
        task,
        keys=keys,
        params=params,
        hyperparams={"signs": signs, "learning_rate": rates},
        num_updates=s.updates,
        eval_every=s.eval_every,
    )
    W = np.asarray(params["cells_0"]["W"])
    each, seeds, rows, errors = len(s.rates) * s.seeds, s.seeds, [], {}
    for i, name in enumerate(candidates):
        tried = []
        for j, rate in enumerate(s.rates):
            first = i * each + j * seeds
            mine = trained.table[trained.table.member.between(first, first + seeds - 1)]
            mine = mine.assign(member=mine.member - first)
            valid = dj.results.final_values(mine, task.score, last=s.last)
            tried.append((np.inf if valid.isna().any() else valid.mean(), rate, mine))
        _, rate, table = min(tried, key=lambda t: t[0])
        context.record(name, table)
        errors[name] = context.final(name, "test_error")
        rows.append(
            (
                name,
                rate,
                *_spectrum(W[i * each : i * each + seeds]),
                errors[name].mean(),
                errors[name].std(),
            )
        )
    columns = [
        "candidate",
        "rate",
        "nse",
        "sigma_max",
        "sigma_rms",
        "participation",
        "test_error",
        "sd",
    ]
    context.write_csv("designs.csv", pd.DataFrame(rows, columns=columns), digits=4)
    context.draw("final_error", dj.plots.final_dots(errors, ylabel="test error (%)", log=True))
    return _claims(context, errors, W[2 * each :])


def _spectrum(W):
    W = jnp.asarray(W)
    sigma = dj.spectrum.singular_values(W)
    rms = jnp.sqrt(jnp.square(sigma).mean(1))
    of = (dj.spectrum.nse(W), sigma[:, 0], rms, dj.spectrum.participation(W))
    return [float(x.mean()) for x in of]


def _claims(context: Context, errors, signed) -> list[dj.claims.Claim]:
    sigma = np.linalg.svd(signed, compute_uv=False)
    ratio = sigma[:, 0] / np.sqrt((sigma**2).mean(1))
    bound = np.sqrt(np.asarray(dj.spectrum.participation(jnp.asarray(signed))))
    slack = ratio / bound
    out = evidence.above(
        context,
        [
            evidence.Above(
                "repaired_spectrum_helps",
                "A column-signed network whose W starts with few strong "
                "synapses, and no large singular value, learns better than ColEI.",
                errors[COLEI],
                errors[LOOPS],
                (COLEI, LOOPS),
            ),
            evidence.Above(
                "inputs_help",
                "What is wrong with W is wrong with U and the read-out, too: "
                "treating all is better than W alone.",
                errors[LOOPS],
                errors[WHOLE],
                (LOOPS, WHOLE),
            ),
        ],
        SOURCE,
    )
    out.append(
        context.claim(
            id="bound",
            statement="No column-signed start has a largest singular value, over their root mean "
            "square, below the root of its columns' participation.",
            source=SOURCE,
            measured=float(slack.min()),
            reference="at least 1",
            holds=bool(slack.min() >= 1 - 1e-5),
            test=f"least quotient of {slack.size} matrices",
        )
    )
    return out


EXPERIMENT = Experiment(
    name="spectral_designs",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 20, "paper": 400},
    claims=(
        "repaired_spectrum_helps",
        "inputs_help",
        "bound",
    ),
    train=train,
    judge=judge,
    draw=draw,
)
