"""Exchange of parameters with NumPy and PyTorch, as dictionaries of named arrays.

The matrices of dalejax are [post, pre], as are those of PyTorch, so none is transposed. (The
kernels of Flax and Keras are [pre, post].) A cell has one bias; ``torch.nn.RNN`` has two and adds
them.
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

_TORCH_ACTIVATIONS = ("relu", "tanh")  # those of torch.nn.RNN


def to_arrays(params: Params, member: int | None = None) -> dict[str, np.ndarray]:
    """Convert parameters to a dictionary of NumPy arrays, as ``numpy.savez`` takes it.

    Args:
        params: any tree of arrays.
        member: index of one member, if the parameters are those of an ensemble (leaves
            [s, ...]); None to convert the arrays as they are.

    Returns:
        A dictionary from the path of each parameter, such as "cells_0/W", to its array.

    Example:
        >>> {name: a.shape for name, a in to_arrays({"cell": {"W": jnp.ones((2, 3))}}).items()}
        {'cell/W': (2, 3)}
    """
    return {
        name_of(path): np.asarray(leaf if member is None else leaf[member])
        for path, leaf in jax.tree_util.tree_leaves_with_path(params)
    }


def from_arrays(like: PyTree, arrays: Mapping[str, np.ndarray]) -> Params:
    """Convert a dictionary of named arrays back to a tree of parameters.

    Args:
        like: parameters of the same network, or their shapes (``jax.eval_shape``). The result has
            its structure, types and sign rules.
        arrays: what :func:`to_arrays` returned, or what ``numpy.load`` read of it.

    Returns:
        The parameters.

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
        raise ValueError(
            f"the names of the arrays and of the parameters differ in {odd}; they must be the same."
        )
    for name, leaf in shapes.items():
        if np.shape(arrays[name]) != leaf.shape:
            raise ValueError(f"{name} is {np.shape(arrays[name])}; it must be {leaf.shape}.")
    leaves = [jnp.asarray(arrays[name], leaf.dtype) for name, leaf in shapes.items()]
    return treedef.unflatten(leaves)


def to_torch(
    net: RecurrentNetwork, params: Params, member: int | None = None
) -> dict[str, np.ndarray]:
    r"""Convert a network to the arrays of a ``torch.nn.RNN`` and a ``torch.nn.Linear``.

    .. math:: h_t = f(W_{ih} x_t + b_{ih} + W_{hh} h_{t-1} + b_{hh}), \qquad
              W_{ih} = U,\; W_{hh} = W,\; b_{ih} = b,\; b_{hh} = 0

    The arrays are the effective weights. After ``torch.from_numpy`` they load into a module with
    the attributes ``rnn = torch.nn.RNN(n_in, n, layers, nonlinearity=…)`` and
    ``readout = torch.nn.Linear(n, n_out)``. The interneurons of a Dale's ANN cannot be recovered
    from them.

    Args:
        net: a network whose cells all have the same size and the same activation, ReLU or tanh.
        params: its parameters.
        member: index of one member, if the parameters are those of an ensemble (leaves
            [s, ...]); None for the parameters of one network.

    Returns:
        "rnn.weight_ih_l0" [n, n_in], "rnn.weight_hh_l0" [n, n], "rnn.bias_ih_l0" [n],
        "rnn.bias_hh_l0" [n], and so on for each layer; "readout.weight" [n_out, n],
        "readout.bias" [n_out].

    Raises:
        ValueError: ``torch.nn.RNN`` and ``torch.nn.Linear`` cannot compute what the network
            computes, or the parameters are those of an ensemble and ``member`` is None.

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
            raise ValueError(
                f"cell {i} is a {type(cell).__name__}, which has divisive inhibition; torch.nn.RNN "
                "has none."
            )
        U, W, b = cell.effective(params[f"cells_{i}"])
        if W.ndim > 2:
            raise ValueError(
                f"the parameters are those of {W.shape[0]} members; choose one, such as member=0."
            )
        own = {"weight_ih": U, "weight_hh": W, "bias_ih": b, "bias_hh": jnp.zeros_like(b)}
        out |= {f"rnn.{name}_l{i}": np.asarray(value) for name, value in own.items()}
    W, b = net.readout.effective(params["readout"])
    return out | {"readout.weight": np.asarray(W), "readout.bias": np.asarray(b)}


def from_torch(net: RecurrentNetwork, arrays: Mapping[str, Any]) -> Params:
    """Read a network's parameters from the arrays of a ``torch.nn.RNN`` and a ``torch.nn.Linear``.

    Args:
        net: a network whose parameters are U, W and b themselves: cells ``RNNCell``,
            ``ColEICell`` or ``ProjectedCell``, without connectivity, and a read-out ``Dense`` or
            ``ColEIDense``.
        arrays: arrays under the names of :func:`to_torch`, such as a ``state_dict()`` whose tensors
            are on the CPU.

    Returns:
        The parameters.

    Raises:
        ValueError: the parameters of the network are not U, W and b, or it has a connectivity; an
            array is missing, is not known, has another shape, or violates the network's signs.

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

    def take(name: str) -> np.ndarray:
        if name not in left:
            raise ValueError(f"the arrays have no {name}; they have {sorted(arrays)}.")
        return left.pop(name)

    named = {}
    for i, cell in enumerate(net.cells):
        if cell.connectivity is not None:  # a weight of 0 does not tell that a synapse is absent
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
            raise ValueError(
                f"{name} is a {type(layer).__name__}, whose effective W is not its parameter W; "
                "only cells and layers that store U, W and b themselves can be read."
            )
        if signs.KEY in params[name]:
            signs.assert_legal(params[name])
    return params


def _check_torch(net: RecurrentNetwork) -> None:
    """Raise ValueError unless torch.nn.RNN and torch.nn.Linear can compute the same network."""
    if net.hidden or net.embedding is not None:
        raise ValueError("torch.nn.RNN has neither dense layers above it nor an embedding below.")
    if not net.readout.linear:
        kind = type(net.readout).__name__
        raise ValueError(f"the read-out is a {kind}; torch.nn.Linear only multiplies and adds.")
    sizes = {cell.features for cell in net.cells}
    activations = {cell.activation for cell in net.cells}
    if len(sizes) > 1 or len(activations) > 1 or not activations <= set(_TORCH_ACTIVATIONS):
        raise ValueError(
            f"the cells have {sorted(sizes)} units and are {sorted(activations)}; torch.nn.RNN has "
            f"one size and one of {', '.join(_TORCH_ACTIVATIONS)}."
        )
    for i, cell in enumerate(net.cells):
        if cell.alpha is not None or cell.noise:
            raise ValueError(f"cell {i} is leaky or noisy; torch.nn.RNN is neither.")
