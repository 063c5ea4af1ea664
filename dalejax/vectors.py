"""Word vectors in GloVe's format: a word and its numbers a line, apart by single spaces."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dalejax.opened import unpacked

_LONGEST_LINE = 1 << 16  # bytes; a thousand numbers take a sixth of it


class Vectors(NamedTuple):
    """A vector for each word: ``values`` float32 [words, d], 0 where ``found`` [words] is False."""

    values: np.ndarray
    found: np.ndarray


def read_vectors(path: str | Path, words: Sequence[str]) -> Vectors:
    """Read the vectors of some words from a file, plain or gzipped; other words are passed over.

    Args:
        path: the file; every line has as many numbers as the first one, at least 2.
        words: the words wanted, in the order wanted.

    Returns:
        Their vectors, and which of them the file has; of a word that it has twice, the first.

    Raises:
        ValueError: the file is damaged or empty, or a line is not a word and its numbers.
        FileNotFoundError: there is no such file.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "vectors.txt"
        >>> _ = path.write_text("the 1 2\\ncat 3 4\\n")
        >>> read_vectors(path, ["cat", "dog"]).values.tolist()
        [[3.0, 4.0], [0.0, 0.0]]

    Reference:
        Pennington et al. 2014 (GloVe).
    """
    row_of = {word.encode(): row for row, word in enumerate(words)}
    values, dimensions = None, 0
    found = np.zeros(len(words), bool)
    with unpacked(path) as opened:
        number = 0
        while line := opened.file.readline(_LONGEST_LINE + 1):
            number += 1
            if len(line) > _LONGEST_LINE:
                raise ValueError(f"{path}, line {number}: it has over {_LONGEST_LINE:,} bytes.")
            line = line.rstrip(b"\r\n")
            if values is None:
                dimensions = line.count(b" ")
                if dimensions < 2:
                    raise ValueError(
                        f"{path}, line 1: it has {dimensions} numbers; it must be a word and at "
                        "least 2 numbers, apart by single spaces."
                    )
                values = np.zeros((len(words), dimensions), np.float32)
            if line.count(b" ") < dimensions:
                raise ValueError(
                    f"{path}, line {number}: it has {line.count(b' ')} numbers; the first line has "
                    f"{dimensions}."
                )
            word, *numbers = line.rsplit(b" ", dimensions)  # a word may hold spaces
            row = row_of.get(word)
            if row is not None and not found[row]:
                values[row] = _numbers(path, number, numbers)
                found[row] = True
    if values is None:
        raise ValueError(f"{path} is empty; it must have a word and its numbers a line.")
    return Vectors(values, found)


def _numbers(path, number: int, texts: list[bytes]) -> np.ndarray:
    try:
        if any(b"_" in text for text in texts):  # a number to Python, not to others
            raise ValueError
        with np.errstate(over="ignore"):
            numbers = np.asarray([float(text) for text in texts]).astype(np.float32)
    except ValueError:
        numbers = np.full(1, np.nan)
    if not np.isfinite(numbers).all():
        raise ValueError(f"{path}, line {number}: it must have finite numbers after its word.")
    return numbers
