"""Sets of idx files, the format of MNIST: a big-endian header, then the array's bytes."""

import io
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dalejax.opened import read_at_most, unpacked

_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MAX_DIMENSIONS = 8


class ImageData(NamedTuple):
    """Labelled images: uint8 [n, height, width] (0 to 255) and their classes, int32 [n].

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


class MissingData(FileNotFoundError):
    """A set is not on this machine; the message says which file, where, and what to run."""


class IdxSet(NamedTuple):
    """One set of idx files; `sha256` maps their names (without .gz) to the .gz files' sums."""

    name: str
    what: str
    licence: str
    image_shape: tuple[int, int]
    classes: int
    url: str
    sha256: dict[str, str]
    tfds_name: str
    tfds_version: str

    def prepared_dir(self, data_dir: Path) -> Path:
        """Where the set's prepared copy lies (or would lie) in a data folder."""
        return data_dir / self.tfds_name / self.tfds_version


IDX_SETS = {
    "mnist": IdxSet(
        name="mnist",
        what="70,000 handwritten digits 28x28",
        licence="CC BY-SA 3.0 (Y. LeCun and C. Cortes)",
        image_shape=(28, 28),
        classes=10,
        url="https://storage.googleapis.com/cvdf-datasets/mnist/",
        # In the order of ImageData's fields.
        sha256={
            "train-images-idx3-ubyte": (
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
            ),
            "train-labels-idx1-ubyte": (
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
            ),
            "t10k-images-idx3-ubyte": (
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
            ),
            "t10k-labels-idx1-ubyte": (
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
            ),
        },
        tfds_name="dalejax_mnist",
        tfds_version="1.0.0",
    ),
}


def read_idx(path: str | Path) -> np.ndarray:
    """Read one idx file (gzipped or plain, told apart by content) into an array.

    Args:
        path: the file; its header says the element type and the shape.

    Returns:
        A writable array of the header's shape, in native byte order (MNIST: uint8,
        images [n, height, width] with 0 = background and 255 = ink, labels [n]).

    Raises:
        ValueError: the file is not idx, is shorter or longer than its header says, or
            is damaged gzip; the memory taken never exceeds the file's real content.
        FileNotFoundError: there is no such file.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "labels-idx1-ubyte"
        >>> _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
        >>> read_idx(path)
        array([7, 2, 1], dtype=uint8)
    """
    path = Path(path)
    with unpacked(path) as opened:
        return _read_array(opened.file, path, most_bytes=opened.most_bytes)


def _read_array(file: io.BufferedIOBase, path: Path, *, most_bytes: int) -> np.ndarray:
    dtype, shape = _read_header(file, path)
    expected = math.prod(shape) * dtype.itemsize
    if expected > most_bytes:
        raise ValueError(
            f"{path} is too short: its header promises shape {shape} of {dtype.name} "
            f"({expected:,} bytes), but the file can hold at most {most_bytes:,} bytes."
        )
    content = read_at_most(file, expected + 1)
    if len(content) != expected:
        found = "more" if len(content) > expected else f"only {len(content):,}"
        raise ValueError(
            f"{path} has the wrong length: its header promises shape {shape} of {dtype.name}, "
            f"so {expected:,} bytes are expected, but there are {found}."
        )
    values = np.frombuffer(content, dtype=dtype).reshape(shape)
    return values.astype(dtype.newbyteorder("="), copy=False)


def _read_header(file: io.BufferedIOBase, path: Path) -> tuple[np.dtype, tuple[int, ...]]:
    magic = file.read(4)
    known = len(magic) == 4 and magic[:2] == b"\0\0" and magic[2] in _DTYPES
    if not known or not 1 <= magic[3] <= _MAX_DIMENSIONS:
        raise ValueError(
            f"{path} is not an idx file: it begins with the bytes {magic.hex(' ') or '(none)'}, "
            f"expected 00 00, a type of {', '.join(f'{code:02x}' for code in _DTYPES)}, "
            f"and 01 to {_MAX_DIMENSIONS:02x} dimensions."
        )
    sizes = file.read(4 * magic[3])
    if len(sizes) != 4 * magic[3]:
        raise ValueError(
            f"{path} is too short: its header has {4 + len(sizes)} bytes, "
            f"expected {4 + 4 * magic[3]} for {magic[3]} dimensions."
        )
    shape = tuple(int.from_bytes(sizes[i : i + 4], "big") for i in range(0, len(sizes), 4))
    dtype = np.dtype(_DTYPES[magic[2]])
    # Sizes beside a 0 cost no bytes in the file, but numpy refuses shapes that overflow.
    largest = np.iinfo(np.intp).max
    if math.prod(max(size, 1) for size in shape) * dtype.itemsize > largest:
        raise ValueError(
            f"{path} has an impossible header: shape {shape} of {dtype.name}, "
            f"expected at most {largest:,} bytes."
        )
    return dtype, shape


def find_idx_files(idx_set: IdxSet, folder: Path) -> dict[str, Path]:
    """The paths of a set's idx files, all in `folder` or all in the folder `name` in it."""
    places = (folder, folder / idx_set.name)
    found = [_idx_files_in(idx_set, place) for place in places]
    best = max(found, key=len)
    if len(best) == len(idx_set.sha256):
        return best
    place = places[found.index(best)]
    missing = ", ".join(f"{name}.gz" for name in idx_set.sha256 if name not in best)
    raise MissingData(
        f"{idx_set.name} is missing: {missing} not found in {place}; put the files there, or run: "
        f"{how_to_get(idx_set)}"
    )


def _idx_files_in(idx_set: IdxSet, place: Path) -> dict[str, Path]:
    candidates = ((n, place / f"{n}{ending}") for n in idx_set.sha256 for ending in ("", ".gz"))
    return {name: path for name, path in candidates if path.is_file()}


def read_idx_set(idx_set: IdxSet, files: dict[str, Path]) -> ImageData:
    """Read and check a set's idx files: shapes, types, as many labels as images, classes."""
    paths = [files[name] for name in idx_set.sha256]
    train = _read_pair(idx_set, *paths[:2])
    test = _read_pair(idx_set, *paths[2:])
    return ImageData(*train, *test, idx_set.name, f"the idx files in {paths[0].parent}")


def _read_pair(
    idx_set: IdxSet, images_path: Path, labels_path: Path
) -> tuple[np.ndarray, np.ndarray]:
    images, labels = read_idx(images_path), read_idx(labels_path)
    if images.dtype != np.uint8 or images.shape[1:] != idx_set.image_shape or not len(images):
        height, width = idx_set.image_shape
        raise ValueError(
            f"{images_path} holds {images.dtype} of shape {images.shape}, "
            f"expected uint8 of shape (n, {height}, {width}) with n > 0."
        )
    if labels.dtype != np.uint8 or labels.shape != images.shape[:1]:
        raise ValueError(
            f"{labels_path} holds {labels.dtype} of shape {labels.shape}, expected uint8 of shape "
            f"({len(images)},), a label for each image of {images_path.name}."
        )
    if labels.max() >= idx_set.classes:
        raise ValueError(
            f"{labels_path} holds the label {labels.max()}, expected 0 to {idx_set.classes - 1}."
        )
    return images, labels.astype(np.int32)


def how_to_get(idx_set: IdxSet) -> str:
    """The command that prepares a set."""
    return (
        f"dalejax data prepare {idx_set.name} --from DIR "
        "(DIR holds the files; without --from they are downloaded)"
    )
