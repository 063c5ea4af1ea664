"""Files from strangers: plain or gzipped, told apart by content, never trusted about their size."""

from __future__ import annotations

import contextlib
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

# Deflate cannot shrink data by more than 1032:1, so a packed file bounds what it may hold.
MAX_RATIO = 1032
_CHUNK_BYTES = 1 << 20


class Opened(NamedTuple):
    """A file open for reading its unpacked bytes, and how many of them there can be at most."""

    file: io.BufferedIOBase
    most_bytes: int


@contextlib.contextmanager
def unpacked(path: str | Path) -> Iterator[Opened]:
    """Open a file that is plain or gzipped.

    Args:
        path: the file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: while reading: the gzip stream is damaged.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.gz"
        >>> _ = path.write_bytes(gzip.compress(b"a b"))
        >>> with unpacked(path) as opened:
        ...     opened.file.read()
        b'a b'
    """
    path = Path(path)
    stored = path.stat().st_size
    with path.open("rb") as raw:
        is_gzip = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        if not is_gzip:
            yield Opened(raw, stored)
            return
        try:
            with gzip.GzipFile(fileobj=raw) as file:
                yield Opened(file, stored * MAX_RATIO)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(
                f"{path} is damaged: its gzip stream breaks off or is wrong ({error}); "
                f"expected one whole gzip file."
            ) from error


def read_at_most(file: io.BufferedIOBase, limit: int) -> bytearray:
    """Read so many bytes, or all there are: the memory taken grows with what really comes.

    Args:
        file: open for reading.
        limit: bytes.

    Example:
        >>> read_at_most(io.BytesIO(b"abc"), 2)
        bytearray(b'ab')
    """
    content = bytearray()
    while len(content) < limit:
        chunk = file.read(min(_CHUNK_BYTES, limit - len(content)))
        if not chunk:
            break
        content += chunk
    return content
