"""Checks of arguments, which raise ValueError with the argument's name, its value and the remedy.

The library and the command line use them; in the latter, names are flags (``--n``).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from typing import SupportsFloat, SupportsIndex, TypeGuard, cast

import jax
import jax.numpy as jnp
import numpy as np

from dalejax.types import PyTree

LARGEST = 10**9  # default upper bound of counts: sizes and numbers of updates are far below it
LARGEST_SEED = 2**32 - 1  # JAX keeps 32 bits of a seed: larger seeds would not all be different


def whole(name: str, value: object, least: int = 1, most: int = LARGEST) -> int:
    """Raise ValueError unless a value is a whole number in a range.

    Args:
        name: the argument's name, for the error message.
        value: the argument's value; any integer type, such as NumPy's, is accepted.
        least: smallest number allowed.
        most: largest number allowed.

    Returns:
        The value, as a Python int.

    Raises:
        ValueError: the value is not a whole number, or is out of range.

    Example:
        >>> whole("n", 0)
        Traceback (most recent call last):
        ValueError: n is 0; it must be at least 1.
    """
    try:
        number = operator.index(cast(SupportsIndex, value))
    except TypeError:
        raise ValueError(f"{name} is {value!r}; it must be a whole number.") from None
    if least <= number <= most:
        return number
    unbounded = most == LARGEST and number < least
    allowed = f"at least {least}" if unbounded else f"from {least} to {most}"
    raise ValueError(f"{name} is {value}; it must be {allowed}.")


def seed(name: str, value: object) -> None:
    """Raise ValueError unless a value is a whole number that JAX takes as a seed.

    Args:
        name: the argument's name, for the error message.
        value: the argument's value.

    Raises:
        ValueError: the value is not a whole number from 0 to 2^32 - 1.

    Example:
        >>> seed("seed", 7)
    """
    whole(name, value, 0, LARGEST_SEED)


def positive(name: str, value: object) -> None:
    """Raise ValueError unless a value is a finite number above 0.

    Args:
        name: the argument's name, for the error message.
        value: the argument's value.

    Raises:
        ValueError: the value is not a number, not finite, zero or negative.

    Example:
        >>> positive("rho", float("nan"))
        Traceback (most recent call last):
        ValueError: rho is nan; it must be a finite number above 0.
    """
    if not (_finite(value) and value > 0):
        raise ValueError(f"{name} is {value}; it must be a finite number above 0.")


def not_negative(name: str, value: object) -> None:
    """Raise ValueError unless a value is a finite number, 0 or positive.

    Args:
        name: the argument's name, for the error message.
        value: the argument's value.

    Raises:
        ValueError: the value is not a number, not finite, or negative.

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


def _finite(value: object) -> TypeGuard[float]:
    try:
        return math.isfinite(cast(SupportsFloat, value))
    except TypeError:
        return False


def choice(name: str, value: object, allowed: Iterable[str]) -> None:
    """Raise ValueError unless a value is one of the allowed strings.

    Args:
        name: the argument's name, for the error message.
        value: the argument's value.
        allowed: the strings that the argument may be.

    Raises:
        ValueError: the value is none of them.

    Example:
        >>> choice("scan", "columns", ("rows", "pixels"))
        Traceback (most recent call last):
        ValueError: scan is 'columns'; it must be one of rows, pixels.
    """
    allowed = list(allowed)
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}; it must be one of {', '.join(allowed)}.")


def multiple(name: str, value: object, of_name: str, of: int) -> int:
    """Raise ValueError unless a value is a positive multiple of another argument.

    Args:
        name: the argument's name, for the error message.
        value: the argument's value.
        of_name: the other argument's name, for the error message.
        of: the other argument's value.

    Returns:
        The value, as a Python int.

    Raises:
        ValueError: the value is not a whole number, is below 1, or is no multiple of ``of``.

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
    """Raise ValueError if a layer that takes excitatory inputs only is given inhibitory ones.

    Args:
        kind: name of the layer's class, for the error message.
        inputs_n_i: number of the layer's inhibitory inputs; None, if no network has set it yet,
            is accepted.

    Raises:
        ValueError: ``inputs_n_i`` is neither None nor 0.

    Example:
        >>> excitatory_inputs("DANNCell", 2)
        Traceback (most recent call last):
        ValueError: inputs_n_i is 2; a DANNCell takes excitatory inputs only: it must be 0.
    """
    if inputs_n_i:
        raise ValueError(
            f"inputs_n_i is {inputs_n_i}; a {kind} takes excitatory inputs only: it must be 0."
        )


def typed_keys(name: str, keys: object) -> None:
    """Raise ValueError unless a value is an array [s] of typed PRNG keys, with s at least 1.

    Args:
        name: the argument's name, for the error message.
        keys: the argument's value.

    Raises:
        ValueError: the value is not an array of typed keys, has another number of axes, or is
            empty.

    Example:
        >>> typed_keys("keys", jax.random.split(jax.random.key(0), 3))
    """
    is_array = isinstance(keys, jax.Array | np.ndarray)
    if not is_array or not jnp.issubdtype(keys.dtype, jax.dtypes.prng_key) or keys.ndim != 1:
        described = f"{keys.dtype}{list(keys.shape)}" if is_array else f"{keys!r:.60}"
        raise ValueError(
            f"{name} are {described}; they must be typed keys [s], such as "
            "dalejax.seed_keys(0, 30)."
        )
    if not len(keys):
        raise ValueError("the number of seeds is 0; it must be at least 1.")


def of_members(name: str, tree: PyTree, num: int, *, infinite: bool = False) -> None:
    """Raise ValueError unless all leaves of a tree are finite and have one entry for each member.

    Args:
        name: the argument's name, for the error message.
        tree: the argument's value, arrays [s, ...]; typed PRNG keys are allowed.
        num: number of members s.
        infinite: whether ±infinity is allowed, as for a norm to clip at that never clips.

    Raises:
        ValueError: a leaf's axis 0 has not the length ``num``, or a number is not finite.

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
    """Raise ValueError unless two trees have leaves of the same shapes at the same paths.

    Args:
        name: the argument's name, for the error message.
        given: the argument's value, a tree of arrays or ShapeDtypeStructs.
        wanted: a tree of arrays or ShapeDtypeStructs with the paths and shapes that it must have.

    Raises:
        ValueError: a leaf is missing in ``given``, is not in ``wanted``, or has another shape.

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
    """Map the path of each leaf, with dots, to its shape."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {
        jax.tree_util.keystr(path, simple=True, separator="."): list(np.shape(leaf))
        for path, leaf in leaves
    }
