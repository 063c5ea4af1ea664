"""Networks of every cell with their signs written down by hand, and a thousand random updates."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import optax

import dalejax as dj
from helpers import reference

UPDATES = 1_000
DANN = {f"{x}_{k}": 0 for x in "UW" for k in ("ee", "ie", "ei")}
READOUT = {name: 0 for name in DANN if name.startswith("W")}
MUTUAL = DANN | {"U_ii": 0, "W_ii": 0}
HYBRID = DANN | {"U_ee": 1, "U_ie": 1, "W_ee": 2, "W_ie": 2}
DIVISIVE = DANN | {"U_g": 0, "W_g": 0}
# Network, and for each layer: constrained matrix -> its number of inhibitory (last) columns.
NETWORKS = {
    "rnn": ([dj.RNNCell(3), dj.RNNCell(2)], dj.Dense(2), {"cells_1": {"W": 1}}),
    "colei": (
        [
            dj.ColEICell(4, n_i=2),
            dj.RepairedColEICell(3, n_i=1),
            dj.HybridCell(3, n_i=1, slow_n_i=2),
        ],
        dj.HybridDense(2),
        {
            "cells_0": {"U": 0, "W": 2},
            "cells_1": {"U": 2, "W": 1},
            "cells_2": HYBRID,
            "readout": READOUT | {"W_ee": 2, "W_ie": 2},
        },
    ),
    "dann": (
        [dj.DANNCell(3, n_i=1), dj.DANNCell(3, n_i=2), dj.MutualDANNCell(3, n_i=2)],
        dj.DANNDense(2),
        {"cells_0": DANN, "cells_1": DANN, "cells_2": MUTUAL, "readout": READOUT},
    ),
    "divisive": (
        [dj.DivisiveDANNCell(3, n_i=1), dj.DivisiveDANNCell(3, n_i=2)],
        dj.DivisiveDANNDense(2),
        {"cells_0": DIVISIVE, "cells_1": DIVISIVE, "readout": READOUT | {"W_g": 0}},
    ),
}


@cache
def setting(kind):
    """Give a network's parameters and its signs, one int8 an entry; "own" is all that have any."""
    if kind == "own":
        trees = {k: setting(k) for k in NETWORKS if k != "rnn"}
        return tuple(
            {
                f"{k}/{layer}": branch
                for k, pair in trees.items()
                for layer, branch in pair[i].items()
            }
            for i in (0, 1)
        )
    cells, readout, inhibitory = NETWORKS[kind]
    net = dj.RecurrentNetwork(cells=cells, readout=readout)
    params = net.init(jax.random.key(0), jnp.ones((1, 1, 2)))["params"]
    signs = reference.sign_tree(reference.strip(params), inhibitory)
    signs = reference.tree_map(lambda s: jnp.asarray(s, jnp.int8), signs)
    if kind == "rnn":  # nothing is constrained by itself: a user's tree puts Dale's law on it
        params = reference.tree_map(
            lambda p, s: jnp.where(s == 0, p, jnp.abs(p) * s),
            {k: dict(v) for k, v in params.items()},
            signs,
        )
    return params, signs


def gradients(size):
    """Draw every update's gradients, each update on a scale of its own."""
    rng = np.random.default_rng(1)
    draws = rng.normal(size=(UPDATES, size)) * 10 ** rng.uniform(-8, 3, size=(UPDATES, 1))
    return jnp.asarray(draws, jnp.float32)


def run(tx, params, signs, bare, later):
    """Make the updates; count the illegal entries, the -0.0 and the zeros met on the way."""

    leaves, treedef = jax.tree.flatten(params)
    ends = np.cumsum([leaf.size for leaf in leaves])

    def update(state, flat):
        params, opt_state = state
        grads = [
            g.reshape(leaf.shape)
            for g, leaf in zip(jnp.split(flat, ends[:-1]), leaves, strict=True)
        ]
        grads = jax.tree.unflatten(treedef, grads)
        if bare:
            updates, opt_state = tx.update(grads, opt_state, params)
            params = optax.apply_updates(params, updates)
        else:
            updates, opt_state = tx.update(grads, opt_state, params, **later)
            params = dj.apply_updates(params, updates, opt_state)
        counts = jnp.zeros(3, int)
        for (_, sign), (_, p) in zip(
            reference.leaves(signs),
            reference.leaves({k: {n: v[n] for n in signs[k]} for k, v in params.items()}),
            strict=True,
        ):
            minus_zero = (p == 0) & jnp.signbit(p)
            tests = [~jnp.isfinite(p) | (p * sign < 0), minus_zero, p == 0]
            counts += jnp.stack([((sign != 0) & test).sum() for test in tests])
        return (params, opt_state), counts

    @jax.jit
    def all_updates(params):
        (params, _), counts = jax.lax.scan(update, (params, tx.init(params)), gradients(ends[-1]))
        return params, counts

    return all_updates(params)


def prefix(signs, params):
    """Make a sign tree out of one sign an entry: dalejax's own signs are a free branch of it."""
    return {
        layer: {name: signs[layer].get(name) for name in branch} for layer, branch in params.items()
    }
