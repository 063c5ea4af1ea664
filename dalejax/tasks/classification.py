"""Tasks that ask for one of several classes after the last time step."""

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
    r"""Base of the tasks that name a class: the loss is the last step's cross-entropy.

    .. math:: L = -\frac1b \sum_i \log \mathrm{softmax}(y_i)_{c_i}

    A subclass says how its inputs are encoded; targets are classes, int32 [trials].
    """

    score = "test_error"

    def loss(self, outputs: Float[Array, "b c"], targets: Int[Array, " b"]) -> Float[Array, ""]:
        """Average the cross-entropy (nats)."""
        return optax.softmax_cross_entropy_with_integer_labels(outputs, targets).mean()

    def sample(self, outputs: Float[Array, "b c"], *, key: Key[Array, ""]) -> Int[Array, " b"]:
        """Draw a class of each trial, with the probabilities that the network gives."""
        return jax.random.categorical(key, outputs).astype(jnp.int32)

    def scores(
        self, outputs: Float[Array, "b c"], targets: Int[Array, " b"]
    ) -> dict[str, Float[Array, " b"]]:
        """Score each trial: error in per cent, cross-entropy in nats."""
        wrong = outputs.argmax(-1) != targets
        finite = jnp.isfinite(outputs).all(-1)  # else the largest of them means nothing
        return {
            "error": jnp.where(finite, jnp.where(wrong, 100.0, 0.0), jnp.nan),
            "loss": optax.softmax_cross_entropy_with_integer_labels(outputs, targets),
        }


class LabelledImages(Classification):
    """Base of the tasks on a set of labelled images: keeps some back, and knows their mean.

    Args:
        images: the set.
        shaped: lays images [b, height, width, …] out as they are stored, uint8 [b, …].
        batch_size: trials an update.
        num_valid: how many of the training images, the last ones, are kept back for validation;
            with any, ``score`` is their error.

    Raises:
        ValueError: no training image is left.
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
            self.score = "valid_error"  # what is best is chosen by the images kept back
        # The mean grey value, which the first layer's bias of a ColEI network may cancel.
        self.input_mean = float(self.data["train"][0].mean() / 255)
