"""Atomic file writes: a reader sees the old file or the new one, never a part of one.

Of several processes only the first one writes, since all of them have the same content.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dalejax.runtime import multihost

UNFINISHED = ".tmp"


def clear_unfinished(folder: Path) -> None:
    """Delete the temporary files that a process killed while writing left in a folder.

    Args:
        folder: the folder; no other process may be writing there now.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = Path(folder, ".a.txt.77.tmp").write_text("half")
        ...     clear_unfinished(Path(folder))
        ...     list(Path(folder).iterdir())
        []
    """
    for path in folder.glob(f".*.*{UNFINISHED}"):
        path.unlink()


def replace_atomically(path: str | os.PathLike[str], write: Callable[[Path], Any]) -> None:
    """Write a temporary file, then give it the name of the file that it replaces.

    The file's folder is made if it does not exist.

    Args:
        path: the file.
        write: writes the new content to the path that it is called with.

    Raises:
        OSError: the file cannot be written; an older one is unchanged.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     replace_atomically(f"{folder}/a.txt", lambda p: p.write_text("b"))
        ...     Path(f"{folder}/a.txt").read_text()
        'b'
    """
    if not multihost.is_first():
        return
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}{UNFINISHED}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())  # else a power cut could leave the new name without content
        os.replace(temporary, path)
        flush_folder(path.parent)
    except OSError as error:
        raise OSError(f"{path} cannot be written ({error.strerror or error}).") from error
    finally:
        with contextlib.suppress(OSError):  # its folder may not exist
            temporary.unlink(missing_ok=True)


def flush_folder(folder: Path) -> None:
    """Wait until the names of a folder's files are on the disk (fsync of the folder).

    Args:
        folder: the folder.
    """
    if os.name == "nt":  # Windows has no fsync of folders
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_json(path: str | os.PathLike[str]) -> Any:
    """Read a JSON file.

    Args:
        path: the file.

    Raises:
        ValueError: the file is not JSON.
        OSError: the file cannot be read.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_json(f"{folder}/a.json", {"b": 1})
        ...     read_json(f"{folder}/a.json")
        {'b': 1}
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # RecursionError: brackets nested too deep
        raise ValueError(f"{path} is broken; it must be the JSON written there.") from error


def write_json(path: str | os.PathLike[str], content: Any) -> None:
    """Write a JSON file atomically.

    Args:
        path: the file.
        content: finite numbers, strings, None, and lists and dictionaries of these.

    Raises:
        ValueError: a number is not finite.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_json(f"{folder}/a.json", {"b": 1})
        ...     json.loads(Path(f"{folder}/a.json").read_text())
        {'b': 1}
    """
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    replace_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
