"""Functions that the tasks with pulses share: epochs, input noise, and yes-or-no decisions."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from dalejax.tasks.trials.base import TrialTask
from dalejax.types import Array, Float, Int, Key


def at_least_one(task: TrialTask, name: str, duration: float) -> int:
    """Convert the duration of an epoch to time steps, of which there must be at least one.

    Args:
        task: task whose time step is used.
        name: name of the argument that gives the duration, for error messages.
        duration: duration in ms.

    Raises:
        ValueError: the duration is shorter than a time step, or not a whole number of them.
    """
    steps = task.steps_in(name, duration)
    if not steps:
        raise ValueError(
            f"{name} is {duration:g} ms; it must be at least one time step of {task.dt:g} ms."
        )
    return steps


def during(steps: int, first: int | Int[Array, ""], length: int) -> Float[Array, " t"]:
    """Return a time course that is 1 during an epoch and 0 before and after it.

    Args:
        steps: number of time steps t of the trial.
        first: first time step of the epoch; it may be traced.
        length: number of time steps of the epoch.

    Example:
        >>> during(5, 1, 2).tolist()
        [0.0, 1.0, 1.0, 0.0, 0.0]
    """
    since = jnp.arange(steps) - first
    return jnp.where((since >= 0) & (since < length), 1.0, 0.0)


def noisy(
    clean: Float[Array, "t n_in"], std: float, *, key: Key[Array, ""]
) -> Float[Array, "t n_in"]:
    """Add Gaussian noise of a standard deviation, independent at each time step and input."""
    return clean + std * jax.random.normal(key, clean.shape, clean.dtype) if std else clean


def missed(
    outputs: Float[Array, "t b 1"], window: slice, level: float, choice: Int[Array, " b"]
) -> tuple[Float[Array, " b"], Float[Array, " b"]]:
    """Count wrong decisions where each trial has one: yes if the mean output exceeds a level.

    Args:
        outputs: outputs of the network [t, b, 1].
        window: the time steps over which the output is averaged.
        level: the level that the mean must exceed for a yes.
        choice: the right decision of each trial [b], 1 for yes and 0 for no.

    Returns:
        (number of wrong decisions [b], number of decisions [b]), as :meth:`TrialTask.wrong`.
    """
    wrong = (outputs[window, :, 0].mean(0) > level) != (choice == 1)
    return wrong.astype(outputs.dtype), jnp.ones_like(wrong, outputs.dtype)
