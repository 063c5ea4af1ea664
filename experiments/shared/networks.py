"""The three networks of Li et al. 2023 with their optimisers, as all experiments use them."""

from __future__ import annotations

import math

import optax

import dalejax as dj
from dalejax.plots import STYLES, Style

CLIPPED, FREE = "ColEI (gc)", "ColEI"
# Figure 2: ColEI solid with gradient clipping, dotted without.
FIGURE_2_STYLES = {
    "RNN": STYLES["RNN"],
    "DANN": STYLES["DANN"],
    CLIPPED: Style("#E69F00", "-", "s"),
    FREE: Style("#8C6D31", ":", "X"),
}


def limit(clip: float | str) -> float:
    """Read a clip of the settings, where "none" is none."""
    return math.inf if clip == "none" else float(clip)


def signed_sgd(clip: float):
    """Make what makes the optimiser of a member by its signs and rate: clip, step, project."""
    return lambda signs, learning_rate: optax.chain(
        dj.clip_by_tensor_norm(clip), optax.sgd(learning_rate), dj.dale_projection(signs)
    )


def input_mean(bias: str, task) -> float:
    """Give the mean input that ColEI's first bias cancels at the start.

    The paper's text centres the activations; its published code starts the bias at 0. On sequential
    MNIST a centred network whose 100 units hold 1 inhibitory one is silent for most of training.

    Args:
        bias: ``"centred"`` for the mean of the task's inputs, ``"zero"`` for 0.
        task: the task, with its ``input_mean``.
    """
    return task.input_mean if bias == "centred" else 0.0


def rnn(layers: int, n: int, n_out: int, *, dense: int = 0, **how) -> dj.RecurrentNetwork:
    """Standard network; ``dense`` hidden layers of n units stand before the read-out."""
    return dj.RecurrentNetwork(
        [dj.RNNCell(n)] * layers, dj.Dense(n_out), hidden=[dj.Dense(n)] * dense, **how
    )


def colei(
    layers: int,
    n: int,
    n_i: int,
    n_out: int,
    *,
    input_mean: float = 0.0,
    dense: int = 0,
    every_step: bool = False,
    **cell,
) -> dj.RecurrentNetwork:
    """Column-signed network; the first layer's bias cancels inputs of mean ``input_mean``."""
    first = dj.ColEICell(n, n_i=n_i, input_mean=input_mean, **cell)
    return dj.RecurrentNetwork(
        [first] + [dj.ColEICell(n, n_i=n_i, **cell)] * (layers - 1),
        dj.ColEIDense(n_out),
        hidden=[dj.ColEIDense(n, n_i=n_i)] * dense,
        every_step=every_step,
    )


def dann(
    layers: int,
    n: int,
    n_i: int,
    n_out: int,
    *,
    readout_n_i: int = 1,
    dense: int = 0,
    every_step: bool = False,
    **cell,
) -> dj.RecurrentNetwork:
    """Dale's ANN; by default its read-out has one interneuron."""
    return dj.RecurrentNetwork(
        [dj.DANNCell(n, n_i=n_i, **cell)] * layers,
        dj.DANNDense(n_out, n_i=readout_n_i),
        hidden=[dj.DANNDense(n, n_i=n_i)] * dense,
        every_step=every_step,
    )


def divisive(layers: int, n: int, n_i: int, n_out: int, **cell) -> dj.RecurrentNetwork:
    """Dale's ANN whose inhibition subtracts and divides; its read-out has one interneuron."""
    return dj.RecurrentNetwork(
        [dj.DivisiveDANNCell(n, n_i=n_i, **cell)] * layers, dj.DivisiveDANNDense(n_out)
    )


def three(task, n: int, n_i: int, *, bias: str = "zero", **cell) -> dict[str, tuple]:
    """Make RNN, DANN and ColEI of one layer, each with what makes its optimiser of rate and clip.

    Args:
        task: the task, for its number of outputs and its mean input.
        n: units.
        n_i: inhibitory units, among the n (ColEI) or on top (DANN).
        bias: start of ColEI's bias, see :func:`input_mean`.
        cell: further arguments of the DANN's cell.
    """
    mean = input_mean(bias, task)
    return {
        "RNN": (rnn(1, n, task.n_out), dj.rnn_sgd),
        "DANN": (dann(1, n, n_i, task.n_out, **cell), dj.dann_sgd),
        "ColEI": (colei(1, n, n_i, task.n_out, input_mean=mean), dj.colei_sgd),
    }
