"""Sets of labelled images: readers of their file layouts, and the record that users get."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dalejax.datasets.catalogue import Counts
from dalejax.datasets.columns import Splits, stacked
from dalejax.datasets.locations import Found
from dalejax.datasets.readers import pictures
from dalejax.datasets.readers.archives import open_entry, open_zip, tarred_files
from dalejax.datasets.readers.compressed import read_at_most, unpacked
from dalejax.datasets.readers.idx import read_idx

CLASSES = 10  # number of classes of every data set here
_IDX_SHAPE = (28, 28)
_CIFAR_SIDE = 32
_CIFAR_RECORD = (
    1 + 3 * _CIFAR_SIDE**2
)  # bytes of one image: its class, then the planes red, green and blue
_CIFAR_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
_LONGEST_JPEG = 1 << 20  # bytes; a JPEG of 32x32 pixels has about a thousandth of it


class ImageData(NamedTuple):
    """Labelled images: uint8 [n, height, width] or [n, height, width, 3], with int32 labels [n].

    Grey values and colours are from 0 to 255, labels from 0 to 9.

    Example:
        >>> from dalejax.datasets import load
        >>> load("digits").test_labels.shape
        (1000,)
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    name: str
    source: str


def build(splits: Splits, name: str, source: str) -> ImageData:
    """Build a set of labelled images of its columns ``image`` and ``label``."""
    train, test = stacked(splits["train"]), stacked(splits["test"])
    return ImageData(
        train_images=train["image"],
        train_labels=train["label"].astype(np.int32, copy=False),
        test_images=test["image"],
        test_labels=test["label"].astype(np.int32, copy=False),
        name=name,
        source=source,
    )


def count(data: ImageData) -> Counts:
    """Count the images of each class in the training and in the test set."""
    labels = {"train": data.train_labels, "test": data.test_labels}
    return {s: tuple(np.bincount(of, minlength=CLASSES).tolist()) for s, of in labels.items()}


def _splits(*arrays: np.ndarray) -> Splits:
    pairs = zip(("train", "test"), (arrays[:2], arrays[2:]), strict=True)
    return {name: [{"image": images, "label": labels}] for name, (images, labels) in pairs}


# --- idx ------------------------------------------------------------------------------------------


def read_idx_files(found: Found) -> Splits:
    """Read four idx files: train images and labels, test images and labels."""
    return _splits(*_read_pair(*found.paths[:2]), *_read_pair(*found.paths[2:]))


def _read_pair(images_path: Path, labels_path: Path) -> tuple[np.ndarray, np.ndarray]:
    images, labels = read_idx(images_path), read_idx(labels_path)
    if images.dtype != np.uint8 or images.shape[1:] != _IDX_SHAPE or not len(images):
        height, width = _IDX_SHAPE
        raise ValueError(
            f"{images_path} holds {images.dtype} of shape {images.shape}, "
            f"expected uint8 of shape (n, {height}, {width}) with n > 0."
        )
    if labels.dtype != np.uint8 or labels.shape != images.shape[:1]:
        raise ValueError(
            f"{labels_path} holds {labels.dtype} of shape {labels.shape}, expected uint8 of shape "
            f"({len(images)},), a label for each image of {images_path.name}."
        )
    return images, _checked(labels, labels_path)


def _checked(labels: np.ndarray, where: str | Path) -> np.ndarray:
    if labels.max() >= CLASSES:
        raise ValueError(f"{where} holds the label {labels.max()}, expected 0 to {CLASSES - 1}.")
    return labels.astype(np.int32)


# --- CIFAR-10, the binary version -----------------------------------------------------------------


def read_cifar_tar(found: Found) -> Splits:
    """Read the six batch files inside the tar, without unpacking it to disk."""
    (path,) = found.paths
    names = [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]
    batches: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name, content in tarred_files(path, names):
        if name in batches:
            raise ValueError(f"{path} holds {name} twice; it must be the original archive.")
        batches[name] = _records(content, f"{path}, {name}")
    missing = [name for name in names if name not in batches]
    if missing:
        raise ValueError(f"{path} holds no {missing[0]}; it must be the original archive.")
    return _cifar([batches[name] for name in names])


def read_cifar_bins(found: Found) -> Splits:
    """Read the six batch files of the unpacked archive."""
    batches = []
    for path in found.paths:
        with unpacked(path) as opened:
            content = read_at_most(opened.file, opened.most_bytes)
        batches.append(_records(content, str(path)))
    return _cifar(batches)


def _records(content: bytearray, where: str) -> tuple[np.ndarray, np.ndarray]:
    if len(content) % _CIFAR_RECORD or not content:
        raise ValueError(
            f"{where} has {len(content):,} bytes; it must have a multiple of {_CIFAR_RECORD:,}, a "
            "class and 32x32 colours a picture."
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, _CIFAR_RECORD)
    planes = records[:, 1:].reshape(-1, 3, _CIFAR_SIDE, _CIFAR_SIDE)
    labels = _checked(records[:, 0], where)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), labels


def _cifar(batches: list[tuple[np.ndarray, np.ndarray]]) -> Splits:
    train = [np.concatenate(arrays) for arrays in zip(*batches[:-1], strict=True)]
    return _splits(*train, *batches[-1])


# --- CIFAR-10, JPEGs ------------------------------------------------------------------------------


def read_jpeg_zips(found: Found) -> Splits:
    """Read the JPEGs ``train/<class>/<name>.jpg`` and ``test/…`` of two zips, sorted by name."""
    train, test = (_read_jpegs(path) for path in found.paths)
    return _splits(*train, *test)


def _read_jpegs(path: Path) -> tuple[np.ndarray, np.ndarray]:
    read = sorted(_jpegs(path))
    if not read:
        raise ValueError(f"{path} holds no pictures; it must have <class>/<name>.jpg.")
    names = [name for name, _, _ in read]
    twice = next((a for a, b in itertools.pairwise(names) if a == b), None)
    if twice is not None:
        raise ValueError(f"{path} holds {twice} twice.")
    shape = (len(read), _CIFAR_SIDE, _CIFAR_SIDE, 3)
    images = np.frombuffer(bytearray().join(pixels for *_, pixels in read), np.uint8)
    return images.reshape(shape), np.array([label for _, label, _ in read], np.int32)


def _jpegs(path: Path) -> Iterator[tuple[str, int, bytes]]:
    with open_zip(path) as archive:
        for entry in archive.infolist():
            if entry.is_dir():
                continue
            name, parts = entry.filename, entry.filename.split("/")
            if len(parts) < 2 or parts[-2] not in _CIFAR_CLASSES or not name.endswith(".jpg"):
                raise ValueError(
                    f"{path} holds {name!r}; it must have only <class>/<name>.jpg with the classes "
                    f"{', '.join(_CIFAR_CLASSES)}."
                )
            try:
                opened = open_entry(archive, entry)
            except ValueError as error:
                raise ValueError(f"{path} is damaged: {error}.") from error
            with opened.file as file:
                content = read_at_most(file, _LONGEST_JPEG)
            yield name, _CIFAR_CLASSES.index(parts[-2]), _pixels(content, f"{path}, {name}")


def _pixels(content: bytearray, where: str) -> bytes:
    with pictures.opened(content, where, kinds=("JPEG",)) as picture:
        if picture.size != (_CIFAR_SIDE, _CIFAR_SIDE):
            width, height = picture.size
            raise ValueError(f"{where} is {width}x{height}; it must be 32x32.")
        return pictures.decoded(picture, "RGB", where).tobytes()
