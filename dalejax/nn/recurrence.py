"""The one recurrence: a scan over time with a fast gradient.

Every recurrent cell boils down to ``h_t = f(u_t + W h_{t-1})``, where ``u_t`` already holds the
input product of all time steps, made as one matrix product before the scan. In continuous time
``z`` leaks towards that drive, and ``h = f(z)``. What is slow in plain backpropagation through a
scan is the weight gradient, accumulated step by step; here the backward scan only carries the
gradient of the drive, and the weight gradient is one matrix product after it.

Divisive inhibition is a gain of low rank on ``W h_{t-1}``. It depends on the state, so it is made
in every step; its gradient, too, is made of products after the scan.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from dalejax import checks
from dalejax.nn.divisive_gain import Gain, divide_and_keep, drive_gradient, gain_gradient
from dalejax.types import Array, Float


class Activation(NamedTuple):
    """A pointwise non-linearity and its derivative, the derivative written in the *output*.

    Writing ``f'`` in ``h = f(z)`` lets the backward scan do without ``z``: half the memory.
    """

    value: Callable[[Array], Array]
    derivative_from_output: Callable[[Array], Array]


ACTIVATIONS: dict[str, Activation] = {
    "relu": Activation(jax.nn.relu, lambda h: (h > 0).astype(h.dtype)),
    "tanh": Activation(jnp.tanh, lambda h: 1 - h * h),
    "identity": Activation(lambda z: z, jnp.ones_like),
}


def activation(name: str) -> Activation:
    """Look an activation up by name.

    Args:
        name: ``"relu"``, ``"tanh"`` or ``"identity"``.

    Raises:
        ValueError: the name is unknown.

    Example:
        >>> float(activation("relu").value(-1.0))
        0.0
    """
    checks.choice("activation", name, ACTIVATIONS)
    return ACTIVATIONS[name]


def recurrence(
    inputs: Float[Array, "t b n"],
    W: Float[Array, "n n"],
    carry: Float[Array, "b n"],
    nonlinearity: str = "relu",
    gain: Gain | None = None,
    alpha: Float[Array, " n"] | None = None,
) -> Float[Array, "t b n"]:
    r"""Run ``h_t = f(u_t + W h_{t-1})`` over all time steps, with or without a leak.

    .. math:: z_t = (1 - \alpha) z_{t-1}
                    + \alpha \left(u_t + \frac{g}{\gamma(h_{t-1})} \odot W h_{t-1}\right),
              \qquad h_t = f(z_t)

    Args:
        inputs: ``u`` [t, b, n], input products with the bias (and any noise) already added.
        W: recurrent weights [n, n], ``[post, pre]``.
        carry: the state before the first step [b, n]: h, or with a leak z.
        nonlinearity: a name in :data:`ACTIVATIONS`.
        gain: divisive inhibition; None for none (g / gamma is 1).
        alpha: time step over time constant [n], above 0 and at most 1; None for no leak
            (alpha is 1).

    Returns:
        ``h`` [t, b, n], the activity after each step.

    Example:
        >>> import jax.numpy as jnp
        >>> u = jnp.ones((3, 1, 1))
        >>> recurrence(u, jnp.full((1, 1), 2.0), jnp.zeros((1, 1)))[:, 0, 0].tolist()
        [1.0, 3.0, 7.0]
        >>> still = jnp.zeros((1, 1))
        >>> recurrence(u, still, still, "relu", None, jnp.array([0.5]))[:, 0, 0].tolist()
        [0.5, 0.75, 0.875]

    Reference:
        Li et al. 2023, eq. 1; the backward pass is Werbos 1988; the gain: Cornford et al. 2021,
        eq. 19; the leak: Song et al. 2016, published code.
    """
    # Of one type before the gradient that we write: what was cast is cast back on its way.
    arrays = inputs, W, carry, gain, alpha
    dtype = jnp.result_type(*jax.tree.leaves(arrays))
    inputs, W, carry, gain, alpha = jax.tree.map(lambda leaf: leaf.astype(dtype), arrays)
    return _recurrence(inputs, W, carry, nonlinearity, gain, alpha)


@partial(jax.custom_vjp, nondiff_argnums=(3,))
def _recurrence(inputs, W, carry, nonlinearity, gain, alpha):
    return _forward(inputs, W, carry, nonlinearity, gain, alpha)[0]


def _forward(inputs, W, carry, nonlinearity, gain, alpha):
    f = activation(nonlinearity).value
    product, alpha = _product(W, gain), _as_row(alpha)

    def step(state, u):
        recurrent, kept = product(state if alpha is None else f(state))
        drive = u + recurrent
        state = f(drive) if alpha is None else state + alpha * (drive - state)
        return state, (state, kept)

    _, (states, kept) = jax.lax.scan(step, carry, inputs)
    activity = states if alpha is None else f(states)
    return activity, (states, activity, W, carry, gain, alpha, kept)


def _backward(nonlinearity, residuals, d_activity):
    states, activity, W, carry, gain, alpha, kept = residuals
    f, derivative = activation(nonlinearity)
    product_back = _product_back(W, gain)

    def step(d_later, x):
        d_recurrent, d_leak = d_later
        d_h, h, kept = x
        dz = (d_h + d_recurrent) * derivative(h)
        if alpha is None:
            d_drive = dz
        else:
            dz = dz + d_leak
            d_drive, d_leak = alpha * dz, (1 - alpha) * dz
        d_recurrent, made = product_back(d_drive, kept)
        return (d_recurrent, d_leak), (d_drive, made)

    nothing = jnp.zeros_like(carry)
    (d_carry, d_leak), (d_drive, made) = jax.lax.scan(
        step,
        (nothing, None if alpha is None else nothing),
        (d_activity, activity, kept),
        reverse=True,
    )
    first, d_alpha = carry, None
    if alpha is not None:
        first = f(carry)
        d_carry = d_carry * derivative(first) + d_leak
        # The drive is not kept: z_t - z_{t-1} = alpha (drive - z_{t-1}).
        change = states - _one_earlier(states, carry)
        d_alpha = (d_drive * change).sum((0, 1)) / alpha[0] ** 2
    before = rows(_one_earlier(activity, first))
    d_W, d_gain = _weights_back(W, gain, before, d_drive, kept, made)
    return d_drive, d_W, d_carry, d_gain, d_alpha


def _one_earlier(sequence, first):
    return jnp.concatenate([first[None], sequence])[:-1]  # of no steps, too


def _as_row(alpha):
    return None if alpha is None else alpha[None]


def _product(W, gain):
    """Make the recurrent product of one step: h -> (what it adds to the drive, what to keep)."""
    if gain is None:
        W_transposed = W.T  # once, not in every step
        return lambda h: (h @ W_transposed, ())
    weights = gain.with_interneurons(W).T

    def divided(h):
        z = h @ weights
        y, inverse = divide_and_keep(gain, z)
        return y, (z, inverse)

    return divided


def _product_back(W, gain):
    if gain is None:
        return lambda d_drive, kept: (d_drive @ W, ())
    weights, back = gain.with_interneurons(W), drive_gradient(gain)

    def divided(d_drive, kept):
        dz, q = back(*kept, d_drive)
        return dz @ weights, (dz, q)

    return divided


def _weights_back(W, gain, before, d_drive, kept, made):
    if gain is None:
        return rows(d_drive).T @ before, None
    dz, q = map(rows, made)
    d_weights = dz.T @ before
    d_g, d_divider = gain_gradient(gain, rows(kept[0]), q)
    return d_weights[: len(W)], Gain(d_g, d_divider, d_weights[len(W) :])


def rows(x: Float[Array, "*b n"]) -> Float[Array, "rows n"]:
    """Lay all steps and trials under each other: XLA transposes products over two axes first."""
    return x.reshape(-1, x.shape[-1])


_recurrence.defvjp(_forward, _backward)
