"""Checks of what users pass in: one sentence with the name, its value, and what is allowed.

Used by the library and by the command line, whose names are flags (``--n``).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dalejax.types import PyTree

LARGEST = 10**9  # a count beyond it is a slip: no size, and no number of updates, gets there
LARGEST_SEED = 2**32 - 1  # JAX cuts larger roots to 32 bits: two of them could be the same one


def whole(name: str, value: Any, least: int = 1, most: int = LARGEST) -> int:
    """Refuse what is not a whole number in its range.

    Args:
        name: what the user calls it.
        value: what it is.
        least: the smallest allowed.
        most: the largest allowed.

    Returns:
        The number, as a Python int.

    Raises:
        ValueError: it is not a whole number, or out of range.

    Example:
        >>> whole("n", 0)
        Traceback (most recent call last):
        ValueError: n is 0; it must be at least 1.
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"{name} is {value!r}; it must be a whole number.") from None
    if least <= number <= most:
        return number
    unbounded = most == LARGEST and number < least
    allowed = f"at least {least}" if unbounded else f"from {least} to {most}"
    raise ValueError(f"{name} is {value}; it must be {allowed}.")


def seed(name: str, value: Any) -> None:
    """Refuse a root seed that JAX would not tell from another one.

    Args:
        name: what the user calls it.
        value: what it is.

    Raises:
        ValueError: it is not a whole number from 0 to 2^32 - 1.

    Example:
        >>> seed("seed", 7)
    """
    whole(name, value, 0, LARGEST_SEED)


def positive(name: str, value: Any) -> None:
    """Refuse what is not a finite number above 0.

    Args:
        name: what the user calls it.
        value: what it is.

    Raises:
        ValueError: it is no number, not finite, zero or negative.

    Example:
        >>> positive("rho", float("nan"))
        Traceback (most recent call last):
        ValueError: rho is nan; it must be a finite number above 0.
    """
    if not (_finite(value) and value > 0):
        raise ValueError(f"{name} is {value}; it must be a finite number above 0.")


def not_negative(name: str, value: Any) -> None:
    """Refuse what is below 0, or not finite.

    Args:
        name: what the user calls it.
        value: a number.

    Raises:
        ValueError: it is no number, not finite, or negative.

    Example:
        >>> not_negative("noise", -0.1)
        Traceback (most recent call last):
        ValueError: noise is -0.1; it must be 0 or positive.
        >>> not_negative("shift", None)
        Traceback (most recent call last):
        ValueError: shift is None; it must be 0 or positive.
    """
    if not (_finite(value) and value >= 0):
        raise ValueError(f"{name} is {value}; it must be 0 or positive.")


def _finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except TypeError:
        return False


def choice(name: str, value: Any, allowed: Iterable[str]) -> None:
    """Refuse what is not one of the names.

    Args:
        name: what the user calls it.
        value: what it is.
        allowed: the names.

    Raises:
        ValueError: it is none of them.

    Example:
        >>> choice("scan", "columns", ("rows", "pixels"))
        Traceback (most recent call last):
        ValueError: scan is 'columns'; it must be one of rows, pixels.
    """
    allowed = list(allowed)
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}; it must be one of {', '.join(allowed)}.")


def multiple(name: str, value: Any, of_name: str, of: int) -> int:
    """Refuse what is not a multiple, once or more, of another number.

    Args:
        name: what the user calls it.
        value: what it is.
        of_name: what the user calls the other number.
        of: the other number.

    Returns:
        The number, as a Python int.

    Raises:
        ValueError: it is no whole number, below 1, or no multiple.

    Example:
        >>> multiple("checkpoint_every", 5, "eval_every", 2)
        Traceback (most recent call last):
        ValueError: checkpoint_every is 5; it must be a multiple of eval_every, 2.
    """
    number = whole(name, value)
    if number % of:
        raise ValueError(f"{name} is {value}; it must be a multiple of {of_name}, {of}.")
    return number


