"""Language modelling: predict each word of a text from the words before it."""

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
_PADDING = -1  # in place of a target, behind the end of a text
_OUTPUTS_AT_ONCE = 2**22  # numbers: 16 MB in float32


class LanguageModel(Task):
    r"""Word-level language modelling: the target of each word is the word after it.

    The training text is cut into b streams, where b is the batch size. An update uses one window of
    t words of each stream; the network starts each window at state 0. The loss is the
    cross-entropy per word in nats; the perplexity is

    .. math:: \exp\left(-\frac1N \sum_{i=1}^N \log p(w_i \mid w_{<i})\right)

    over all N words of the validation or test text. Each is predicted once, in windows of the same
    length t (the first word is predicted from an ``<eos>`` put before the text).

    Args:
        data: name of a text of :mod:`dalejax.datasets`: ``"ptb"``, ``"warpeace"`` or ``"topics"``
            (comes with dalejax); or the path of a folder with a train, a valid and a test file in
            the same format.
        vectors: the inputs that stand for words. Fixed vectors: ``"glove300"``, ``"glove50"``, the
            path of a file in GloVe's format (words that it lacks have the vector 0), or
            ``"random"`` (50 standard normal numbers). Or ``"learned"``: inputs are word numbers,
            and the network needs an embedding.
        length: number of words t of a window.
        batch_size: number of streams b.
        epochs: ``"offsets"``: an epoch has one window from each word on, in random order, so that
            windows overlap; ``"contiguous"``: an epoch has windows that follow each other, in the
            order of the text.
        data_dir: folder of the data; None for ``TFDS_DATA_DIR`` or TFDS's default.
        outputs_at_once: largest number of output values that are in memory at once while training:
            the loss is computed some time steps at a time. The result is the same up to rounding.

    Raises:
        ValueError: an argument is out of its range, or a stream is not longer than a window.
        dalejax.datasets.MissingData: the data are not there; the message says how to get them.

    Example:
        >>> task = LanguageModel("topics", vectors="random", length=10, batch_size=8)
        >>> task.n_in, task.n_out == len(task.vocabulary), task.time.every_step
        (50, True, True)

    Reference:
        Mikolov et al. 2010; Li et al. 2023, section 2.3 (300-d GloVe, 64 streams, windows of
        50 words, offsets).
    """

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
        self.starts = per_stream - length  # number of windows that begin in a stream
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
            # The bias of a ColEI network's first layer can be initialised to cancel this mean.
            by_word = np.bincount(text.train, minlength=self.n_out)
            self.input_mean = float(by_word @ self.data["vectors"].mean(1) / len(text.train))

    def __repr__(self) -> str:
        words = self.data["train"].size
        return f"LanguageModel({words} words, batch_size={self.batch_size}, length={self.length})"

    def described(self) -> dict[str, Any]:
        """Return the fields that a later run must share with this one to continue it.

        The mean input is left out: it follows from the others, and its rounding depends on the
        machine.
        """
        return {name: value for name, value in super().described().items() if name != "input_mean"}

    def order(self, data: PyTree, *, key: Key[Array, ""]) -> Array:
        """Return the first words of the windows of an epoch, in the order of its updates."""
        if self.epochs == "offsets":
            return permutation(self.starts, key=key)
        return self.length * jnp.arange(self.updates_per_epoch, dtype=jnp.int32)

    def batch(self, data: PyTree, order: Array, i: Int[Array, ""], *, key: Key[Array, ""]) -> Batch:
        """Cut the window of the i-th update out of each stream; the key is not used."""
        del key
        window = jax.lax.dynamic_slice_in_dim(data["train"], order[i], self.length + 1, axis=1).T
        return Batch(self._encode(data, window[:-1]), window[1:])

    def evaluations(self, data: PyTree) -> dict[str, tuple[Any, Any]]:
        """Split the windows of the validation and test texts into batches, weighted by words."""
        # As many windows at once as bound the outputs of all their words by outputs_at_once.
        at_once = max(1, (self.time.steps_at_once or self.length) * self.batch_size // self.length)
        laid_out = {}
        for name in ("valid", "test"):
            # Of self.data, not of the argument: the batches must be known when JAX traces.
            words = (self.data[name][:, 1:] != _PADDING).sum(1)
            trials, weights = batches(len(words), min(at_once, len(words)))
            laid_out[name] = trials, weights * words[trials].astype(np.float32)
        return laid_out

    def evaluation_batch(self, data: PyTree, name: str, trials: Int[Array, " b"]) -> Batch:
        """Make a batch of the named text, of the windows with the given indices."""
        window = data[name][trials].T
        return Batch(self._encode(data, jnp.maximum(window[:-1], 0)), window[1:])

    def _encode(self, data: PyTree, ids: Array) -> Array:
        return ids if self.n_in is None else data["vectors"][ids]

    def loss(
        self, outputs: Float[Array, "t b n_out"], targets: Int[Array, "t b"]
    ) -> Float[Array, ""]:
        """Compute the mean cross-entropy in nats per word."""
        return optax.softmax_cross_entropy_with_integer_labels(outputs, targets).mean()

    def scores(
        self, outputs: Float[Array, "t b n_out"], targets: Int[Array, "t b"]
    ) -> dict[str, Float[Array, " b"]]:
        """Score each window by its mean cross-entropy in nats per word."""
        there = targets != _PADDING
        losses = optax.softmax_cross_entropy_with_integer_labels(outputs, jnp.maximum(targets, 0))
        return {"loss": (losses * there).sum(0) / there.sum(0)}

    def summaries(self, averages: dict[str, Float[Array, ""]]) -> dict[str, Float[Array, ""]]:
        """Return the mean cross-entropy of a text and its perplexity."""
        return averages | {"perplexity": jnp.exp(averages["loss"])}


def _windows(ids: np.ndarray, length: int, vocabulary: tuple[str, ...]) -> np.ndarray:
    """Cut a text into windows [k, length + 1], each of which begins with the last word of the one
    before, so that each word is the target of one prediction; pad the last window."""
    begun = np.concatenate([[vocabulary.index(EOS)], ids])
    num = -(-len(ids) // length)
    padded = np.full(num * length + 1, _PADDING, np.int32)
    padded[: len(begun)] = begun
    return np.stack([padded[i * length : (i + 1) * length + 1] for i in range(num)])


def _vectors(
    name: str | Path, vocabulary: tuple[str, ...], data_dir: str | Path | None
) -> np.ndarray:
    if name == RANDOM:
        # NumPy guarantees the numbers of RandomState for all versions, not those of default_rng.
        return np.random.RandomState(0).normal(size=(len(vocabulary), 50)).astype(np.float32)
    return datasets.load_vectors(name, vocabulary, data_dir=data_dir).values
