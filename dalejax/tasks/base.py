"""What a task is, and the common case: a training set shuffled anew in every epoch."""

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
    """Trials of one update.

    Attributes:
        inputs: [t, b, n_in], or numbers [t, b] that the network's embedding turns into vectors; for
            feedforward networks [b, n_in] or pictures [b, height, width, channels].
        targets: what the loss compares the outputs with; leading axis b (or t, b).
    """

    inputs: Float[Array, ...] | Int[Array, "t b"]
    targets: Array


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


# (net, task, params, batch, key of the network's noise) -> number.
Penalty = Callable[..., Array]


class Task(abc.ABC):
    """A task makes batches on the device and owns loss and score.

    All methods are pure functions of their arguments. The arrays in ``data`` are handed to them:
    they live on the device once, and never become constants of a compiled program.

    Attributes:
        name: short name, for tables and folders.
        n_in: inputs a time step; None if the inputs are numbers for an embedding.
        num_words: how many different numbers those are; None if the inputs are vectors.
        n_out: outputs the network must have.
        batch_size: trials an update.
        updates_per_epoch: updates that :meth:`order` lasts for.
        time: how the task uses the time axis; a class attribute, or set by the constructor.
        score: the metric that says how well the task is done; lower is better.
        penalties: what training adds to the loss, see :meth:`penalised`.
        data: the tree of host arrays that the methods get as their ``data``.
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
        """Add penalties to the loss.

        Args:
            penalties: of :mod:`dalejax.training.penalties`, or other functions
                ``(net, task, params, batch, key) -> number``, the key being that of the network's
                noise.

        Returns:
            A task like this one, whose penalties come on top of those it has.
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
        """Make inputs of one step and one trial, of the right type: networks start from them."""
        return jnp.zeros((1, 1), jnp.int32) if self.n_in is None else jnp.zeros((1, 1, self.n_in))

    @abc.abstractmethod
    def order(self, data: PyTree, *, key: Key[Array, ""]) -> Array:
        """Draw what one epoch needs, for example a permutation of the training set."""

    @abc.abstractmethod
    def batch(self, data: PyTree, order: Array, i: Int[Array, ""], *, key: Key[Array, ""]) -> Batch:
        """Make the batch of an epoch's i-th update."""

    @abc.abstractmethod
    def evaluations(self, data: PyTree) -> dict[str, tuple[Array, Array]]:
        """Lay the sets to evaluate on out, by name (``"test"``, ``"valid"``): trial numbers [k, b]
        and their weights [k, b] (0 for padding)."""

    @abc.abstractmethod
    def evaluation_batch(self, data: PyTree, name: str, trials: Int[Array, " b"]) -> Batch:
        """Make a batch of trials of the set of that name."""

    @abc.abstractmethod
    def loss(self, outputs: Float[Array, "*b n_out"], targets: Array) -> Float[Array, ""]:
        """Average the loss over a batch."""

    def sample(self, outputs: Float[Array, "*b n_out"], *, key: Key[Array, ""]) -> Array:
        """Draw targets from the network's answers, where those are probabilities."""
        raise TypeError(f"{type(self).__name__} does not say how answers are drawn from outputs.")

    @abc.abstractmethod
    def scores(
        self, outputs: Float[Array, "*b n_out"], targets: Array
    ) -> dict[str, Float[Array, " b"]]:
        """Score each trial; in the table a score has its set's name before it: ``test_error``."""

    def summaries(self, averages: dict[str, Float[Array, ""]]) -> dict[str, Float[Array, ""]]:
        """Make metrics of one set's scores, averaged over it; by default they are those."""
        return averages


class DatasetTask(Task):
    """A task on a fixed training and test set, shuffled anew in every epoch.

    Every epoch shows each training trial; if the set is not a multiple of the batch, the last
    batch is filled up from the one before it.

    Args:
        train: (inputs, targets), leading axis the trials.
        test: likewise.
        valid: likewise, evaluated beside the test set; None for none.
        batch_size: trials an update.
        test_batch_size: trials evaluated at once.

    Raises:
        ValueError: an array is empty or not finite, or the batch is not between 1 and the trials.
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
        """Turn stored trials [b, ...] into network inputs [t, b, n_in] (see :class:`Batch`)."""

    def order(self, data: PyTree, *, key: Key[Array, ""]) -> Array:
        """Permute the training set."""
        return permutation(data["train"][0].shape[0], key=key)

    def batch(self, data: PyTree, order: Array, i: Int[Array, ""], *, key: Key[Array, ""]) -> Batch:
        """Make the batch of an epoch's i-th update (the key is not used)."""
        del key
        # dynamic_slice stops at the end by itself: that fills the last batch up.
        trials = jax.lax.dynamic_slice_in_dim(order, i * self.batch_size, self.batch_size)
        return self._take(data["train"], trials)

    def evaluations(self, data: PyTree) -> dict[str, tuple[Any, Any]]:
        """Lay the test set, and the validation set if there is one, out in batches."""
        names = [name for name in data if name != "train"]
        return {name: batches(len(data[name][0]), self.test_batch_size) for name in names}

    def evaluation_batch(self, data: PyTree, name: str, trials: Int[Array, " b"]) -> Batch:
        """Make a batch of trials of the set of that name."""
        return self._take(data[name], trials)

    def _take(self, trials_and_targets, trials):
        inputs, targets = trials_and_targets
        return Batch(self.encode(inputs[trials]), targets[trials])


def batches(num: int, at_once: int) -> tuple[np.ndarray, np.ndarray]:
    """Lay trials out in batches of one size: their numbers [k, b], and weights [k, b].

    Args:
        num: trials.
        at_once: trials a batch, b.

    Returns:
        The last batch is filled up with its last trial, whose weight there is 0.

    Example:
        >>> [array.tolist() for array in batches(3, 2)]
        [[[0, 1], [2, 2]], [[1.0, 1.0], [1.0, 0.0]]]
    """
    slots = np.arange(math.ceil(num / at_once) * at_once).reshape(-1, at_once)
    return np.minimum(slots, num - 1), (slots < num).astype(np.float32)
