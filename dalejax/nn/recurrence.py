"""The recurrence of all cells, ``h_t = f(u_t + W h_{t-1})``: a scan with a fast gradient.

The input product ``u_t`` is computed for all time steps by one matrix product before the scan. With
a leak (continuous time) the scan carries ``z``, which decays towards the drive, and ``h = f(z)``.
Plain backpropagation through a scan is slow because it adds up the gradient of W step by step. Here
the backward scan computes only the gradient of the drive; the gradient of W is one matrix product
over all steps, after the scan.

Divisive inhibition multiplies ``W h_{t-1}`` by a gain of low rank. The gain depends on the state,
so it is computed in every step; the gradients of its parameters, too, are matrix products after the
scan.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from dalejax import checks
from dalejax.nn.divisive_gain import (
    DivisionGradients,
    DivisionResiduals,
    Gain,
    divide_and_keep,
    drive_gradient,
    gain_gradient,
)
from dalejax.types import Array, Float


class Activation(NamedTuple):
    """A pointwise non-linearity ``h = f(z)`` and its derivative as a function of the output h.

    As ``f'(z)`` is computed from h, the backward pass need not keep z, which halves its memory.

    Attributes:
        value: ``z -> f(z)``.
        derivative_from_output: ``h -> f'(z)``, where ``h = f(z)``.
    """

    value: Callable[[Array], Array]
    derivative_from_output: Callable[[Array], Array]


ACTIVATIONS: dict[str, Activation] = {
    "relu": Activation(jax.nn.relu, lambda h: (h > 0).astype(h.dtype)),
    "tanh": Activation(jnp.tanh, lambda h: 1 - h * h),
    "identity": Activation(lambda z: z, jnp.ones_like),
}


def activation(name: str) -> Activation:
    """Look up an activation function and its derivative by name.

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
    r"""Compute ``h_t = f(u_t + W h_{t-1})`` at all time steps, with or without a leak.

    .. math:: z_t = (1 - \alpha) z_{t-1}
                    + \alpha \left(u_t + \frac{g}{\gamma(h_{t-1})} \odot W h_{t-1}\right),
              \qquad h_t = f(z_t)

    Args:
        inputs: ``u`` [t, b, n], input products ``U x_t`` plus the bias (and any noise).
        W: recurrent weights [n, n], ``[post, pre]``.
        carry: the state before the first step [b, n]: h, or z if there is a leak.
        nonlinearity: a name in :data:`ACTIVATIONS`.
        gain: divisive inhibition of ``W h``; None for none (g / gamma is 1).
        alpha: time step over time constant of each unit [n], above 0 and at most 1; None for no
            leak (alpha is 1).

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
        Li et al. 2023, eq. 1; backpropagation through time: Werbos 1988; the gain: Cornford et al.
        2021, eq. 19; the leak: Song et al. 2016, published code.
    """
    # The hand-written gradient needs arrays of one type. They are cast outside of it, so that JAX
    # casts each gradient back to the type of its argument.
    arrays = inputs, W, carry, gain, alpha
    dtype = jnp.result_type(*jax.tree.leaves(arrays))
    inputs, W, carry, gain, alpha = jax.tree.map(lambda leaf: leaf.astype(dtype), arrays)
    return _recurrence(inputs, W, carry, nonlinearity, gain, alpha)


class Residuals(NamedTuple):
    """Arrays that the forward pass of the recurrence keeps for its backward pass.

    Attributes:
        states: the scan's carry after each step [t, b, n]: h, or z if there is a leak.
        activity: h after each step [t, b, n].
        W: recurrent weights [n, n].
        carry: the state before the first step [b, n].
        gain: divisive inhibition; None for none.
        alpha: time step over time constant, as a row [1, n]; None for no leak.
        division: residuals of the division at each step [t, b, ...]; None without a gain.
    """

    states: Float[Array, "t b n"]
    activity: Float[Array, "t b n"]
    W: Float[Array, "n n"]
    carry: Float[Array, "b n"]
    gain: Gain | None
    alpha: Float[Array, "1 n"] | None
    division: DivisionResiduals | None


@partial(jax.custom_vjp, nondiff_argnums=(3,))
def _recurrence(
    inputs: Array,
    W: Array,
    carry: Array,
    nonlinearity: str,
    gain: Gain | None,
    alpha: Array | None,
) -> Array:
    return _forward(inputs, W, carry, nonlinearity, gain, alpha)[0]


