"""The description of a run: every field that must be equal in a run that continues it.

The description is plain JSON, so that an error message can name each field that differs.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import math
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from dalejax.training import step
from dalejax.training.run_spec import RunSpec, Start
from dalejax.transforms.projection import apply_updates
from dalejax.types import Array

# Flax sets these in modules inside other modules; they are no settings.
_NOT_FIELDS = ("parent", "name")
_SHORT = 8  # an array of more numbers is described by a checksum
_SHORT_LIST = 64  # and so is a list of more names
_PARAMS, _RESPONSE, _CLASS = "params", "optimizer", "is"
_COMPUTED = (_PARAMS, _RESPONSE)  # compared with a tolerance: other machines round differently
# How error messages call the entries of the optimiser's description, see _response.
_RESPONSES = {
    f"{_RESPONSE}[0]": "the norm of the optimiser's first update for gradients of 1e-3",
    f"{_RESPONSE}[1]": "the norm of the optimiser's first update for gradients of 1e3",
    f"{_RESPONSE}[2]": "the norm of the optimiser's first update for gradients of 0",
    f"{_RESPONSE}[3]": "the norm of tiny parameters after an update through zero",
}


def identity(spec: RunSpec, eval_every: int) -> dict[str, Any]:
    """Describe a run by everything that decides its numbers.

    A function cannot be compared with one of another process, so that an optimiser is described by
    the sizes of its first updates for given gradients.

    Args:
        spec: what the ensemble is trained from.
        eval_every: updates between evaluations.

    Returns:
        A dictionary that JSON can hold: name -> description.
    """
    return {
        "network": describe(spec.net),
        "task": describe(spec.task),
        "keys": describe(spec.keys),
        "eval_every": eval_every,
        "hyperparams": describe(spec.hyperparams),
        _PARAMS: describe(jax.tree.map(_measured, spec.params)),
        _RESPONSE: _response(spec),
    }


def describe(value: Any) -> Any:
    """Describe a value as JSON: objects by class and fields, arrays by numbers or a checksum.

    Args:
        value: numbers, names, containers, dataclasses, arrays, functions or other objects; an
            object's method ``described``, if it has one, gives the fields that matter.

    Example:
        >>> describe({"scan": "rows", "x": np.zeros(2)})
        {'scan': 'rows', 'x': 'float64[2] 0.0, 0.0'}
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, jax.Array | np.ndarray | np.generic):
        return _described_array(value)
    if isinstance(value, Mapping):
        return {str(name): describe(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        if len(value) > _SHORT_LIST and all(isinstance(item, str) for item in value):
            return f"{len(value)} names {_checksum(chr(0).join(value).encode())}"
        return [describe(item) for item in value]
    if isinstance(value, functools.partial):
        return [describe(value.func), describe(value.args), describe(value.keywords)]
    if isinstance(value, type) or not hasattr(value, "__dict__") or hasattr(value, "__qualname__"):
        return getattr(value, "__qualname__", type(value).__qualname__)
    if hasattr(value, "described"):
        fields = value.described()
    elif dataclasses.is_dataclass(value):
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    else:
        fields = vars(value)
    shown = {name: item for name, item in fields.items() if name not in _NOT_FIELDS}
    return {_CLASS: type(value).__qualname__, **describe(shown)}


def differences(saved: Any, this: Any) -> list[str]:
    """List the fields in which two descriptions differ, with both values.

    A field that only ``this`` has counts as equal if it is empty, 0, False or None there: an
    earlier version of dalejax did not have it.

    Args:
        saved: the description of an earlier run, read from its JSON file.
        this: the description of this run.

    Example:
        >>> differences({"net": {"n": 10}}, {"net": {"n": 12}})
        ['net.n is 12 and was 10']
        >>> differences({"n": 1}, {"n": 1, "hidden": []})
        []
        >>> differences({"n": 1}, {"n": 1, "hidden": ["Dense"]})
        ['hidden[0] is Dense and was absent']
    """
    before, now = dict(_fields(saved)), dict(_fields(this))
    names = [*now, *(name for name in before if name not in now)]
    return [
        f"{_title(name)} is {_text(now, name)} and was {_text(before, name)}"
        for name in names
        if not _same(name, before.get(name, _ABSENT), now.get(name, _ABSENT))
    ]


_ABSENT = "absent"


def renamed_classes(saved: Any, this: Any) -> bool:
    """Say whether a class has another name in one of two descriptions than in the other.

    Args:
        saved: the description of an earlier run, read from its JSON file.
        this: the description of this run.

    Example:
        >>> renamed_classes({"cell": {"is": "RNNCell"}}, {"cell": {"is": "ColEICell"}})
        True
    """
    before, now = dict(_fields(saved)), dict(_fields(this))
    return any(before[name] != now[name] for name in before.keys() & now.keys() if _is_class(name))


def _is_class(name: str) -> bool:
    return name.split(".")[-1] == _CLASS


def _title(name: str) -> str:
    """Call a field by a name that an error message can use."""
    if _is_class(name):
        return f"the class of {name.removesuffix(f'.{_CLASS}')}"
    return _RESPONSES.get(name, name)


def _same(name: str, before: Any, now: Any) -> bool:
    if before == _ABSENT and not now:
        return True
    if name.startswith(_COMPUTED) and isinstance(before, float) and isinstance(now, float):
        return math.isclose(before, now, rel_tol=1e-3, abs_tol=1e-9)
    return before == now


def _fields(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """List (path, value) of nested dictionaries and lists, such as ("cells[0].n", 100)."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _fields(item, f"{name}.{key}" if name else key)
    elif isinstance(value, list) and value:
        for i, item in enumerate(value):
            yield from _fields(item, f"{name}[{i}]")
    else:
        yield name, value


def _text(fields: Mapping[str, Any], name: str) -> str:
    text = str(fields[name]) if name in fields else _ABSENT
    return text if len(text) <= 60 else f"{text[:57]}…"


def _described_array(value: Array | np.generic) -> str:
    """Describe an array by type, shape, and its numbers or their checksum."""
    if isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jax.dtypes.prng_key):
        value = jax.random.key_data(value)
    array = np.ascontiguousarray(value)
    if array.size <= _SHORT:
        numbers = ", ".join(str(number) for number in array.ravel())
    else:
        numbers = _checksum(array.tobytes())
    return f"{array.dtype}{list(np.shape(value))} {numbers}"


def _checksum(content: bytes) -> str:
    return f"sha256 {hashlib.sha256(content).hexdigest()[:16]}"


def _measured(leaf: Array) -> list[Any]:
    """Measure given parameters: type and shape, two norms, and a norm weighted by position."""
    x = np.abs(np.asarray(leaf, float))
    order = np.linspace(1, 2, x.size).reshape(x.shape)
    norms = [x.sum(), np.linalg.norm(x), np.linalg.norm(order * x)]
    return [f"{leaf.dtype}{list(x.shape)}", *map(float, norms)]


def _response(spec: RunSpec) -> list[Any]:
    """Give the Euclidean norms of the first member's first update, for four kinds of gradients.

    For a small gradient, a large one (which tells whether it is clipped) and none (which tells
    whether weights decay) the norm is that of the update; for one that drives tiny parameters
    through zero it is that of the new parameters (which tells whether signs are kept).
    """

    @jax.jit
    def norms(start: Start):
        state, tx = step.initial_state(spec, start), spec.make_tx(**start.hyperparams)
        tiny = jax.tree.map(lambda leaf: 1e-9 * leaf, state.params)

        def update(params, gradient_of):
            gradient = jax.tree.map(gradient_of, params)
            squares = jax.tree.map(jnp.square, gradient)  # in place of the Fisher information
            return step.update_of(tx, gradient, state._replace(params=params), lambda: squares)

        updates = [
            update(state.params, functools.partial(jnp.full_like, fill_value=size))[0]
            for size in (1e-3, 1e3, 0.0)
        ]
        held = apply_updates(tiny, *update(tiny, lambda leaf: 1e-3 * jnp.sign(leaf)))
        return [optax.tree.norm(tree) for tree in (*updates, held)]

    first = jax.tree.map(lambda leaf: leaf[0], spec.starts)
    return describe([float(norm) for norm in norms(first)])
