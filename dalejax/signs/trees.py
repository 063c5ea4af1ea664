"""Sign trees over parameter trees: spread one, tell what is free, move to the nearest legal point.

A *sign tree* says where Dale's law puts each parameter: +1 (never negative), -1 (never positive),
0 (free). Its leaves broadcast to the parameters' leaves; it may be a prefix of the parameter tree,
and ``None`` stands for "this whole branch is free".
"""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
import optax

from dalejax.types import Any, Params, PyTree


def expand(signs: PyTree, params: Params) -> PyTree:
    """Spread a prefix sign tree over a whole parameter tree.

    Args:
        signs: a sign tree; leaves +1, -1, 0 (numbers or arrays), prefixes and None allowed.
        params: the parameters.

    Returns:
        A tree like ``params``: an int8 array for each constrained leaf, ``optax.MaskedNode()``
        for each free one.

    Raises:
        ValueError: the trees don't match, a sign is not +1, -1 or 0, or a shape can't broadcast.

    Example:
        >>> expand({"a": -1, "b": None}, {"a": jnp.ones(2), "b": jnp.ones(3)})
        {'a': Array(-1, dtype=int8), 'b': MaskedNode()}
    """

    def fill(path, sign, branch):
        where = jax.tree_util.keystr(path) or "the tree"
        if whole(sign):
            return jax.tree.map(lambda _: optax.MaskedNode(), branch)
        return jax.tree.map(lambda leaf: _checked(sign, leaf, where), branch)

    def whole(node):
        return node is None or is_free(node)

    try:
        signs = _without_masked(signs, params)
        return jax.tree_util.tree_map_with_path(fill, signs, params, is_leaf=whole)
    except (ValueError, TypeError) as error:
        if isinstance(error, _SignError):
            raise
        raise ValueError(
            f"the sign tree {jax.tree.structure(signs)} does not match the parameters "
            f"{jax.tree.structure(params)}; it must be a prefix of their tree."
        ) from error


def _without_masked(signs, params):
    # A mask may have taken a whole layer away, of which the signs know more.
    if is_free(params):
        return None
    if type(signs) is dict and isinstance(params, Mapping) and set(signs) == set(params):
        return {name: _without_masked(sign, params[name]) for name, sign in signs.items()}
    return signs


class _SignError(ValueError):
    pass


def _checked(sign, leaf, where):
    if not isinstance(sign, jax.core.Tracer):
        values = np.asarray(sign)
        if not np.isin(values, (-1, 0, 1)).all():
            raise _SignError(f"the signs at {where} are {values}; each must be +1, -1 or 0.")
    sign = jnp.asarray(sign).astype(jnp.int8)
    shape = jnp.shape(leaf)
    try:
        fits = np.broadcast_shapes(sign.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise _SignError(
            f"the signs at {where} have shape {sign.shape}; they must broadcast to {shape}."
        )
    return sign


def is_free(node: Any) -> bool:
    """Tell whether a node of what :func:`expand` returned says that a leaf has no sign.

    Args:
        node: of the tree.

    Example:
        >>> is_free(optax.MaskedNode()), is_free(jnp.int8(1))
        (True, False)
    """
    return isinstance(node, optax.MaskedNode)


def nearest_legal(params: Params, signs: PyTree) -> Params:
    """Move every illegal entry to the nearest legal one, which is (positive) zero.

    Args:
        params: the parameters.
        signs: what :func:`expand` returned for them.

    Returns:
        Parameters inside their signs; free entries and NaN as they were.

    Example:
        >>> nearest_legal({"W": jnp.array([1.0, -1.0])}, {"W": jnp.int8(1)})["W"].tolist()
        [1.0, 0.0]

    Reference:
        Li et al. 2023, section 2.1: "a euclidean projection onto the allowed solution space".
    """

    def leaf(sign, value):
        if is_free(sign):
            return value
        # `<= 0` also turns -0.0 into +0.0; it is false for NaN, which must stay visible.
        illegal = (sign != 0) & (value * sign.astype(value.dtype) <= 0)
        return jnp.where(illegal, jnp.zeros_like(value), value)

    return jax.tree.map(leaf, signs, params, is_leaf=is_free)
