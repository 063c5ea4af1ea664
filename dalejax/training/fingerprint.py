"""What a run is: every field that must be the same in whatever continues it.

The description is plain JSON, so that a refusal can name each field with both of its values.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from dalejax.training import step
from dalejax.transforms.projection import apply_updates
from dalejax.types import PyTree

# A network's place in another one and its name there: nothing of its own.
_NOT_FIELDS = ("parent", "name")
_SHORT = 8  # so many numbers are listed; longer arrays have a checksum
_SHORT_LIST = 64  # so many names
_PARAMS, _RESPONSE = "params", "optimizer"
_COMPUTED = (_PARAMS, _RESPONSE)  # on another machine their last bits may be others


def identity(net, make_tx, task, keys, eval_every, hyperparams, params) -> dict[str, Any]:
    """Describe a run.

    Args:
        net: the network.
        make_tx: makes a member's optimiser. A function cannot be compared with one of another
            process, so its first update for a given gradient stands for it.
        task: the task, with its data.
        keys: typed keys [s].
        eval_every: updates between evaluations.
        hyperparams: name -> array, leading axis s.
        params: parameters to start from, or None.
    """
    first = jax.tree.map(lambda leaf: leaf[0], (keys, hyperparams, params))
    return {
        "network": describe(net),
        "task": describe(task),
        "keys": describe(keys),
        "eval_every": eval_every,
        "hyperparams": describe(hyperparams),
        _PARAMS: describe(jax.tree.map(_measured, params)),
        _RESPONSE: _response(net, make_tx, task, first),
    }


def describe(value: Any) -> Any:
    """Describe a value as JSON: fields by name, arrays by their numbers or a checksum.

    Args:
        value: numbers, names, containers, dataclasses, arrays, functions, objects.

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
    if hasattr(value, "described"):  # it knows what of it matters
        fields = value.described()
    elif dataclasses.is_dataclass(value):
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    else:
        fields = vars(value)
    shown = {name: item for name, item in fields.items() if name not in _NOT_FIELDS}
    return {"is": type(value).__qualname__, **describe(shown)}


def differences(saved: Any, this: Any) -> list[str]:
    """Name each field that differs, with both values.

    Args:
        saved: the description of an earlier run, as it was read back.
        this: the description of this one.

    Example:
        >>> differences({"net": {"n": 10}}, {"net": {"n": 12}})
        ['net.n is 12 and was 10']
        >>> differences({"n": 1}, {"n": 1, "hidden": []})  # of a later version, and not used
        []
        >>> differences({"n": 1}, {"n": 1, "hidden": ["Dense"]})
        ['hidden[0] is Dense and was absent']
    """
    before, now = dict(_fields(saved)), dict(_fields(this))
    names = [*now, *(name for name in before if name not in now)]
    return [
        f"{name} is {_text(now, name)} and was {_text(before, name)}"
        for name in names
        if not _same(name, before.get(name, _ABSENT), now.get(name, _ABSENT))
    ]


_ABSENT = "absent"


def _same(name, before, now) -> bool:
    if before == _ABSENT and not now:  # what an earlier version did not have is not used
        return True
    if name.startswith(_COMPUTED) and isinstance(before, float) and isinstance(now, float):
        return math.isclose(before, now, rel_tol=1e-3, abs_tol=1e-9)
    return before == now


def _fields(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _fields(item, f"{name}.{key}" if name else key)
    elif isinstance(value, list) and value:
        for i, item in enumerate(value):
            yield from _fields(item, f"{name}[{i}]")
    else:
        yield name, value


def _text(fields, name) -> str:
    text = str(fields[name]) if name in fields else _ABSENT
    return text if len(text) <= 60 else f"{text[:57]}…"


def _described_array(value) -> str:
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


def _measured(leaf) -> list[Any]:
    """Measure given parameters: their shape, two norms, and one that sees their order."""
    x = np.abs(np.asarray(leaf, float))
    order = np.linspace(1, 2, x.size).reshape(x.shape)
    norms = [x.sum(), np.linalg.norm(x), np.linalg.norm(order * x)]
    return [f"{leaf.dtype}{list(x.shape)}", *map(float, norms)]


def _response(net, make_tx: Callable, task, first: PyTree) -> list[Any]:
    """Measure the first update: for a small gradient, for a large one (is it clipped?), for none
    (do weights decay?), and how far it drives tiny parameters through zero (are they held?)."""

    @jax.jit
    def norms(first):
        state, tx = step.start(net, make_tx, task, first), make_tx(**first[1])
        tiny = jax.tree.map(lambda leaf: 1e-9 * leaf, state.params)

        def update(params, gradient_of):
            gradient = jax.tree.map(gradient_of, params)
            squares = jax.tree.map(jnp.square, gradient)  # in place of the Fisher information
            return step.update_of(tx, gradient, state._replace(params=params), lambda: squares)

        updates = [
            update(state.params, lambda leaf: jnp.full_like(leaf, size))[0]  # noqa: B023
            for size in (1e-3, 1e3, 0.0)
        ]
        held = apply_updates(tiny, *update(tiny, lambda leaf: 1e-3 * jnp.sign(leaf)))
        return [optax.tree.norm(tree) for tree in (*updates, held)]

    return describe([float(norm) for norm in norms(first)])
