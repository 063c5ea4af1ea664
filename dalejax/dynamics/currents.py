"""What excites and what inhibits each unit of a network, apart."""

from __future__ import annotations

import jax.numpy as jnp

from dalejax.nn.cells.base import NOISE
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
    r"""Compute what excites and what inhibits every unit; biases are left aside.

    .. math:: E = [W]_+ h + [U]_+ x, \qquad I = [W]_- h + [U]_- x

    where what a negative input adds changes sides. A Dale's ANN's interneurons are what inhibits,
    :math:`[W]_- = W^{EI} W^{IE}`; divisive inhibition divides both, and is left out.

    Args:
        net: a recurrent network (its cells are taken) or a feedforward one (its layers).
        params: its parameters.
        x: inputs [t, b, n_in], or numbers [t, b]; of a feedforward network [b, n_in] or pictures
            [b, height, width, channels].
        steps: time steps, see :class:`~dalejax.nn.recurrent_network.RecurrentNetwork`.
        key: of the network's noise.

    Returns:
        For each layer (E, I), neither negative: [t, b, n], or [b, ...] without time.

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
        return _of_layers(net, params, x)

    def run(module, x, steps):
        vectors = x if module.embedding is None else module.embedding(x)
        return vectors, module.activities(x, steps)

    below, activities = net.apply({"params": params}, x, steps, method=run, rngs={NOISE: key})
    out = []
    for i, (cell, h) in enumerate(zip(net.cells, activities, strict=True)):
        p, nothing = params[f"cells_{i}"], jnp.zeros_like(h)
        before = jnp.concatenate([nothing[:1], h[:-1]])
        recurrent = _received(before, _parts(cell, p, "W"), _product)
        fed = _received(below, _parts(cell, p, "U"), _product)
        silent = nothing[len(below) :]  # after the inputs' end
        out.append(
            tuple(r + jnp.concatenate([f, silent]) for r, f in zip(recurrent, fed, strict=True))
        )
        below = h
    return out


def _of_layers(net, params, x):
    out = []
    activities = net.apply({"params": params}, x, method="activities")
    for i, (layer, h) in enumerate(zip(net.layers, activities, strict=True)):
        if isinstance(layer, Dense):
            out.append(_received(x, _parts(layer, params[f"layers_{i}"], "W"), layer.product))
        x = h
    return out


def _parts(layer, params, name):
    """Split a matrix into what excites and what inhibits, X = E - I; neither is negative."""
    if f"{name}_ee" not in params or not getattr(layer, "subtractive", True):
        return _split(getattr(layer.effective(params), name))
    excites, inhibits = _split(params[f"{name}_ee"])
    taken, given_back = _split(interneurons(params, name))  # what inhibits interneurons excites
    ei = params[f"{name}_ei"]
    return excites + ei @ given_back, inhibits + ei @ taken


def _split(x):
    return jnp.maximum(x, 0), jnp.maximum(-x, 0)


def _received(x, parts, product):
    (excites, inhibits), (positive, negative) = parts, _split(x)
    return (
        product(positive, excites) + product(negative, inhibits),
        product(positive, inhibits) + product(negative, excites),
    )


def _product(x, W):
    return x @ W.T
