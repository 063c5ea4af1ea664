"""Read the data sets of word vectors, from files in GloVe's format or from prepared copies."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from dalejax.datasets.catalogue import Counts
from dalejax.datasets.columns import Block, Splits, texts
from dalejax.datasets.locations import Found
from dalejax.datasets.readers.archives import zipped_file
from dalejax.datasets.readers.compressed import unpacked
from dalejax.datasets.readers.word_vectors import (
    Vectors,
    in_order,
    parse_numbers,
    pick_vectors,
    split_lines,
)

_BLOCK = 10_000  # words; of 300 numbers each they take 12 MB


def pick(found: Found, words: Sequence[str]) -> Vectors:
    """Read the vectors of given words from the file of a data set."""
    with _opened(found) as (file, where):
        return pick_vectors(file, words, where)


def pick_of(splits: Splits, words: Sequence[str]) -> Vectors:
    """Pick the vectors of given words from the columns of a prepared copy."""
    row_of = {word.encode(): row for row, word in enumerate(words)}
    values, found = np.zeros((len(words), 0), np.float32), np.zeros(len(words), bool)
    for block in splits["vectors"]:
        if not values.shape[1]:
            values = np.zeros((len(words), block["vector"].shape[1]), np.float32)
        for word, vector in zip(block["word"], block["vector"], strict=True):
            row = row_of.get(word)
            if row is not None and not found[row]:
                values[row], found[row] = vector, True
    return in_order(values, found, row_of, words)


def read_glove(found: Found) -> Splits:
    """Read all vectors of a file block by block, since they may not fit into memory."""
    return {"vectors": _blocks(found)}


def count(splits: Splits) -> Counts:
    """Count words and dimensions of a data set."""
    number, dimensions = 0, 0
    for block in splits["vectors"]:
        number, dimensions = number + len(block["vector"]), block["vector"].shape[1]
    return {"vectors": (number, dimensions)}


def _blocks(found: Found) -> Iterator[Block]:
    with _opened(found) as (file, where):
        rows: list[tuple[bytes, np.ndarray]] = []
        for line, word, numbers in split_lines(file, where):
            _check_word(word, line, where)
            rows.append((word, parse_numbers(numbers, line, where)))
            if len(rows) == _BLOCK:
                yield _block(rows)
                rows = []
        if rows:
            yield _block(rows)


def _block(rows: Iterable[tuple[bytes, np.ndarray]]) -> Block:
    names, vectors = zip(*rows, strict=True)
    return {"word": texts(names), "vector": np.stack(vectors)}


def _check_word(word: bytes, line: int, where: str) -> None:
    try:
        word.decode()
    except UnicodeDecodeError:
        raise ValueError(f"{where}, line {line}: its word is not UTF-8.") from None


@contextlib.contextmanager
def _opened(found: Found) -> Iterator[tuple[io.BufferedIOBase, str]]:
    (path,) = found.paths
    if found.form.layout != "glove_zip":
        with unpacked(path) as opened:
            yield opened.file, str(path)
        return
    dimensions = found.form.counts["vectors"][1]
    name = f"glove.6B.{dimensions}d.txt"
    with zipped_file(Path(path), name) as file:
        yield file, f"{path}, {name}"
