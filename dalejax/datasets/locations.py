"""Find the files of data sets on this machine, and say how to get those that are missing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from dalejax.datasets.catalogue import DataSet, File, Form


class MissingData(FileNotFoundError):
    """Raised when a data set is not on this machine; the message says what to run to get it."""


class Found(NamedTuple):
    """The files of a data set that were found.

    Attributes:
        form: file layout.
        paths: paths of the files, in the order of ``form.files``.
        folder: folder that they are all in.
    """

    form: Form
    paths: tuple[Path, ...]
    folder: Path


def data_folder(chosen: str | Path | None) -> Path:
    """Return the data folder.

    Args:
        chosen: folder that the user chose; None or "" for $TFDS_DATA_DIR, else
            ~/tensorflow_datasets.

    Example:
        >>> data_folder("data").name
        'data'
    """
    # An empty variable counts as unset; otherwise data would be written to the working folder.
    return Path(chosen or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser()


def find(data_set: DataSet, folder: Path) -> Found:
    """Find the files of a data set, plain or gzipped, all in one folder.

    Args:
        data_set: entry of the catalogue.
        folder: data folder; the files are in it, or in one of ``data_set.folders`` inside it.

    Returns:
        The first file layout of the set of which all files are there.

    Raises:
        MissingData: every layout lacks a file.
    """
    best = (0, folder, data_set.forms[0])
    for form in data_set.forms:
        for place in _places(data_set, folder):
            paths = [p for p in (_path(place, file.name) for file in form.files) if p is not None]
            if len(paths) == len(form.files):
                return Found(form, tuple(paths), place)
            if len(paths) > best[0]:
                best = (len(paths), place, form)
    number, place, form = best
    missing = [_told(file) for file in form.files if not number or _path(place, file.name) is None]
    others = [] if number else [_told(f.files[0]) for f in data_set.forms if f is not form]
    wanted = " or ".join([", ".join(missing), *others])
    them = "the files" if len(missing) > 1 else "it"
    raise MissingData(
        f"{data_set.name} is missing: {wanted} not found in {place}; put {them} there, or run: "
        f"dalejax data prepare {data_set.name} --from DIR ({_hint(data_set)})"
    )


def how_to_get(data_set: DataSet) -> str:
    """Return the command that downloads a data set, or prepares it from files of the user."""
    if data_set.embedded:
        return data_set.comes_with or "it comes with dalejax"
    return f"dalejax data prepare {data_set.name}{'' if data_set.download else ' --from DIR'}"


def _hint(data_set: DataSet) -> str:
    if data_set.download is None:
        return "DIR holds the files"
    return "DIR holds the files; without --from they are downloaded"


def _places(data_set: DataSet, folder: Path) -> Iterator[Path]:
    yield folder
    for name in data_set.folders:
        yield folder / name


def _path(place: Path, name: str) -> Path | None:
    return next((p for p in (place / name, place / f"{name}.gz") if p.is_file()), None)


def _told(file: File) -> str:
    packed = file.name.endswith((".zip", ".npz", ".bin"))
    return file.name if packed else f"{file.name}.gz"
