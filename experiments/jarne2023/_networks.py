"""The networks of Jarne & Caruso 2023 with their optimiser: tanh units, one linear read-out."""

from __future__ import annotations

from collections.abc import Callable

import jax
import optax

import dalejax as dj
from dalejax.types import Array, Float, Key, Params

SOURCE = "Jarne & Caruso 2023"
OWN = f"own, on the networks of {SOURCE}"
# Distributions of the recurrent weights before the first projection.
STARTS: dict[str, Callable] = {
    "normal": dj.initializers.normal,
    "orthogonal": dj.initializers.orthogonal,
}
FREE = "unconstrained"


def network(
    n: int,
    excitatory: float | str,
    start: str,
    n_out: int,
    variant: str = "text",
    readout: type[dj.Dense] = dj.Dense,
) -> dj.RecurrentNetwork:
    """Make a network of n tanh units that gives an output at every time step.

    Args:
        n: units.
        excitatory: share of excitatory units, from 0 to 1, or :data:`FREE` for weights without
            sign constraints.
        start: distribution of the recurrent weights, a name in :data:`STARTS`.
        n_out: outputs.
        variant: ``"text"`` signs the weights that a unit sends (Dale's law); ``"code"``, as the
            published code, those that it receives.
        readout: class of the read-out layer.
    """
    if excitatory == FREE:
        cell = dj.RNNCell(
            n,
            activation="tanh",
            recurrent_init=STARTS[start],
            input_init=dj.initializers.glorot_uniform,
        )
    else:
        cell = dj.ProjectedCell(
            n,
            n_i=dj.signs.num_inhibitory(n, 1 - float(excitatory)),
            recurrent_init=STARTS[start],
            signed="presynaptic" if variant == "text" else "postsynaptic",
        )
    return dj.RecurrentNetwork([cell], readout(n_out), every_step=True)


def adam(net: dj.RecurrentNetwork, rate: float, clip: float) -> optax.GradientTransformation:
    """Make the paper's optimiser: clipping, Adam, and the projection if the network has signs."""
    if isinstance(net.cells[0], dj.ProjectedCell):
        return dj.colei_adam(rate, clip)
    return optax.chain(dj.clip_by_tensor_norm(clip), dj.keras_adam(rate))


def start_from(
    net: dj.RecurrentNetwork, task: dj.tasks.TrialTask, start: str, *, keys: Key[Array, " s"]
) -> tuple[Float[Array, "s n n"], Params]:
    """Draw recurrent weights, and the initial parameters that the first projection makes of them.

    Args:
        net: a network of one cell.
        task: the task, for its numbers of inputs and outputs.
        start: distribution of the recurrent weights, a name in :data:`STARTS`.
        keys: one key a network [s].

    Returns:
        The recurrent weights before the projection [s, n, n], and all initial parameters, with
        leading axis s.
    """
    params = dj.initial_params(net, task, keys=keys)
    n = net.cells[0].features
    draw = jax.vmap(lambda key: STARTS[start]((n, n), key=jax.random.fold_in(key, n)))
    unprojected = jax.jit(draw)(keys)
    params = params | {"cells_0": params["cells_0"] | {"W": unprojected}}
    if isinstance(net.cells[0], dj.ProjectedCell):
        params = dj.signs.project(params)
    return unprojected, params
