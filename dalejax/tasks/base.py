"""The interface of a task, and its common case: a fixed data set, shuffled anew in every epoch."""

from __future__ import annotations

import abc
import copy
import dataclasses
import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dalejax import checks
from dalejax.tasks.shuffle import permutation
from dalejax.types import Any, Array, Float, Int, Key, PyTree


class Batch(NamedTuple):
    """Inputs and targets of the trials of one update.

    Attributes:
        inputs: inputs [t, b, n_in], or word numbers [t, b] that the network's embedding turns into
            vectors; for feedforward networks [b, n_in] or pictures [b, height, width, channels].
        targets: array, or tree of arrays, that the loss compares with the outputs; leading axis b,
            or axes (t, b).
    """

    inputs: Float[Array, ...] | Int[Array, "t b"]
    targets: PyTree


@dataclasses.dataclass(frozen=True)
class TimeAxis:
    """How a task uses the time axis of the network's inputs x [t_in, b, n_in] and outputs y.

    Attributes:
        steps: number of time steps t that the network runs for; the inputs of the steps after t_in
            are zero. None for t = t_in.
        every_step: whether the loss and the scores get the outputs of all time steps
            [t, b, n_out], instead of those of the last one [b, n_out].
        weighs_steps: whether the loss gives time steps different weights. If not, and every_step
            holds, the loss must be the plain mean over time steps.
        steps_at_once: largest number of time steps whose outputs are in memory at once while
            training: the loss is computed for so many steps at a time and averaged. None for all
            of them; it must be None where weighs_steps holds.
        batch_axis: axis of the inputs that counts the trials: 1, behind time; or 0 for feedforward
            networks, whose inputs have no time axis.

    Example:
        >>> TimeAxis(every_step=True, steps_at_once=10).batch_axis
        1
    """

    steps: int | None = None
    every_step: bool = False
    weighs_steps: bool = False
    steps_at_once: int | None = None
    batch_axis: int = 1


# Function (net, task, params, batch, PRNG key of the network's noise) -> number.
Penalty = Callable[..., Array]


class Task(abc.ABC):
    """Base class of tasks: a task makes batches on the device and defines loss and scores.

    All methods are pure functions of their arguments. They get the arrays of ``data`` as an
    argument, so that these are stored on the device once and are no constants of a compiled
    program.

    Attributes:
        name: short name, for tables and folders.
        n_in: number of inputs at each time step; None if the inputs are word numbers, for networks
            with an embedding.
        num_words: size of the vocabulary of these word numbers; None if the inputs are vectors.
        n_out: number of outputs that the network must have.
        batch_size: number of trials in an update.
        updates_per_epoch: number of updates for which one result of :meth:`order` is used.
        time: how the task uses the time axis; a class attribute, or set by the constructor.
        score: name of the metric by which runs are compared, such as ``"test_error"``; lower is
            better.
        penalties: functions whose values training adds to the loss; see :meth:`penalised`.
        data: tree of host arrays that the methods get as their argument ``data``.
    """

    name: str
    n_in: int | None
    num_words: int | None = None
    n_out: int
    batch_size: int
    updates_per_epoch: int
    time: TimeAxis = TimeAxis()
    score: str
    penalties: tuple[Penalty, ...] = ()
    data: PyTree

    def penalised(self, *penalties: Penalty) -> Task:
        """Return a copy of the task whose loss has further penalties added.

        Args:
            penalties: objects of :mod:`dalejax.training.penalties`, or other functions
                ``(net, task, params, batch, key) -> number``, where key is the PRNG key of the
                network's noise.

        Returns:
            The copy; it has this task's penalties and the given ones.
        """
        task = copy.copy(self)
        task.penalties = (*self.penalties, *penalties)
        return task

    def described(self) -> dict[str, Any]:
        """Return the fields that a later run must share with this one to continue it.

        Where the constructor sets ``time``, the fields in which it differs from the class's
        ``time`` are listed by their own names, such as ``steps_at_once``.
        """
        fields = dict(vars(self))
        time = dataclasses.asdict(fields.pop("time", self.time))
        of_class = dataclasses.asdict(type(self).time)
        return fields | {name: time[name] for name in time if time[name] != of_class[name]}

    def example(self) -> Array:
        """Make zero inputs of one time step and one trial, with which to initialise a network."""
        return jnp.zeros((1, 1), jnp.int32) if self.n_in is None else jnp.zeros((1, 1, self.n_in))

    @abc.abstractmethod
    def order(self, data: PyTree, *, key: Key[Array, ""]) -> Array:
        """Draw what the batches of an epoch depend on, such as the order of the training trials."""

    @abc.abstractmethod
    def batch(self, data: PyTree, order: Array, i: Int[Array, ""], *, key: Key[Array, ""]) -> Batch:
        """Make the batch of the i-th update of an epoch, whose :meth:`order` is given."""

    @abc.abstractmethod
    def evaluations(self, data: PyTree) -> dict[str, tuple[Array, Array]]:
        """Split each set that is evaluated into k batches.

        Returns:
            Name of the set (``"test"``, ``"valid"``) -> (indices of the trials [k, b], their
            weights [k, b], 0 for trials that only fill up a batch).
        """

    @abc.abstractmethod
    def evaluation_batch(self, data: PyTree, name: str, trials: Int[Array, " b"]) -> Batch:
        """Make a batch of the named set, of the trials with the given indices."""

    @abc.abstractmethod
    def loss(self, outputs: Float[Array, "*b n_out"], targets: PyTree) -> Float[Array, ""]:
        """Compute the mean loss of a batch."""

    def sample(self, outputs: Float[Array, "*b n_out"], *, key: Key[Array, ""]) -> Array:
        """Draw targets from the distribution that the outputs define, for the Fisher information.

        Raises:
            TypeError: the class defines no such distribution.
        """
        raise TypeError(
            f"{type(self).__name__} has no method sample; the Fisher information needs one that "
            "draws targets from the network's outputs."
        )

    @abc.abstractmethod
    def scores(
        self, outputs: Float[Array, "*b n_out"], targets: PyTree
    ) -> dict[str, Float[Array, " b"]]:
        """Score each trial: name of the score -> values [b].

        In the table of a run the name has that of the set before it: ``error`` of the set ``test``
        becomes ``test_error``.
        """

    def summaries(self, averages: dict[str, Float[Array, ""]]) -> dict[str, Float[Array, ""]]:
        """Compute a set's metrics from the means of its scores; by default, return the means."""
        return averages


