"""Signs as data: excitatory and inhibitory populations, and where Dale's law is kept.

A *sign tree* says of a parameter that it is never negative (+1), never positive (-1) or free (0);
it may be a prefix of the parameters' tree (:func:`dalejax.signs.trees.expand`). dalejax's own cells
carry their rule inside their parameters, as a node without leaves (:class:`ColumnSigns` or
:class:`RowSigns` under the key ``"signs"``): ``jax.tree.map``, Optax and Flax pass it along
unchanged, and :func:`sign_tree` finds it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from dalejax.signs.trees import expand, is_free, nearest_legal
from dalejax.types import Any, Array, Int, Params, PyTree

KEY = "signs"


@jax.tree_util.register_static
@dataclass(frozen=True)
class ColumnSigns:
    """One sign a column: parameter name -> how many of its last columns are inhibitory.

    Example:
        >>> ColumnSigns((("W", 10),))
        ColumnSigns(inhibitory_columns=(('W', 10),))
        >>> jax.tree.leaves(ColumnSigns((("W", 10),)))
        []
    """

    inhibitory_columns: tuple[tuple[str, int], ...]


@jax.tree_util.register_static
@dataclass(frozen=True)
class RowSigns:
    """One sign a row: what a unit receives has its sign, which is not Dale's law.

    Attributes:
        inhibitory_rows: parameter name -> how many of its last rows are inhibitory.

    Example:
        >>> RowSigns((("W", 10),))
        RowSigns(inhibitory_rows=(('W', 10),))

    Reference:
        Published code of Jarne & Caruso 2023 (Keras' kernels are [pre, post]).
    """

    inhibitory_rows: tuple[tuple[str, int], ...]


_RULES = (ColumnSigns, RowSigns)


def check_populations(n: int, n_i: int) -> None:
    """Check that ``n`` units can hold ``n_i`` inhibitory ones.

    Args:
        n: units.
        n_i: inhibitory units among them.

    Raises:
        ValueError: ``n_i`` is not between 1 and ``n - 1``.

    Example:
        >>> check_populations(100, 10)
    """
    if not 1 <= n_i < n:
        raise ValueError(f"n_i is {n_i}; with n = {n} units it must be from 1 to {n - 1}.")


def num_inhibitory(n: int, share: float) -> int:
    """Count the inhibitory units of ``n`` at a given share, ``max(1, round(share n))``.

    Args:
        n: units.
        share: inhibitory share, between 0 and 1.

    Raises:
        ValueError: the share is not between 0 and 1.

    Example:
        >>> num_inhibitory(100, 0.1), num_inhibitory(10, 0.01)
        (10, 1)
    """
    if not 0 < share < 1:
        raise ValueError(f"the inhibitory share is {share}; it must lie between 0 and 1.")
    return max(1, round(share * n))


def column_signs(n: int, n_i: int) -> Int[Array, "1 n"]:
    """Make the signs of ``n`` presynaptic columns, the last ``n_i`` of them inhibitory.

    Args:
        n: columns (presynaptic units).
        n_i: inhibitory ones, 0 for none.

    Returns:
        +1 and -1, int8 [1, n], broadcastable to a weight matrix [post, pre].

    Example:
        >>> column_signs(4, 1).tolist()
        [[1, 1, 1, -1]]
    """
    return jnp.where(jnp.arange(n) < n - n_i, 1, -1).astype(jnp.int8)[None, :]


def sign_tree(params: Params) -> PyTree:
    """Find dalejax's own sign trees inside a parameter tree.

    Args:
        params: parameters of dalejax cells and layers, nested in dicts, lists and tuples as deep as
            one likes; what ``optax.masked`` has taken away stays away.

    Returns:
        A prefix sign tree of ``params``: int8 [1, pre] for each matrix with signs on its columns,
        [post, 1] for one with signs on its rows, [n] for each constrained vector, else None.

    Raises:
        ValueError: the tree holds no dalejax signs, or some inside another kind of container.

    Example:
        >>> W = jnp.ones((3, 3))
        >>> sign_tree({"W": W, "b": jnp.ones(3), "signs": ColumnSigns((("W", 1),))})["W"].tolist()
        [[1, 1, -1]]
    """
    found = 0

    def visit(node: Any) -> Any:
        nonlocal found
        if isinstance(node, list | tuple) and not is_free(node):
            children = [visit(child) for child in node]
            return type(node)(*children) if hasattr(node, "_fields") else type(node)(children)
        if not isinstance(node, Mapping):
            return None
        own = node.get(KEY)
        rule = {}
        if isinstance(own, ColumnSigns):
            rule = {name: (n_i, _column_signs_of) for name, n_i in own.inhibitory_columns}
        elif isinstance(own, RowSigns):
            rule = {name: (n_i, _row_signs_of) for name, n_i in own.inhibitory_rows}
        found += isinstance(own, _RULES)
        signs = {}
        for name, child in node.items():
            if name in rule and not is_free(child):
                n_i, signs_of = rule[name]
                signs[name] = signs_of(child, n_i)
            else:
                signs[name] = visit(child)
        return signs if type(node) is dict else type(node)(signs)  # Flax's FrozenDict, say

    tree = visit(params)
    if not found:
        raise ValueError(
            "the parameters carry no signs of dalejax; pass a sign tree: dale_projection(signs)."
        )
    everywhere = jax.tree.leaves(params, is_leaf=lambda node: isinstance(node, _RULES))
    if (num := sum(isinstance(node, _RULES) for node in everywhere)) > found:
        raise ValueError(
            f"{num - found} of {num} layers stand in containers that are no dicts, lists or "
            "tuples; pass a sign tree: dale_projection(signs)."
        )
    return tree


def _row_signs_of(leaf, n_i):
    return column_signs(leaf.shape[-2], n_i).T


def _column_signs_of(leaf, n_i):
    # A vector has no columns: its last entries are the inhibitory ones.
    signs = column_signs(leaf.shape[-1], n_i)
    return signs[0] if leaf.ndim == 1 else signs


def project(params: Params, signs: PyTree | None = None) -> Params:
    """Move every illegal entry to the nearest legal one, which is (positive) zero.

    Args:
        params: the parameters; leaves may have leading member axes.
        signs: a sign tree; without one, dalejax's own is looked for.

    Returns:
        Parameters inside their signs; free entries and NaN as they were.

    Raises:
        ValueError: the sign tree does not match the parameters, or there is none.

    Example:
        >>> project({"W": jnp.array([1.0, -1.0])}, {"W": 1})["W"].tolist()
        [1.0, 0.0]

    Reference:
        Li et al. 2023, section 2.1: "a euclidean projection onto the allowed solution space".
    """
    return nearest_legal(params, tree_of(params, signs))


def tree_of(params: Params, signs: PyTree | None = None) -> PyTree:
    """Spread a sign tree, or dalejax's own where there is none, over the parameters.

    Args:
        params: the parameters.
        signs: a sign tree; without one, dalejax's own is looked for.

    Returns:
        What ``sign_trees.expand`` makes of it.

    Raises:
        ValueError: the sign tree does not match the parameters, or there is none.

    Example:
        >>> tree_of({"W": jnp.ones(2)}, {"W": 1})
        {'W': Array(1, dtype=int8)}
    """
    return expand(sign_tree(params) if signs is None else signs, params)


def check_same(name: str, given: PyTree, wanted: PyTree) -> None:
    """Refuse parameters whose own signs are others than those wanted; they may have none.

    Args:
        name: what the user calls them.
        given: parameters, or their shapes.
        wanted: likewise.

    Raises:
        ValueError: a layer has other signs than wanted.

    Example:
        >>> rule = {"signs": ColumnSigns((("W", 1),))}
        >>> check_same("params", rule, rule)
    """
    rules = [
        {
            jax.tree_util.keystr(path, simple=True, separator="."): node
            for path, node in jax.tree_util.tree_leaves_with_path(
                tree, is_leaf=lambda node: isinstance(node, _RULES)
            )
            if isinstance(node, _RULES)
        }
        for tree in (given, wanted)
    ]
    for path in rules[0]:
        if path in rules[1] and rules[0][path] != rules[1][path]:
            raise ValueError(
                f"{name} has {path} {rules[0][path]}; the network's are {rules[1][path]}."
            )


def is_legal(params: Params, signs: PyTree | None = None) -> bool:
    """Tell whether every entry of the parameters has its sign (zero is legal, -0.0 is not).

    Args:
        params: the parameters; leaves may have leading member axes.
        signs: a sign tree; without one, dalejax's own is looked for.

    Example:
        >>> is_legal({"W": jnp.array([-1.0])}, {"W": 1})
        False
    """
    return _first_illegal(params, signs) is None


def assert_legal(params: Params, signs: PyTree | None = None) -> None:
    """Raise unless every entry of the parameters has its sign.

    Args:
        params: the parameters.
        signs: a sign tree; without one, dalejax's own is looked for.

    Raises:
        ValueError: an entry breaks its sign; the message names the leaf.

    Example:
        >>> assert_legal({"W": jnp.array([1.0])}, {"W": 1})
    """
    wrong = _first_illegal(params, signs)
    if wrong is not None:
        raise ValueError(wrong)


def _first_illegal(params, signs):
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
