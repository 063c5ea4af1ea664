"""Text corpora as word numbers: a training, a validation and a test text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dalejax.datasets.catalogue import Counts
from dalejax.datasets.columns import Splits, stacked, texts
from dalejax.datasets.locations import Found, MissingData
from dalejax.datasets.readers.corpus import number_words, read_lines

SPLITS = ("train", "valid", "test")


class TextData(NamedTuple):
    """A corpus: three texts as word numbers, int32 [tokens], and the vocabulary.

    ``vocabulary[i]`` is the word of number i. The words are those of the training text, the most
    frequent ones first. An end-of-sentence token follows each line.

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
    """Build a corpus of the columns ``line`` of its three texts."""
    vocabulary, ids = None, {}
    for split in SPLITS:
        lines = stacked(splits[split])["line"].tolist()
        ids[split], vocabulary = number_words(lines, f"{split} of {source}", vocabulary)
    assert vocabulary is not None  # there are three splits
    return TextData(**ids, vocabulary=vocabulary, name=name, source=source)


def count(data: TextData) -> Counts:
    """Count the tokens of each text and the words of the vocabulary."""
    tokens = {split: (len(ids),) for split, ids in zip(SPLITS, data[:3], strict=True)}
    return tokens | {"vocabulary": (len(data.vocabulary),)}


def read_texts(found: Found) -> Splits:
    """Read the lines of the three texts of a corpus."""
    return _splits(found.paths)


def load_folder(folder: Path) -> TextData:
    """Load a corpus from a folder of the user.

    Args:
        folder: folder with exactly one file ``*train*.txt`` or ``*train*.txt.gz``, one with
            ``valid`` and one with ``test`` in its name.

    Raises:
        MissingData: there is no file for one of the three texts.
        ValueError: there are several files for one of them, or one is no text of words.
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


def _splits(paths: Sequence[Path]) -> Splits:
    lines = {split: read_lines(path) for split, path in zip(SPLITS, paths, strict=True)}
    vocabulary = None
    for path, of in zip(paths, lines.values(), strict=True):  # so that errors name the file
        vocabulary = number_words(of, path, vocabulary).vocabulary
    return {split: [{"line": texts(of)}] for split, of in lines.items()}
