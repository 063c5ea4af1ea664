"""Sign trees for any model: Dale's law by the names of its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

import jax
import jax.numpy as jnp

from dalejax.types import Any, Params, PyTree


def dale_signs(params: Params, rule: Mapping[str, Any]) -> PyTree:
    """Make a sign tree by naming what is constrained; everything else is free.

    Args:
        params: any tree: a dict, a Flax NNX state, an Equinox module, Haiku's dict of dicts.
        rule: pattern of a name -> its signs: +1, -1, 0, or an array that broadcasts, such as
            :func:`dalejax.signs.column_signs`. A name is the path of a parameter, with slashes
            (``"cell/hh/kernel"``); in a pattern ``*`` stands for anything, and the first one that
            fits counts. dalejax and PyTorch have one neuron's synapses in a column, [post, pre];
            Flax, Haiku and Keras in a row, [pre, post]: ``column_signs(n, n_i).T``.

    Returns:
        A tree like the parameters, for :func:`dalejax.dale_projection`,
        :func:`dalejax.exponentiated_gradient` and :func:`dalejax.signs.assert_legal`.

    Raises:
        ValueError: a pattern fits no parameter.

    Example:
        >>> from dalejax.signs import column_signs
        >>> params = {"rnn": {"kernel": jnp.ones((3, 3)), "bias": jnp.ones(3)}}
        >>> dale_signs(params, {"*/kernel": column_signs(3, 1).T})["rnn"]["kernel"].tolist()
        [[1], [1], [-1]]

    Reference:
        Dale's law: Eccles, Fatt & Koketsu 1954; Strata & Harvey 1999.
    """
    used = set()

    def sign(path, leaf):
        name = name_of(path)
        for pattern, signs in rule.items():
            if fnmatchcase(name, pattern):
                used.add(pattern)
                return jnp.asarray(signs, jnp.int8)
        return jnp.zeros((), jnp.int8)

    tree = jax.tree_util.tree_map_with_path(sign, params)
    unused = [pattern for pattern in rule if pattern not in used]
    if unused:
        names = [name_of(path) for path, _ in jax.tree_util.tree_leaves_with_path(params)]
        raise ValueError(f"no parameter is named {unused[0]!r}; there are {', '.join(names)}.")
    return tree


def name_of(path: tuple[Any, ...]) -> str:
    """Name a parameter by its path, with slashes.

    Args:
        path: what ``jax.tree_util`` gives.

    Example:
        >>> [(path, _)] = jax.tree_util.tree_leaves_with_path({"cell": {"W": 1}})
        >>> name_of(path)
        'cell/W'
    """
    return jax.tree_util.keystr(path, simple=True, separator="/")
