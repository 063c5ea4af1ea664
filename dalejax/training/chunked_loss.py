"""A mean loss over all time steps that keeps the outputs of only a few of them in memory.

With 10,000 words to choose from, the outputs of one batch need much more memory than the states
that they are read out from. Here they are computed, used and freed a few time steps at a time. The
forward pass also computes the gradient, so that the backward pass need not compute them again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp

from dalejax.nn.dense import EffectiveDense
from dalejax.nn.recurrence import rows
from dalejax.types import Array, Float, PyTree

Loss = Callable[[Array, Array], Array]


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def loss_in_parts(
    loss: Loss,
    at_once: int,
    weights: EffectiveDense,
    states: Float[Array, "t b n"],
    targets: PyTree,
) -> Float[Array, ""]:
    r"""Average a loss over time, with the outputs of at most ``at_once`` time steps in memory.

    .. math:: L = \frac1k \sum_{i=1}^k \ell(W h_{T_i} + b,\, y_{T_i}),
              \qquad T_1 \cup \dots \cup T_k = \{1, \dots, t\}

    Args:
        loss: ``loss(outputs [t', b, n_out], targets [t', b])``, a mean over the time steps.
        at_once: largest number of time steps in a part; the parts T are the largest equal ones.
        weights: effective weights of the read-out, W [n_out, n] and b [n_out].
        states: what the read-out sees, h [t, b, n].
        targets: a tree of arrays with leading axes [t, b].

    Returns:
        The loss over all time steps; it differs from ``loss`` of all outputs only by rounding.

    Example:
        >>> weights = EffectiveDense(jnp.ones((1, 2)), jnp.zeros(1))
        >>> squares = lambda outputs, targets: ((outputs[..., 0] - targets) ** 2).mean()
        >>> float(loss_in_parts(squares, 2, weights, jnp.ones((4, 1, 2)), jnp.zeros((4, 1))))
        4.0
    """
    parts = _split(at_once, states, targets)
    return jax.lax.map(lambda part: _read_out(loss, weights, *part), parts).mean()


def _forward(
    loss: Loss, at_once: int, weights: EffectiveDense, states: Array, targets: PyTree
) -> tuple[Array, tuple[EffectiveDense, Array]]:
    parts = _split(at_once, states, targets)
    num = len(parts[0])

    def one(sums, part):
        h, y = part
        value, (d_weights, d_h) = jax.value_and_grad(
            lambda weights, h: _read_out(loss, weights, h, y) / num, argnums=(0, 1)
        )(weights, h)
        return jax.tree.map(jnp.add, sums, (value, d_weights)), d_h

    nothing = (jnp.zeros((), states.dtype), jax.tree.map(jnp.zeros_like, weights))
    (value, d_weights), d_states = jax.lax.scan(one, nothing, parts)
    return value, (d_weights, d_states.reshape(states.shape))


def _backward(
    loss: Loss, at_once: int, gradients: tuple[EffectiveDense, Array], d_value: Array
) -> tuple[EffectiveDense, Array, None]:
    d_weights, d_states = jax.tree.map(lambda g: d_value * g, gradients)
    return d_weights, d_states, None


loss_in_parts.defvjp(_forward, _backward)


def _read_out(loss: Loss, weights: EffectiveDense, h: Array, y: PyTree) -> Array:
    return loss((rows(h) @ weights.W.T + weights.b).reshape(*h.shape[:-1], -1), y)


def _split(at_once: int, states: Array, targets: PyTree) -> tuple[Array, PyTree]:
    """Divide the time axis: [t, ...] to [k, t / k, ...], with the smallest k for ``at_once``."""
    steps = len(states)
    size = max(d for d in range(1, min(at_once, steps) + 1) if steps % d == 0)
    return jax.tree.map(lambda x: x.reshape(steps // size, size, *x.shape[1:]), (states, targets))
