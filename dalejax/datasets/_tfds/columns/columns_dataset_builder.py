"""A tensorflow-datasets builder for any data set of columns; it needs no TensorFlow."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from dalejax.datasets._tfds import VERSION, tfds_name
from dalejax.datasets.catalogue import DataSet
from dalejax.datasets.columns import Block, Splits


# Not in the registry of tfds, where it could clash with builders that tfds has.
class Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Builder that writes the columns of one data set, rows in their order.

    Args:
        data_set: entry of the catalogue.
        splits: columns to write; every split must have the columns of the first one.
        **builder_arguments: arguments of any tfds builder, such as ``data_dir``.
    """

    VERSION = tfds.core.Version(VERSION)

    def __init__(self, data_set: DataSet, splits: Splits, **builder_arguments: Any):
        # tfds expects one name per class; here each data set is an instance.
        self.name = tfds_name(data_set)  # pyright: ignore[reportAttributeAccessIssue]
        self._data_set = data_set
        iterators = {name: iter(blocks) for name, blocks in splits.items()}
        first, blocks = next(iter(iterators.items()))
        self._first_block = next(blocks)
        self._splits = iterators | {first: itertools.chain([self._first_block], blocks)}
        super().__init__(**builder_arguments)

    def _info(self) -> tfds.core.DatasetInfo:
        features = {name: _feature(column) for name, column in self._first_block.items()}
        return tfds.core.DatasetInfo(
            builder=self,
            description=self._data_set.what,
            license=self._data_set.licence,
            features=tfds.features.FeaturesDict(features),
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        return {name: self._generate_examples(blocks) for name, blocks in self._splits.items()}

    def _generate_examples(self, blocks: Iterable[Block]) -> Iterator[tuple[int, dict[str, Any]]]:
        number = itertools.count()
        for block in blocks:
            for row in zip(*block.values(), strict=True):
                yield next(number), dict(zip(block, row, strict=True))


def _feature(column: np.ndarray) -> tfds.features.FeatureConnector:
    if column.dtype == object:
        return tfds.features.Text()
    # Plain bytes, not tfds.features.Image: its PNG encoder needs TensorFlow.
    encoding = tfds.features.Encoding.BYTES if column.ndim > 1 else tfds.features.Encoding.NONE
    return tfds.features.Tensor(shape=column.shape[1:], dtype=column.dtype, encoding=encoding)
