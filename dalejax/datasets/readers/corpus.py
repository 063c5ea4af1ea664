"""Read text corpora in the format of Mikolov's Penn Treebank: one sentence a line, words
separated by spaces."""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dalejax.datasets.readers.compressed import unpacked

EOS = "<eos>"


class Corpus(NamedTuple):
    """A text as word numbers: ``ids`` int32 [tokens]; ``vocabulary[i]`` is the word of number i."""

    ids: np.ndarray
    vocabulary: tuple[str, ...]


def read_corpus(path: str | Path, vocabulary: Sequence[str] | None = None) -> Corpus:
    """Read a text file, plain or gzipped, as word numbers, with ``<eos>`` after each line.

    Args:
        path: path of the file, in UTF-8.
        vocabulary: words allowed, in the order of their numbers; None for the words of the text,
            the most frequent ones first, equally frequent ones in alphabetical order.

    Returns:
        The numbers of all tokens in the order of the text, and the vocabulary.

    Raises:
        ValueError: the file is damaged, not UTF-8, empty, or has a word outside the vocabulary.
        FileNotFoundError: there is no such file.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "text.txt"
        >>> _ = path.write_text(" the cat \\n the dog \\n")
        >>> corpus = read_corpus(path)
        >>> corpus.vocabulary, corpus.ids.tolist()
        (('<eos>', 'the', 'cat', 'dog'), [1, 2, 0, 1, 3, 0])

    Reference:
        Mikolov et al. 2010 (the preparation of the Penn Treebank).
    """
    return number_words(read_lines(path), path, vocabulary)


def read_lines(path: str | Path) -> list[bytes]:
    """Read the lines of a text file, plain or gzipped.

    Args:
        path: path of the file.

    Returns:
        The lines without line ends; a last line without an end counts if it has words.

    Raises:
        ValueError: the file is damaged, or has a byte 0.
        FileNotFoundError: there is no such file.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "text.txt"
        >>> _ = path.write_text("the cat\\nthe dog\\n")
        >>> read_lines(path)
        [b'the cat', b'the dog']
    """
    with unpacked(path) as opened:
        content = opened.file.read().removeprefix(codecs.BOM_UTF8)
    if b"\0" in content:
        raise ValueError(f"{path} is not a text: it holds a zero byte.")
    lines = content.split(b"\n")
    if not lines[-1].strip():
        lines.pop()
    return lines


def number_words(
    lines: Sequence[bytes], path: str | Path, vocabulary: Sequence[str] | None = None
) -> Corpus:
    """Convert the lines of a text to word numbers, as :func:`read_corpus` does.

    Args:
        lines: lines of the text, in UTF-8.
        path: name of the text in error messages.
        vocabulary: words allowed; None for the words of the text.

    Raises:
        ValueError: as of :func:`read_corpus`.

    Example:
        >>> number_words([b"a b", b"b"], "text").ids.tolist()
        [2, 1, 0, 1, 0]
    """
    tokens: list[bytes] = []
    for line in lines:
        tokens += line.split()  # bytes.split splits at ASCII white space only
        tokens.append(EOS.encode())
    if len(tokens) == len(lines):
        raise ValueError(f"{path} holds no words; a text has a sentence a line.")
    counts = Counter(tokens)
    words = {word: _decoded(path, lines, word) for word in counts}
    if vocabulary is None:
        vocabulary = [words[word] for word in sorted(counts, key=lambda w: (-counts[w], words[w]))]
    numbers = {word: number for number, word in enumerate(vocabulary)}
    unknown = [word for word in words.values() if word not in numbers]
    if unknown:
        raise ValueError(
            f"{path} has {len(unknown)} words outside the vocabulary of {len(numbers)}, such as "
            f"{unknown[0]!r}; it must be the vocabulary of the training text."
        )
    number_of = {word: numbers[text] for word, text in words.items()}
    ids = np.fromiter((number_of[word] for word in tokens), np.int32, len(tokens))
    return Corpus(ids, tuple(vocabulary))


def _decoded(path: str | Path, lines: Sequence[bytes], word: bytes) -> str:
    try:
        return word.decode("utf-8")
    except UnicodeDecodeError:
        number = next(i for i, line in enumerate(lines, 1) if word in line)
        raise ValueError(f"{path} is not UTF-8 in line {number}.") from None
