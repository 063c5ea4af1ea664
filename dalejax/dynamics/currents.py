"""Compute the excitatory and the inhibitory input of each unit of a network separately."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import jax.numpy as jnp

from dalejax.nn.cells.base import NOISE, Cell
from dalejax.nn.cells.basic import interneurons
from dalejax.nn.dense import Dense
from dalejax.nn.feedforward_network import FeedforwardNetwork
from dalejax.nn.recurrent_network import RecurrentNetwork
from dalejax.types import Array, Key, Params


def currents(
    net: RecurrentNetwork | FeedforwardNetwork,
    params: Params,
    x: Array,
    *,
    steps: int | None = None,
    key: Key[Array, ""],
) -> list[tuple[Array, Array]]:
    r"""Compute the excitatory and the inhibitory input of every unit, without biases.

    .. math:: E = [W]_+ h + [U]_+ x, \qquad I = [W]_- h + [U]_- x

    where :math:`[X]_+ = \max(X, 0)` and :math:`[X]_- = \max(-X, 0)`. (These are the formulas for h
    and x that are not negative; a negative one adds to I with its positive weights, and to E with
    its negative weights.) In a Dale's ANN, the interneurons' weights are the inhibition,
    :math:`[W]_- = W^{EI} W^{IE}`. Divisive inhibition, which divides the sum of both, is ignored.

    Args:
        net: a network; the hidden cells of a recurrent one and the hidden layers of a feedforward
            one are analysed, without the read-out.
        params: parameters of ``net``, of one member.
        x: inputs: for a recurrent network, vectors [t, b, n_in] or the indices of an embedding
            [t, b]; for a feedforward one, vectors [b, n_in] or images [b, height, width, channels].
        steps: number of time steps, see
            :class:`~dalejax.nn.recurrent_network.RecurrentNetwork`.
        key: PRNG key of the network's noise.

    Returns:
        A pair (E, I) for each layer, both 0 or positive: [t, b, n] of a recurrent network,
        [b, ...] of a feedforward one, whose layers without weights are left out.

    Example:
        >>> import dalejax as dj, jax
        >>> net, x = dj.FeedforwardNetwork([dj.DANNDense(4)], dj.DANNDense(2)), jnp.ones((3, 5))
        >>> params = net.init(jax.random.key(0), x)["params"]
        >>> [(E, I)] = currents(net, params, x, key=jax.random.key(1))
        >>> E.shape, bool(abs(E.mean() - I.mean()) < 1e-5)
        ((3, 4), True)

    Reference:
        Cornford et al. 2021, section 3 (the balance of a layer).
    """
    if isinstance(net, FeedforwardNetwork):
        return _layer_currents(net, params, x)

    def run(module: RecurrentNetwork, x: Array, steps: int | None) -> tuple[Array, list[Array]]:
        vectors = x if module.embedding is None else module.embedding(x)
        return vectors, module.activities(x, steps)

    rngs = {NOISE: jnp.asarray(key)}
    below, activities = cast(
        tuple[Array, list[Array]],
        net.apply({"params": params}, x, steps, method=run, rngs=rngs),
    )
    out = []
    for i, (cell, h) in enumerate(zip(net.cells, activities, strict=True)):
        p, zeros = params[f"cells_{i}"], jnp.zeros_like(h)
        before = jnp.concatenate([zeros[:1], h[:-1]])  # activity one time step earlier
        recurrent = _received(before, _parts(cell, p, "W"), _product)
        fed = _received(below, _parts(cell, p, "U"), _product)
        # The network may run for longer than there are inputs.
        excitatory, inhibitory = (
            r + jnp.concatenate([f, zeros[len(below) :]])
            for r, f in zip(recurrent, fed, strict=True)
        )
        out.append((excitatory, inhibitory))
        below = h
    return out


def _layer_currents(net: FeedforwardNetwork, params: Params, x: Array) -> list[tuple[Array, Array]]:
    """Compute (E, I) for each layer with weights of a feedforward network."""
    out = []
    activities = cast(list[Array], net.apply({"params": params}, x, method="activities"))
    for i, (layer, h) in enumerate(zip(net.layers, activities, strict=True)):
        if isinstance(layer, Dense):
            out.append(_received(x, _parts(layer, params[f"layers_{i}"], "W"), layer.product))
        x = h
    return out


def _parts(layer: Cell | Dense, params: Params, name: str) -> tuple[Array, Array]:
    """Split a weight matrix X into X = E - I, both 0 or positive: its excitation and inhibition."""
    if f"{name}_ee" not in params or not getattr(layer, "subtractive", True):
        return _split(getattr(layer.effective(params), name))
    excites, inhibits = _split(params[f"{name}_ee"])
    # An input that inhibits an interneuron excites the units that the interneuron inhibits.
    on_interneurons, off_interneurons = _split(interneurons(params, name))
    ei = params[f"{name}_ei"]
    return excites + ei @ off_interneurons, inhibits + ei @ on_interneurons


def _split(x: Array) -> tuple[Array, Array]:
    """Split an array into its positive and its negative part, x = first - second."""
    return jnp.maximum(x, 0), jnp.maximum(-x, 0)


def _received(
    x: Array, parts: tuple[Array, Array], product: Callable[[Array, Array], Array]
) -> tuple[Array, Array]:
    """Compute (E, I) that units receive from activity x through the two parts of their weights."""
    (excites, inhibits), (positive, negative) = parts, _split(x)
    return (
        product(positive, excites) + product(negative, inhibits),
        product(positive, inhibits) + product(negative, excites),
    )


def _product(x: Array, W: Array) -> Array:
    return x @ W.T
