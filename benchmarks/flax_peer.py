"""Plain Flax: ``nn.RNN`` of ``nn.SimpleCell`` under ``jax.vmap``, with a scan of updates."""

from __future__ import annotations

from typing import cast

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax


class Network(nn.Module):
    """Recurrent layers and a dense read-out of the last step."""

    layers: int
    features: int
    n_out: int

    @nn.compact
    def __call__(self, x):
        """Run over x [t, b, n_in]; returns [b, n_out]."""
        for _ in range(self.layers):
            cell = nn.SimpleCell(self.features, activation_fn=nn.relu)
            x = cast(jax.Array, nn.RNN(cell, time_major=True)(x))  # no carry is asked for
        return nn.Dense(self.n_out)(x[-1])


def updates(layers: int, n: int, n_out: int, seeds: int, num: int, x, y, learning_rate: float):
    """Compile so many updates of an ensemble; returns what runs them."""
    net, tx = Network(layers, n, n_out), optax.sgd(learning_rate)
    x, y = jnp.asarray(x), jnp.asarray(y)

    def start(key):
        params = net.init(key, x)
        return params, tx.init(params)

    def one_update(state, _):
        params, opt_state = state

        def loss_of(params):
            outputs = cast(jax.Array, net.apply(params, x))
            return optax.softmax_cross_entropy_with_integer_labels(outputs, y).mean()

        gradient = jax.grad(loss_of)(params)
        changes, opt_state = tx.update(gradient, opt_state)
        return (optax.apply_updates(params, changes), opt_state), None

    @jax.jit
    @jax.vmap
    def run(state):
        return jax.lax.scan(one_update, state, length=num)[0]

    # One by one: jaxlib's batched orthogonal matrices can wait for each other for ever on a CPU.
    started = [jax.block_until_ready(jax.jit(start)(jax.random.key(i))) for i in range(seeds)]
    state = jax.tree.map(lambda *leaves: jnp.stack(leaves), *started)
    return lambda: jax.block_until_ready(run(state))
