"""Updates that move parameters about, to see what they keep."""

import jax
import jax.numpy as jnp
import optax

import dalejax as dj

# By name: an optimiser, followed by the transformations p.
OPTIMISERS = {
    "adamw": lambda p: optax.chain(optax.adamw(0.1, weight_decay=0.3), *p),
    "momentum": lambda p: optax.chain(optax.sgd(0.3, momentum=0.9), *p),
    "sgd": lambda p: optax.chain(optax.sgd(1.0), *p),
}


def train(cell, params, tx, n_in=3, updates=30):
    """Update a cell's parameters with the gradients of a loss and with noise on them."""
    x = jax.random.normal(jax.random.key(1), (3, 2, n_in))

    def loss(params):
        return jnp.sin(3 * cell.apply({"params": params}, x, method="sequence")).sum()

    @jax.jit
    def step(params, state, key):
        gradient = jax.grad(loss)(params)
        leaves, treedef = jax.tree.flatten(gradient)
        keys = jax.random.split(key, len(leaves))
        noisy = [g + jax.random.normal(k, g.shape) for k, g in zip(keys, leaves, strict=True)]
        # The mask's own entries are the optimiser's to move: noise stands for what decays it.
        updates, state = tx.update(treedef.unflatten(noisy), state, params, project_later=True)
        return dj.apply_updates(params, updates, state), state

    tx_state = tx.init(params)
    for key in jax.random.split(jax.random.key(2), updates):
        params, tx_state = step(params, tx_state, key)
    return params
