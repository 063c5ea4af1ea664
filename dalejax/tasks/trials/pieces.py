"""What trials of pulses are made of: stretches of time steps, noise, and yes-or-no decisions."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from dalejax.tasks.trials.base import TrialTask
from dalejax.types import Array, Float, Int, Key


def at_least_one(task: TrialTask, name: str, duration: float) -> int:
    """Count the time steps of an epoch that may not be empty.

    Args:
        task: whose time steps.
        name: what the user calls the epoch.
        duration: in ms.

    Raises:
        ValueError: it is shorter than a time step, or not a whole number of them.
    """
    steps = task.steps_in(name, duration)
    if not steps:
        raise ValueError(
            f"{name} is {duration:g} ms; it must be at least one time step of {task.dt:g} ms."
        )
    return steps


def during(steps: int, first: int | Int[Array, ""], length: int) -> Float[Array, " t"]:
    """Mark an epoch: 1 in its time steps, 0 elsewhere.

    Args:
        steps: time steps t of the trial.
        first: the epoch's first one; it may be drawn.
        length: how many it has.

    Example:
        >>> during(5, 1, 2).tolist()
        [0.0, 1.0, 1.0, 0.0, 0.0]
    """
    since = jnp.arange(steps) - first
    return jnp.where((since >= 0) & (since < length), 1.0, 0.0)


def noisy(
    clean: Float[Array, "t n_in"], std: float, *, key: Key[Array, ""]
) -> Float[Array, "t n_in"]:
    """Add Gaussian noise, independent at each step and input; nothing is drawn where std is 0."""
    return clean + std * jax.random.normal(key, clean.shape, clean.dtype) if std else clean


def missed(
    outputs: Float[Array, "t b 1"], window: slice, level: float, choice: Int[Array, " b"]
) -> tuple[Float[Array, " b"], Float[Array, " b"]]:
    """Count the wrong ones of one yes-or-no decision a trial, yes being an output that is high.

    Args:
        outputs: the network's.
        window: the time steps whose mean output is the decision.
        level: what it must exceed for a yes.
        choice: what would be right, 0 or 1.

    Returns:
        What :meth:`TrialTask.wrong` does.
    """
    wrong = (outputs[window, :, 0].mean(0) > level) != (choice == 1)
    return wrong.astype(outputs.dtype), jnp.ones_like(wrong, outputs.dtype)
