"""What counting words gives: the unigram and bigram models beside which a network is drawn."""

from __future__ import annotations

import numpy as np

UNIGRAM, BIGRAM = MODELS = ("unigram model", "bigram model")


def unigram(train: np.ndarray, words: int) -> np.ndarray:
    """Count how often each word follows anything, as probabilities [words]."""
    counts = np.bincount(train, minlength=words)
    return counts / counts.sum()


def perplexities(train, valid, test, words: int, first: int) -> dict[str, float]:
    """Give the test perplexity of the unigram model and of bigrams interpolated with it.

    The weight of the bigrams is the best one of a grid on the validation text.

    Args:
        train: word numbers [tokens]; valid and test likewise.
        words: size of the vocabulary; each word stands in train.
        first: the word before the first word of a text.
    """
    single = unigram(train, words)
    pairs, counts = np.unique(_pairs(train, words, first), return_counts=True)
    before = np.bincount(pairs // words, weights=counts, minlength=words)

    def log_probability(text, weight):
        wanted = _pairs(text, words, first)
        at = np.minimum(np.searchsorted(pairs, wanted), len(pairs) - 1)
        seen = np.where(pairs[at] == wanted, counts[at], 0)
        double = seen / np.maximum(before[wanted // words], 1)
        return np.log(weight * double + (1 - weight) * single[text]).mean()

    weight = max(np.arange(0.05, 1.0, 0.05), key=lambda w: log_probability(valid, w))
    return {
        UNIGRAM: float(np.exp(-np.log(single[test]).mean())),
        BIGRAM: float(np.exp(-log_probability(test, weight))),
    }


def _pairs(text, words, first):
    before = np.concatenate([[first], text[:-1]]).astype(np.int64)
    return before * words + text
