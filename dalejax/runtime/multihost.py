"""Several processes, one program: who writes, and how all of them learn of a failure.

Under ``jax.distributed`` every process runs the same program on its share of the members. The first
process writes what all know (configuration, tables, pictures); checkpoints are written by all.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar, cast

import jax
import numpy as np
from jax.experimental import multihost_utils

T = TypeVar("T")


class OtherFailed(ValueError):
    """What another process was doing for all failed; that one says why."""


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


def agree(function: Callable[[], T]) -> T:
    """Call a function in the first process; what it returns or raises reaches all of them.

    No process goes on before the first one is done.

    Args:
        function: writes or checks files; called without arguments, it returns what JSON can hold.

    Returns:
        What the function returned.

    Raises:
        Exception: what the function raised; in the other processes OtherFailed with its text.

    Example:
        >>> agree(lambda: 3)
        3
    """
    answer, failure = None, None
    if is_first():
        try:
            answer = function()
        except Exception as error:
            failure = error
    if jax.process_count() > 1:
        failed = None if failure is None else str(failure) or type(failure).__name__
        answer, failed = json.loads(_from_the_first(json.dumps([answer, failed]).encode()))
        if failure is None and failed is not None:
            failure = OtherFailed(failed)
    if failure is not None:
        raise failure
    return cast(T, answer)


def together(function: Callable[[], T]) -> T:
    """Call a function in every process; if it fails in one, it fails in all.

    Without this the others would wait for a process that has ended.

    Args:
        function: called without arguments.

    Returns:
        What it returned in this process.

    Raises:
        Exception: what the function raised here; OtherFailed where only others failed.

    Example:
        >>> together(lambda: 3)
        3
    """
    answer, failure = None, None
    try:
        answer = function()
    except Exception as error:
        failure = error
    failed = gather(failure is not None).any()
    if failure is not None:
        raise failure
    if failed:
        raise OtherFailed("another process failed; it says why.")
    return cast(T, answer)


def _from_the_first(text: bytes) -> bytes:
    length = int(multihost_utils.broadcast_one_to_all(np.int32(len(text))))
    letters = np.zeros(length, np.uint8)
    if is_first():
        letters[:] = np.frombuffer(text, np.uint8)
    return bytes(np.asarray(multihost_utils.broadcast_one_to_all(letters)))


def gather(number: int | bool) -> np.ndarray:
    """Collect a number (below 2^31) from every process; all get the same answer.

    Args:
        number: this process's.

    Returns:
        The numbers [processes].

    Example:
        >>> gather(3).tolist()
        [3]
    """
    if jax.process_count() == 1:
        return np.asarray([number])
    return np.asarray(multihost_utils.process_allgather(np.int32(number)))
