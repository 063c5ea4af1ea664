"""The forward pass of a network whose recurrent noise is drawn with a key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import jax

from dalejax.nn.cells.base import NOISE
from dalejax.nn.feedforward_network import FeedforwardNetwork
from dalejax.nn.recurrent_network import RecurrentNetwork
from dalejax.types import Array, Float, Int, Key, PyTree

Network = RecurrentNetwork | FeedforwardNetwork


def run_network(
    net: Network,
    variables: Mapping[str, PyTree],
    inputs: Float[Array, ...] | Int[Array, "t_in b"],
    steps: int | None = None,
    *,
    key: Key[Array, ""],
    method: str | Callable[..., PyTree] | None = None,
) -> PyTree:
    """Run a network over a batch.

    Args:
        net: the network.
        variables: its Flax variables; the collection ``"params"`` holds the parameters.
        inputs: [t_in, b, n_in], or numbers [t_in, b] for an embedding; [b, ...] without time.
        steps: time steps, at least t_in; None for t_in.
        key: a typed PRNG key, of the recurrent noise.
        method: what to call instead of the network: the name of one of its methods, or a function
            ``(net, inputs, steps)``.

    Returns:
        The outputs, or what the method returns.

    Example:
        >>> import dalejax as dj
        >>> net, x = dj.RecurrentNetwork([dj.RNNCell(5)], dj.Dense(1)), jax.numpy.ones((7, 2, 3))
        >>> variables = net.init(jax.random.key(0), x)
        >>> run_network(net, variables, x, key=jax.random.key(1)).shape
        (2, 1)
    """
    rngs = {NOISE: cast(jax.Array, key)}
    return net.apply(dict(variables), inputs, steps, method=method, rngs=rngs)
