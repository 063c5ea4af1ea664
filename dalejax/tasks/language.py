"""Language modelling: predict every next word of a text."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

from dalejax import checks, datasets
from dalejax.datasets.readers.corpus import EOS
from dalejax.tasks.base import Batch, Task, TimeAxis, batches
from dalejax.tasks.shuffle import permutation
from dalejax.types import Any, Array, Float, Int, Key, PyTree

EPOCHS = ("offsets", "contiguous")
LEARNED, RANDOM = "learned", "random"
_PADDING = -1  # a target that is not there
_OUTPUTS_AT_ONCE = 2**22  # numbers: 16 MB in float32


class LanguageModel(Task):
    r"""Word-level language modelling: the target of each word is the word after it.

    The text is cut into as many streams as a batch has trials; an update sees one window of each,
    from zero states. The loss is the cross-entropy per word, in nats; the perplexity is

    .. math:: \exp\left(-\frac1N \sum_{i=1}^N \log p(w_i \mid w_{<i})\right)

    over all N words of the validation or test text, each predicted once, in windows of the same
    length (the first word of the text follows an ``<eos>``).

    Args:
        data: a text of :mod:`dalejax.datasets`: ``"ptb"``, ``"warpeace"``, ``"topics"`` (embedded), or
            a folder with a train, a valid and a test file in that style.
        vectors: what the network sees of a word: ``"glove300"``, ``"glove50"``, the path of a file
            in GloVe's format (words that it lacks are 0), ``"random"`` (50 normal numbers), all of
            them frozen; or ``"learned"``: the network gets numbers, and needs an embedding.
        length: words of a window, t.
        batch_size: streams b.
        epochs: ``"offsets"``: every start of a window once an epoch, in random order, so that windows
            overlap; ``"contiguous"``: windows next to each other, in the order of the text.
        data_dir: where the data are; None for ``TFDS_DATA_DIR`` or TFDS's default.
        outputs_at_once: numbers that the outputs may take at once while training (memory is bounded
            by time steps; the result is the same up to rounding).

    Raises:
        ValueError: an argument does not fit, or a stream is not longer than a window.
        dalejax.datasets.MissingData: the data are not there; the message says how to get them.

    Example:
        >>> task = LanguageModel("topics", vectors="random", length=10, batch_size=8)
        >>> task.n_in, task.n_out == len(task.vocabulary), task.time.every_step
        (50, True, True)

    Reference:
        Mikolov et al. 2010; Li et al. 2023, section 2.3 (300-d GloVe, 64 streams of 50 words, offsets).
    """  # noqa: E501

    name = "language"
    time = TimeAxis(every_step=True)
    score = "valid_perplexity"

    def __init__(
        self,
        data: str | Path = "ptb",
        *,
        vectors: str | Path = "glove300",
        length: int = 50,
        batch_size: int = 64,
        epochs: str = "offsets",
        data_dir: str | Path | None = None,
        outputs_at_once: int = _OUTPUTS_AT_ONCE,
    ):
        checks.choice("epochs", epochs, EPOCHS)
        checks.whole("outputs_at_once", outputs_at_once)
        text = datasets.load_text(data, data_dir=data_dir)
        checks.whole("length", length, 1, len(text.train) - 1)
        checks.whole("batch_size", batch_size, 1, len(text.train) // (length + 1))
        self.vocabulary = text.vocabulary
        self.n_out = self.num_words = len(text.vocabulary)
        self.length, self.batch_size, self.epochs = length, batch_size, epochs
        at_once = max(1, outputs_at_once // (batch_size * self.n_out))
        self.time = dataclasses.replace(self.time, steps_at_once=at_once)
        per_stream = len(text.train) // batch_size
        self.starts = per_stream - length  # so many windows begin in a stream
        step = 1 if epochs == "offsets" else length
        self.updates_per_epoch = -(-self.starts // step)
        self.data: dict[str, Any] = {
            "train": text.train[: batch_size * per_stream].reshape(batch_size, per_stream),
            "valid": _windows(text.valid, length, text.vocabulary),
            "test": _windows(text.test, length, text.vocabulary),
        }
        self.n_in = None
        if vectors != LEARNED:
            self.data["vectors"] = _vectors(vectors, text.vocabulary, data_dir)
            self.n_in = self.data["vectors"].shape[1]
            # The mean input, which the first layer's bias of a ColEI network may cancel.
            by_word = np.bincount(text.train, minlength=self.n_out)
            self.input_mean = float(by_word @ self.data["vectors"].mean(1) / len(text.train))

    def __repr__(self) -> str:
        words = self.data["train"].size
        return f"LanguageModel({words} words, batch_size={self.batch_size}, length={self.length})"

    def described(self) -> dict[str, Any]:
        """Say what makes the task: its text, vectors and windows.

        The mean input follows from them, and its last bit is another one on another machine.
        """
        return {name: value for name, value in super().described().items() if name != "input_mean"}

    def order(self, data: PyTree, *, key: Key[Array, ""]) -> Array:
        """Order the starts of an epoch's windows."""
        if self.epochs == "offsets":
            return permutation(self.starts, key=key)
        return self.length * jnp.arange(self.updates_per_epoch, dtype=jnp.int32)

    def batch(self, data: PyTree, order: Array, i: Int[Array, ""], *, key: Key[Array, ""]) -> Batch:
        """Cut the i-th window out of every stream (the key is not used)."""
        del key
        window = jax.lax.dynamic_slice_in_dim(data["train"], order[i], self.length + 1, axis=1).T
        return Batch(self._encode(data, window[:-1]), window[1:])

    def evaluations(self, data: PyTree) -> dict[str, tuple[Any, Any]]:
        """Lay the windows of the validation and of the test text out, weighed by their words."""
        # No more windows at once than keep the outputs of all their words small.
        at_once = max(1, (self.time.steps_at_once or self.length) * self.batch_size // self.length)
        laid_out = {}
        for name in ("valid", "test"):
            # From the task's own copy: the layout must be known when a program is made.
            words = (self.data[name][:, 1:] != _PADDING).sum(1)
            trials, weights = batches(len(words), min(at_once, len(words)))
            laid_out[name] = trials, weights * words[trials].astype(np.float32)
        return laid_out

    def evaluation_batch(self, data: PyTree, name: str, trials: Int[Array, " b"]) -> Batch:
        """Make a batch of windows."""
        window = data[name][trials].T
        return Batch(self._encode(data, jnp.maximum(window[:-1], 0)), window[1:])

    def _encode(self, data, ids):
        return ids if self.n_in is None else data["vectors"][ids]

    def loss(
        self, outputs: Float[Array, "t b n_out"], targets: Int[Array, "t b"]
    ) -> Float[Array, ""]:
        """Average the cross-entropy (nats a word)."""
        return optax.softmax_cross_entropy_with_integer_labels(outputs, targets).mean()

    def scores(
        self, outputs: Float[Array, "t b n_out"], targets: Int[Array, "t b"]
    ) -> dict[str, Float[Array, " b"]]:
        """Score each window: cross-entropy in nats, the mean over its words."""
        there = targets != _PADDING
        losses = optax.softmax_cross_entropy_with_integer_labels(outputs, jnp.maximum(targets, 0))
        return {"loss": (losses * there).sum(0) / there.sum(0)}

    def summaries(self, averages: dict[str, Float[Array, ""]]) -> dict[str, Float[Array, ""]]:
        """Add the perplexity of the whole text to the mean loss over it."""
        return averages | {"perplexity": jnp.exp(averages["loss"])}


def _windows(ids: np.ndarray, length: int, vocabulary: tuple[str, ...]) -> np.ndarray:
    """Cut a text into windows [k, length + 1] that share their ends, so that each word is the
    target of one prediction; the last one is filled up."""
    begun = np.concatenate([[vocabulary.index(EOS)], ids])
    num = -(-len(ids) // length)
    padded = np.full(num * length + 1, _PADDING, np.int32)
    padded[: len(begun)] = begun
    return np.stack([padded[i * length : (i + 1) * length + 1] for i in range(num)])


def _vectors(name, vocabulary, data_dir) -> np.ndarray:
    if name == RANDOM:
        # RandomState's stream is frozen for good, default_rng's is not.
        return np.random.RandomState(0).normal(size=(len(vocabulary), 50)).astype(np.float32)
    return datasets.load_vectors(name, vocabulary, data_dir=data_dir).values
