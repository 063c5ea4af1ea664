"""Tasks with trials: made anew on the device for every update, with epochs in milliseconds."""

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
    """One trial, or with an axis b more each, a batch of them.

    Attributes:
        inputs: what the network sees [t, n_in] ([t, b, n_in]).
        targets: what it should answer [t, n_out] ([t, b, n_out]).
        weights: how much each time step counts [t] ([t, b]): 0 where any answer will do.
        condition: what kind of trial it is, name -> number ([b]).
    """

    inputs: Float[Array, "t *b n_in"]
    targets: Float[Array, "t *b n_out"]
    weights: Float[Array, " t *b"]
    condition: dict[str, Array]


class Wanted(NamedTuple):
    """What a batch of answers is compared with: a :class:`Trial` without its inputs.

    Attributes:
        targets: [t, b, n_out].
        weights: [t, b].
        condition: name -> [b].
    """

    targets: Float[Array, "t b n_out"]
    weights: Float[Array, " t b"]
    condition: dict[str, Array]


class Common(TypedDict, total=False):
    """What all tasks with trials may be given by name; see :class:`TrialTask`."""

    dt: float
    batch_size: int
    num_test: int
    seed: int


class TrialTask(Task):
    r"""Base of tasks whose trials are drawn from a key; no trial is ever shown twice in training.

    .. math:: L = \frac{\sum_{t,b} w_{tb} \lVert y_{tb} - \hat y_{tb} \rVert^2}
                       {n_{out} \sum_{t,b} w_{tb}}

    A subclass says how a trial is made (:meth:`trial`) and what its answers are worth
    (:meth:`wrong`). In the table are ``test_mse`` (the loss), ``test_unexplained`` (the squared
    error in percent of the targets' variance) and, of tasks that ask for decisions, ``test_error``
    (wrong ones in percent).

    Args:
        dt: time step in ms.
        batch_size: trials an update.
        num_test: trials of the test set, which is the same for all members.
        seed: of the test set.

    Raises:
        ValueError: a number does not fit, or an epoch is not a whole number of time steps.
    """

    time = TimeAxis(every_step=True, weighs_steps=True)
    updates_per_epoch = checks.LARGEST  # there are no epochs
    decides = True  # whether trials end with decisions that are right or wrong
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
        """Make one trial; every trial of a task has the same shapes."""

    def wrong(
        self, outputs: Float[Array, "t b n_out"], wanted: Wanted
    ) -> tuple[Float[Array, " b"], Float[Array, " b"]]:
        """Count the decisions of each trial: (wrong ones, all there were to make)."""
        raise TypeError(f"{type(self).__name__} does not say which answers are wrong.")

    def make(self, keys: Key[Array, " b"]) -> Trial:
        """Make a batch of trials, one a key, time first."""
        return jax.vmap(lambda key: self.trial(key=key), out_axes=Trial(1, 1, 1, 0))(keys)

    def order(self, data: PyTree, *, key: Key[Array, ""]) -> Array:
        """Draw nothing: there are no epochs."""
        del data, key
        return jnp.zeros(())

    def batch(self, data: PyTree, order: Array, i: Int[Array, ""], *, key: Key[Array, ""]) -> Batch:
        """Make new trials."""
        del data, order, i
        return _batch_of(self.make(jax.random.split(key, self.batch_size)))

    def evaluations(self, data: PyTree) -> dict[str, tuple[Any, Any]]:
        """Lay the test set out in batches."""
        del data
        return {"test": batches(self.num_test, min(self.num_test, 250))}

    def evaluation_batch(self, data: PyTree, name: str, trials: Int[Array, " b"]) -> Batch:
        """Make trials of the test set by their numbers."""
        del name
        root = jax.random.fold_in(jax.random.key(data["seed"]), Stream.TEST)
        return _batch_of(self.make(jax.vmap(lambda i: jax.random.fold_in(root, i))(trials)))

    def loss(self, outputs: Float[Array, "t b n_out"], targets: Wanted) -> Float[Array, ""]:
        """Average the squared error over the steps that count."""
        errors = jnp.square(outputs - targets.targets).mean(-1)
        return (targets.weights * errors).sum() / targets.weights.sum()

    def scores(
        self, outputs: Float[Array, "t b n_out"], targets: Wanted
    ) -> dict[str, Float[Array, " b"]]:
        """Sum what the metrics are made of, over each trial."""
        wanted, weights = targets.targets, targets.weights[..., None]
        scores = {
            "steps": (weights * jnp.ones_like(wanted)).sum((0, 2)),
            "targets": (weights * wanted).sum((0, 2)),
            "squares": (weights * wanted**2).sum((0, 2)),
            "errors": (weights * (outputs - wanted) ** 2).sum((0, 2)),
        }
        if self.decides:
            wrong, scores["decisions"] = self.wrong(outputs, targets)
            # An output that is no number decides nothing, though one of them is found largest.
            finite = jnp.isfinite(outputs).all((0, 2))
            scores["wrong"] = jnp.where(finite, wrong, jnp.nan)
        return scores

    def summaries(self, averages: dict[str, Float[Array, ""]]) -> dict[str, Float[Array, ""]]:
        """Make the metrics of the sums."""
        steps, errors = averages["steps"], averages["errors"]
        variance = averages["squares"] - averages["targets"] ** 2 / steps
        metrics = {"mse": errors / steps, "unexplained": 100 * errors / variance}
        if self.decides:
            metrics["error"] = 100 * averages["wrong"] / averages["decisions"]
        return metrics

    def steps_in(self, name: str, duration: float) -> int:
        """Count the time steps of an epoch.

        Args:
            name: what the user calls it.
            duration: in ms.

        Raises:
            ValueError: it is negative, or not a whole number of time steps.
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
