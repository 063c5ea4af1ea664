"""Several processes, one program: who writes, and how all of them learn of a failure.

Under ``jax.distributed`` every process runs the same program on its share of the members. The first
process writes what all know (configuration, tables, pictures); checkpoints are written by all.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import numpy as np
from jax.experimental import multihost_utils

_LONGEST = 2000  # bytes of an error's text that reach the other processes


class FirstFailed(ValueError):
    """What the first process was doing for all failed; its text is the first one's."""


def connect() -> None:
    """Connect this process to the others that a cluster started with it; call it first of all.

    JAX finds the number of processes and their addresses by itself under SLURM, Open MPI,
    Kubernetes and on TPU pods. Elsewhere call ``jax.distributed.initialize(address, num, id)``.

    Raises:
        ValueError: no cluster was found.
    """
    try:
        jax.distributed.initialize()
    except (ValueError, RuntimeError) as error:
        raise ValueError(
            f"the processes cannot be connected ({error}); start them with srun or mpirun, or call "
            "jax.distributed.initialize(address, num_processes, process_id) in a script of yours."
        ) from error


def is_first() -> bool:
    """Say whether this process is the one that writes; alone, it is.

    Example:
        >>> is_first()
        True
    """
    return not jax.distributed.is_initialized() or jax.process_index() == 0


def agree(function: Callable[[], None]) -> None:
    """Call a function in the first process; what it raises is raised in all of them.

    No process goes on before the first one is done.

    Args:
        function: writes or checks files; called without arguments.

    Raises:
        Exception: what the function raised; in the other processes FirstFailed with its text.

    Example:
        >>> agree(lambda: print("once"))
        once
    """
    failure = None
    if is_first():
        try:
            function()
        except Exception as error:
            failure = error
    if jax.process_count() > 1:
        text = np.zeros(_LONGEST, np.uint8)
        written = "" if failure is None else str(failure) or type(failure).__name__
        raw = np.frombuffer(written.encode()[:_LONGEST], np.uint8)
        text[: len(raw)] = raw
        text = bytes(np.asarray(multihost_utils.broadcast_one_to_all(text)))
        if failure is None and text.strip(b"\0"):
            failure = FirstFailed(text.rstrip(b"\0").decode(errors="ignore"))
    if failure is not None:
        raise failure


def smallest(number: int) -> int:
    """Find the smallest of all processes' numbers (below 2^31).

    Args:
        number: this process's.

    Example:
        >>> smallest(3)
        3
    """
    return int(np.min(multihost_utils.process_allgather(np.int32(number))))
