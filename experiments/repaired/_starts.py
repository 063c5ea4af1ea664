"""Who is compared with repaired ColEI, and where each of them starts."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import NamedTuple

import dalejax as dj

RNN, ORTHOGONAL, DANN = "RNN", "orthogonal RNN", "DANN"
COLEI, TRANSPLANT, REPAIRED = "ColEI", "ColEI, RNN's spectrum", "repaired ColEI"
NAMES = (RNN, ORTHOGONAL, DANN, COLEI, TRANSPLANT, REPAIRED)
FOUR = (RNN, COLEI, TRANSPLANT, REPAIRED)  # all that the claims are about
BIASES = ("zero", "centred", "raised")
RAISED = 0.3  # what a raised bias starts at: units are active at inputs below the mean


class Contestant(NamedTuple):
    """Who learns.

    Attributes:
        net: the network.
        make_tx: makes its optimiser of a rate and a clip.
        host: the network that it starts as, but for the singular values of W; None for itself.
    """

    net: dj.RecurrentNetwork
    make_tx: Callable
    host: dj.RecurrentNetwork | None = None


class Repair(NamedTuple):
    """What a task wants of the repaired network's start, found by trial.

    Attributes:
        strength: of the synapses of W.
        singular_value: of the read-out.
        shift: of the read-out, which a softmax does not see.
        dense_inputs: whether U starts with many synapses, as ColEI's does.
    """

    strength: float = 0.8
    singular_value: float = 1 / 3
    shift: float = 0.0
    dense_inputs: bool = False


USUAL = Repair()


def contestants(
    s: Mapping, n_out: int, cell: Mapping, repair: Repair = USUAL, **how
) -> dict[str, Contestant]:
    """Make the networks wanted; ``cell`` goes to each one's cell, ``how`` to the network.

    Their inputs are excitatory. Each of the numbers ``inputs_n_i``, where there is such a setting,
    adds a ColEI network and a repaired one to which so many inputs, the last ones, are inhibitory.
    """
    n, n_i = s["n"], s["n_i"]
    signed = dict(cell, n_i=n_i)

    def net(cell, readout):
        return dj.RecurrentNetwork([cell], readout, **how)

    rnn = net(dj.RNNCell(n, **cell), dj.Dense(n_out))
    colei = net(dj.ColEICell(n, **signed), dj.ColEIDense(n_out))
    repaired = functools.partial(dj.RepairedColEICell, n, strength=repair.strength)
    few_or_many = dj.initializers.colei_input if repair.dense_inputs else None
    readout = dj.RepairedColEIDense(n_out, singular_value=repair.singular_value, shift=repair.shift)
    orthogonal = dj.RNNCell(n, recurrent_init=dj.initializers.orthogonal, **cell)
    every = {
        RNN: Contestant(rnn, dj.rnn_sgd),
        ORTHOGONAL: Contestant(net(orthogonal, dj.Dense(n_out)), dj.rnn_sgd),
        DANN: Contestant(net(dj.DANNCell(n, n_i=n_i, **cell), dj.DANNDense(n_out)), dj.dann_sgd),
        COLEI: Contestant(colei, dj.colei_sgd),
        TRANSPLANT: Contestant(rnn, dj.rnn_sgd, host=colei),
        REPAIRED: Contestant(
            net(repaired(**signed, input_init=few_or_many), readout), dj.colei_sgd
        ),
    }
    out = {name: every[name] for name in s.get("networks", NAMES)}
    for inputs_n_i in s.get("inputs_n_i", ()):
        both = signed | {"inputs_n_i": inputs_n_i}
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


def start(contestant: Contestant, task, bias: str, input_mean: float, *, keys):
    """Draw where members start: with the bias wanted, and a transplanted spectrum."""
    params = dj.initial_params(contestant.net, task, keys=keys)
    if contestant.host is not None:
        host = dj.initial_params(contestant.host, task, keys=keys)
        W = dj.spectrum.transplant(host["cells_0"]["W"], params["cells_0"]["W"])
        cell, readout = host["cells_0"], host["readout"]
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
