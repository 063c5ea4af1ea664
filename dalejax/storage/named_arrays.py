"""Conversion between an ensemble's state, in waves of members, and a checkpoint's named arrays.

An array's name is the number of its wave and the path of its leaf. Typed PRNG keys are kept as
their raw numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from dalejax.types import Array, PyTree


def flatten(waves: Sequence[PyTree], sizes: Sequence[int]) -> dict[str, Array]:
    """Flatten the waves of an ensemble into a dictionary from name to array.

    Args:
        waves: for each wave a tree of arrays with leading member axis, padding included.
        sizes: how many members of each wave are real.

    Example:
        >>> sorted(flatten([{"a": np.ones(2)}, {"a": np.ones(2)}], [2, 1]))
        ['wave0.a', 'wave1.a', 'wave_sizes']
    """
    arrays: dict[str, Array] = {"wave_sizes": np.asarray(sizes)}
    for number, wave in enumerate(waves):
        for path, leaf in jax.tree_util.tree_leaves_with_path(wave):
            raw = jax.random.key_data(leaf) if _is_key(leaf) else leaf
            arrays[f"wave{number}.{_name(path)}"] = raw
    return arrays


def unflatten(template: PyTree, arrays: Mapping[str, np.ndarray]) -> PyTree:
    """Join the arrays of all waves into one tree like the template, in the host's memory.

    Args:
        template: a tree of arrays or ShapeDtypeStructs with the wanted shapes [s, ...].
        arrays: what :func:`flatten` returned; other entries are ignored.

    Returns:
        A tree of arrays [s, ...], without padding.

    Raises:
        ValueError: an array is missing, or has another shape or type than in the template.

    Example:
        >>> unflatten({"a": np.zeros(3)}, flatten([{"a": np.ones(2)}, {"a": np.ones(2)}], [2, 1]))
        {'a': array([1., 1., 1.])}
    """

    def leaf(path: tuple, like: Array | jax.ShapeDtypeStruct) -> Array:
        name = _name(path)
        names = [f"wave{number}.{name}" for number in range(len(arrays["wave_sizes"]))]
        if not all(name in arrays for name in names):
            raise ValueError(f"the checkpoint has no {name}; it was written by another network.")
        real = zip(names, arrays["wave_sizes"], strict=True)
        array = np.concatenate([arrays[name][:size] for name, size in real])
        raw, impl = _raw(like) if _is_key(like) else (like, None)
        if array.shape != raw.shape or array.dtype != raw.dtype:
            raise ValueError(
                f"the checkpoint's {name} is {array.dtype}{list(array.shape)}; this run needs "
                f"{raw.dtype}{list(raw.shape)}."
            )
        return array if impl is None else jax.random.wrap_key_data(jnp.asarray(array), impl=impl)

    return jax.tree_util.tree_map_with_path(leaf, template)


def _is_key(leaf: Array | jax.ShapeDtypeStruct) -> bool:
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _raw(keys: Array | jax.ShapeDtypeStruct):
    """Give the shape and type of typed keys' raw numbers, and the name of their generator."""
    impls = []

    def numbers(keys):
        impls.append(jax.random.key_impl(keys))
        return jax.random.key_data(keys)

    return jax.eval_shape(numbers, keys), impls[0]


def _name(path: tuple) -> str:
    return jax.tree_util.keystr(path, simple=True, separator=".")
