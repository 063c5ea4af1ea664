"""Project parameters on their signs, and test whether they are legal.

A parameter tree is *legal* if every constrained entry has its sign or is +0.0. Each function takes
a sign tree, or finds the signs that dalejax's own cells carry inside their parameters.
"""

from __future__ import annotations

import jax
import numpy as np

from dalejax.signs.rules import sign_tree
from dalejax.signs.trees import expand, is_free, nearest_legal
from dalejax.types import Params, PyTree


def tree_of(params: Params, signs: PyTree | None = None) -> PyTree:
    """Expand a sign tree to one node for each parameter.

    Args:
        params: the parameters.
        signs: a sign tree, or a prefix of one; None for the signs that dalejax's own cells carry
            inside ``params``.

    Returns:
        A tree like ``params``, as :func:`dalejax.signs.trees.expand` returns it: int8 signs for
        each constrained leaf, ``optax.MaskedNode()`` for each free one.

    Raises:
        ValueError: the sign tree does not match the parameters; or ``signs`` is None and the
            parameters carry none.

    Example:
        >>> import jax.numpy as jnp
        >>> tree_of({"W": jnp.ones(2)}, {"W": 1})
        {'W': Array(1, dtype=int8)}
    """
    return expand(sign_tree(params) if signs is None else signs, params)


def project(params: Params, signs: PyTree | None = None) -> Params:
    """Set every entry whose sign is wrong to 0, the nearest legal value.

    Args:
        params: the parameters; leaves may have leading member axes.
        signs: a sign tree, or a prefix of one; None for the signs that dalejax's own cells carry
            inside ``params``.

    Returns:
        Legal parameters; wrong entries and -0.0 have become +0.0, free entries and NaN are as
        they were.

    Raises:
        ValueError: the sign tree does not match the parameters; or ``signs`` is None and the
            parameters carry none.

    Example:
        >>> import jax.numpy as jnp
        >>> project({"W": jnp.array([1.0, -1.0])}, {"W": 1})["W"].tolist()
        [1.0, 0.0]

    Reference:
        Li et al. 2023, section 2.1: "a euclidean projection onto the allowed solution space".
    """
    return nearest_legal(params, tree_of(params, signs))


def is_legal(params: Params, signs: PyTree | None = None) -> bool:
    """Tell whether every constrained entry has its sign or is +0.0 (-0.0 is not legal).

    Args:
        params: the parameters; leaves may have leading member axes.
        signs: a sign tree, or a prefix of one; None for the signs that dalejax's own cells carry
            inside ``params``.

    Raises:
        ValueError: the sign tree does not match the parameters; or ``signs`` is None and the
            parameters carry none.

    Example:
        >>> import jax.numpy as jnp
        >>> is_legal({"W": jnp.array([-1.0])}, {"W": 1})
        False
    """
    return _first_illegal(params, signs) is None


def assert_legal(params: Params, signs: PyTree | None = None) -> None:
    """Raise ValueError unless every constrained entry has its sign or is +0.0.

    Args:
        params: the parameters; leaves may have leading member axes.
        signs: a sign tree, or a prefix of one; None for the signs that dalejax's own cells carry
            inside ``params``.

    Raises:
        ValueError: an entry has the wrong sign, or is -0.0 (the message names its leaf); the sign
            tree does not match the parameters; or ``signs`` is None and the parameters carry none.

    Example:
        >>> import jax.numpy as jnp
        >>> assert_legal({"W": jnp.array([1.0])}, {"W": 1})
    """
    wrong = _first_illegal(params, signs)
    if wrong is not None:
        raise ValueError(wrong)


def _first_illegal(params: Params, signs: PyTree | None) -> str | None:
    """Describe the first leaf that holds an illegal entry; None if all are legal."""
    full = tree_of(params, signs)
    leaves = jax.tree_util.tree_leaves_with_path(params)
    for (path, leaf), sign in zip(leaves, jax.tree.leaves(full, is_leaf=is_free), strict=True):
        if is_free(sign):
            continue
        value, sign = np.broadcast_arrays(np.asarray(leaf), np.asarray(sign))
        bad = (sign != 0) & ((value * sign < 0) | ((value == 0) & np.signbit(value)))
        if bad.any():
            name = jax.tree_util.keystr(path)
            return f"{name} holds {value[bad][0]} where only sign {sign[bad][0]:+d} is allowed."
    return None
