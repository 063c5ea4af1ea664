"""Weights to and from NumPy and PyTorch: plain arrays by name.

dalejax's matrices are [post, pre], as PyTorch's are: nothing is transposed. (Flax's and Keras' own
kernels are [pre, post].) Where dalejax has one bias, ``torch.nn.RNN`` has two, which it adds.
"""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from dalejax import signs
from dalejax.nn.recurrent_network import RecurrentNetwork
from dalejax.signs.by_name import name_of
from dalejax.types import Any, Params, PyTree

_IN_TORCH = ("relu", "tanh")


def to_arrays(params: Params, member: int | None = None) -> dict[str, np.ndarray]:
    """Name every parameter by its path, as NumPy arrays: what ``numpy.savez`` takes.

    Args:
        params: any tree of arrays.
        member: of an ensemble's parameters, whose leaves have a leading axis; None for all.

    Returns:
        "cells_0/W" -> array, and so on.

    Example:
        >>> {name: a.shape for name, a in to_arrays({"cell": {"W": jnp.ones((2, 3))}}).items()}
        {'cell/W': (2, 3)}
    """
    return {
        name_of(path): np.asarray(leaf if member is None else leaf[member])
        for path, leaf in jax.tree_util.tree_leaves_with_path(params)
    }


def from_arrays(like: PyTree, arrays: Mapping[str, np.ndarray]) -> Params:
    """Put named arrays into a tree.

    Args:
        like: parameters, or their shapes (``jax.eval_shape``); what it says of signs stays.
        arrays: what :func:`to_arrays` returned, or ``numpy.load`` of it.

    Raises:
        ValueError: an array is missing, is not known, or has another shape.

    Example:
        >>> from_arrays({"b": jnp.zeros(2)}, {"b": np.ones(2)})
        {'b': Array([1., 1.], dtype=float32)}
    """
    paths, treedef = jax.tree_util.tree_flatten_with_path(like)
    shapes = {name_of(path): leaf for path, leaf in paths}
    if set(shapes) != set(arrays):
        odd = sorted(set(shapes) ^ set(arrays))
        raise ValueError(f"the arrays and the parameters differ in {odd}; they must be the same.")
    for name, leaf in shapes.items():
        if np.shape(arrays[name]) != leaf.shape:
            raise ValueError(f"{name} is {np.shape(arrays[name])}; it must be {leaf.shape}.")
    leaves = [jnp.asarray(arrays[name], leaf.dtype) for name, leaf in shapes.items()]
    return treedef.unflatten(leaves)


def to_torch(
    net: RecurrentNetwork, params: Params, member: int | None = None
) -> dict[str, np.ndarray]:
    r"""Fold a network into the arrays of a ``torch.nn.RNN`` and a ``torch.nn.Linear``.

    .. math:: h_t = f(W_{ih} x_t + b_{ih} + W_{hh} h_{t-1} + b_{hh}), \qquad
              W_{ih} = U,\; W_{hh} = W,\; b_{ih} = b,\; b_{hh} = 0

    They load into a module with the attributes ``rnn = torch.nn.RNN(n_in, n, layers,
    nonlinearity=…)`` and ``readout = torch.nn.Linear(n, n_out)``, after ``torch.from_numpy``. A
    Dale's ANN is folded to what it computes; its interneurons are not in there.

    Args:
        net: whose cells are all of one size and activation (ReLU or tanh).
        params: its parameters.
        member: of an ensemble's parameters, whose leaves have a leading axis; None for one's own.

    Returns:
        "rnn.weight_ih_l0" [n, n_in], "rnn.weight_hh_l0" [n, n], "rnn.bias_ih_l0" [n],
        "rnn.bias_hh_l0" [n], and so on for each layer; "readout.weight" [n_out, n],
        "readout.bias" [n_out].

    Raises:
        ValueError: ``torch.nn.RNN`` and ``torch.nn.Linear`` have no such network, or the
            parameters are an ensemble's and no member is named.

    Example:
        >>> import dalejax as dj
        >>> net = dj.RecurrentNetwork([dj.DANNCell(4, n_i=1)], dj.DANNDense(2))
        >>> params = net.init(jax.random.key(0), jnp.ones((1, 1, 3)))["params"]
        >>> {name: a.shape for name, a in to_torch(net, params).items() if "weight" in name}
        {'rnn.weight_ih_l0': (4, 3), 'rnn.weight_hh_l0': (4, 4), 'readout.weight': (2, 4)}
    """
    _check_torch(net)
    if member is not None:
        params = jax.tree.map(lambda leaf: leaf[member], params)
    out = {}
    for i, cell in enumerate(net.cells):
        if cell.gain(params[f"cells_{i}"]) is not None:
            raise ValueError(f"cell {i} is a {type(cell).__name__}; torch.nn.RNN does not divide.")
        U, W, b = cell.effective(params[f"cells_{i}"])
        if W.ndim > 2:
            raise ValueError(
                f"the parameters are those of {W.shape[0]} members; name one: member=0."
            )
        own = {"weight_ih": U, "weight_hh": W, "bias_ih": b, "bias_hh": jnp.zeros_like(b)}
        out |= {f"rnn.{name}_l{i}": np.asarray(value) for name, value in own.items()}
    W, b = net.readout.effective(params["readout"])
    return out | {"readout.weight": np.asarray(W), "readout.bias": np.asarray(b)}


