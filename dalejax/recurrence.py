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


EPSILON = 1e-8  # added to every divisive gain, as the authors do: silence divides nothing by 0


class Gain(NamedTuple):
    r"""Divisive inhibition of low rank: a unit's product is multiplied by g / gamma.

    .. math:: \gamma = D I x + 10^{-8}

    Attributes:
        g: gain of each unit [n].
        divider: D, how strongly the interneurons divide, ``W_ei * exp(alpha)`` [n, n_i].
        inhibition: I, what drives the interneurons, ``W_ie`` [n_i, pre].
    """

    g: Float[Array, " n"]
    divider: Float[Array, "n n_i"]
    inhibition: Float[Array, "n_i pre"]

    def with_interneurons(self, W: Float[Array, "n pre"]) -> Float[Array, "n_both pre"]:
        """Put what drives the interneurons under W: one product for units and interneurons."""
        return jnp.concatenate([W, self.inhibition])

    def gamma(self, interneurons: Float[Array, "*b n_i"]) -> Float[Array, "*b n"]:
        """Compute gamma from the interneurons' activity."""
        return interneurons @ self.divider.T + EPSILON


@jax.custom_vjp
def divide(gain: Gain, z: Float[Array, "*b n_both"]) -> Float[Array, "*b n"]:
    r"""Divide what units hear by their gain: :math:`y = g \, a / \gamma`.

    Args:
        gain: the divisive inhibition.
        z: products with :meth:`Gain.with_interneurons` [..., n + n_i]: a of the units, then the
            interneurons.

    Example:
        >>> one = jnp.ones((1, 1))
        >>> divide(Gain(jnp.ones(1), 2 * one, one), jnp.array([[3.0, 0.5]])).tolist()
        [[3.0]]

    Reference:
        Cornford et al. 2021, eqs. 1 and 19.
    """
    return _divide(gain, z)[0]


def _divide(gain, z):
    n = len(gain.g)
    inverse = 1 / gain.gamma(z[..., n:])
    return gain.g * (z[..., :n] * inverse), inverse


# With y = g a / gamma: da = g dy / gamma, and d gamma = -g q with q = dy a / gamma^2.


def _divide_back(gain, z, inverse, dy):
    """Give dz and q; the gain's own gradient waits until all q are there."""
    d_ratio = dy * inverse
    q = d_ratio * (z[..., : len(gain.g)] * inverse)
    d_interneurons = q @ (-gain.g[:, None] * gain.divider)
    return jnp.concatenate([gain.g * d_ratio, d_interneurons], axis=-1), q


def _gain_back(gain, z, q):
    # Epsilon is the weight of an interneuron that is always 1. As gamma is linear in the
    # interneurons, their products with q hold dg as well: dy a / gamma = q gamma.
    interneurons = jnp.pad(z[:, len(gain.g) :], ((0, 0), (0, 1)), constant_values=1)
    products = (interneurons.T @ q).T
    d_g = (gain.divider * products[:, :-1]).sum(1) + EPSILON * products[:, -1]
    d_divider = -gain.g[:, None] * products[:, :-1]
    return Gain(d_g, d_divider, jnp.zeros_like(gain.inhibition))


def _divide_forward(gain, z):
    y, inverse = _divide(gain, z)
    return y, (gain, z, inverse)


def _divide_backward(residuals, dy):
    gain, z, inverse = residuals
    dz, q = _divide_back(gain, z, inverse, dy)
    return _gain_back(gain, rows(z), rows(q)), dz


divide.defvjp(_divide_forward, _divide_backward)


@partial(jax.custom_vjp, nondiff_argnums=(3,))
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
        change = states - jnp.concatenate([carry[None], states[:-1]])
        d_alpha = (d_drive * change).sum((0, 1)) / alpha[0] ** 2
    before = rows(jnp.concatenate([first[None], activity[:-1]]))
    d_W, d_gain = _weights_back(W, gain, before, d_drive, kept, made)
    return d_drive, d_W, d_carry, d_gain, d_alpha


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
        y, inverse = _divide(gain, z)
        return y, (z, inverse)

    return divided


def _product_back(W, gain):
    if gain is None:
        return lambda d_drive, kept: (d_drive @ W, ())
    weights = gain.with_interneurons(W)

    def divided(d_drive, kept):
        dz, q = _divide_back(gain, *kept, d_drive)
        return dz @ weights, (dz, q)

    return divided


def _weights_back(W, gain, before, d_drive, kept, made):
    if gain is None:
        return rows(d_drive).T @ before, None
    dz, q = map(rows, made)
    d_weights = dz.T @ before
    d_gain = _gain_back(gain, rows(kept[0]), q)
    return d_weights[: len(W)], d_gain._replace(inhibition=d_weights[len(W) :])


def rows(x: Float[Array, "*b n"]) -> Float[Array, "rows n"]:
    """Lay all steps and trials under each other: XLA transposes products over two axes first."""
    return x.reshape(-1, x.shape[-1])


recurrence.defvjp(_forward, _backward)
