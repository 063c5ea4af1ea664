"""The embedded text "topics": help texts of Python, a small substitute for the Penn Treebank."""

from __future__ import annotations

import re
from collections import Counter

from dalejax.datasets.columns import texts
from dalejax.datasets.texts import TextData, build

WORDS = 2000
_NOT_A_SENTENCE = 3  # fewest words of a sentence; headings and parts of tables have fewer
# The end of a paragraph or of a cell of a table ends a sentence too.
_END = re.compile(r"[.!?:;]\s|\n\s*\n|\|")
_WORD = re.compile(r"\d[\d.,]*|[a-z]+(?:['’-][a-z]+)*")


def topics() -> TextData:
    """Make a corpus in the format of the Penn Treebank from the help texts of Python.

    Each line is a sentence in lower case without punctuation; numbers are N, and words that are not
    among the 2,000 most frequent ones of the training text are <unk>. The first 80 % of the lines
    are for training, the next 10 % for validation, the last 10 % for tests. The text differs
    slightly between versions of Python.

    Example:
        >>> corpus = topics()
        >>> len(corpus.vocabulary), len(corpus.train) > 50_000
        (2002, True)

    Reference:
        ``pydoc_data.topics`` (PSF licence).
    """
    from pydoc_data.topics import topics as pages

    sentences: list[list[str]] = []
    for page in dict.fromkeys(
        pages[name] for name in sorted(pages)
    ):  # dict.fromkeys drops repeated pages
        for sentence in _END.split(page.lower()):
            words = ["N" if w[0].isdigit() else w for w in _WORD.findall(sentence)]
            if len(words) >= _NOT_A_SENTENCE:
                sentences.append(words)
    cuts = [0, len(sentences) * 8 // 10, len(sentences) * 9 // 10, len(sentences)]
    counts = Counter(word for words in sentences[: cuts[1]] for word in words)
    kept = {word for word, _ in sorted(counts.items(), key=lambda c: (-c[1], c[0]))[:WORDS]}
    lines = [" ".join(w if w in kept else "<unk>" for w in words).encode() for words in sentences]
    splits = {
        split: [{"line": texts(lines[start:end])}]
        for split, start, end in zip(("train", "valid", "test"), cuts, cuts[1:], strict=False)
    }
    source = "the help texts of Python's standard library, a small stand-in for the Penn Treebank"
    return build(splits, "topics", source)
