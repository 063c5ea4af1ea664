"""Make sign trees for the models of any library, from patterns of parameter names."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

import jax
import jax.numpy as jnp
from jax.tree_util import KeyPath
from jax.typing import ArrayLike

from dalejax.types import Params, PyTree


def dale_signs(params: Params, rule: Mapping[str, ArrayLike]) -> PyTree:
    """Make a sign tree by naming the constrained parameters; all other parameters are free.

    Args:
        params: parameters in any pytree: a dict, a Flax NNX state, an Equinox module, Haiku's dict
            of dicts.
        rule: name pattern -> signs of the parameters that match it: +1, -1, 0, or an array of them
            that broadcasts to the parameter, such as :func:`dalejax.signs.column_signs`. The name
            of a parameter is its path in the tree, joined by slashes (``"cell/hh/kernel"``); in a
            pattern ``*`` stands for any characters, and the first pattern that matches counts.
            dalejax and PyTorch hold the outgoing synapses of a unit in a column, [post, pre];
            Flax, Haiku and Keras hold them in a row, [pre, post]: there, give
            ``column_signs(n, n_i).T``.

    Returns:
        A tree like the parameters with int8 signs, for :func:`dalejax.dale_projection`,
        :func:`dalejax.exponentiated_gradient` and :func:`dalejax.signs.assert_legal`.

    Raises:
        ValueError: a pattern is not the first match of any parameter.

    Example:
        >>> from dalejax.signs import column_signs
        >>> params = {"rnn": {"kernel": jnp.ones((3, 3)), "bias": jnp.ones(3)}}
        >>> dale_signs(params, {"*/kernel": column_signs(3, 1).T})["rnn"]["kernel"].tolist()
        [[1], [1], [-1]]

    Reference:
        Dale's law: Eccles, Fatt & Koketsu 1954; Strata & Harvey 1999.
    """
    used = set()

    def sign(path: KeyPath, _: object) -> jax.Array:
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
        raise ValueError(
            f"the pattern {unused[0]!r} of the rule is no parameter's first match; the parameters "
            f"are {', '.join(names)}."
        )
    return tree


def name_of(path: KeyPath) -> str:
    """Join the path of a parameter in its tree to a name, with slashes.

    Args:
        path: key path as ``jax.tree_util.tree_leaves_with_path`` returns it.

    Example:
        >>> [(path, _)] = jax.tree_util.tree_leaves_with_path({"cell": {"W": 1}})
        >>> name_of(path)
        'cell/W'
    """
    return jax.tree_util.keystr(path, simple=True, separator="/")
