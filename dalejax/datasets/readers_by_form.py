"""The tables of readers: which function reads a file layout, and which one builds each kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from dalejax.datasets import images, packs, texts, words
from dalejax.datasets.catalogue import Counts, DataSet, Kind, Layout
from dalejax.datasets.columns import Splits
from dalejax.datasets.locations import Found


class _Made(NamedTuple):
    """The functions of one kind of data.

    Attributes:
        build: (columns, name, source) -> what users get.
        count: what users get -> its counts, as in the catalogue.
    """

    build: Callable[[Splits, str, str], Any]
    count: Callable[[Any], Counts]


_READERS: dict[Layout, Callable[[Found], Splits]] = {
    "idx": images.read_idx_files,
    "cifar_tar": images.read_cifar_tar,
    "cifar_bins": images.read_cifar_bins,
    "jpeg_zips": images.read_jpeg_zips,
    "text": texts.read_texts,
    "glove": words.read_glove,
    "glove_zip": words.read_glove,
}
_PACKS = {"objects": packs.read_object_columns, "scenes": packs.read_scene_columns}
_MADE: dict[Kind, _Made] = {
    "images": _Made(images.build, images.count),
    "text": _Made(texts.build, texts.count),
    "objects": _Made(packs.build_objects, packs.count_objects),
    "scenes": _Made(packs.build_scenes, packs.count_scenes),
    # Vectors stay columns, since a user asks for those of a few words only.
    "vectors": _Made(lambda splits, name, source: splits, words.count),
}


def read(data_set: DataSet, found: Found) -> Splits:
    """Read the files of a data set into columns.

    Args:
        data_set: entry of the catalogue.
        found: files of the set.

    Raises:
        ValueError: a file is damaged, or its content is not of the layout.
        ModuleNotFoundError: the files are JPEGs, and Pillow is not installed.
    """
    if found.form.layout == "npz":
        return _PACKS[data_set.kind](found)
    return _READERS[found.form.layout](found)


def build(data_set: DataSet, splits: Splits, source: str) -> Any:
    """Build what users get of the columns of a data set.

    Args:
        data_set: entry of the catalogue.
        splits: columns of the set.
        source: where the data are from, as a text.

    Raises:
        ValueError: the columns do not fit together.
    """
    return _MADE[data_set.kind].build(splits, data_set.name, source)


def count(data_set: DataSet, data: Any) -> Counts:
    """Count what a data set holds, as the catalogue does.

    Args:
        data_set: entry of the catalogue.
        data: the data, of :func:`build`.
    """
    return _MADE[data_set.kind].count(data)