def _forward(
    inputs: Array,
    W: Array,
    carry: Array,
    nonlinearity: str,
    gain: Gain | None,
    alpha: Array | None,
) -> tuple[Array, Residuals]:
    f = activation(nonlinearity).value
    product = _product(W, gain)
    alpha = None if alpha is None else alpha[None]

    def step(state: Array, u: Array) -> tuple[Array, tuple[Array, DivisionResiduals | None]]:
        recurrent, division = product(state if alpha is None else f(state))
        drive = u + recurrent
        state = f(drive) if alpha is None else state + alpha * (drive - state)
        return state, (state, division)

    _, (states, division) = jax.lax.scan(step, carry, inputs)
    activity = states if alpha is None else f(states)
    return activity, Residuals(states, activity, W, carry, gain, alpha, division)


def _backward(
    nonlinearity: str, kept: Residuals, d_activity: Array
) -> tuple[Array, Array, Array, Gain | None, Array | None]:
    """Compute the gradients of inputs, W, carry, gain and alpha, in this order."""
    f, derivative = activation(nonlinearity)
    gain, alpha = kept.gain, kept.alpha
    product_back = _product_back(kept.W, gain)

    def step(d_later, now):
        d_recurrent, d_leak = d_later
        d_h, h, division = now
        dz = (d_h + d_recurrent) * derivative(h)
        if alpha is None:
            d_drive = dz
        else:
            dz = dz + d_leak
            d_drive, d_leak = alpha * dz, (1 - alpha) * dz
        d_recurrent, d_division = product_back(d_drive, division)
        return (d_recurrent, d_leak), (d_drive, d_division)

    zeros = jnp.zeros_like(kept.carry)
    (d_carry, d_leak), (d_drive, d_division) = jax.lax.scan(
        step,
        (zeros, None if alpha is None else zeros),
        (d_activity, kept.activity, kept.division),
        reverse=True,
    )
    h_0, d_alpha = kept.carry, None
    if alpha is not None:
        h_0 = f(kept.carry)
        d_carry = d_carry * derivative(h_0) + d_leak
        # The forward pass does not keep the drive: alpha (drive - z_{t-1}) is z_t - z_{t-1}.
        change = kept.states - _previous(kept.states, kept.carry)
        d_alpha = (d_drive * change).sum((0, 1)) / alpha[0] ** 2
    previous = rows(_previous(kept.activity, h_0))
    d_W, d_gain = _weight_gradients(kept, previous, d_drive, d_division)
    return d_drive, d_W, d_carry, d_gain, d_alpha


def _previous(sequence: Float[Array, "t b n"], first: Float[Array, "b n"]) -> Float[Array, "t b n"]:
    """Shift a sequence by one step: first, sequence[0], …, sequence[t - 2]; empty if t is 0."""
    return jnp.concatenate([first[None], sequence])[:-1]


def _product(
    W: Array, gain: Gain | None
) -> Callable[[Array], tuple[Array, DivisionResiduals | None]]:
    """Make one step's recurrent product: ``h -> (contribution to the drive, residuals)``."""
    if gain is None:
        W_transposed = W.T  # transposed once, outside the scan
        return lambda h: (h @ W_transposed, None)
    weights = gain.with_interneurons(W).T
    return lambda h: divide_and_keep(gain, h @ weights)


def _product_back(
    W: Array, gain: Gain | None
) -> Callable[[Array, DivisionResiduals | None], tuple[Array, DivisionGradients | None]]:
    """Make the backward pass of :func:`_product`: ``(d_drive, residuals) -> (dh, gradients)``."""
    if gain is None:
        return lambda d_drive, kept: (d_drive @ W, None)
    weights, back = gain.with_interneurons(W), drive_gradient(gain)

    def divided(
        d_drive: Array, kept: DivisionResiduals | None
    ) -> tuple[Array, DivisionGradients | None]:
        assert kept is not None  # divide_and_keep has made them
        gradients = back(kept, d_drive)
        return gradients.dz @ weights, gradients

    return divided


def _weight_gradients(
    kept: Residuals, previous: Array, d_drive: Array, d_division: DivisionGradients | None
) -> tuple[Array, Gain | None]:
    """Compute the gradients of W and of the gain from all time steps and trials at once."""
    if kept.gain is None or kept.division is None or d_division is None:
        return rows(d_drive).T @ previous, None
    dz, q = rows(d_division.dz), rows(d_division.q)
    d_weights = dz.T @ previous  # of W stacked on the weights onto the interneurons
    d_g, d_divider = gain_gradient(kept.gain, rows(kept.division.z), q)
    n = len(kept.W)
    return d_weights[:n], Gain(d_g, d_divider, d_weights[n:])


def rows(x: Float[Array, "*b n"]) -> Float[Array, "rows n"]:
    """Reshape [t, b, n] to [t b, n].

    Products of such matrices are fast; in a product over two axes XLA first transposes the arrays.
    """
    return x.reshape(-1, x.shape[-1])


_recurrence.defvjp(_forward, _backward)
