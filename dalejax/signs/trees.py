"""Expand sign trees over parameter trees, and set the entries whose sign is wrong to 0.

A *sign tree* says of each parameter that it is never negative (+1), never positive (-1) or free
(0). Its leaves broadcast to the parameters' leaves; it may be a prefix of the parameter tree, and
``None`` stands for a branch that is free as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeGuard

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.core import Tracer
from jax.tree_util import KeyPath
from jax.typing import ArrayLike

from dalejax.types import Array, Params, PyTree


def expand(signs: PyTree, params: Params) -> PyTree:
    """Expand a prefix sign tree to one node for each leaf of a parameter tree.

    Args:
        signs: a sign tree; its leaves are +1, -1 or 0, as numbers or arrays; prefixes and None are
            allowed.
        params: the parameters.

    Returns:
        A tree like ``params``: an int8 array for each constrained leaf, ``optax.MaskedNode()``
        for each free one.

    Raises:
        ValueError: ``signs`` is no prefix of ``params``, a sign is not +1, -1 or 0, or the shape
            of signs does not broadcast to its parameter's.

    Example:
        >>> expand({"a": -1, "b": None}, {"a": jnp.ones(2), "b": jnp.ones(3)})
        {'a': Array(-1, dtype=int8), 'b': MaskedNode()}
    """

    def fill(path: KeyPath, sign: PyTree, branch: PyTree) -> PyTree:
        where = jax.tree_util.keystr(path) or "the tree"
        if is_free_branch(sign):
            return jax.tree.map(lambda _: optax.MaskedNode(), branch)
        return jax.tree.map(lambda leaf: _checked(sign, leaf, where), branch)

    def is_free_branch(node: PyTree) -> bool:
        return node is None or is_free(node)

    try:
        signs = _without_masked(signs, params)
        return jax.tree_util.tree_map_with_path(fill, signs, params, is_leaf=is_free_branch)
    except (ValueError, TypeError) as error:
        if isinstance(error, _SignError):
            raise
        raise ValueError(
            f"the sign tree {jax.tree.structure(signs)} does not match the parameters "
            f"{jax.tree.structure(params)}; it must be a prefix of their tree."
        ) from error


def _without_masked(signs: PyTree, params: Params) -> PyTree:
    """Replace the signs of the layers that ``optax.masked`` has taken out of ``params`` by None."""
    if is_free(params):
        return None
    if type(signs) is dict and isinstance(params, Mapping) and set(signs) == set(params):
        return {name: _without_masked(sign, params[name]) for name, sign in signs.items()}
    return signs


class _SignError(ValueError):
    """A sign that is wrong by itself, in a tree whose structure is right."""


def _checked(sign: ArrayLike, leaf: Array, where: str) -> Array:
    """Convert one node of signs to int8, after a check of its values and shape."""
    if not isinstance(sign, Tracer):
        values = np.asarray(sign)
        if not np.isin(values, (-1, 0, 1)).all():
            raise _SignError(f"the signs at {where} are {values}; each must be +1, -1 or 0.")
    signs = jnp.asarray(sign).astype(jnp.int8)
    shape = jnp.shape(leaf)
    try:
        fits = np.broadcast_shapes(signs.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise _SignError(
            f"the signs at {where} have shape {signs.shape}; they must broadcast to {shape}."
        )
    return signs


def is_free(node: PyTree) -> TypeGuard[optax.MaskedNode]:
    """Tell whether a node is ``optax.MaskedNode()``, which marks a free leaf.

    Args:
        node: a node of a tree that :func:`expand` returned, or of parameters that ``optax.masked``
            has masked.

    Example:
        >>> is_free(optax.MaskedNode()), is_free(jnp.int8(1))
        (True, False)
    """
    return isinstance(node, optax.MaskedNode)


def nearest_legal(params: Params, signs: PyTree) -> Params:
    """Set every entry whose sign is wrong to 0, the nearest legal value.

    Args:
        params: the parameters; leaves may have leading member axes.
        signs: the tree that :func:`expand` returned for them.

    Returns:
        Legal parameters; wrong entries and -0.0 have become +0.0, free entries and NaN are as
        they were.

    Example:
        >>> nearest_legal({"W": jnp.array([1.0, -1.0])}, {"W": jnp.int8(1)})["W"].tolist()
        [1.0, 0.0]

    Reference:
        Li et al. 2023, section 2.1: "a euclidean projection onto the allowed solution space".
    """

    def project_leaf(sign: PyTree, value: PyTree) -> PyTree:
        if is_free(sign):
            return value
        # `<= 0` also turns -0.0 into +0.0; it is false for NaN, which must stay visible.
        illegal = (sign != 0) & (value * sign.astype(value.dtype) <= 0)
        return jnp.where(illegal, jnp.zeros_like(value), value)

    return jax.tree.map(project_leaf, signs, params, is_leaf=is_free)
