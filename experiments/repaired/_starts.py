"""The networks that are compared with repaired ColEI, and the parameters that each starts with."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import optax

import dalejax as dj
from dalejax.types import Array, Key, PyTree
from experiments.repaired._settings import (
    COLEI,
    DANN,
    ORTHOGONAL,
    REPAIRED,
    RNN,
    TRANSPLANT,
    Settings,
)

RAISED = 0.3  # added to a raised bias, so that units are active at inputs below the mean


class Contestant(NamedTuple):
    """A network that takes part in the comparison.

    Attributes:
        net: the network.
        make_tx: makes its optimiser of ``learning_rate`` and ``clip``.
        host: the network whose start it takes, all but the singular values of W; None where it
            starts as ``net`` itself does.
    """

    net: dj.RecurrentNetwork
    make_tx: Callable[..., optax.GradientTransformation]
    host: dj.RecurrentNetwork | None = None


class Repair(NamedTuple):
    """How the repaired network starts on a task; the values were found by trial.

    Attributes:
        strength: of the synapses of W; its singular values are proportional to it.
        singular_value: all singular values of the read-out without the shift.
        shift: added to the magnitude of every weight of the read-out, in units of 1 / sqrt(n);
            the probabilities of a softmax do not depend on it.
        dense_inputs: whether U starts with as many synapses as ColEI's, instead of few.
    """

    strength: float = 0.8
    singular_value: float = 1 / 3
    shift: float = 0.0
    dense_inputs: bool = False


USUAL = Repair()


def contestants(
    s: Settings, n_out: int, cell: Mapping[str, Any], repair: Repair = USUAL, **how: Any
) -> dict[str, Contestant]:
    """Make the networks that the settings name.

    Their inputs are excitatory. Each of the numbers ``inputs_n_i`` adds a ColEI network and a
    repaired one to which that many inputs, the last ones, are inhibitory.

    Args:
        s: the settings.
        n_out: outputs of the task.
        cell: further arguments of every network's cell.
        repair: how the repaired network starts.
        how: further arguments of every :class:`dalejax.RecurrentNetwork`.
    """
    n, n_i = s.n, s.n_i
    signed: dict[str, Any] = {**cell, "n_i": n_i}

    def net(cell, readout):
        return dj.RecurrentNetwork([cell], readout, **how)

    rnn = net(dj.RNNCell(n, **cell), dj.Dense(n_out))
    colei = net(dj.ColEICell(n, **signed), dj.ColEIDense(n_out))
    repaired = functools.partial(dj.RepairedColEICell, n, strength=repair.strength)
    inputs = dj.initializers.colei_input if repair.dense_inputs else None
    readout = dj.RepairedColEIDense(n_out, singular_value=repair.singular_value, shift=repair.shift)
    orthogonal = dj.RNNCell(n, recurrent_init=dj.initializers.orthogonal, **cell)
    every = {
        RNN: Contestant(rnn, dj.rnn_sgd),
        ORTHOGONAL: Contestant(net(orthogonal, dj.Dense(n_out)), dj.rnn_sgd),
        DANN: Contestant(net(dj.DANNCell(n, n_i=n_i, **cell), dj.DANNDense(n_out)), dj.dann_sgd),
        COLEI: Contestant(colei, dj.colei_sgd),
        TRANSPLANT: Contestant(rnn, dj.rnn_sgd, host=colei),
        REPAIRED: Contestant(net(repaired(**signed, input_init=inputs), readout), dj.colei_sgd),
    }
    out = {name: every[name] for name in s.networks}
    for inputs_n_i in s.inputs_n_i:
        both: dict[str, Any] = {**signed, "inputs_n_i": inputs_n_i}
        balanced = repaired(**both, balanced_inputs=True)
        out |= {
            with_inputs(COLEI, inputs_n_i): Contestant(
                net(dj.ColEICell(n, **both), dj.ColEIDense(n_out)), dj.colei_sgd
            ),
            with_inputs(REPAIRED, inputs_n_i): Contestant(net(balanced, readout), dj.colei_sgd),
        }
    return out


def with_inputs(name: str, inputs_n_i: int) -> str:
    """Name ColEI or repaired ColEI where some of the inputs are inhibitory."""
    return f"{name}, {inputs_n_i} I inputs"


def start(
    contestant: Contestant,
    task: dj.tasks.Task,
    bias: str,
    input_mean: float,
    *,
    keys: Key[Array, " s"],
) -> PyTree:
    """Draw the parameters that members start with, leading axis s.

    Args:
        contestant: the network; where it has a host, its W gets the host's singular vectors, and
            everything else is the host's.
        task: the task.
        bias: start of b: ``"zero"`` as the network draws it, ``"centred"`` to cancel inputs of
            mean ``input_mean``, ``"raised"`` to add 0.3.
        input_mean: mean of the task's inputs.
        keys: one key a member [s].
    """
    params = dj.initial_params(contestant.net, task, keys=keys)
    if contestant.host is not None:
        host = dj.initial_params(contestant.host, task, keys=keys)
        W = dj.spectrum.transplant(host["cells_0"]["W"], params["cells_0"]["W"])
        cell, readout = host["cells_0"], host["readout"]
        # Without the host's sign trees: the transplanted weights may change their signs.
        params = {
            "cells_0": {"U": cell["U"], "W": W, "b": cell["b"]},
            "readout": {"W": readout["W"], "b": readout["b"]},
        }
    b = params["cells_0"]["b"]
    if bias == "centred":
        b = -contestant.net.effective(params)[0].U.sum(-1) * input_mean
    elif bias == "raised":
        b = b + RAISED
    return params | {"cells_0": {**params["cells_0"], "b": b}}
