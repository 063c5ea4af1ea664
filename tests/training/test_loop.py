"""Training: members never meet, a stop loses nothing, every trial is shown, bad input stops."""

import faulthandler
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pandas as pd
import pytest
from helpers.folders import read_files
from helpers.small_runs import (
    KEYS,
    NET,
    NEVER,
    TASK,
    UPDATES,
    adding,
    assert_identical,
    assert_same_run,
    fit,
)

import dalejax as dj
from dalejax import streams
from dalejax.analysis import results
from dalejax.training import evaluation, history, step

SICK = [NEVER, 4, NEVER, 0, NEVER]


def of_run(run: dj.Run, i: int):
    return jax.tree.map(lambda leaf: leaf[i], (run.params, run.opt_state))


def rows(run: dj.Run, i: int) -> pd.DataFrame:
    chosen = run.table[run.table.member == i]
    return chosen.drop(columns="member").reset_index(drop=True)


@pytest.fixture(scope="module")
def five() -> dj.Run:
    """Five members: no multiple of two or of four devices."""
    return fit()


# --- members never meet ---------------------------------------------------------------------------


@pytest.mark.parametrize("company", [[3], [3, 4, 1]])
def test_a_member_is_the_same_whoever_trains_beside_it(five, company):
    run = fit(company)
    assert_identical(of_run(run, 0), of_run(five, 3))
    pd.testing.assert_frame_equal(rows(run, 0), rows(five, 3), check_exact=True)


def test_a_member_is_the_same_on_any_number_of_devices(five):
    run = fit(devices=jax.devices()[:1])
    assert_identical((run.params, run.opt_state), (five.params, five.opt_state))
    # For a single device XLA makes a program that rounds the evaluation differently.
    pd.testing.assert_frame_equal(run.table, five.table, rtol=1e-6)


def test_vmap_and_map_agree(five):
    vmapped = fit(member_map="vmap")
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5),
        vmapped.params,
        five.params,
    )
    np.testing.assert_allclose(vmapped.table.value, five.table.value, rtol=1e-4, atol=1e-5)


def test_orthogonal_starts_do_not_block_each_other():
    """LAPACK's batched factorisations do, when vectorised on several host devices."""
    cell = dj.RNNCell(8, recurrent_init=dj.initializers.orthogonal)
    net = dj.RecurrentNetwork([cell], dj.Dense(1))
    faulthandler.dump_traceback_later(120, exit=True)
    try:
        run = fit(net=net, tx=dj.rnn_sgd(0.01), hyperparams=None, num_updates=1, member_map="vmap")
    finally:
        faulthandler.cancel_dump_traceback_later()
    assert np.isfinite(run.table.value).all()


def test_members_differ(five):
    W = NET.effective(five.params)[0].W
    assert len(np.unique(np.asarray(W[:, 0, -1]))) == 5


@pytest.fixture(scope="module")
def sick() -> dj.Run:
    """Members 1 and 3 blow up at updates 5 and 1."""
    return fit(bad_at=SICK)


def test_a_nan_stays_at_home(five, sick):
    assert sick.diverged_at.tolist() == [-1, 5, -1, 1, -1]
    assert five.diverged_at.tolist() == [-1] * 5
    for i in (0, 2, 4):
        assert_identical(of_run(sick, i), of_run(five, i))
        pd.testing.assert_frame_equal(rows(sick, i), rows(five, i), check_exact=True)


def test_a_diverged_member_is_frozen_at_its_last_finite_state(sick):
    assert_identical(of_run(sick, 1), of_run(fit(num_updates=4, eval_every=4), 1))
    start = NET.init(jax.random.fold_in(KEYS[3], streams.Stream.INIT), jnp.zeros((1, 1, TASK.n_in)))
    params, opt_state = of_run(sick, 3)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), params, start["params"])
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((params, opt_state)))


