"""Open plain or gzip files from untrusted sources, with a bound on the unpacked size."""

from __future__ import annotations

import contextlib
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

# Deflate compresses by a factor of at most 1032, so the stored size bounds the unpacked one.
MAX_RATIO = 1032
_CHUNK_BYTES = 1 << 20


class Opened(NamedTuple):
    """A file that is open for reading.

    Attributes:
        file: stream of the unpacked bytes.
        most_bytes: upper bound of their number.
    """

    file: io.BufferedIOBase
    most_bytes: int


@contextlib.contextmanager
def unpacked(path: str | Path) -> Iterator[Opened]:
    """Open a plain or a gzip file for reading; its first bytes tell which of the two it is.

    Args:
        path: path of the file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the gzip stream is damaged; raised while the file is read.

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
    """Read a number of bytes, or fewer if the file ends; memory grows with the bytes read.

    Args:
        file: file that is open for reading.
        limit: largest number of bytes to read.

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
