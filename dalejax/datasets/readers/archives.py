"""Read files inside untrusted zip and tar archives, without extracting them to disk."""

from __future__ import annotations

import contextlib
import io
import os
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path

from dalejax.datasets.readers.compressed import MAX_RATIO, Opened, read_at_most, unpacked

# The exceptions, besides ValueError, that zipfile raises for damaged archives.
ZIP_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OverflowError,
    OSError,
)
_TAR_DAMAGE = (tarfile.TarError, EOFError, OverflowError, OSError)


@contextlib.contextmanager
def open_zip(path: str | Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip archive; errors of zipfile in the ``with`` block become one ValueError.

    Args:
        path: path of the archive.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no zip archive, or is damaged.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.zip"
        >>> _ = path.write_bytes(b"PK")
        >>> with open_zip(path):
        ...     pass  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ValueError: ...a.zip cannot be read (File is not a zip file); it must be a whole zip.
    """
    path = Path(path)
    path.stat()  # raises FileNotFoundError if there is no file
    try:
        archive = zipfile.ZipFile(path)
    except (*ZIP_DAMAGE, ValueError) as error:
        raise _damaged(path, error, "zip") from error
    with archive:
        try:
            yield archive
        except ZIP_DAMAGE as error:
            raise _damaged(path, error, "zip") from error


def open_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Opened:
    """Open one file inside a zip archive; the caller closes the ``file`` of the result.

    Args:
        archive: open archive.
        entry: entry of ``archive.infolist()``.

    Raises:
        ValueError: the sizes in the entry cannot be true, or its compression is neither none nor
            deflate.
    """
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{entry.filename!r} is packed in an uncommon way")
    stored = os.path.getsize(str(archive.filename))
    if entry.compress_size > stored:
        raise ValueError(f"{entry.filename!r} claims more bytes than the file has")
    most = min(entry.file_size, entry.compress_size * MAX_RATIO)
    return Opened(archive.open(entry), most)  # pyright: ignore[reportArgumentType]


@contextlib.contextmanager
def zipped_file(path: str | Path, name: str) -> Iterator[io.BufferedIOBase]:
    """Open the first file of a name inside a zip archive, in any of its folders.

    Args:
        path: path of the archive.
        name: name of the file, without folders.

    Raises:
        FileNotFoundError: there is no such archive.
        ValueError: the archive is damaged, or holds no such file.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.zip"
        >>> with zipfile.ZipFile(path, "w") as archive:
        ...     archive.writestr("b/a.txt", "hello")
        >>> with zipped_file(path, "a.txt") as file:
        ...     file.read()
        b'hello'
    """
    with open_zip(path) as archive:
        entry = next((e for e in archive.infolist() if Path(e.filename).name == name), None)
        if entry is None:
            raise ValueError(f"{path} holds no {name}; it must be the original archive.")
        try:
            opened = open_entry(archive, entry)
        except ValueError as error:
            raise _damaged(path, error, "zip") from error
        with opened.file as file:
            yield file


def tarred_files(path: str | Path, names: Collection[str]) -> Iterator[tuple[str, bytearray]]:
    """Read the files of given names inside a tar archive, gzipped or not, in its order.

    Args:
        path: path of the archive.
        names: names of the files, without folders.

    Yields:
        Name and content of each regular file that has one of the names.

    Raises:
        FileNotFoundError: there is no such archive.
        ValueError: the file is no tar archive, or is damaged.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.tar"
        >>> with tarfile.open(path, "w") as archive:
        ...     archive.add(__file__, "b/a.py")
        >>> [name for name, content in tarred_files(path, ["a.py"])]
        ['a.py']
    """
    with unpacked(path) as opened:
        try:
            with tarfile.open(fileobj=opened.file, mode="r|") as archive:
                for member in archive:
                    name = Path(member.name).name
                    # The claimed size of a sparse file is not bounded by the stored bytes.
                    if name not in names or not member.isreg() or member.issparse():
                        continue
                    file = archive.extractfile(member)
                    assert file is not None  # it is None only for folders and links
                    yield name, read_at_most(file, member.size)  # pyright: ignore[reportArgumentType]
        except _TAR_DAMAGE as error:
            raise _damaged(path, error, "tar") from error


def _damaged(path: str | Path, error: Exception, kind: str) -> ValueError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return ValueError(f"{path} cannot be read ({reason}); it must be a whole {kind}.")