class DatasetTask(Task):
    """A task on a fixed training and test set, shuffled anew in every epoch.

    Every epoch shows each training trial. If the number of trials is not a multiple of the batch
    size, the last batch of an epoch repeats trials of the batch before it.

    Args:
        train: (inputs, targets) of training; their leading axes are the trials.
        test: (inputs, targets) of the test set.
        valid: (inputs, targets) of a validation set, which is evaluated like the test set; None
            for no such set.
        batch_size: number of trials in an update.
        test_batch_size: number of trials that are evaluated at once.

    Raises:
        ValueError: a set is empty, not finite or has unequally many inputs and targets, or
            batch_size is not between 1 and the number of training trials.
    """

    def __init__(
        self,
        train: tuple[np.ndarray, np.ndarray],
        test: tuple[np.ndarray, np.ndarray],
        *,
        batch_size: int,
        valid: tuple[np.ndarray, np.ndarray] | None = None,
        test_batch_size: int = 1000,
    ):
        sets = {"train": train, "test": test} | ({} if valid is None else {"valid": valid})
        for which, (inputs, targets) in sets.items():
            if len(inputs) != len(targets) or not len(inputs):
                raise ValueError(
                    f"the {which} set has {len(inputs)} inputs and {len(targets)} targets; "
                    "there must be equally many, and at least 1."
                )
            for array in (inputs, targets):
                if not np.isfinite(array).all():
                    raise ValueError(
                        f"the {which} set holds non-finite numbers; all must be finite."
                    )
        checks.whole("batch_size", batch_size, 1, len(train[0]))
        self.data = sets
        self.batch_size = batch_size
        self.test_batch_size = min(test_batch_size, len(test[0]))
        self.updates_per_epoch = math.ceil(len(train[0]) / batch_size)

    def __repr__(self) -> str:
        trials = len(self.data["train"][0])
        return f"{type(self).__name__}({trials} trials, batch_size={self.batch_size})"

    @abc.abstractmethod
    def encode(self, inputs: Array) -> Float[Array, ...]:
        """Turn stored inputs [b, …] into the network's inputs, for example [t, b, n_in]."""

    def order(self, data: PyTree, *, key: Key[Array, ""]) -> Array:
        """Draw a random order of the training trials."""
        return permutation(data["train"][0].shape[0], key=key)

    def batch(self, data: PyTree, order: Array, i: Int[Array, ""], *, key: Key[Array, ""]) -> Batch:
        """Make the batch of the i-th update of an epoch; the key is not used."""
        del key
        # At the end dynamic_slice moves its start back, which fills up the last batch.
        trials = jax.lax.dynamic_slice_in_dim(order, i * self.batch_size, self.batch_size)
        return self._take(data["train"], trials)

    def evaluations(self, data: PyTree) -> dict[str, tuple[Any, Any]]:
        """Split the test set, and the validation set if there is one, into batches."""
        names = [name for name in data if name != "train"]
        return {name: batches(len(data[name][0]), self.test_batch_size) for name in names}

    def evaluation_batch(self, data: PyTree, name: str, trials: Int[Array, " b"]) -> Batch:
        """Make a batch of the named set, of the trials with the given indices."""
        return self._take(data[name], trials)

    def _take(self, trials_and_targets, trials):
        inputs, targets = trials_and_targets
        return Batch(self.encode(inputs[trials]), targets[trials])


def batches(num: int, at_once: int) -> tuple[np.ndarray, np.ndarray]:
    """Split the trials 0 to num - 1 into k batches of equal size b.

    Args:
        num: number of trials.
        at_once: batch size b.

    Returns:
        (indices of the trials [k, b], their weights [k, b]). The last batch is filled up with
        copies of the last trial that have weight 0; all other weights are 1.

    Example:
        >>> [array.tolist() for array in batches(3, 2)]
        [[[0, 1], [2, 2]], [[1.0, 1.0], [1.0, 0.0]]]
    """
    slots = np.arange(math.ceil(num / at_once) * at_once).reshape(-1, at_once)
    return np.minimum(slots, num - 1), (slots < num).astype(np.float32)
