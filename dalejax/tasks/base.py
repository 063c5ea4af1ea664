"""What a task is, and the common case: a training set shuffled anew in every epoch."""

from __future__ import annotations

import abc
import math
from typing import NamedTuple

import jax
import numpy as np

from dalejax import checks
from dalejax.tasks.shuffle import permutation
from dalejax.types import Any, Array, Float, Int, Key, PyTree


class Batch(NamedTuple):
    """Trials of one update.

    Attributes:
        inputs: [t, b, n_in].
        targets: what the loss compares the outputs with; leading axis b (or t, b).
    """

    inputs: Float[Array, "t b n_in"]
    targets: Array


class Task(abc.ABC):
    """A task makes batches on the device and owns loss and score.

    All methods are pure functions of their arguments. The arrays in ``data`` are handed to them:
    they live on the device once, and never become constants of a compiled program.

    Attributes:
        name: short name, for tables and folders.
        n_in: inputs a time step.
        n_out: outputs the network must have.
        batch_size: trials an update.
        updates_per_epoch: updates that :meth:`order` lasts for.
        every_step: whether the loss wants the outputs of all time steps.
        score: the metric that says how well the task is done; lower is better.
        data: the tree of host arrays that the methods get as their ``data``.
    """

    name: str
    n_in: int
    n_out: int
    batch_size: int
    updates_per_epoch: int
    every_step: bool = False
    score: str
    data: PyTree

    @abc.abstractmethod
    def order(self, data: PyTree, *, key: Key[Array, ""]) -> Array:
        """Draw what one epoch needs, for example a permutation of the training set."""

    @abc.abstractmethod
    def batch(self, data: PyTree, order: Array, i: Int[Array, ""], *, key: Key[Array, ""]) -> Batch:
        """Make the batch of an epoch's i-th update."""

    @abc.abstractmethod
    def test_batches(self, data: PyTree) -> tuple[Array, Array]:
        """Lay the test set out as trial numbers [k, b] and their weights [k, b] (0 for padding)."""

    @abc.abstractmethod
    def test_batch(self, data: PyTree, trials: Int[Array, " b"]) -> Batch:
        """Make a batch of test trials."""

    @abc.abstractmethod
    def loss(self, outputs: Float[Array, "*b n_out"], targets: Array) -> Float[Array, ""]:
        """Average the loss over a batch."""

    @abc.abstractmethod
    def scores(
        self, outputs: Float[Array, "*b n_out"], targets: Array
    ) -> dict[str, Float[Array, " b"]]:
        """Score each trial; the names are the metrics' in the table."""


class DatasetTask(Task):
    """A task on a fixed training and test set, shuffled anew in every epoch.

    Every epoch shows each training trial; if the set is not a multiple of the batch, the last
    batch is filled up from the one before it.

    Args:
        train: (inputs, targets), leading axis the trials.
        test: likewise.
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
        test_batch_size: int = 1000,
    ):
        for which, (inputs, targets) in (("training", train), ("test", test)):
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
        self.data = {"train": train, "test": test}
        self.batch_size = batch_size
        self.test_batch_size = min(test_batch_size, len(test[0]))
        self.updates_per_epoch = math.ceil(len(train[0]) / batch_size)

    def __repr__(self) -> str:
        trials = len(self.data["train"][0])
        return f"{type(self).__name__}({trials} trials, batch_size={self.batch_size})"

    @abc.abstractmethod
    def encode(self, inputs: Array) -> Float[Array, "t b n_in"]:
        """Turn stored trials [b, ...] into network inputs [t, b, n_in]."""

    def order(self, data: PyTree, *, key: Key[Array, ""]) -> Array:
        """Permute the training set."""
        return permutation(data["train"][0].shape[0], key=key)

    def batch(self, data: PyTree, order: Array, i: Int[Array, ""], *, key: Key[Array, ""]) -> Batch:
        """Make the batch of an epoch's i-th update (the key is not used)."""
        del key
        # dynamic_slice stops at the end by itself: that fills the last batch up.
        trials = jax.lax.dynamic_slice_in_dim(order, i * self.batch_size, self.batch_size)
        return self._take(data["train"], trials)

    def test_batches(self, data: PyTree) -> tuple[Any, Any]:
        """Lay the test set out in batches of ``test_batch_size``."""
        n, b = len(data["test"][0]), self.test_batch_size
        slots = np.arange(math.ceil(n / b) * b).reshape(-1, b)
        return np.minimum(slots, n - 1), (slots < n).astype(np.float32)

    def test_batch(self, data: PyTree, trials: Int[Array, " b"]) -> Batch:
        """Make a batch of test trials."""
        return self._take(data["test"], trials)

    def _take(self, trials_and_targets, trials):
        inputs, targets = trials_and_targets
        return Batch(self.encode(inputs[trials]), targets[trials])
