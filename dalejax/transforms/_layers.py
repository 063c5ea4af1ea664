"""Find and map the layers inside a parameter tree: the dicts that hold arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import jax
import numpy as np

from dalejax.types import PyTree


def map_layers(tree: PyTree, function: Callable[[Mapping], Mapping]) -> PyTree:
    """Replace every layer of a tree by a function of it.

    Args:
        tree: parameters or updates, in nested dicts, lists and tuples.
        function: maps a layer to a dict with the same names.

    Example:
        >>> tree = {"cells": [{"b": np.ones(1)}]}
        >>> map_layers(tree, lambda layer: {"b": 2 * layer["b"]})
        {'cells': [{'b': array([2.])}]}
    """
    if type(tree) in (list, tuple):
        return type(tree)(map_layers(child, function) for child in tree)
    if not isinstance(tree, Mapping):
        return tree
    mapped = function(tree) if arrays_of(tree) else dict(tree)
    return {
        name: map_layers(child, function) if _is_branch(child) else mapped[name]
        for name, child in tree.items()
    }


def layers_of(tree: PyTree) -> Iterator[Mapping]:
    """Iterate over the layers of a tree; a layer comes before the layers nested inside it.

    Args:
        tree: parameters or updates, in nested dicts, lists and tuples.

    Example:
        >>> [sorted(layer) for layer in layers_of({"a": {"W": np.ones(1)}, "signs": None})]
        [['W']]
    """
    if isinstance(tree, Mapping) and arrays_of(tree):
        yield tree
    if _is_branch(tree):
        for child in tree.values() if isinstance(tree, Mapping) else tree:
            yield from layers_of(child)


def arrays_of(layer: Mapping) -> list[str]:
    """List the names of a layer's arrays: of its entries that have a shape.

    Args:
        layer: a dict of arrays and other entries, such as the cell's signs.

    Example:
        >>> arrays_of({"W": np.ones(1), "signs": None})
        ['W']
    """
    return [
        name
        for name, leaf in layer.items()
        if hasattr(leaf, "shape") and not isinstance(leaf, Mapping)
    ]


def _is_branch(node: PyTree) -> bool:
    return isinstance(node, Mapping) or type(node) in (list, tuple)


def branches(tree: PyTree, like: PyTree = None) -> list[PyTree]:
    """Split a tree into the branches at its top, one for each cell of a network.

    A tree with an array at its top, such as the parameters of a single cell, is one branch.

    Args:
        tree: parameters or updates; or, with ``like``, any tree that begins like it.
        like: parameters or updates whose branches ``tree`` is split at; None for its own.

    Example:
        >>> len(branches({"a": {"W": np.ones(1)}, "b": {"W": np.ones(1)}}))
        2
        >>> len(branches({"W": np.ones(1), "b": np.ones(1)}))
        1
    """
    return _top(tree if like is None else like).flatten_up_to(tree)


def join_branches(cells: list[PyTree], like: PyTree) -> PyTree:
    """Put the branches of a tree together again; the inverse of :func:`branches`.

    Args:
        cells: one tree for each branch.
        like: the parameters or updates that were split.

    Example:
        >>> join_branches([1, 2], {"a": {"W": np.ones(1)}, "b": {"W": np.ones(1)}})
        {'a': 1, 'b': 2}
    """
    return _top(like).unflatten(cells)


def _top(tree: PyTree):
    """Find the structure of a tree down to its branches."""
    structure = jax.tree.structure(tree, is_leaf=lambda node: node is not tree)
    if any(isinstance(cell, jax.Array | np.ndarray) for cell in structure.flatten_up_to(tree)):
        return jax.tree.structure(0)  # the whole tree is one branch
    return structure
