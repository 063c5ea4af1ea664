"""A run's folder: what identifies the run in it, so that no other one continues it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import jax
import numpy as np

from dalejax import checkpoint, files
from dalejax.types import Any, PyTree


def identity(net, task, keys, eval_every, hyperparams, params) -> dict[str, Any]:
    """What a run must share with the one whose checkpoints it continues."""
    return {
        "network": repr(net),
        "task": repr(task),
        "task data (sha256)": _digest(task.data),
        "keys": jax.random.key_data(keys).tolist(),
        "eval_every": eval_every,
        "hyperparams (sha256)": _digest(hyperparams),
        "initial params (sha256)": _digest(params),
    }


def _digest(tree: PyTree) -> str:
    digest = hashlib.sha256()
    for leaf in jax.tree.leaves(jax.device_get(tree)):
        digest.update(np.ascontiguousarray(leaf).tobytes())
    return digest.hexdigest()


def claim_folder(folder: Path, run: dict[str, Any], resume: bool) -> None:
    """Make the run's folder, or see that the run in it is this one; one process for all."""
    path = folder / "train.json"
    if not path.exists():
        if (folder / checkpoint.FOLDER).exists():
            raise FileExistsError(
                f"{folder} holds checkpoints but no {path.name}; use another folder."
            )
        folder.mkdir(parents=True, exist_ok=True)
        files.write_json(path, run)
        return
    if not resume:
        raise FileExistsError(f"{folder} holds a run already; resume=True continues it.")
    try:
        saved = json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path} is broken; it must be the JSON that train wrote.") from error
    other = [name for name, value in run.items() if saved.get(name) != value]
    if other:
        raise ValueError(
            f"{folder} holds a run with another {', '.join(other)}; name another folder."
        )