def excitatory_inputs(kind: str, inputs_n_i: int | None) -> None:
    """Refuse inhibitory inputs, for which a layer has no place.

    Args:
        kind: the layer's.
        inputs_n_i: inhibitory inputs; None where nobody has wired it.

    Raises:
        ValueError: there are some.

    Example:
        >>> excitatory_inputs("DANNCell", 2)
        Traceback (most recent call last):
        ValueError: inputs_n_i is 2; a DANNCell takes excitatory inputs only: it must be 0.
    """
    if inputs_n_i:
        raise ValueError(
            f"inputs_n_i is {inputs_n_i}; a {kind} takes excitatory inputs only: it must be 0."
        )


def typed_keys(name: str, keys: Any) -> None:
    """Refuse what is not a row of typed PRNG keys.

    Args:
        name: what the user calls it.
        keys: what it is.

    Raises:
        ValueError: they are of another type, have another shape, or there are none.

    Example:
        >>> typed_keys("keys", jax.random.split(jax.random.key(0), 3))
    """
    is_keys = isinstance(keys, jax.Array) and jnp.issubdtype(keys.dtype, jax.dtypes.prng_key)
    if not is_keys or keys.ndim != 1:
        described = f"{keys.dtype}{list(keys.shape)}" if hasattr(keys, "shape") else f"{keys!r:.60}"
        raise ValueError(
            f"{name} are {described}; they must be typed keys [s], such as "
            "dalejax.seed_keys(0, 30)."
        )
    if not len(keys):
        raise ValueError("the number of seeds is 0; it must be at least 1.")


def of_members(name: str, tree: PyTree, num: int, *, infinite: bool = False) -> None:
    """Refuse a tree whose leaves are not finite numbers with a leading axis of so many members.

    Args:
        name: what the user calls it.
        tree: arrays [s, ...].
        num: members s.
        infinite: whether ±infinity is allowed (an infinite clip is none).

    Raises:
        ValueError: a leading axis is another one, or a number is not finite.

    Example:
        >>> of_members("learning_rate", np.array([0.1]), 2)
        Traceback (most recent call last):
        ValueError: learning_rate has shape (1,); its leading axis must be the 2 members.
    """
    for leaf in jax.tree.leaves(tree):
        if isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            leaf = jax.random.key_data(leaf)
        if np.ndim(leaf) < 1 or leaf.shape[0] != num:
            raise ValueError(
                f"{name} has shape {np.shape(leaf)}; its leading axis must be the {num} members."
            )
        values = np.asarray(leaf)
        if (np.isnan(values) if infinite else ~np.isfinite(values)).any():
            raise ValueError(f"{name} hold non-finite numbers; all must be finite.")


def same_shapes(name: str, given: PyTree, wanted: PyTree) -> None:
    """Refuse a tree whose paths or shapes are not those wanted.

    Args:
        name: what the user calls it.
        given: arrays or ShapeDtypeStructs.
        wanted: likewise.

    Raises:
        ValueError: a leaf is missing, is one too many, or has another shape.

    Example:
        >>> same_shapes("params", {"b": np.ones(3)}, {"b": np.ones(2)})
        Traceback (most recent call last):
        ValueError: params has b [3]; it must be [2].
    """
    given_shapes, wanted_shapes = _shapes(given), _shapes(wanted)
    for path in wanted_shapes | given_shapes:
        if path not in given_shapes:
            raise ValueError(f"{name} has no {path}; it must have one of {wanted_shapes[path]}.")
        if path not in wanted_shapes:
            allowed = ", ".join(wanted_shapes)
            raise ValueError(f"{name} has {path}; it must have {allowed} and nothing else.")
        if given_shapes[path] != wanted_shapes[path]:
            raise ValueError(
                f"{name} has {path} {given_shapes[path]}; it must be {wanted_shapes[path]}."
            )


def _shapes(tree: PyTree) -> dict[str, list[int]]:
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {
        jax.tree_util.keystr(path, simple=True, separator="."): list(np.shape(leaf))
        for path, leaf in leaves
    }
