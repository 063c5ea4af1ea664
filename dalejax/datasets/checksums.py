"""Check files against the checksums of the catalogue."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

from dalejax.datasets.catalogue import File
from dalejax.datasets.readers.compressed import unpacked

_CHUNK = 1 << 20


def problem(path: Path, file: File) -> str:
    """Compare a file's checksum with that of the catalogue.

    The checksum is of the unpacked content, unless the catalogue has one of the .gz file only.

    Args:
        path: path of the file, gzipped or not.
        file: entry of the catalogue.

    Returns:
        What is wrong; "" if nothing is, or if no checksum is known.

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
    # This finds accidents, not forgeries: for some files only an md5 sum is known.
    digest = hashlib.new(kind, usedforsecurity=False)
    while chunk := content.read(_CHUNK):
        digest.update(chunk)
    found = digest.hexdigest()
    return "" if found == wanted else f"its {kind} sum is {found}, expected {wanted}"
