"""The base of trial tasks: trials are drawn anew for every update, with epochs in milliseconds."""

from __future__ import annotations

import abc
from typing import NamedTuple, TypedDict

import jax
import jax.numpy as jnp
import numpy as np

from dalejax import checks
from dalejax.streams import Stream
from dalejax.tasks.base import Batch, Task, TimeAxis, batches
from dalejax.types import Any, Array, Float, Int, Key, PyTree


class Trial(NamedTuple):
    """One trial, or a batch of b trials.

    Attributes:
        inputs: inputs of the network [t, n_in]; of a batch [t, b, n_in].
        targets: outputs that the network should have [t, n_out]; of a batch [t, b, n_out].
        weights: weight of each time step in the loss [t]; of a batch [t, b]. It is 0 where any
            output is right.
        condition: the numbers that describe the trial, such as its coherence: name -> [];
            of a batch name -> [b].
    """

    inputs: Float[Array, "t *b n_in"]
    targets: Float[Array, "t *b n_out"]
    weights: Float[Array, " t *b"]
    condition: dict[str, Array]


class Wanted(NamedTuple):
    """The targets of a batch, as loss and scores get them: a :class:`Trial` without its inputs.

    Attributes:
        targets: outputs that the network should have [t, b, n_out].
        weights: weight of each time step in the loss [t, b].
        condition: the numbers that describe the trials, name -> [b].
    """

    targets: Float[Array, "t b n_out"]
    weights: Float[Array, " t b"]
    condition: dict[str, Array]


class Common(TypedDict, total=False):
    """The keyword arguments that all trial tasks take; see :class:`TrialTask`."""

    dt: float
    batch_size: int
    num_test: int
    seed: int


