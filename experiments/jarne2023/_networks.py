"""The networks of Jarne & Caruso 2023 with their optimiser: tanh units, one linear output."""

from __future__ import annotations

from collections.abc import Callable

import jax
import optax

import dalejax as dj

STARTS: dict[str, Callable] = {
    "normal": dj.initializers.normal,
    "orthogonal": dj.initializers.orthogonal,
}
FREE = "unconstrained"


def network(
    n: int,
    constraint: float | str,
    start: str,
    n_out: int,
    variant: str = "text",
    readout: type[dj.Dense] = dj.Dense,
) -> dj.RecurrentNetwork:
    """Make a network of n units: of a share of excitatory ones, or unconstrained.

    The published code (`code`) gives signs to what a unit receives, the text to what it sends.
    """
    if constraint == FREE:
        cell = dj.RNNCell(
            n,
            activation="tanh",
            recurrent_init=STARTS[start],
            input_init=dj.initializers.glorot_uniform,
        )
    else:
        cell = dj.ProjectedCell(
            n,
            n_i=dj.signs.num_inhibitory(n, 1 - float(constraint)),
            recurrent_init=STARTS[start],
            signed="presynaptic" if variant == "text" else "postsynaptic",
        )
    return dj.RecurrentNetwork([cell], readout(n_out), every_step=True)


def adam(net: dj.RecurrentNetwork, rate: float, clip: float) -> optax.GradientTransformation:
    """Give a network its optimiser: J23's, without the projection where nothing is signed."""
    if isinstance(net.cells[0], dj.ProjectedCell):
        return dj.colei_adam(rate, clip)
    return optax.chain(dj.clip_by_tensor_norm(clip), dj.keras_adam(rate))


def start_from(net: dj.RecurrentNetwork, task, start: str, *, keys) -> tuple[jax.Array, dict]:
    """Draw whole recurrent matrices [s, n, n], and the parameters that start from them.

    What projecting them does is to be seen, so they are kept as they were before it.
    """
    params = dj.initial_params(net, task, keys=keys)
    n = net.cells[0].features
    whole = jax.jit(jax.vmap(lambda key: STARTS[start]((n, n), key=jax.random.fold_in(key, n))))(
        keys
    )
    params = params | {"cells_0": params["cells_0"] | {"W": whole}}
    if isinstance(net.cells[0], dj.ProjectedCell):
        params = dj.signs.project(params)
    return whole, params
