"""The bases of tasks that ask for one of several classes after the last time step."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax

from dalejax import checks
from dalejax.datasets.images import ImageData
from dalejax.tasks.base import DatasetTask
from dalejax.types import Array, Float, Int, Key


class Classification(DatasetTask):
    r"""Base of classification tasks: the loss is the cross-entropy of the outputs at the last step.

    .. math:: L = -\frac1b \sum_i \log \mathrm{softmax}(y_i)_{c_i}

    A subclass defines :meth:`encode`. Targets are the numbers c of the classes, int32 [trials].
    """

    score = "test_error"

    def loss(self, outputs: Float[Array, "b c"], targets: Int[Array, " b"]) -> Float[Array, ""]:
        """Compute the mean cross-entropy in nats."""
        return optax.softmax_cross_entropy_with_integer_labels(outputs, targets).mean()

    def sample(self, outputs: Float[Array, "b c"], *, key: Key[Array, ""]) -> Int[Array, " b"]:
        """Draw a class for each trial from the softmax of its outputs."""
        return jax.random.categorical(key, outputs).astype(jnp.int32)

    def scores(
        self, outputs: Float[Array, "b c"], targets: Int[Array, " b"]
    ) -> dict[str, Float[Array, " b"]]:
        """Score each trial: error (0 or 100 percent) and loss (cross-entropy in nats)."""
        wrong = outputs.argmax(-1) != targets
        finite = jnp.isfinite(outputs).all(-1)  # with a NaN, argmax has no meaning
        return {
            "error": jnp.where(finite, jnp.where(wrong, 100.0, 0.0), jnp.nan),
            "loss": optax.softmax_cross_entropy_with_integer_labels(outputs, targets),
        }


class LabelledImages(Classification):
    """Base of tasks on a set of labelled images of 10 classes, with optional validation images.

    Args:
        images: training and test images with their labels.
        shaped: function that reshapes images [b, height, width, …] to the layout that the task
            stores, uint8 [b, …].
        batch_size: number of trials in an update.
        num_valid: number of training images, taken from the end, that are used for validation
            instead of training; if it is not 0, ``score`` is ``"valid_error"``.

    Raises:
        ValueError: no training image is left, or batch_size is out of its range.

    Attributes:
        input_mean: mean input of the training images, in [0, 1].
    """

    n_out = 10

    def __init__(
        self,
        images: ImageData,
        shaped: Callable[[np.ndarray], np.ndarray],
        *,
        batch_size: int,
        num_valid: int,
    ):
        checks.whole("num_valid", num_valid, 0, len(images.train_labels) - 1)
        labels = images.train_labels.astype(np.int32)
        kept = len(labels) - num_valid
        train = shaped(images.train_images)
        super().__init__(
            (train[:kept], labels[:kept]),
            (shaped(images.test_images), images.test_labels.astype(np.int32)),
            batch_size=batch_size,
            valid=(train[kept:], labels[kept:]) if num_valid else None,
        )
        if num_valid:
            self.score = "valid_error"  # so that no choice is made by the test images
        # The bias of a ColEI network's first layer can be initialised to cancel this mean.
        self.input_mean = float(self.data["train"][0].mean() / 255)