class TrialTask(Task):
    r"""Base of tasks whose trials are drawn from a PRNG key, anew for every training update.

    The loss is the weighted mean squared error over time steps t, trials b and outputs:

    .. math:: L = \frac{\sum_{t,b} w_{tb} \lVert y_{tb} - \hat y_{tb} \rVert^2}
                       {n_{out} \sum_{t,b} w_{tb}}

    A subclass defines how a trial is drawn (:meth:`trial`) and, where trials end with decisions,
    which decisions are wrong (:meth:`wrong`). The metrics are ``test_mse`` (the loss),
    ``test_unexplained`` (the squared error in percent of the targets' variance) and, for tasks
    with decisions, ``test_error`` (wrong decisions in percent).

    Args:
        dt: time step in ms.
        batch_size: number of trials in an update.
        num_test: number of test trials; they are the same for all members.
        seed: seed of the test trials, 0 to 2^32 - 1.

    Raises:
        ValueError: a number is out of its range, or an epoch is not a whole number of time steps.
    """

    time = TimeAxis(every_step=True, weighs_steps=True)
    updates_per_epoch = checks.LARGEST  # all updates are one epoch, since no set is gone through
    decides = True  # whether the trials have decisions that are right or wrong
    score = "test_error"

    def __init__(
        self, *, dt: float = 1.0, batch_size: int = 64, num_test: int = 500, seed: int = 0
    ):
        checks.positive("dt", dt)
        checks.whole("batch_size", batch_size)
        checks.whole("num_test", num_test)
        checks.seed("seed", seed)
        self.dt, self.batch_size, self.num_test, self.seed = dt, batch_size, num_test, seed
        self.data = {"seed": np.uint32(seed)}

    def __repr__(self) -> str:
        return f"{type(self).__name__}(dt={self.dt:g}, batch_size={self.batch_size})"

    @abc.abstractmethod
    def trial(self, *, key: Key[Array, ""]) -> Trial:
        """Draw one trial; the shapes of its arrays are the same for every key."""

    def wrong(
        self, outputs: Float[Array, "t b n_out"], wanted: Wanted
    ) -> tuple[Float[Array, " b"], Float[Array, " b"]]:
        """Count the decisions of each trial: (number of wrong ones [b], number of all [b])."""
        raise TypeError(
            f"{type(self).__name__} has no method wrong; a task whose decides is True needs one."
        )

    def make(self, keys: Key[Array, " b"]) -> Trial:
        """Make a batch of trials, one for each key; arrays have axes (time, trial, …).

        Args:
            keys: typed PRNG keys [b].
        """
        axes = Trial._make((1, 1, 1, 0))  # of the trials: behind time, but first in the condition
        return jax.vmap(lambda key: self.trial(key=key), out_axes=axes)(keys)

    def order(self, data: PyTree, *, key: Key[Array, ""]) -> Array:
        """Return a placeholder: batches depend on no order."""
        del data, key
        return jnp.zeros(())

    def batch(self, data: PyTree, order: Array, i: Int[Array, ""], *, key: Key[Array, ""]) -> Batch:
        """Draw the trials of an update from its key."""
        del data, order, i
        return _batch_of(self.make(jax.random.split(key, self.batch_size)))

    def evaluations(self, data: PyTree) -> dict[str, tuple[Any, Any]]:
        """Split the test set into batches."""
        del data
        return {"test": batches(self.num_test, min(self.num_test, 250))}

    def evaluation_batch(self, data: PyTree, name: str, trials: Int[Array, " b"]) -> Batch:
        """Make the test trials with the given indices."""
        del name
        root = jax.random.fold_in(jax.random.key(data["seed"]), Stream.TEST)
        return _batch_of(self.make(jax.vmap(lambda i: jax.random.fold_in(root, i))(trials)))

    def loss(self, outputs: Float[Array, "t b n_out"], targets: Wanted) -> Float[Array, ""]:
        """Compute the weighted mean squared error over time steps, trials and outputs."""
        errors = jnp.square(outputs - targets.targets).mean(-1)
        return (targets.weights * errors).sum() / targets.weights.sum()

    def scores(
        self, outputs: Float[Array, "t b n_out"], targets: Wanted
    ) -> dict[str, Float[Array, " b"]]:
        """Sum over each trial the terms that :meth:`summaries` needs."""
        wanted, weights = targets.targets, targets.weights[..., None]
        scores = {
            "steps": (weights * jnp.ones_like(wanted)).sum((0, 2)),
            "targets": (weights * wanted).sum((0, 2)),
            "squares": (weights * wanted**2).sum((0, 2)),
            "errors": (weights * (outputs - wanted) ** 2).sum((0, 2)),
        }
        if self.decides:
            wrong, scores["decisions"] = self.wrong(outputs, targets)
            # argmax finds a largest output even among NaNs; such a trial must not count as right.
            finite = jnp.isfinite(outputs).all((0, 2))
            scores["wrong"] = jnp.where(finite, wrong, jnp.nan)
        return scores

    def summaries(self, averages: dict[str, Float[Array, ""]]) -> dict[str, Float[Array, ""]]:
        """Compute the metrics of a set from the means of the sums over its trials."""
        steps, errors = averages["steps"], averages["errors"]
        variance = averages["squares"] - averages["targets"] ** 2 / steps
        metrics = {"mse": errors / steps, "unexplained": 100 * errors / variance}
        if self.decides:
            metrics["error"] = 100 * averages["wrong"] / averages["decisions"]
        return metrics

    def steps_in(self, name: str, duration: float) -> int:
        """Convert the duration of an epoch to time steps.

        Args:
            name: name of the argument that gives the duration, for error messages.
            duration: duration in ms.

        Raises:
            ValueError: the duration is negative, or not a whole number of time steps.
        """
        checks.not_negative(name, duration)
        steps = round(duration / self.dt)
        if abs(steps * self.dt - duration) > 1e-6 * self.dt:
            raise ValueError(
                f"{name} is {duration:g} ms; it must be a whole number of time steps of "
                f"{self.dt:g} ms."
            )
        return steps


def _batch_of(trial: Trial) -> Batch:
    return Batch(trial.inputs, Wanted(trial.targets, trial.weights, trial.condition))
