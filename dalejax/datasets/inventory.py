"""List the data sets that are on this machine, and verify their files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dalejax.datasets import catalogue, checksums, locations, prepared, readers_by_form
from dalejax.datasets.catalogue import DataSet
from dalejax.datasets.locations import Found, MissingData


def status(*, data_dir: str | Path | None = None) -> list[dict[str, Any]]:
    """List all data sets with their state on this machine, without reading or writing data.

    Args:
        data_dir: as for `load`.

    Returns:
        One row for each set: name, kind, what, state ("embedded", "prepared", "raw files" or
        "missing"), path (None if missing, or embedded in dalejax), size_mb (10^6 bytes), licence,
        and how (the command that gets it).

    Example:
        >>> [row["name"] for row in status()][:3]
        ['digits', 'mnist', 'fashion_mnist']
    """
    folder = locations.data_folder(data_dir)
    return [_status(data_set, folder) for data_set in catalogue.SETS.values()]


def _status(data_set: DataSet, folder: Path) -> dict[str, Any]:
    state, path, files = _state(data_set, folder)
    return {
        "name": data_set.name,
        "kind": data_set.kind,
        "what": data_set.what,
        "state": state,
        "path": path,
        "size_mb": round(sum(file.stat().st_size for file in files) / 1e6, 1),
        "licence": data_set.licence,
        "how": locations.how_to_get(data_set),
    }


def _state(data_set: DataSet, folder: Path) -> tuple[str, Path | None, list[Path]]:
    if data_set.name == "digits":
        from dalejax.datasets.digits import digits_path

        path = digits_path()
        return ("missing", None, []) if path is None else ("embedded", path, [path])
    if data_set.embedded:
        return "embedded", None, []
    if prepared.exists(data_set, folder):
        path = prepared.path_of(data_set, folder)
        return "prepared", path, [file for file in path.iterdir() if file.is_file()]
    try:
        found = locations.find(data_set, folder)
    except MissingData:
        return "missing", None, []
    return "raw files", found.folder, list(found.paths)


def verify(
    name: str | None = None, *, data_dir: str | Path | None = None
) -> list[dict[str, str | Path | None]]:
    """Read the data sets on this machine and compare them with the catalogue.

    Original files are compared by their checksums and counts, prepared copies by their counts.

    Args:
        name: name of a set; None for all.
        data_dir: as for `load`.

    Returns:
        One row for each copy: name, state ("right", "wrong", "missing" or "embedded"), path, and
        problem (what is wrong, with the name of the file; "" if nothing).

    Raises:
        ValueError: the name is unknown.

    Example:
        >>> import tempfile
        >>> [row["state"] for row in verify("mnist", data_dir=tempfile.mkdtemp())]
        ['missing']
    """
    folder = locations.data_folder(data_dir)
    sets = catalogue.SETS.values() if name is None else [catalogue.get(name)]
    return [row for data_set in sets for row in _verified(data_set, folder)]


def _verified(data_set: DataSet, folder: Path) -> list[dict[str, str | Path | None]]:
    if data_set.embedded:
        return [_row(data_set, "embedded", None, "")]
    rows = []
    if prepared.exists(data_set, folder):
        path = prepared.path_of(data_set, folder)
        problem = _prepared_problem(data_set, folder)
        rows.append(_row(data_set, "wrong" if problem else "right", path, problem))
    try:
        found = locations.find(data_set, folder)
    except MissingData as error:
        return rows or [_row(data_set, "missing", None, str(error))]
    problem = _raw_problem(data_set, found)
    return [*rows, _row(data_set, "wrong" if problem else "right", found.folder, problem)]


def _row(data_set: DataSet, state: str, path: Path | None, problem: str) -> dict:
    return {"name": data_set.name, "state": state, "path": path, "problem": problem}


def _prepared_problem(data_set: DataSet, folder: Path) -> str:
    path = prepared.path_of(data_set, folder)
    try:
        with prepared.readable(data_set, folder):
            data = readers_by_form.build(data_set, prepared.read(data_set, folder), str(path))
            counts = readers_by_form.count(data_set, data)
    except ValueError as error:
        return str(error)
    wrong = catalogue.expected_counts(data_set, counts)
    return f"{path}: {wrong}" if wrong else ""


def _raw_problem(data_set: DataSet, found: Found) -> str:
    for path, file in zip(found.paths, found.form.files, strict=True):
        wrong = checksums.problem(path, file)
        if wrong:
            return wrong if str(path) in wrong else f"{path}: {wrong}"
    try:
        splits = readers_by_form.read(data_set, found)
        counts = readers_by_form.count(
            data_set, readers_by_form.build(data_set, splits, str(found.folder))
        )
    except ValueError as error:
        return str(error)
    wrong = catalogue.expected_counts(data_set, counts, found.form)
    return f"{found.folder}: {wrong}" if wrong else ""
