"""The layers inside a tree of parameters: its innermost dicts, those that hold arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import jax
import numpy as np

from dalejax.types import Any, PyTree


def map_layers(tree: Any, function: Callable[[Mapping], Mapping]) -> Any:
    """Give the tree with every layer replaced by what the function makes of it.

    Args:
        tree: dicts, lists and tuples, nested.
        function: of a layer; its answer has the layer's names.

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


def layers_of(tree: Any) -> Iterator[Mapping]:
    """Go through the layers, each before those inside of it.

    Args:
        tree: dicts, lists and tuples, nested.

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
    """Name a layer's arrays: whatever has a shape.

    Args:
        layer: a dict.

    Example:
        >>> arrays_of({"W": np.ones(1), "signs": None})
        ['W']
    """
    return [
        name
        for name, leaf in layer.items()
        if hasattr(leaf, "shape") and not isinstance(leaf, Mapping)
    ]


def _is_branch(node: Any) -> bool:
    return isinstance(node, Mapping) or type(node) in (list, tuple)


def branches(tree: PyTree) -> tuple[list[PyTree], jax.tree_util.PyTreeDef]:
    """Split a tree into its cells: the branches at its top, or itself if arrays stand there.

    Args:
        tree: parameters or updates.

    Returns:
        The cells, and the structure that puts them together again.

    Example:
        >>> len(branches({"a": {"W": np.ones(1)}, "b": {"W": np.ones(1)}})[0])
        2
        >>> len(branches({"W": np.ones(1), "b": np.ones(1)})[0])
        1
    """
    cells, treedef = jax.tree.flatten(tree, is_leaf=lambda node: node is not tree)
    if any(isinstance(cell, jax.Array | np.ndarray) for cell in cells):
        return [tree], jax.tree.structure(0)
    return cells, treedef
