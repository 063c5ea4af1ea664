"""The sign rules that dalejax's own cells carry inside their parameters.

A cell's parameters hold its rule as a node without leaves (:class:`ColumnSigns` or
:class:`RowSigns`, under the key ``"signs"``): ``jax.tree.map``, Optax and Flax pass it along
unchanged, and :func:`sign_tree` turns it into a sign tree, which says of each parameter that it is
never negative (+1), never positive (-1) or free.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

import jax
import jax.numpy as jnp

from dalejax.signs.trees import is_free
from dalejax.types import Array, Int, Params, PyTree

KEY = "signs"


@jax.tree_util.register_static
@dataclass(frozen=True)
class ColumnSigns:
    """Rule of one sign for each column (presynaptic unit) of a weight matrix: Dale's law.

    Attributes:
        inhibitory_columns: pairs of a parameter's name and its number of inhibitory columns, which
            are the last ones; of a vector parameter, the number of its last entries.

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
    """Rule of one sign for each row (postsynaptic unit) of a weight matrix.

    All synapses that a unit receives have its sign. This is not Dale's law, which is about the
    synapses that a unit sends.

    Attributes:
        inhibitory_rows: pairs of a parameter's name and its number of inhibitory rows, which are
            the last ones.

    Example:
        >>> RowSigns((("W", 10),))
        RowSigns(inhibitory_rows=(('W', 10),))

    Reference:
        Published code of Jarne & Caruso 2023 (Keras' kernels are [pre, post]).
    """

    inhibitory_rows: tuple[tuple[str, int], ...]


_RULES = (ColumnSigns, RowSigns)


def check_populations(n: int, n_i: int) -> None:
    """Raise ValueError unless ``n`` units can be split into both kinds, ``n_i`` inhibitory.

    Args:
        n: number of units.
        n_i: number of inhibitory units among them.

    Raises:
        ValueError: ``n_i`` is not from 1 to ``n - 1``.

    Example:
        >>> check_populations(100, 10)
    """
    if not 1 <= n_i < n:
        raise ValueError(f"n_i is {n_i}; with n = {n} units it must be from 1 to {n - 1}.")


def num_inhibitory(n: int, share: float) -> int:
    """Compute the number of inhibitory units among ``n``, ``max(1, round(share * n))``.

    Args:
        n: number of units.
        share: share of inhibitory units, above 0 and below 1.

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
    """Make the signs of a weight matrix with ``n`` columns, the last ``n_i`` of them inhibitory.

    Args:
        n: number of columns (presynaptic units).
        n_i: number of inhibitory columns, 0 for none.

    Returns:
        +1 and -1, int8 [1, n], broadcastable to a weight matrix [post, pre].

    Example:
        >>> column_signs(4, 1).tolist()
        [[1, 1, 1, -1]]
    """
    return jnp.where(jnp.arange(n) < n - n_i, 1, -1).astype(jnp.int8)[None, :]


def sign_tree(params: Params) -> PyTree:
    """Build the sign tree of parameters that carry dalejax's own sign rules.

    Args:
        params: parameters of dalejax cells and layers, in dicts, lists and tuples nested to any
            depth. Leaves that ``optax.masked`` has replaced by ``MaskedNode`` are free.

    Returns:
        A prefix sign tree of ``params``: int8 [1, pre] for each matrix with signs on its columns,
        [post, 1] for each with signs on its rows, [n] for each constrained vector, None elsewhere.

    Raises:
        ValueError: ``params`` hold no sign rule, or one inside a container that is neither a
            mapping nor a list nor a tuple.

    Example:
        >>> W = jnp.ones((3, 3))
        >>> sign_tree({"W": W, "b": jnp.ones(3), "signs": ColumnSigns((("W", 1),))})["W"].tolist()
        [[1, 1, -1]]
    """
    found = 0

    def visit(node: PyTree) -> PyTree:
        nonlocal found
        if isinstance(node, list | tuple) and not is_free(node):
            children = [visit(child) for child in node]
            if hasattr(node, "_fields"):  # a NamedTuple takes its fields one by one
                return cast(Callable[..., tuple], type(node))(*children)
            return type(node)(children)
        if not isinstance(node, Mapping):
            return None
        found += isinstance(node.get(KEY), _RULES)
        rule = _signs_by_name(node.get(KEY))
        signs = {
            name: rule[name](child) if name in rule and not is_free(child) else visit(child)
            for name, child in node.items()
        }
        # Other mappings, such as Flax's FrozenDict, keep their type.
        return signs if type(node) is dict else cast(Callable[..., Mapping], type(node))(signs)

    tree = visit(params)
    if not found:
        raise ValueError(
            "the parameters carry no signs of dalejax; pass a sign tree as the argument `signs`."
        )
    everywhere = jax.tree.leaves(params, is_leaf=lambda node: isinstance(node, _RULES))
    if (num := sum(isinstance(node, _RULES) for node in everywhere)) > found:
        raise ValueError(
            f"{num - found} of {num} layers stand in containers that are no dicts, lists or "
            "tuples; pass a sign tree as the argument `signs`."
        )
    return tree


def _signs_by_name(rule: object) -> dict[str, Callable[[Array], Array]]:
    """Map each parameter that a rule names to the function that makes its signs."""

    def columns(n_i: int) -> Callable[[Array], Array]:
        # A vector has no columns: its last entries are the inhibitory ones.
        return lambda leaf: column_signs(leaf.shape[-1], n_i)[0 if leaf.ndim == 1 else slice(None)]

    def rows(n_i: int) -> Callable[[Array], Array]:
        return lambda leaf: column_signs(leaf.shape[-2], n_i).T

    if isinstance(rule, ColumnSigns):
        return {name: columns(n_i) for name, n_i in rule.inhibitory_columns}
    if isinstance(rule, RowSigns):
        return {name: rows(n_i) for name, n_i in rule.inhibitory_rows}
    return {}


def refuse_other_signs(name: str, given: PyTree, wanted: PyTree) -> None:
    """Raise ValueError if a layer's sign rule in ``given`` differs from its rule in ``wanted``.

    Only layers that carry a rule in both trees are compared: parameters without any sign rule are
    accepted.

    Args:
        name: what the user calls ``given``, for the error message.
        given: parameters that carry sign rules, or their shapes.
        wanted: parameters of the network for which ``given`` is meant, or their shapes.

    Raises:
        ValueError: a layer has one rule in ``given`` and another in ``wanted``.

    Example:
        >>> one, two = ({"signs": ColumnSigns((("W", n_i),))} for n_i in (1, 2))
        >>> refuse_other_signs("params", one, one)
        >>> refuse_other_signs("params", one, two)
        Traceback (most recent call last):
        ValueError: params has signs ColumnSigns(inhibitory_columns=(('W', 1),)); the network's \
are ColumnSigns(inhibitory_columns=(('W', 2),)).
    """
    given_rules, wanted_rules = _rules_by_path(given), _rules_by_path(wanted)
    for path, rule in given_rules.items():
        if path in wanted_rules and rule != wanted_rules[path]:
            raise ValueError(f"{name} has {path} {rule}; the network's are {wanted_rules[path]}.")


def _rules_by_path(tree: PyTree) -> dict[str, ColumnSigns | RowSigns]:
    leaves = jax.tree_util.tree_leaves_with_path(
        tree, is_leaf=lambda node: isinstance(node, _RULES)
    )
    return {
        jax.tree_util.keystr(path, simple=True, separator="."): node
        for path, node in leaves
        if isinstance(node, _RULES)
    }
