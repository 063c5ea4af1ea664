"""Measure the diagonal of a network's Fisher information on a batch."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from dalejax.nn.cells.base import NOISE
from dalejax.types import Array, Key, Params, PyTree

# Trials whose gradients exist at the same time. XLA runs the products of several trials' gradients
# far more slowly on CPUs: 3 x 500 units, 250 trials, 0.9 s from two on, 0.05 s one by one.
_AT_ONCE = {"cpu": 1}
_AT_ONCE_ELSEWHERE = 16


def diagonal_fisher(net, task, params: Params, inputs: Array, *, key: Key[Array, ""]) -> PyTree:
    r"""Measure the diagonal of the Fisher information on a batch.

    .. math:: \hat F_\theta = \frac1b \sum_i \left(
              \frac{\partial}{\partial\theta} \log p(y_i \mid x_i)\right)^2,
              \qquad y_i \sim p(y \mid x_i)

    The answers are drawn from the network itself, not taken from the data.

    Args:
        net: the network.
        task: says how answers are drawn, what the loss -log p is, and where the trials are.
        params: the network's parameters.
        inputs: of the batch; the task's ``batch_axis`` are the trials.
        key: a typed PRNG key.

    Returns:
        A tree like the parameters.

    Raises:
        TypeError: the task does not say how answers are drawn.
        ValueError: the network normalises over the batch: a trial has no gradient of its own.

    Example:
        >>> import dalejax as dj
        >>> net = dj.FeedforwardNetwork([dj.Dense(4)], dj.Dense(10))
        >>> task = dj.tasks.ImageClassification("digits")
        >>> params = net.init(jax.random.key(0), task.example())["params"]
        >>> x = jnp.ones((8, 784))
        >>> F = diagonal_fisher(net, task, params, x, key=jax.random.key(1))
        >>> F["readout"]["W"].shape
        (10, 4)

    Reference:
        Cornford et al. 2021, eq. 5 and algorithm 4.
    """
    if getattr(net, "has_batch_statistics", False):
        raise ValueError("diagonal_fisher needs every trial's own gradient; BatchNorm mixes them.")
    trials = jnp.moveaxis(inputs, task.batch_axis, 0)
    num = len(trials)

    def alone(params, trial, number):
        # Its noise is its own, and the same when the answer is drawn and when it is differentiated.
        one = jnp.expand_dims(trial, task.batch_axis)
        rngs = {NOISE: jax.random.fold_in(key, number)}
        return net.apply({"params": params}, one, task.steps, rngs=rngs)

    outputs = jax.vmap(alone, (None, 0, 0))(params, trials, jnp.arange(num))[:, 0]
    answers = task.sample(outputs, key=key)
    most = _AT_ONCE.get(jax.default_backend(), _AT_ONCE_ELSEWHERE)
    at_once = max(size for size in range(1, most + 1) if num % size == 0)

    def loss(params, trial, answer, number):
        return task.loss(alone(params, trial, number), answer[None])

    def add(total, part):
        gradients = jax.vmap(jax.grad(loss), (None, 0, 0, 0))(params, *part)
        return jax.tree.map(lambda t, g: t + jnp.square(g).sum(0), total, gradients), None

    every = (trials, answers, jnp.arange(num))
    parts = jax.tree.map(lambda leaf: leaf.reshape(-1, at_once, *leaf.shape[1:]), every)
    total, _ = jax.lax.scan(add, jax.tree.map(jnp.zeros_like, params), parts)
    return jax.tree.map(lambda leaf: leaf / num, total)
