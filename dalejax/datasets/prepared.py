"""Prepared copies: any set as array_record files of tensorflow-datasets, without TensorFlow."""

from __future__ import annotations

import contextlib
import importlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dalejax.datasets._tfds import VERSION, tfds_name
from dalejax.datasets.catalogue import DataSet
from dalejax.datasets.columns import Block, Splits, texts
from dalejax.datasets.locations import how_to_get
from dalejax.storage.atomic import read_json

_BLOCK = 20_000  # rows read at once; one at a time takes about twice as long
# features.json names classes, which tfds imports: only those that are written here.
_FEATURES = "tensorflow_datasets.core.features."


def path_of(data_set: DataSet, folder: Path) -> Path:
    """Where a set's prepared copy lies, or would lie.

    Args:
        data_set: of the catalogue.
        folder: of the data.
    """
    return folder / tfds_name(data_set) / VERSION


def exists(data_set: DataSet, folder: Path) -> bool:
    """Whether there is a prepared copy.

    Args:
        data_set: of the catalogue.
        folder: of the data.
    """
    # tfds writes elsewhere and renames at the end, so a folder with this file is whole.
    return (path_of(data_set, folder) / "dataset_info.json").is_file()


def write(data_set: DataSet, splits: Splits, folder: Path) -> None:
    """Write a prepared copy; after any error nothing is left behind.

    Args:
        data_set: of the catalogue.
        splits: its columns.
        folder: of the data.

    Raises:
        ModuleNotFoundError: tensorflow-datasets is not there.
    """
    tfds = _import_tfds()
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
    """Read a prepared copy, block by block; to be used inside of `readable`.

    Args:
        data_set: of the catalogue.
        folder: of the data.

    Raises:
        ModuleNotFoundError: tensorflow-datasets is not there.
    """
    path = path_of(data_set, folder)
    _check_features(read_json(path / "features.json"))
    builder = _import_tfds().builder_from_directory(path)
    return {split: _blocks(builder.as_data_source(split)) for split in builder.info.splits}


@contextlib.contextmanager
def readable(data_set: DataSet, folder: Path) -> Iterator[None]:
    """Turn whatever is raised while a prepared copy is read into one sentence.

    Args:
        data_set: of the catalogue.
        folder: of the data.

    Raises:
        ValueError: something was raised.
    """
    try:
        yield
    except ModuleNotFoundError:
        raise
    except Exception as error:  # tfds, protobuf and array_record raise many unrelated kinds
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


def _import_tfds() -> Any:
    # Here and not above: importing it is slow, and embedded sets and raw files do without it.
    try:
        return importlib.import_module("tensorflow_datasets")
    except ImportError as error:
        raise ModuleNotFoundError(
            f"prepared copies need tensorflow-datasets, which cannot be imported ({error}): "
            "pip install tensorflow-datasets array_record importlib_resources"
        ) from error


@contextlib.contextmanager
def no_empty_folders_left(*folders: Path) -> Iterator[None]:
    """Remove those folders that are new at the end and empty.

    Args:
        folders: outer ones first.
    """
    new = [folder for folder in folders if not folder.exists()]
    try:
        yield
    finally:
        for folder in reversed(new):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
