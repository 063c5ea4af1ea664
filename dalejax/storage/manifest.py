"""A folder's manifest: a JSON file with the size and SHA-256 of every file in the folder.

It is written when the folder is complete, so that missing or altered files are recognised later.
The manifest's own content has a checksum too.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from dalejax.storage.atomic import flush_folder, read_json

NAME = "manifest.json"
FORMAT = 1  # version of the checkpoints' format; a later dalejax reads all earlier formats


class Damaged(ValueError):
    """Raised when a folder differs from its manifest; the message does not name the folder."""


def write(folder: Path, **about: Any) -> None:
    """Write the manifest of a folder, and wait until the folder and its files are on the disk.

    Args:
        folder: the folder, complete.
        about: further entries for the manifest, which JSON must be able to hold.

    Raises:
        OSError: the folder cannot be read or written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as name:
        ...     _ = Path(name, "a").write_text("b")
        ...     write(Path(name), update=5)
        ...     check(Path(name))["update"]
        5
    """
    files = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        files[path.relative_to(folder).as_posix()] = [path.stat().st_size, digest]
    content = {"format": FORMAT, **about, "files": files}
    with (folder / NAME).open("w", encoding="utf-8") as file:
        json.dump({"content": content, "sha256": _digest(content)}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    for path in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        flush_folder(path)


def read(folder: Path) -> dict[str, Any]:
    """Read a folder's manifest, without a look at the other files.

    Args:
        folder: the folder.

    Raises:
        Damaged: there is no manifest, or it was altered.
        ValueError: a later dalejax wrote it, in a format that this one does not know.
    """
    try:
        saved = read_json(folder / NAME)
        content, digest = saved["content"], saved["sha256"]
        if digest != _digest(content):
            raise Damaged(f"{NAME} was altered")
        format_ = content["format"]
    except FileNotFoundError:
        raise Damaged(f"{NAME} is missing") from None
    except OSError as error:
        raise Damaged(f"{NAME} cannot be read: {error.strerror}") from error
    except Damaged:
        raise
    except (ValueError, KeyError, TypeError):
        raise Damaged(f"{NAME} is broken") from None
    if format_ > FORMAT:
        raise ValueError(
            f"{folder} has format {format_}; this dalejax reads formats up to {FORMAT}: install a "
            "newer one."
        )
    return content


def check(folder: Path) -> dict[str, Any]:
    """Compare a folder with its manifest, file by file.

    Args:
        folder: the folder.

    Returns:
        The manifest's content.

    Raises:
        Damaged: a file is missing, cannot be read, or has another size or checksum.
        ValueError: see :func:`read`.
    """
    content = read(folder)
    for name, (size, digest) in content["files"].items():
        try:
            _compare(folder / name, name, size, digest)
        except OSError as error:
            raise Damaged(f"{name} cannot be read: {error.strerror}") from error
    return content


def _compare(path: Path, name: str, size: int, digest: str) -> None:
    if not path.is_file():
        raise Damaged(f"{name} is missing")
    found = path.stat().st_size
    if found != size:
        raise Damaged(f"{name} has {found} bytes instead of {size}")
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != digest:
            raise Damaged(f"{name} was altered: its SHA-256 is another one")


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