def test_a_diverged_members_metrics_are_nan_from_then_on(five, sick):
    table = sick.table[sick.table["metric"] != "diverged"]
    then = table["member"].eq(1) & table["update"].ge(5) | table["member"].eq(3)
    assert table["value"].isna().tolist() == then.tolist()
    before = rows(sick, 1).query("update < 5")
    pd.testing.assert_frame_equal(before, rows(five, 1).query("update < 5"), check_exact=True)


def test_per_member_learning_rates_and_clips_equal_constants():
    hyperparams = {"learning_rate": np.float32([0.01, 0.05]), "clip": np.float32([5.0, 0.3])}
    both = fit([0, 1], tx=dj.colei_sgd, hyperparams=hyperparams, num_updates=3)
    for i in (0, 1):
        tx = dj.colei_sgd(*(float(values[i]) for values in hyperparams.values()))
        alone = fit([i], tx=tx, hyperparams=None, num_updates=3)
        for ours, theirs in zip(
            jax.tree.leaves(both.params), jax.tree.leaves(alone.params), strict=True
        ):
            np.testing.assert_allclose(ours[i], theirs[0], rtol=1e-6, atol=1e-7)


def test_given_params_are_the_start(five):
    """Members that blow up at their first update stay as they were given."""
    run = fit(num_updates=1, bad_at=[0] * 5, params=five.params)
    assert run.diverged_at.tolist() == [1] * 5
    assert_identical(run.params, five.params)


# --- nothing lost ---------------------------------------------------------------------------------


