"""Checkpoints: the only file that knows Orbax.

Checkpoint ``s`` holds the state after ``s`` updates. A tree is stored as a flat dictionary from a
leaf's path to its array, so that restoring needs a template of the tree but no library's classes,
and nothing is ever unpickled.
"""

from __future__ import annotations

import logging
from pathlib import Path

import jax
import numpy as np
from orbax.checkpoint import v1 as ocp

from dalejax.types import PyTree

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

    def save(self, update: int, arrays: dict[str, np.ndarray]) -> None:
        """Write a checkpoint, atomically.

        Args:
            update: how many updates the state has behind it.
            arrays: what :func:`flatten` makes of a tree.
        """
        self._checkpointer.save(update, arrays)

    def load(self, update: int | None = None) -> dict[str, np.ndarray]:
        """Read a checkpoint back, the newest by default."""
        loaded = self._checkpointer.load(self.latest if update is None else update)
        return {name: np.asarray(array) for name, array in loaded.items()}


def flatten(tree: PyTree) -> dict[str, np.ndarray]:
    """Flatten a tree of arrays into a dictionary from path to host array.

    Args:
        tree: any tree of arrays.

    Example:
        >>> flatten({"a": {"b": np.ones(1)}})
        {'a.b': array([1.])}
    """
    leaves = jax.tree_util.tree_leaves_with_path(jax.device_get(tree))
    return {_name(path): np.asarray(leaf) for path, leaf in leaves}


def unflatten(template: PyTree, arrays: dict[str, np.ndarray]) -> PyTree:
    """Put flattened arrays back into a tree like the template.

    Args:
        template: a tree of arrays or ShapeDtypeStructs with the shapes wanted.
        arrays: what :func:`flatten` returned (further entries are ignored).

    Raises:
        ValueError: an array is missing, or has another shape or type.

    Example:
        >>> unflatten({"a": np.zeros(1)}, {"a": np.ones(1)})
        {'a': array([1.])}
    """

    def leaf(path, like):
        name = _name(path)
        if name not in arrays:
            raise ValueError(f"the checkpoint has no {name}; it was written by another network.")
        array = arrays[name]
        if array.shape != like.shape or array.dtype != like.dtype:
            raise ValueError(
                f"the checkpoint's {name} is {array.dtype}{list(array.shape)}; this run needs "
                f"{like.dtype}{list(like.shape)}."
            )
        return array

    return jax.tree_util.tree_map_with_path(leaf, template)


def _name(path) -> str:
    return jax.tree_util.keystr(path, simple=True, separator=".")
