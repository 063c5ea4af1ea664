"""Language modelling against counting and against slow loops over one word at a time."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import reference

import dalejax as dj
from dalejax.datasets.readers.corpus import EOS
from dalejax.training import evaluation, fingerprint
from experiments.shared import ngrams

WORDS = ["the", "cat", "saw", "a", "dog", "and", "ran", "home"]
LENGTH, BATCH = 5, 3


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A small text, whose last window is not full."""
    folder, rng = tmp_path_factory.mktemp("corpus"), np.random.default_rng(0)
    for split, lines in (("train", 40), ("valid", 9), ("test", 8)):
        text = [" ".join(WORDS[: rng.integers(1, 7)]) for _ in range(lines)]
        text = [" ".join(WORDS), *text] if split == "train" else text
        (folder / f"small.{split}.txt").write_text("\n".join(text) + "\n")
    return folder


@pytest.fixture
def task(corpus):
    return dj.tasks.LanguageModel(corpus, vectors="random", length=LENGTH, batch_size=BATCH)


def test_windows_are_cut_out_of_streams(corpus, task):
    text = dj.datasets.load_text(corpus)
    per_stream = len(text.train) // BATCH
    assert task.updates_per_epoch == per_stream - LENGTH
    order = task.order(task.data, key=jax.random.key(0))
    assert sorted(order.tolist()) == list(range(per_stream - LENGTH))
    for i in (0, 3):
        inputs, targets = task.batch(task.data, order, jnp.int32(i), key=jax.random.key(0))
        for stream in range(BATCH):
            start = stream * per_stream + int(order[i])
            words = text.train[start : start + LENGTH + 1]
            np.testing.assert_array_equal(targets[:, stream], words[1:])
            np.testing.assert_array_equal(inputs[:, stream], task.data["vectors"][words[:-1]])


def test_contiguous_epochs_go_through_the_text_in_order(corpus):
    task = dj.tasks.LanguageModel(
        corpus, vectors="learned", length=LENGTH, batch_size=BATCH, epochs="contiguous"
    )
    order = task.order(task.data, key=jax.random.key(0))
    seen = [
        np.asarray(task.batch(task.data, order, jnp.int32(i), key=jax.random.key(0)).targets)
        for i in range(task.updates_per_epoch)
    ]
    stream = task.data["train"][1]
    windows = np.concatenate(seen)[:, 1]
    np.testing.assert_array_equal(windows, stream[1 : len(windows) + 1])
    assert len(stream) - 1 - len(windows) < LENGTH


def test_every_word_is_predicted_once(corpus, task):
    text = dj.datasets.load_text(corpus)
    for name in ("valid", "test"):
        trials, weights = task.evaluations(task.data)[name]
        words = getattr(text, name)
        assert weights.sum() == len(words)
        predicted = []
        for row, weight in zip(trials, weights, strict=True):
            targets = np.asarray(task.evaluation_batch(task.data, name, row).targets)
            predicted += [targets[:, i][targets[:, i] >= 0] for i in np.flatnonzero(weight)]
        np.testing.assert_array_equal(np.concatenate(predicted), words)
        first = task.data[name][0, 0]
        assert text.vocabulary[first] == EOS


def test_perplexity_is_that_of_a_loop_over_words(corpus, task, x64):
    task.data["vectors"] = task.data["vectors"].astype(np.float64)
    net = dj.RecurrentNetwork([dj.RNNCell(4)], dj.Dense(task.n_out), every_step=True)
    params = net.init(jax.random.key(0), task.example())["params"]
    metrics = jax.jit(lambda p, data: evaluation.evaluate(net, task, p, data))(params, task.data)
    plain, text = reference.strip(params), dj.datasets.load_text(corpus)
    for name in ("valid", "test"):
        before = [text.vocabulary.index(EOS), *getattr(text, name)]
        losses, h = [], None
        for i, word in enumerate(before[1:]):
            h = np.zeros(4) if i % LENGTH == 0 else h
            cell, x = plain["cells_0"], task.data["vectors"][before[i]]
            h = np.maximum(cell["U"] @ x + cell["W"] @ h + cell["b"], 0)
            logits = plain["readout"]["W"] @ h + plain["readout"]["b"]
            losses.append(reference.cross_entropy(logits[None], [word]))
        assert metrics[f"{name}_loss"] == pytest.approx(np.mean(losses), rel=1e-6)
        assert metrics[f"{name}_perplexity"] == pytest.approx(np.exp(np.mean(losses)), rel=1e-6)