def stop_at(update: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupt training after the chunk that ends at an update, before its checkpoint."""
    describe = history.History.describe

    def interrupt(history, score):
        if history.updates[-1] == update:
            raise KeyboardInterrupt
        return describe(history, score)

    monkeypatch.setattr(history.History, "describe", interrupt)


def test_resume_equals_no_interruption(sick, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    run = {"checkpoint_dir": folder, "checkpoint_every": 6, "resume": True, "bad_at": SICK}
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        stop_at(9, patch)
        fit(**run)
    assert [path.name for path in (folder / "checkpoints").iterdir()] == ["6"]
    assert_same_run(fit(**run), sick)
    assert_same_run(fit(**run), sick)  # finished: nothing is left to do
    written = results.read_table(folder / "metrics.parquet")
    pd.testing.assert_frame_equal(written, sick.table, check_exact=True, check_dtype=False)


@pytest.fixture(scope="module")
def half(tmp_path_factory) -> Path:
    """A run of six updates, kept in a folder."""
    folder = tmp_path_factory.mktemp("half") / "run"
    fit(num_updates=6, checkpoint_dir=folder)
    return folder


def test_more_updates_continue_a_shorter_run(five, half, tmp_path):
    folder = tmp_path / "run"
    for path, content in read_files(half).items():
        copy = folder / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(content)
    assert_same_run(fit(checkpoint_dir=folder, resume=True), five)


def test_a_run_is_not_overwritten(half):
    before = read_files(half)
    with pytest.raises(FileExistsError, match="holds a run already"):
        fit(checkpoint_dir=half)
    assert read_files(half) == before


# --- the loop -------------------------------------------------------------------------------------


@pytest.mark.parametrize("eval_every", [5, 7])
def test_chunk_boundaries_do_not_matter(five, eval_every):
    run = fit(eval_every=eval_every)
    assert_identical((run.params, run.opt_state), (five.params, five.opt_state))
    assert run.table["update"].unique().tolist() == [
        *range(eval_every, UPDATES, eval_every),
        UPDATES,
    ]


def test_equal_chunks_are_compiled_once(monkeypatch):
    compiled = []

    def listen(event, duration, **_):
        del duration
        if event == "/jax/core/compile/backend_compile_duration":
            compiled.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    counts, add = [], history.History.add

    def counting(history, update, metrics):
        counts.append(len(compiled))
        add(history, update, metrics)

    monkeypatch.setattr(history.History, "add", counting)
    try:
        fit([0, 1, 2])
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    assert len(counts) == 4 and counts[0] > 0
    assert len(set(counts)) == 1


@pytest.mark.parametrize("trials", [64, 50])
def test_an_epoch_shows_every_trial(trials):
    task = adding(num_train=trials)
    # Each input carries its trial's number.
    inputs, _ = task.data["train"]
    numbered = np.broadcast_to(np.arange(trials)[:, None, None], inputs.shape)
    data = task.data | {"train": (jnp.asarray(numbered, jnp.float32), jnp.arange(trials))}
    order = task.order(data, key=jax.random.key(3))
    batches = [
        task.batch(data, order, jnp.int32(i), key=jax.random.key(0))
        for i in range(task.updates_per_epoch)
    ]
    assert all(batch.inputs.shape == (6, 16, 2) for batch in batches)
    shown = np.concatenate([batch.targets for batch in batches])
    counts = np.bincount(shown, minlength=trials)
    assert (counts >= 1).all() and counts.sum() == 16 * task.updates_per_epoch
    # Only what fills the last batch comes twice, and it is of the batch before.
    assert set(np.flatnonzero(counts == 2)) <= set(np.asarray(batches[-2].targets))
    for batch in batches:
        np.testing.assert_array_equal(batch.inputs[0, :, 0], batch.targets)
    another = task.order(data, key=jax.random.key(4))
    assert not np.array_equal(order, another)


@pytest.mark.parametrize("length", [1, 3, 4, 5, 9])
def test_a_chunk_draws_the_epochs_that_it_needs(length):
    """Update u of any chunk sees the order of epoch u // updates_per_epoch."""
    for first in range(9):
        orders, first_epoch = jax.jit(step.orders_of, static_argnums=(0, 4))(
            TASK, TASK.data, KEYS[0], jnp.int32(first), length
        )
        for u in range(first, first + length):
            epoch = u // TASK.updates_per_epoch
            key = jax.random.fold_in(jax.random.fold_in(KEYS[0], streams.Stream.EPOCH), epoch)
            expected = TASK.order(TASK.data, key=key)
            np.testing.assert_array_equal(orders[epoch - int(first_epoch)], expected)


@pytest.mark.parametrize("at_once", [16, 6, 1])
def test_evaluation_is_the_mean_over_the_test_set(five, at_once):
    task = adding()
    task.test_batch_size = at_once
    params = jax.tree.map(lambda leaf: leaf[2], five.params)
    inputs, targets = (np.asarray(array) for array in task.data["test"])
    outputs = NET.apply({"params": params}, jnp.asarray(inputs.transpose(1, 0, 2)))
    expected = np.square(np.float64(outputs[:, 0]) - targets).mean()
    data = jax.tree.map(jnp.asarray, task.data)
    measured = evaluation.evaluate(NET, task, params, data)["test_mse"]
    assert float(measured) == pytest.approx(expected, rel=1e-5)
    if at_once == 16:
        table = results.by_member(five.table, "test_mse")
        assert table.loc[UPDATES, 2] == pytest.approx(expected, rel=1e-5)


def test_the_train_loss_is_that_of_the_updates():
    """The first update's loss is the loss of the starting network on the first batch."""
    run = fit([2], num_updates=1, eval_every=1)
    start = NET.init(jax.random.fold_in(KEYS[2], streams.Stream.INIT), jnp.zeros((1, 1, TASK.n_in)))
    key = jax.random.fold_in(jax.random.fold_in(KEYS[2], streams.Stream.EPOCH), 0)
    order = TASK.order(TASK.data, key=key)
    batch = TASK.batch(jax.tree.map(jnp.asarray, TASK.data), order, jnp.int32(0), key=key)
    expected = TASK.loss(NET.apply(start, batch.inputs), batch.targets)
    value = run.table.query("metric == 'train_loss'").value.item()
    assert value == pytest.approx(float(expected), rel=1e-5)


def test_the_table_is_tidy(five, tmp_path):
    table = five.table
    assert table.columns.tolist() == ["member", "update", "metric", "value"]
    assert len(table) == 5 * 4 * 2
    assert table["update"].unique().tolist() == [3, 6, 9, 12]
    assert sorted(table.metric.unique()) == ["test_mse", "train_loss"]
    by = ["member", "update", "metric"]
    assert not table.duplicated(by).any()
    pd.testing.assert_frame_equal(table, table.sort_values(by, ignore_index=True))
    results.write_table(table, tmp_path / "metrics.parquet")
    read = results.read_table(tmp_path / "metrics.parquet")
    pd.testing.assert_frame_equal(read, table, check_exact=True, check_dtype=False)


# --- bad input ------------------------------------------------------------------------------------


class Broken(dj.tasks.DatasetTask):
    """Enough of a task to be refused."""

    encode = loss = scores = None


def test_data_that_are_not_finite_are_refused():
    good = (np.zeros((4, 2)), np.zeros(4))
    bad = (np.full((4, 2), np.nan), np.zeros(4))
    for train, test, which in ((bad, good, "train"), (good, bad, "test")):
        with pytest.raises(ValueError, match=f"the {which} set holds non-finite numbers"):
            Broken(train, test, batch_size=2)
    for size in (0, -1, 5):
        with pytest.raises(ValueError, match=f"batch_size is {size}"):
            Broken(good, good, batch_size=size)


def test_a_plain_optax_transformation_trains():
    """No extra arguments are passed to a transformation that takes none."""
    run = fit([0], tx=optax.chain(optax.adam(1e-3)), hyperparams=None, num_updates=3)
    assert run.update == 3 and run.diverged_at.tolist() == [-1]


def test_a_score_that_no_set_has_is_refused_before_anything_is_done(tmp_path):
    task = dj.tasks.AddingProblem(4, batch_size=8, num_train=32, num_test=8)
    task.score = "valid_mse"  # there is no validation set
    net = dj.RecurrentNetwork([dj.RNNCell(3)], dj.Dense(1))
    with pytest.raises(ValueError, match=r"the score of adding is 'valid_mse'; it .*: test_…"):
        dj.train(
            net,
            dj.rnn_sgd(0.1),
            task,
            keys=dj.seed_keys(0, 1),
            num_updates=1,
            checkpoint_dir=tmp_path / "run",
        )
    assert not (tmp_path / "run").exists()


class OneBadBatch(dj.tasks.AddingProblem):
    """Its second batch holds no numbers."""

    def batch(self, data, order, i, *, key):
        batch = super().batch(data, order, i, key=key)
        return batch._replace(inputs=jnp.where(i == 1, jnp.nan, batch.inputs))


def test_an_optimiser_may_leave_a_bad_batch_out():
    task = OneBadBatch(6, batch_size=16, num_train=64, num_test=16)
    run = fit([0], task=task, tx=optax.apply_if_finite(optax.sgd(0.1), 5), hyperparams={})
    assert run.diverged_at.tolist() == [-1]
    assert int(run.opt_state.total_notfinite[0]) == UPDATES // task.updates_per_epoch
    assert fit([0], task=task, tx=optax.sgd(0.1), hyperparams={}).diverged_at.tolist() == [2]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"tx": optax.MultiSteps(optax.sgd(0.1), 2)}, "pass its .gradient_transformation"),
        (
            {"tx": optax.sgd(0.1), "hyperparams": {"rate": np.ones(5)}},
            "hyperparams has rate, but tx is a transformation",
        ),
        (
            {"net": dj.RecurrentNetwork([dj.ColEICell(8, n_i=3)], dj.ColEIDense(1))},
            "params has cells_0.signs .*2.*; the network's are .*3",
        ),
    ],
)
def test_what_would_be_passed_over_is_refused(given, message, untyped):
    params = dj.initial_params(NET, TASK, keys=KEYS)
    with pytest.raises(ValueError, match=message):
        fit(**({"params": params, "tx": dj.colei_sgd(0.1), "hyperparams": {}} | given))
