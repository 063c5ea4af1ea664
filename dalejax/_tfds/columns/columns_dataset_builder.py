"""Any set of columns as a tensorflow-datasets builder that needs no TensorFlow."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from dalejax.datasets import catalogue, prepared
from dalejax.datasets.columns import Block, Splits


# Kept out of the tfds registry: no clash with the builders that tfds brings along.
class Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """A set's columns, in their order; a config for each set of the catalogue.

    Args:
        splits: what to write; every split has the columns of the first one.
        **builder_arguments: as for any tfds builder: `config` and `data_dir`.
    """

    name = prepared.FOLDER
    VERSION = tfds.core.Version(prepared.VERSION)
    BUILDER_CONFIGS = [  # noqa: RUF012  (tfds takes nothing else)
        tfds.core.BuilderConfig(name=data_set.name, description=data_set.what)
        for data_set in catalogue.SETS.values()
        if not data_set.embedded
    ]

    def __init__(self, *, splits: Splits, **builder_arguments: Any):
        iterators = {name: iter(blocks) for name, blocks in splits.items()}
        first, blocks = next(iter(iterators.items()))
        self._first_block = next(blocks)
        self._splits = iterators | {first: itertools.chain([self._first_block], blocks)}
        super().__init__(**builder_arguments)

    def _info(self) -> tfds.core.DatasetInfo:
        assert self.builder_config is not None  # every one is of a config
        features = {name: _feature(column) for name, column in self._first_block.items()}
        return tfds.core.DatasetInfo(
            builder=self,
            description=self.builder_config.description,
            license=catalogue.SETS[self.builder_config.name].licence,
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
