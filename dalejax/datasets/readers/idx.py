"""Read files in the idx format of MNIST: a big-endian header, then the bytes of one array."""

import io
import math
from pathlib import Path

import numpy as np

from dalejax.datasets.readers.compressed import read_at_most, unpacked

_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MAX_DIMENSIONS = 8


def read_idx(path: str | Path) -> np.ndarray:
    """Read one idx file, gzipped or plain, into an array.

    Args:
        path: path of the file; its header has the element type and the shape.

    Returns:
        A writable array of the header's shape in native byte order. MNIST has uint8 images
        [n, height, width], 0 for background and 255 for ink, and uint8 labels [n].

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
