"""Small image data sets in the files of MNIST, which are in the idx format."""

import gzip
import struct
from pathlib import Path

import numpy as np

from dalejax import datasets
from dalejax.datasets import catalogue

MNIST = catalogue.SETS["mnist"]
FILES = tuple(file.name for file in MNIST.forms[0].files)  # train images and labels, test …
CODES = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}  # NumPy's type: idx's number


def idx_bytes(array: np.ndarray) -> bytes:
    """Encode an array as the content of an idx file: header, sizes, big-endian entries."""
    header = struct.pack(">BBBB", 0, 0, CODES[array.dtype.str[1:]], array.ndim)
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return header + sizes + array.astype(array.dtype.newbyteorder(">")).tobytes()


def synthetic(train: int = 30, test: int = 12) -> list[np.ndarray]:
    """Draw random images [n, 28, 28] and labels [n] for training, then for testing."""
    random = np.random.default_rng(3)
    images = [random.integers(0, 256, (n, 28, 28), np.uint8) for n in (train, test)]
    labels = [random.integers(0, 10, n, np.uint8) for n in (train, test)]
    return [images[0], labels[0], images[1], labels[1]]


def write_folder(folder: Path, arrays: list[np.ndarray], zipped: bool = True) -> Path:
    """Write images and labels to the four files of MNIST in a folder, which is returned."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(FILES, arrays, strict=True):
        content = idx_bytes(array)
        path = folder / (f"{name}.gz" if zipped else name)
        path.write_bytes(gzip.compress(content) if zipped else content)
    return folder


def assert_same(data: datasets.ImageData, arrays: list[np.ndarray]) -> None:
    """Assert that images and labels that were read equal those written, as uint8 and int32."""
    for read, written in zip(data[:4], arrays, strict=True):
        np.testing.assert_array_equal(read, written)
    assert [array.dtype.name for array in data[:4]] == ["uint8", "int32"] * 2
