"""Steps that the processes of a ``jax.distributed`` program take together.

Every process runs the same program on its share of the members. The first one writes what all of
them know (configuration, tables, figures); each of them writes its part of a checkpoint.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar, cast

import jax
import numpy as np
from jax.experimental import multihost_utils

T = TypeVar("T")


class OtherProcessFailed(ValueError):
    """Raised on the other processes when one process's part of a collective step fails."""


def connect() -> None:
    """Connect this process to the others of its job; call it before any JAX computation.

    JAX finds the number of processes and their addresses by itself under SLURM, Open MPI,
    Kubernetes and on TPU pods. Elsewhere call ``jax.distributed.initialize(address, num, id)``.

    Raises:
        ValueError: JAX found no such environment, or could not connect.
    """
    try:
        jax.distributed.initialize()
    except (ValueError, RuntimeError) as error:
        raise ValueError(
            f"the processes cannot be connected ({error}); start them with srun or mpirun, or call "
            "jax.distributed.initialize(address, num_processes, process_id) in your own script."
        ) from error


def is_first() -> bool:
    """Say whether this is the first process, which writes files for all; a single process is.

    Example:
        >>> is_first()
        True
    """
    return not jax.distributed.is_initialized() or jax.process_index() == 0


def agree(function: Callable[[], T]) -> T:
    """Call a function in the first process only, and return its result in every process.

    Every process must call this; each of them waits until the first one is done.

    Args:
        function: called without arguments, for example to write files; its result must be one
            that JSON can hold.

    Returns:
        The function's result.

    Raises:
        Exception: what the function raised; in the other processes OtherProcessFailed with the
            same text.

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
            failure = OtherProcessFailed(failed)
    if failure is not None:
        raise failure
    return cast(T, answer)


def together(function: Callable[[], T]) -> T:
    """Call a function in every process, and raise an error in all of them if one fails.

    Without this the others would wait for ever for a process that has ended.

    Args:
        function: called without arguments.

    Returns:
        The function's result in this process.

    Raises:
        Exception: what the function raised in this process; OtherProcessFailed if it failed only
            in others.

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
        raise OtherProcessFailed("another process failed; its error message says why.")
    return cast(T, answer)


def _from_the_first(text: bytes) -> bytes:
    """Send the first process's text to all; the text that the others pass is ignored."""
    length = int(multihost_utils.broadcast_one_to_all(np.int32(len(text))))
    letters = np.zeros(length, np.uint8)
    if is_first():
        letters[:] = np.frombuffer(text, np.uint8)
    return bytes(np.asarray(multihost_utils.broadcast_one_to_all(letters)))


def gather(number: int | bool) -> np.ndarray:
    """Collect one whole number from every process, in every process.

    Args:
        number: this process's number, from -2^31 to 2^31 - 1.

    Returns:
        The numbers of all processes [processes], in the processes' order.

    Example:
        >>> gather(3).tolist()
        [3]
    """
    if jax.process_count() == 1:
        return np.asarray([number])
    return np.asarray(multihost_utils.process_allgather(np.int32(number)))
