"""The one recurrence: a scan over time with a fast gradient.

Every recurrent cell boils down to ``h_t = f(u_t + W h_{t-1})``, where ``u_t`` already holds the
input product of all time steps, made as one matrix product before the scan. What is slow in plain
backpropagation through a scan is the weight gradient, accumulated step by step; here the backward
scan only carries ``dz_t`` and the weight gradient is one matrix product after it.
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


@partial(jax.custom_vjp, nondiff_argnums=(3,))
def recurrence(
    inputs: Float[Array, "t b n"],
    W: Float[Array, "n n"],
    carry: Float[Array, "b n"],
    nonlinearity: str = "relu",
) -> Float[Array, "t b n"]:
    r"""Run ``h_t = f(u_t + W h_{t-1})`` over all time steps.

    .. math:: h_t = f(u_t + W h_{t-1}), \qquad h_0 = \text{carry}

    Args:
        inputs: ``u`` [t, b, n], input products with the bias (and any noise) already added.
        W: recurrent weights [n, n], ``[post, pre]``.
        carry: the state before the first step [b, n].
        nonlinearity: a name in :data:`ACTIVATIONS`.

    Returns:
        ``h`` [t, b, n], the state after each step.

    Example:
        >>> import jax.numpy as jnp
        >>> u = jnp.ones((3, 1, 1))
        >>> recurrence(u, jnp.full((1, 1), 2.0), jnp.zeros((1, 1)))[:, 0, 0].tolist()
        [1.0, 3.0, 7.0]

    Reference:
        Li et al. 2023, eq. 1; the backward pass is Werbos 1988.
    """
    return _forward(inputs, W, carry, nonlinearity)[0]


def _forward(inputs, W, carry, nonlinearity):
    f = activation(nonlinearity).value
    W_transposed = W.T  # once, not in every step

    def step(h, u):
        h = f(u + h @ W_transposed)
        return h, h

    _, states = jax.lax.scan(step, carry, inputs)
    return states, (states, W, carry)


def _backward(nonlinearity, residuals, d_states):
    states, W, carry = residuals
    derivative = activation(nonlinearity).derivative_from_output

    def step(d_next, x):
        d_h, h = x
        dz = (d_h + d_next) * derivative(h)
        return dz @ W, dz

    d_carry, dz = jax.lax.scan(step, jnp.zeros_like(carry), (d_states, states), reverse=True)
    before = jnp.concatenate([carry[None], states[:-1]])
    return dz, rows(dz).T @ rows(before), d_carry


def rows(x: Float[Array, "*b n"]) -> Float[Array, "rows n"]:
    """Lay all steps and trials under each other: XLA transposes products over two axes first."""
    return x.reshape(-1, x.shape[-1])


recurrence.defvjp(_forward, _backward)
