"""Checkpoints: the only file that knows Orbax.

Checkpoint ``s`` holds the state after ``s`` updates. A tree is stored as a flat dictionary from a
leaf's path to its array, so that restoring needs a template of the tree but no library's classes,
and nothing is ever unpickled. Of several processes each writes the members it holds, and each reads
all of them back: their number may change in between.
"""

from __future__ import annotations

import logging
from pathlib import Path

import jax
import numpy as np
from orbax.checkpoint import v1 as ocp

from dalejax.types import Array, PyTree

FOLDER = "checkpoints"
KEEP = 3

# Orbax reports every save at INFO and its own plumbing at WARNING; errors still raise.
logging.getLogger("absl").setLevel(logging.ERROR)


class Store:
    """A run folder's checkpoints.

    Args:
        folder: the run's folder; its checkpoints go to ``folder/checkpoints``.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, Store(folder) as store:
        ...     store.save(5, {"a": np.arange(3)})
        ...     store.latest, store.load()["a"].tolist()
        (5, [0, 1, 2])
    """

    def __init__(self, folder: str | Path):
        policies = ocp.training.save_decision_policies
        self._checkpointer = ocp.training.Checkpointer(
            Path(folder).absolute() / FOLDER,
            save_decision_policy=policies.FixedIntervalPolicy(1),
            preservation_policy=ocp.training.preservation_policies.LatestN(KEEP),
            cleanup_tmp_directories=True,
        )

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exception: object) -> None:
        self._checkpointer.close()

    @property
    def latest(self) -> int | None:
        """Number of updates of the newest checkpoint, None if there is none."""
        latest = self._checkpointer.latest
        return None if latest is None else latest.step

    def save(self, update: int, arrays: dict[str, Array]) -> None:
        """Write a checkpoint, atomically; all processes call it.

        Args:
            update: how many updates the state has behind it.
            arrays: by name; those on devices of several processes are written by all.
        """
        self._checkpointer.save(update, arrays)

    def load(self, update: int | None = None) -> dict[str, np.ndarray]:
        """Read a checkpoint back, the newest by default."""
        update = self.latest if update is None else update
        saved = self._checkpointer.metadata(update).metadata
        # As NumPy arrays, whatever devices they were saved from.
        wanted = {name: np.empty(array.shape, array.dtype) for name, array in saved.items()}
        return self._checkpointer.load(update, wanted)


def flatten(waves: list[PyTree], sizes: list[int]) -> dict[str, Array]:
    """Flatten an ensemble in waves into a dictionary from name to array.

    Args:
        waves: padded trees of arrays, leading axis the members.
        sizes: how many members of each wave are real.

    Example:
        >>> sorted(flatten([{"a": np.ones(2)}, {"a": np.ones(2)}], [2, 1]))
        ['wave0.a', 'wave1.a', 'wave_sizes']
    """
    arrays: dict[str, Array] = {"wave_sizes": np.asarray(sizes)}
    for number, wave in enumerate(waves):
        for path, leaf in jax.tree_util.tree_leaves_with_path(wave):
            arrays[f"wave{number}.{_name(path)}"] = leaf
    return arrays


def unflatten(template: PyTree, arrays: dict[str, np.ndarray]) -> PyTree:
    """Put the arrays of all waves back into one tree like the template, on the host.

    Args:
        template: a tree of arrays or ShapeDtypeStructs with the shapes wanted.
        arrays: what :func:`flatten` returned (further entries are ignored).

    Raises:
        ValueError: an array is missing, or has another shape or type.

    Example:
        >>> unflatten({"a": np.zeros(3)}, flatten([{"a": np.ones(2)}, {"a": np.ones(2)}], [2, 1]))
        {'a': array([1., 1., 1.])}
    """

    def leaf(path, like):
        name = _name(path)
        names = [f"wave{number}.{name}" for number in range(len(arrays["wave_sizes"]))]
        if not all(name in arrays for name in names):
            raise ValueError(f"the checkpoint has no {name}; it was written by another network.")
        real = zip(names, arrays["wave_sizes"], strict=True)
        array = np.concatenate([arrays[name][:size] for name, size in real])
        if array.shape != like.shape or array.dtype != like.dtype:
            raise ValueError(
                f"the checkpoint's {name} is {array.dtype}{list(array.shape)}; this run needs "
                f"{like.dtype}{list(like.shape)}."
            )
        return array

    return jax.tree_util.tree_map_with_path(leaf, template)


def _name(path) -> str:
    return jax.tree_util.keystr(path, simple=True, separator=".")
