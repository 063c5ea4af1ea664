"""Prepared copies: data sets as array_record files of tensorflow-datasets, without TensorFlow."""

from __future__ import annotations

import contextlib
import importlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from dalejax.datasets._tfds import VERSION, tfds_name
from dalejax.datasets.catalogue import DataSet
from dalejax.datasets.columns import Block, Splits, texts
from dalejax.datasets.locations import how_to_get
from dalejax.runtime.extras import import_extra
from dalejax.storage.atomic import read_json

_BLOCK = 20_000  # rows read at once; one at a time takes about twice as long
# features.json names classes, which tfds imports; only those of this module are allowed.
_FEATURES = "tensorflow_datasets.core.features."


def path_of(data_set: DataSet, folder: Path) -> Path:
    """Return the folder of the prepared copy of a data set, whether it exists or not.

    Args:
        data_set: entry of the catalogue.
        folder: data folder.
    """
    return folder / tfds_name(data_set) / VERSION


def exists(data_set: DataSet, folder: Path) -> bool:
    """Return whether there is a prepared copy of a data set.

    Args:
        data_set: entry of the catalogue.
        folder: data folder.
    """
    # tfds writes to another folder and renames it at the end, so one with this file is complete.
    return (path_of(data_set, folder) / "dataset_info.json").is_file()


def write(data_set: DataSet, splits: Splits, folder: Path) -> None:
    """Write a prepared copy of a data set; an error leaves no files behind.

    Args:
        data_set: entry of the catalogue.
        splits: columns of the set.
        folder: data folder.

    Raises:
        ModuleNotFoundError: tensorflow-datasets or array_record is not installed.
    """
    tfds = import_tfds()
    module = importlib.import_module("dalejax.datasets._tfds.columns.columns_dataset_builder")
    with (
        no_empty_folders_left(*reversed(path_of(data_set, folder).parents)),
        tempfile.TemporaryDirectory(prefix="dalejax-") as nothing,
        contextlib.redirect_stdout(sys.stderr),  # tfds prints its progress
    ):
        builder = module.Builder(data_set, splits, data_dir=folder)
        builder.download_and_prepare(
            download_dir=nothing,
            download_config=tfds.download.DownloadConfig(try_download_gcs=False, num_shards=1),
            file_format="array_record",
        )


def read(data_set: DataSet, folder: Path) -> Splits:
    """Read a prepared copy block by block; use the result inside a ``with`` of :func:`readable`.

    Args:
        data_set: entry of the catalogue.
        folder: data folder.

    Raises:
        ModuleNotFoundError: tensorflow-datasets or array_record is not installed.
    """
    path = path_of(data_set, folder)
    _check_features(read_json(path / "features.json"))
    builder = import_tfds().builder_from_directory(path)
    return {split: _blocks(builder.as_data_source(split)) for split in builder.info.splits}


@contextlib.contextmanager
def readable(data_set: DataSet, folder: Path) -> Iterator[None]:
    """Turn any error in the ``with`` block, which reads a prepared copy, into one ValueError.

    Args:
        data_set: entry of the catalogue.
        folder: data folder.

    Raises:
        ValueError: an error of another type was raised in the block; a ModuleNotFoundError is
            passed on as it is.
    """
    try:
        yield
    except ModuleNotFoundError:
        raise
    except Exception as error:  # tfds, protobuf and array_record raise many unrelated errors
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(
            f"the prepared copy {path_of(data_set, folder)} cannot be read ({reason}); delete it "
            f"and run: {how_to_get(data_set)}"
        ) from error


def _blocks(source: Any) -> Iterator[Block]:
    for start in range(0, len(source), _BLOCK):
        rows = source.__getitems__(range(start, min(start + _BLOCK, len(source))))
        yield {name: _column([row[name] for row in rows]) for name in rows[0]}


def _column(values: list[Any]) -> np.ndarray:
    return texts(values) if isinstance(values[0], bytes) else np.stack(values)


def _check_features(node: Any) -> None:
    if isinstance(node, dict):
        name = node.get("pythonClassName", _FEATURES)
        if not str(name).startswith(_FEATURES):
            raise ValueError(f"its features.json names {name}")
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            _check_features(child)


def import_tfds() -> ModuleType:
    """Import tensorflow-datasets, which reads and writes prepared copies.

    It is imported only here because that is slow, and nothing else needs it.

    Raises:
        ModuleNotFoundError: tensorflow-datasets or array_record cannot be imported.
    """
    # Only when it reads or writes records does tensorflow-datasets import array_record itself.
    import_extra("array_record.python.array_record_module", extra="data")
    return import_extra("tensorflow_datasets", extra="data")


@contextlib.contextmanager
def no_empty_folders_left(*folders: Path) -> Iterator[None]:
    """Remove those of the folders that were created in the ``with`` block and are empty.

    Args:
        folders: folders, each one before the folders inside it.
    """
    new = [folder for folder in folders if not folder.exists()]
    try:
        yield
    finally:
        for folder in reversed(new):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
