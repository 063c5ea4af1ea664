"""The common format of all data sets: splits, which are sequences of blocks of columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

# Name of a column -> array [n, …], with the same n for all columns of a block. A column of texts
# is an array of bytes objects (dtype object).
Block = dict[str, np.ndarray]
Splits = Mapping[str, Iterable[Block]]


def stacked(blocks: Iterable[Block]) -> Block:
    """Concatenate blocks along their rows.

    Args:
        blocks: blocks with the same columns.

    Raises:
        ValueError: there is no block.

    Example:
        >>> stacked([{"a": np.zeros(2)}, {"a": np.ones(1)}])["a"].tolist()
        [0.0, 0.0, 1.0]
    """
    blocks = list(blocks)
    if len(blocks) == 1:
        return blocks[0]
    if not blocks:
        raise ValueError("a split is empty")
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def texts(values: Iterable[bytes]) -> np.ndarray:
    """Make a column of texts.

    Args:
        values: texts in UTF-8.

    Example:
        >>> texts([b"a", b"bc"]).dtype
        dtype('O')
    """
    values = list(values)
    column = np.empty(len(values), object)
    column[:] = values
    return column
