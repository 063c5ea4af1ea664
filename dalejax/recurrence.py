"""The one recurrence: a scan over time with a fast gradient.

Every recurrent cell boils down to ``h_t = f(u_t + W h_{t-1})``, where ``u_t`` already holds the
input product of all time steps, made as one matrix product before the scan. What is slow in plain
backpropagation through a scan is the weight gradient, accumulated step by step; here the backward
scan only carries ``dz_t`` and the weight gradient is one matrix product after it.

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

    def apply(self, z: Float[Array, "*b n"], x: Float[Array, "*b pre"]) -> Float[Array, "*b n"]:
        """Divide z by the gain that x makes."""
        return self.g * z / self.gamma(x @ self.inhibition.T)

    def gamma(self, interneurons: Float[Array, "*b n_i"]) -> Float[Array, "*b n"]:
        """Compute gamma from the interneurons' activity."""
        return interneurons @ self.divider.T + EPSILON


@partial(jax.custom_vjp, nondiff_argnums=(3,))
def recurrence(
    inputs: Float[Array, "t b n"],
    W: Float[Array, "n n"],
    carry: Float[Array, "b n"],
    nonlinearity: str = "relu",
    gain: Gain | None = None,
) -> Float[Array, "t b n"]:
    r"""Run ``h_t = f(u_t + W h_{t-1})`` over all time steps.

    .. math:: h_t = f\left(u_t + \frac{g}{\gamma(h_{t-1})} \odot W h_{t-1}\right),
              \qquad h_0 = \text{carry}

    Args:
        inputs: ``u`` [t, b, n], input products with the bias (and any noise) already added.
        W: recurrent weights [n, n], ``[post, pre]``.
        carry: the state before the first step [b, n].
        nonlinearity: a name in :data:`ACTIVATIONS`.
        gain: divisive inhibition; None for none (g / gamma is 1).

    Returns:
        ``h`` [t, b, n], the state after each step.

    Example:
        >>> import jax.numpy as jnp
        >>> u = jnp.ones((3, 1, 1))
        >>> recurrence(u, jnp.full((1, 1), 2.0), jnp.zeros((1, 1)))[:, 0, 0].tolist()
        [1.0, 3.0, 7.0]

    Reference:
        Li et al. 2023, eq. 1; the backward pass is Werbos 1988; the gain: Cornford et al. 2021,
        eq. 19.
    """
    return _forward(inputs, W, carry, nonlinearity, gain)[0]


def _forward(inputs, W, carry, nonlinearity, gain):
    if gain is not None:
        return _forward_divisive(inputs, W, carry, nonlinearity, gain)
    f = activation(nonlinearity).value
    W_transposed = W.T  # once, not in every step

    def step(h, u):
        h = f(u + h @ W_transposed)
        return h, h

    _, states = jax.lax.scan(step, carry, inputs)
    return states, (states, W, carry, None)


def _backward(nonlinearity, residuals, d_states):
    states, W, carry, divisive = residuals
    derivative = activation(nonlinearity).derivative_from_output
    before = jnp.concatenate([carry[None], states[:-1]])
    if divisive is not None:
        return _backward_divisive(derivative, W, before, divisive, states, d_states)

    def step(d_next, x):
        d_h, h = x
        dz = (d_h + d_next) * derivative(h)
        return dz @ W, dz

    d_carry, dz = jax.lax.scan(step, jnp.zeros_like(carry), (d_states, states), reverse=True)
    return dz, rows(dz).T @ rows(before), d_carry, None


# With a = W h and y = g a / gamma: da = dy g / gamma, d gamma = -da a / gamma.


def _forward_divisive(inputs, W, carry, nonlinearity, gain):
    f = activation(nonlinearity).value
    n = len(W)
    weights = jnp.concatenate([W, gain.inhibition]).T  # one product for units and interneurons

    def step(h, u):
        z = h @ weights
        inverse = 1 / gain.gamma(z[..., n:])
        ratio = z[..., :n] * inverse
        h = f(u + gain.g * ratio)
        return h, (h, ratio, inverse, z[..., n:])

    _, (states, *kept) = jax.lax.scan(step, carry, inputs)
    return states, (states, W, carry, (gain, *kept))


def _backward_divisive(derivative, W, before, divisive, states, d_states):
    (g, divider, inhibition), ratio, inverse, interneurons = divisive

    def step(d_next, x):
        d_h, h, ratio, inverse = x
        dz = (d_h + d_next) * derivative(h)
        da = dz * (g * inverse)
        d_interneurons = (da * ratio) @ -divider
        return da @ W + d_interneurons @ inhibition, (dz, da, d_interneurons)

    d_carry, (dz, da, d_interneurons) = jax.lax.scan(
        step, jnp.zeros_like(states[0]), (d_states, states, ratio, inverse), reverse=True
    )
    # Units and interneurons see the same states: one product for both.
    d_all = jnp.concatenate([rows(da), rows(d_interneurons)], axis=1).T @ rows(before)
    d_W, d_inhibition = d_all[: len(W)], d_all[len(W) :]
    d_divider = -(rows(interneurons).T @ rows(da * ratio)).T
    d_gain = Gain((dz * ratio).sum((0, 1)), d_divider, d_inhibition)
    return dz, d_W, d_carry, d_gain


def rows(x: Float[Array, "*b n"]) -> Float[Array, "rows n"]:
    """Lay all steps and trials under each other: XLA transposes products over two axes first."""
    return x.reshape(-1, x.shape[-1])


recurrence.defvjp(_forward, _backward)
