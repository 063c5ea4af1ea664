"""Read word vectors in GloVe's format: each line has a word and its numbers, with single spaces."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dalejax.datasets.readers.compressed import unpacked

_LONGEST_LINE = 1 << 16  # bytes; a line of a thousand numbers has about a sixth of it


class Vectors(NamedTuple):
    """Word vectors ``values`` float32 [words, d], 0 where ``found`` bool [words] is False."""

    values: np.ndarray
    found: np.ndarray


def read_vectors(path: str | Path, words: Sequence[str]) -> Vectors:
    """Read the vectors of given words from a file in GloVe's format, plain or gzipped.

    Args:
        path: path of the file; all lines have equally many numbers, at least 2.
        words: the words, in the order of the result.

    Returns:
        The vectors of the words, and a mask of those that the file has. Of a word that the file
        has twice, the first line counts.

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
    with unpacked(path) as opened:
        return pick_vectors(opened.file, words, path)


def pick_vectors(file: io.BufferedIOBase, words: Sequence[str], path: str | Path) -> Vectors:
    """Read the vectors of given words from an open file, as :func:`read_vectors` does.

    Args:
        file: file that is open for reading.
        words: the words, in the order of the result.
        path: name of the file in error messages.

    Raises:
        ValueError: as of :func:`read_vectors`.
    """
    row_of = {word.encode(): row for row, word in enumerate(words)}
    values = np.zeros((len(words), 0), np.float32)
    found = np.zeros(len(words), bool)
    for number, word, texts in split_lines(file, path):
        if number == 1:
            values = np.zeros((len(words), len(texts)), np.float32)
        row = row_of.get(word)
        if row is not None and not found[row]:
            values[row] = parse_numbers(texts, number, path)
            found[row] = True
    return in_order(values, found, row_of, words)


def in_order(
    values: np.ndarray, found: np.ndarray, row_of: Mapping[bytes, int], words: Sequence[str]
) -> Vectors:
    """Reorder rows so that row i belongs to word i, also where a word is in the list twice.

    Args:
        values: vectors that were read [words, d].
        found: mask of the rows that were read [words].
        row_of: word -> its row in ``values`` and ``found``.
        words: the words, in the order of the result.

    Example:
        >>> read = np.array([[0.0], [5.0]]), np.array([False, True])
        >>> in_order(*read, {b"the": 1}, ["the", "the"]).values.tolist()
        [[5.0], [5.0]]
    """
    rows = [row_of[word.encode()] for word in words]
    return Vectors(values[rows], found[rows])


def split_lines(
    file: io.BufferedIOBase, path: str | Path
) -> Iterator[tuple[int, bytes, list[bytes]]]:
    """Split each line of an open file of word vectors.

    Args:
        file: file that is open for reading.
        path: name of the file in error messages.

    Yields:
        The number of the line from 1 on, its word, and its numbers as they are written.

    Raises:
        ValueError: there are no lines, or a line is too long or has too few numbers.

    Example:
        >>> list(split_lines(io.BytesIO(b"the 1 2"), "vectors.txt"))
        [(1, b'the', [b'1', b'2'])]
    """
    number, dimensions = 0, 0
    while line := file.readline(_LONGEST_LINE + 1):
        number += 1
        if len(line) > _LONGEST_LINE:
            raise ValueError(f"{path}, line {number}: it has over {_LONGEST_LINE:,} bytes.")
        line = line.rstrip(b"\r\n")
        if number == 1:
            dimensions = line.count(b" ")
            if dimensions < 2:
                raise ValueError(
                    f"{path}, line 1: it has {dimensions} numbers; it must be a word and at "
                    "least 2 numbers, apart by single spaces."
                )
        if line.count(b" ") < dimensions:
            raise ValueError(
                f"{path}, line {number}: it has {line.count(b' ')} numbers; the first line has "
                f"{dimensions}."
            )
        word, *numbers = line.rsplit(b" ", dimensions)  # a word may hold spaces
        yield number, word, numbers
    if not number:
        raise ValueError(f"{path} is empty; it must have a word and its numbers a line.")


def parse_numbers(texts: list[bytes], line: int, path: str | Path) -> np.ndarray:
    """Convert the numbers of a line to float32 [d].

    Args:
        texts: the numbers as they are written.
        line: number of the line, for error messages.
        path: name of the file in error messages.

    Raises:
        ValueError: one is no number, or not finite in float32.

    Example:
        >>> parse_numbers([b"1", b"-2e-1"], 1, "vectors.txt").tolist()
        [1.0, -0.20000000298023224]
    """
    try:
        if any(
            b"_" in text for text in texts
        ):  # Python reads 1_000 as a number, GloVe's format does not
            raise ValueError
        with np.errstate(over="ignore"):
            numbers = np.asarray([float(text) for text in texts]).astype(np.float32)
    except ValueError:
        numbers = np.full(1, np.nan)
    if not np.isfinite(numbers).all():
        raise ValueError(f"{path}, line {line}: it must have finite numbers after its word.")
    return numbers
