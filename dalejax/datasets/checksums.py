"""Checksums of a set's files: of the unpacked content, since gzip headers differ between copies."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

from dalejax.datasets.catalogue import File
from dalejax.datasets.readers.compressed import unpacked

_CHUNK = 1 << 20


def problem(path: Path, file: File) -> str:
    """Compare a file with its known sum.

    Args:
        path: where it is, packed or not.
        file: of the catalogue.

    Returns:
        What is wrong; "" if nothing, or if no sum is known for such a copy.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.txt"
        >>> _ = path.write_text("hello")
        >>> problem(path, File("a.txt", "md5:5d41402abc4b2a76b9719d911017c592"))
        ''
        >>> problem(path, File("a.txt", "md5:0"))
        'its md5 sum is 5d41402abc4b2a76b9719d911017c592, expected 0'
    """
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if packed and file.packed:
                return _compared(raw, file.packed)
        if file.unpacked:
            with unpacked(path) as opened:
                return _compared(opened.file, file.unpacked)
    except ValueError as error:
        return str(error)
    return ""


def _compared(content: io.BufferedIOBase, known: str) -> str:
    kind, wanted = known.split(":")
    # Against accidents, not against forgers: md5 is all that is known of some files.
    digest = hashlib.new(kind, usedforsecurity=False)
    while chunk := content.read(_CHUNK):
        digest.update(chunk)
    found = digest.hexdigest()
    return "" if found == wanted else f"its {kind} sum is {found}, expected {wanted}"
