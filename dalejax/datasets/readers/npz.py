"""Read .npz files from untrusted sources: no unpickling, and sizes in headers are checked."""

from __future__ import annotations

import io
import math
import tokenize
import warnings
import zipfile
from pathlib import Path

import numpy as np

from dalejax.datasets.readers.archives import ZIP_DAMAGE, open_entry
from dalejax.datasets.readers.compressed import read_at_most

_LONGEST_HEADER = 10_000  # bytes; NumPy's own limit


def read_npz(path: str | Path) -> dict[str, np.ndarray]:
    """Read all arrays of a file that ``numpy.savez`` or ``numpy.savez_compressed`` wrote.

    Args:
        path: path of the file.

    Returns:
        Writable arrays by name. Memory never exceeds the bytes that the file really holds.

    Raises:
        ValueError: the file is no .npz file, is damaged, has headers of larger arrays than it
            holds, or holds Python objects, which would have to be unpickled.
        FileNotFoundError: there is no such file.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "pack.npz"
        >>> np.savez(path, a=np.arange(3))
        >>> read_npz(path)
        {'a': array([0, 1, 2])}
    """
    path = Path(path)
    path.stat()  # raises FileNotFoundError if there is no file
    arrays: dict[str, np.ndarray] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                name = entry.filename.removesuffix(".npy")
                if name == entry.filename or name in arrays:
                    raise ValueError(f"its entry {entry.filename!r} is no array, or is there twice")
                opened = open_entry(archive, entry)
                with opened.file as file:
                    arrays[name] = _read_array(file, name, opened.most_bytes)
    except (*ZIP_DAMAGE, ValueError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(
            f"{path} cannot be read ({reason}); it must be an .npz file of plain arrays."
        ) from error
    return arrays


def _read_array(file: io.BufferedIOBase, name: str, most_bytes: int) -> np.ndarray:
    shape, in_columns, dtype = _read_header(file, name)
    if dtype.hasobject:
        raise ValueError(f"{name!r} holds Python objects")
    if not all(isinstance(size, int) and size >= 0 for size in shape):
        raise ValueError(f"{name!r} has the shape {shape}")
    expected = math.prod(shape) * dtype.itemsize
    most = most_bytes - file.tell()
    if expected > most:
        raise ValueError(
            f"{name!r} promises shape {shape} of {dtype}, {expected:,} bytes, but it can hold at "
            f"most {most:,}"
        )
    content = read_at_most(
        file, expected + 1
    )  # zipfile compares the checksum at the end of the entry
    if len(content) != expected:
        raise ValueError(f"{name!r} promises {expected:,} bytes of shape {shape} and has others")
    return np.frombuffer(content, dtype).reshape(shape, order="F" if in_columns else "C")


def _read_header(file: io.BufferedIOBase, name: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    try:
        version = np.lib.format.read_magic(file)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # NumPy warns of headers that it has to guess from
            return readers[version](file, max_header_size=_LONGEST_HEADER)
    # The header is a Python literal; any error of the parser means that it is none.
    except (
        ValueError,
        KeyError,
        TypeError,
        SyntaxError,
        RecursionError,
        MemoryError,
        Warning,
        AttributeError,
        tokenize.TokenError,
    ) as error:
        raise ValueError(f"{name!r} has a header that is not NumPy's") from error
