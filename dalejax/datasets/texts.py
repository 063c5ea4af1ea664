"""Corpora of three texts, train, valid and test, as numbers."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from dalejax.datasets.catalogue import Counts
from dalejax.datasets.columns import Splits, stacked, texts
from dalejax.datasets.locations import Found, MissingData
from dalejax.datasets.readers.corpus import number_words, read_lines

SPLITS = ("train", "valid", "test")


class TextData(NamedTuple):
    """A corpus: the ids of its tokens, int32 [tokens] each, and the words they stand for.

    An end-of-sentence token follows each line. The vocabulary is made of the training text, the
    frequent words first.

    Example:
        >>> from dalejax.datasets import load_text
        >>> load_text("topics").vocabulary[:2]
        ('<eos>', 'the')
    """

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray
    vocabulary: tuple[str, ...]
    name: str
    source: str


def build(splits: Splits, name: str, source: str) -> TextData:
    """Make a corpus of its lines."""
    vocabulary, ids = None, {}
    for split in SPLITS:
        lines = stacked(splits[split])["line"].tolist()
        ids[split], vocabulary = number_words(lines, f"{split} of {source}", vocabulary)
    assert vocabulary is not None  # there are three splits
    return TextData(**ids, vocabulary=vocabulary, name=name, source=source)


def count(data: TextData) -> Counts:
    """Count a corpus's tokens and words."""
    tokens = {split: (len(ids),) for split, ids in zip(SPLITS, data[:3], strict=True)}
    return tokens | {"vocabulary": (len(data.vocabulary),)}


def read_texts(found: Found) -> Splits:
    """Read three texts."""
    return _splits(found.paths)


def load_folder(folder: Path) -> TextData:
    """Load the three texts of any folder.

    Args:
        folder: it holds exactly one file ``*train*.txt`` or ``.txt.gz``, and one with ``valid`` and
            one with ``test`` in its name.

    Raises:
        MissingData: there are none of a kind.
        ValueError: there are several, or they are no texts in this style.
    """
    paths = []
    for split in SPLITS:
        fitting = sorted({*folder.glob(f"*{split}*.txt"), *folder.glob(f"*{split}*.txt.gz")})
        if not fitting:
            raise MissingData(
                f"{folder} holds no *{split}*.txt or .txt.gz; put one there beside the other texts."
            )
        if len(fitting) > 1:
            names = ", ".join(path.name for path in fitting)
            raise ValueError(f"{folder} holds {names}; it must hold one text for {split}.")
        paths += fitting
    return build(_splits(paths), folder.name, f"the texts in {folder}")


def _splits(paths) -> Splits:
    lines = {split: read_lines(path) for split, path in zip(SPLITS, paths, strict=True)}
    vocabulary = None
    for path, of in zip(paths, lines.values(), strict=True):  # errors name the file itself
        vocabulary = number_words(of, path, vocabulary).vocabulary
    return {split: [{"line": texts(of)}] for split, of in lines.items()}
