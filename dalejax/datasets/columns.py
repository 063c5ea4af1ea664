"""What all sets have in common: splits of equally long columns, which come block by block."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

# A column is an array [n, ...]; texts are an array of bytes objects (dtype object).
Block = dict[str, np.ndarray]
Splits = Mapping[str, Iterable[Block]]


def stacked(blocks: Iterable[Block]) -> Block:
    """Put blocks into one.

    Args:
        blocks: one after the other, with the same columns.

    Raises:
        ValueError: there are none.

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
        values: bytes of UTF-8.

    Example:
        >>> texts([b"a", b"bc"]).dtype
        dtype('O')
    """
    values = list(values)
    column = np.empty(len(values), object)
    column[:] = values
    return column
