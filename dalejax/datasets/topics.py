"""An embedded stand-in for the Penn Treebank: the help texts of Python's standard library."""

from __future__ import annotations

import re
from collections import Counter

from dalejax.datasets.columns import texts
from dalejax.datasets.texts import TextData, build

WORDS = 2000
_NOT_A_SENTENCE = 3  # words: headings and scraps of tables have fewer
# A paragraph or a table's cell ends a sentence as a full stop does.
_END = re.compile(r"[.!?:;]\s|\n\s*\n|\|")
_WORD = re.compile(r"\d[\d.,]*|[a-z]+(?:['’-][a-z]+)*")


def topics() -> TextData:
    """Make a corpus in the Penn Treebank's style of Python's own help texts.

    A sentence a line, lower case, no punctuation, numbers as N, words outside the 2,000 most
    frequent ones of train as <unk>; 80 % of the lines are train, 10 % valid and 10 % test, each of
    them contiguous. It differs a little from one version of Python to the next.

    Example:
        >>> corpus = topics()
        >>> len(corpus.vocabulary), len(corpus.train) > 50_000
        (2002, True)

    Reference:
        ``pydoc_data.topics`` (PSF licence).
    """
    from pydoc_data.topics import topics as pages

    sentences: list[list[str]] = []
    for page in dict.fromkeys(pages[name] for name in sorted(pages)):  # some are there twice
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