def from_torch(net: RecurrentNetwork, arrays: Mapping[str, Any]) -> Params:
    """Read a network's parameters from the arrays of a ``torch.nn.RNN`` and a ``torch.nn.Linear``.

    Args:
        net: of cells and a read-out that store U, W and b as they are: ``RNNCell``, ``ColEICell``,
            ``ProjectedCell``, with all synapses; ``Dense``, ``ColEIDense``.
        arrays: as :func:`to_torch` names them; a ``state_dict()`` with its tensors on the CPU.

    Raises:
        ValueError: the network does not store U, W and b, or has a connectivity; an array is
            missing, not known or of another shape, or breaks its signs.

    Example:
        >>> import dalejax as dj
        >>> net = dj.RecurrentNetwork([dj.RNNCell(4)], dj.Dense(2))
        >>> params = net.init(jax.random.key(0), jnp.ones((1, 1, 3)))["params"]
        >>> again = from_torch(net, to_torch(net, params))
        >>> bool((again["cells_0"]["W"] == params["cells_0"]["W"]).all())
        True
    """
    _check_torch(net)
    left = {name: np.asarray(value) for name, value in arrays.items()}

    def take(name):
        if name not in left:
            raise ValueError(f"the arrays have no {name}; they have {sorted(arrays)}.")
        return left.pop(name)

    named = {}
    for i, cell in enumerate(net.cells):
        if cell.connectivity is not None:  # a weight of 0 need not be an absent synapse
            raise ValueError(
                f"cell {i} has the connectivity {cell.connectivity}; torch.nn.RNN keeps no mask to "
                "read, so that it must be None."
            )
        ih, hh = take(f"rnn.bias_ih_l{i}"), take(f"rnn.bias_hh_l{i}")
        named |= {
            f"cells_{i}/U": take(f"rnn.weight_ih_l{i}"),
            f"cells_{i}/W": take(f"rnn.weight_hh_l{i}"),
            f"cells_{i}/b": ih + hh,
        }
    named |= {"readout/W": take("readout.weight"), "readout/b": take("readout.bias")}
    if left:
        raise ValueError(f"the arrays {sorted(left)} are not known to a network of this depth.")
    n_in = named["cells_0/U"].shape[-1]
    like = jax.eval_shape(net.init, jax.random.key(0), jnp.zeros((1, 1, n_in)))["params"]
    params = from_arrays(like, named)
    layers = {f"cells_{i}": cell for i, cell in enumerate(net.cells)} | {"readout": net.readout}
    for name, layer in layers.items():
        W = layer.effective(params[name]).W
        if not np.array_equal(W, named[f"{name}/W"].astype(W.dtype)):
            raise ValueError(f"{name} is a {type(layer).__name__}, which stores no W as it is.")
        if signs.KEY in params[name]:
            signs.assert_legal(params[name])
    return params


def _check_torch(net: RecurrentNetwork) -> None:
    if net.hidden or net.embedding is not None:
        raise ValueError("torch.nn.RNN has neither dense layers above it nor an embedding below.")
    if not net.readout.linear:
        kind = type(net.readout).__name__
        raise ValueError(f"the read-out is a {kind}; torch.nn.Linear only multiplies and adds.")
    sizes = {cell.features for cell in net.cells}
    activations = {cell.activation for cell in net.cells}
    if len(sizes) > 1 or len(activations) > 1 or not activations <= set(_IN_TORCH):
        raise ValueError(
            f"the cells have {sorted(sizes)} units and are {sorted(activations)}; torch.nn.RNN has "
            f"one size and one of {', '.join(_IN_TORCH)}."
        )
    for i, cell in enumerate(net.cells):
        if cell.alpha is not None or cell.noise:
            raise ValueError(f"cell {i} is leaky or noisy; torch.nn.RNN is neither.")
