"""Which reader takes which files, and what is made of the columns of which kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from dalejax.datasets import images, packs, texts, words
from dalejax.datasets.catalogue import Counts, DataSet, Kind, Layout
from dalejax.datasets.columns import Splits
from dalejax.datasets.locations import Found


class _Made(NamedTuple):
    """Of a kind: its columns, a name and a source become data, and data are counted."""

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
    # Of vectors only some are wanted: they stay columns.
    "vectors": _Made(lambda splits, name, source: splits, words.count),
}


def read(data_set: DataSet, found: Found) -> Splits:
    """Read a set's files into columns.

    Args:
        data_set: of the catalogue.
        found: its files.

    Raises:
        ValueError: a file is damaged, or not what it should be.
    """
    if found.form.layout == "npz":
        return _PACKS[data_set.kind](found)
    return _READERS[found.form.layout](found)


def build(data_set: DataSet, splits: Splits, source: str) -> Any:
    """Make of a set's columns what users get.

    Args:
        data_set: of the catalogue.
        splits: its columns.
        source: where they are from.

    Raises:
        ValueError: the columns do not fit together.
    """
    return _MADE[data_set.kind].build(splits, data_set.name, source)


def count(data_set: DataSet, data: Any) -> Counts:
    """Count what a set holds, as the catalogue does.

    Args:
        data_set: of the catalogue.
        data: what `build` made.
    """
    return _MADE[data_set.kind].count(data)
