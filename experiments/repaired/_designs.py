"""Candidates for the start of a column-signed network: how W, U and the read-out are drawn."""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp

import dalejax as dj
from dalejax import initializers
from dalejax.types import Array, Key

RNN, ORTHOGONAL, COLEI = "RNN", "orthogonal RNN", "ColEI"
# "loops": few synapses along closed paths through the units, as in RepairedColEICell.
REPAIRED_W, REPAIRED_W_U, REPAIRED_ALL = "loops W", "loops W, U", "loops all"


class Draw(Protocol):
    """Draw a matrix of a shape (post, pre) with a key."""

    def __call__(self, shape: tuple[int, int], *, key: Key[Array, ""]) -> Array: ...


class Design(NamedTuple):
    """How a network starts.

    Attributes:
        W: draws the recurrent weights of a shape (post, pre) with a key.
        U: draws the input weights.
        readout: draws the read-out's weights.
        signed: whether the columns of W, U and the read-out keep their signs in training.
    """

    W: Draw
    U: Draw
    readout: Draw
    signed: bool = True


def designs(n: int, n_i: int) -> dict[str, Design]:
    """List the candidates of n units, n_i of them inhibitory, by name.

    A name ends in the matrices that differ from ColEI's: "W", "W, U" or "all", read-out included.
    """

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
        W = jnp.asarray(colei(shape, key))
        quotient = W[:, : n - n_i].sum(1) / -W[:, n - n_i :].sum(1)
        return W.at[:, n - n_i :].multiply(quotient[:, None])

    permutation = partial(initializers.colei_flat, n_i=n_i, rms=1.0)

    def few_inputs(shape, key):
        # Three synapses a unit, with a third of the RNN's Frobenius norm, as in RepairedColEICell.
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
        REPAIRED_W: Design(loops, *rest),
        REPAIRED_W_U: Design(loops, few_inputs, colei_readout),
        REPAIRED_ALL: Design(loops, few_inputs, few_outputs),
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
    """Project W [n, n] in turn onto the orthogonal matrices and onto those with W's column signs.

    Args:
        W: column-signed weights.
        steps: how often both projections are made; that onto the signs is the last.
    """
    sign = jnp.sign(W.sum(0))

    def step(_, W):
        left, _, right = jnp.linalg.svd(W)
        return jnp.maximum(left @ right * sign, 0) * sign

    return jax.lax.fori_loop(0, steps, step, W)


def descent(W: Array, steps: int = 100, rate: float = 0.05) -> Array:
    """Lower the distance |W W^T - 1|^2 of W [n, n] from orthogonal matrices by gradient descent.

    Args:
        W: column-signed weights, whose columns are first scaled to norm 1; columns keep their sign.
        steps: steps of gradient descent.
        rate: size of a step.
    """
    sign = jnp.sign(W.sum(0))

    def step(_, W):
        W = W - rate * (W @ W.T @ W - W)
        return jnp.maximum(W * sign, 0) * sign

    return jax.lax.fori_loop(0, steps, step, W / jnp.linalg.norm(W, axis=0))