def test_networks_learn_it(corpus):
    task = dj.tasks.LanguageModel(
        corpus, vectors="learned", length=LENGTH, batch_size=BATCH, outputs_at_once=2 * BATCH * 9
    )
    assert task.time.steps_at_once == 2
    described = fingerprint.describe(task)  # runs of 0.1 go on only where it is what it was
    assert described["steps_at_once"] == 2 and "time" not in described
    net = dj.RecurrentNetwork(
        [dj.ColEICell(10, n_i=2)],
        dj.ColEIDense(task.n_out),
        every_step=True,
        embedding=dj.Embedding(task.n_out, 6),
    )
    run = dj.train(
        net,
        dj.colei_sgd(0.1, clip=1.0),
        task,
        keys=dj.seed_keys(0, 2),
        num_updates=60,
        eval_every=30,
        progress=False,
    )
    dj.signs.assert_legal(run.params)
    perplexity = dj.results.by_member(run.table, "test_perplexity")
    assert (perplexity.iloc[-1] < task.n_out / 2).all()  # better than guessing


def test_bad_arguments_are_named(corpus, untyped):
    make = dj.tasks.LanguageModel
    with pytest.raises(ValueError, match="epochs is 'random'; it must be one of offsets, contig"):
        make(corpus, vectors="random", epochs="random")
    with pytest.raises(ValueError, match="batch_size is 1000; it must be from 1 to"):
        make(corpus, vectors="random", batch_size=1000)
    with pytest.raises(ValueError, match="outputs_at_once is 0; it must be at least 1"):
        make(corpus, vectors="random", length=5, batch_size=2, outputs_at_once=0)
    with pytest.raises(ValueError, match=r"length is 5000; it must be from 1 to \d+"):
        make(corpus, vectors="random", length=5000)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        make(corpus, vectors="nowhere.txt", length=5, batch_size=2)


@pytest.mark.parametrize(
    ("vectors", "embedding", "sentence"),
    [
        ("learned", None, "language needs an embedding, as its inputs are numbers"),
        ("random", dj.Embedding(9, 2), "language needs no embedding"),
        ("learned", dj.Embedding(8, 2), "the embedding has 8 words; language needs 9"),
    ],
)
def test_an_embedding_that_does_not_fit_is_refused(corpus, vectors, embedding, sentence):
    task = dj.tasks.LanguageModel(corpus, vectors=vectors, length=LENGTH, batch_size=BATCH)
    net = dj.RecurrentNetwork(
        [dj.RNNCell(3)], dj.Dense(task.n_out), every_step=True, embedding=embedding
    )
    with pytest.raises(ValueError, match=sentence):
        dj.train(net, dj.rnn_sgd(0.1), task, keys=dj.seed_keys(0, 1), num_updates=1)


def test_another_machine_may_round_the_mean_input(task):
    described = fingerprint.describe(task)
    task.input_mean += 1e-9
    assert fingerprint.describe(task) == described
    task.length += 1
    assert fingerprint.describe(task) != described


def test_ngrams_are_those_of_counting_in_a_dictionary():
    rng = np.random.default_rng(0)
    train, valid, test = (rng.integers(5, size=n) for n in (200, 30, 40))
    found = ngrams.perplexities(train, valid, test, 5, first=0)

    def perplexity(text, weight):
        logs = []
        for before, word in zip([0, *text[:-1]], text, strict=True):
            seen = [w for b, w in zip([0, *train[:-1]], train, strict=True) if b == before]
            double = seen.count(word) / len(seen)
            logs.append(np.log(weight * double + (1 - weight) * np.mean(train == word)))
        return np.exp(-np.mean(logs))

    assert found["unigram model"] == pytest.approx(perplexity(test, 0.0))
    best = min(np.arange(0.05, 1.0, 0.05), key=lambda w: perplexity(valid, w))
    assert found["bigram model"] == pytest.approx(perplexity(test, best))
