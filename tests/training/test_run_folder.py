"""A run's folder: one process, one run, any number of devices, and nothing is unpickled."""

import errno
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import filelock
import golden
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from helpers.folders import read_files
from helpers.small_runs import NET, adding, assert_same_run, fit

import dalejax as dj
from dalejax.analysis import results
from dalejax.runtime.messages import RunWarning
from dalejax.storage import checkpoint
from dalejax.storage.atomic import replace_atomically
from dalejax.training import fingerprint, run_folder

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parents[1] / "golden_runs"


@pytest.fixture(scope="module")
def half(tmp_path_factory) -> Path:
    """A run of six updates, kept in a folder."""
    folder = tmp_path_factory.mktemp("half") / "run"
    fit(num_updates=6, checkpoint_dir=folder, checkpoint_every=3)
    return folder


@pytest.fixture
def folder(half, tmp_path) -> Path:
    """A copy of it."""
    shutil.copytree(half, tmp_path / "run")
    return tmp_path / "run"


# --- one process ----------------------------------------------------------------------------------

HOLD = """
import sys, time
from pathlib import Path
from dalejax.training import run_folder
with run_folder.lock(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(600)
"""


def hold(folder: Path) -> subprocess.Popen:
    """Lock a folder in another process."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stdout.readline() == "locked\n"
    return process


def test_a_second_process_is_refused_until_the_first_one_ended(half, folder):
    before = read_files(folder)
    process = hold(folder)
    try:
        with pytest.raises(ValueError, match="another process trains there") as error:
            fit(checkpoint_dir=folder, resume=True)
        assert str(folder) in str(error.value)
        assert read_files(folder) == before
    finally:
        process.send_signal(signal.SIGKILL)  # a crash: nothing is cleaned up
        process.communicate()
    assert (folder / run_folder.LOCK).exists()
    assert_same_run(fit(checkpoint_dir=folder, resume=True), fit())


def test_a_lock_file_without_its_process_locks_nobody_out(folder):
    (folder / run_folder.LOCK).write_text("4242")
    assert fit(checkpoint_dir=folder, resume=True).update == 12


def test_the_lock_is_given_back_after_an_error(folder):
    with pytest.raises(ValueError, match="eval_every is 4 and was 3"):
        fit(checkpoint_dir=folder, resume=True, eval_every=4)
    with filelock.FileLock(folder / run_folder.LOCK, timeout=0):
        pass


# --- one run --------------------------------------------------------------------------------------

OTHER = {
    "n_i": (
        {"net": dj.RecurrentNetwork([dj.ColEICell(8, n_i=1)], dj.ColEIDense(1))},
        r"network.cells\[0\].n_i is 1 and was 2",
    ),
    "rho": (
        {"net": dj.RecurrentNetwork([dj.ColEICell(8, n_i=2, rho=1.0)], dj.ColEIDense(1))},
        r"network.cells\[0\].rho is 1.0 and was 1.5",
    ),
    "cell": (
        {"net": dj.RecurrentNetwork([dj.DANNCell(8, n_i=2)], dj.DANNDense(1))},
        r"the class of network.cells\[0\] is DANNCell and was ColEICell",
    ),
    "keys": ({"keys": dj.seed_keys(1, 5)}, r"keys is .* and was "),
    "task": ({"task": adding(batch_size=8)}, "task.batch_size is 8 and was 16"),
    "data": ({"task": adding(seed=1)}, r"task.data.train\[0\] is .* and was "),
    "eval_every": ({"eval_every": 4}, "eval_every is 4 and was 3"),
    "one member less": (
        {"keys": dj.seed_keys(0, 4), "hyperparams": {"bad_at": np.full(4, 1000)}},
        r"keys is .*\[4\] .* and was .*\[5\]",
    ),
    "params": ({"params": "drawn"}, r"params.* is .* and was absent"),
}


@pytest.mark.parametrize("what", OTHER)
def test_another_run_is_refused_and_each_field_named_with_both_values(half, what):
    options, message = OTHER[what]
    if "params" in options:
        draw = jax.vmap(lambda key: NET.init(key, jnp.zeros((1, 1, 2)))["params"])
        options = {"params": draw(dj.seed_keys(3, 5))}
    before = read_files(half)
    with pytest.raises(ValueError, match=message) as error:
        fit(checkpoint_dir=half, resume=True, **options)
    assert str(half) in str(error.value) and "\n" not in str(error.value)
    assert read_files(half) == before


@pytest.mark.long
@pytest.mark.parametrize(
    ("tx", "message"),
    [
        (dj.colei_sgd(0.02, clip=7.0), r"gradients of 1e-3 is .* and was .*gradients of 1e3 is"),
        (
            dj.colei_sgd(0.01, clip=5.0),
            r"another run: the norm of [^;]* for gradients of 1e3 is",
        ),
        (optax.adam(0.01), r"gradients of 1e-3 is .* and was "),
        (
            optax.chain(dj.clip_by_tensor_norm(7.0), optax.sgd(0.01)),
            r"tiny parameters after .* is ",
        ),
    ],
    ids=["learning rate", "clip", "another one", "without projection"],
)
def test_another_optimiser_is_seen_by_what_it_does(tmp_path, tx, message):
    options = {"hyperparams": {}, "checkpoint_dir": tmp_path / "run", "num_updates": 3}
    fit([0, 1], tx=dj.colei_sgd(0.01, clip=7.0), **options)
    with pytest.raises(ValueError, match=message):
        fit([0, 1], tx=tx, **options, resume=True)
    # Made anew, it is the same.
    fit([0, 1], tx=dj.colei_sgd(0.01, clip=7.0), **options, resume=True)


def test_many_differences_are_counted(half):
    with pytest.raises(ValueError, match=r"; and [0-9]+ more; use another folder"):
        net = dj.RecurrentNetwork([dj.ColEICell(9, n_i=3, rho=1.0)], dj.ColEIDense(1))
        fit(net=net, task=adding(batch_size=8), eval_every=4, checkpoint_dir=half, resume=True)


@pytest.mark.parametrize("revision", ["9b76fa6", None])
def test_a_run_of_a_class_that_was_renamed_since_is_refused_in_one_sentence(folder, revision):
    path = folder / run_folder.NAME
    saved = json.loads(path.read_text())
    saved["run"]["network"]["cells"][0]["is"] = "SpectralColEICell"
    saved["git"] = revision
    path.write_text(json.dumps(saved))
    before = read_files(folder)
    with pytest.raises(ValueError) as error:
        fit(checkpoint_dir=folder, resume=True)
    at = f" at revision {revision}" if revision else ""
    assert str(error.value) == (
        f"{folder} holds another run: the class of network.cells[0] is ColEICell and was "
        "SpectralColEICell; use another folder, or the settings that it was begun with (where a "
        f"class was only renamed, use dalejax {dj.__version__}{at})."
    )
    assert read_files(folder) == before


def test_hyperparams_are_part_of_a_run(tmp_path):
    def train(rates, **options):
        return fit(
            [0, 1],
            tx=lambda rate: dj.colei_sgd(rate, clip=7.0),
            hyperparams={"rate": np.array(rates)},
            checkpoint_dir=tmp_path / "run",
            num_updates=3,
            **options,
        )

    train([0.1, 0.2])
    with pytest.raises(ValueError, match=r"hyperparams.rate is .* 0.3 and was .* 0.2"):
        train([0.1, 0.3], resume=True)
    train([0.1, 0.2], resume=True)


def test_a_description_does_not_depend_on_the_process():
    """No addresses of objects, no hashes: what is described is the same tomorrow."""
    script = (
        "import dalejax as dj; from dalejax.training import fingerprint, run_spec\n"
        "net = dj.RecurrentNetwork([dj.DANNCell(8, n_i=2)], dj.DANNDense(1))\n"
        "task = dj.tasks.AddingProblem(num_train=64, num_test=16)\n"
        "keys = dj.seed_keys(0, 2)\n"
        "spec = run_spec.RunSpec.checked(net, dj.dann_sgd(0.1), task, keys=keys)\n"
        "this = fingerprint.identity(spec, 5)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{script}import json; print(json.dumps(this))"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONHASHSEED": "7", "PYTHONPATH": str(ROOT)},
    )
    here: dict = {}
    exec(script, here)
    assert "0x" not in done.stdout
    assert fingerprint.differences(json.loads(done.stdout), here["this"]) == []


def test_what_made_the_run_is_frozen_beside_it(half):
    saved = json.loads((half / run_folder.NAME).read_text())
    assert saved["versions"]["dalejax"] == dj.__version__ and saved["versions"]["jax"]
    assert saved["devices"]["count"] == jax.device_count()
    assert "git" in saved and saved["run"]["network"]["cells"][0]["n_i"] == 2


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"run": 3}', '{"run": {}}'])
def test_a_broken_description_is_named(folder, content):
    (folder / run_folder.NAME).write_text(content)
    before = read_files(folder)
    with pytest.raises(ValueError, match=r"train.json is broken"):
        fit(checkpoint_dir=folder, resume=True)
    assert read_files(folder) == before


# --- damage, from outside -------------------------------------------------------------------------


def test_a_damaged_checkpoint_costs_nothing_but_time(folder):
    newest = folder / "checkpoints" / "6"
    path = max((p for p in newest.rglob("*") if p.is_file()), key=lambda p: p.stat().st_size)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.warns(RunWarning, match="continues after 3 updates"):
        run = fit(num_updates=6, checkpoint_dir=folder, checkpoint_every=3, resume=True)
    assert_same_run(run, fit(num_updates=6))
    written = results.read_table(folder / "metrics.parquet")
    assert written["update"].unique().tolist() == [3, 6]  # cut back, then made again


def test_the_table_is_cut_back_to_the_checkpoint(folder):
    """A crash between checkpoint and table, or a damaged checkpoint: no row twice, none missing."""
    table = results.read_table(folder / "metrics.parquet")
    results.write_table(table[table["update"] == 3], folder / "metrics.parquet")
    fit(num_updates=6, checkpoint_dir=folder, resume=True)
    assert results.read_table(folder / "metrics.parquet").equals(table)


def test_leftovers_of_a_killed_process_are_cleared_away(folder):
    (folder / "checkpoints" / "writing-9").mkdir()
    (folder / ".metrics.parquet.123.tmp").write_text("half")
    fit(checkpoint_dir=folder, resume=True)
    assert not (folder / "checkpoints" / "writing-9").exists()
    assert not (folder / ".metrics.parquet.123.tmp").exists()


def test_a_run_killed_before_its_first_checkpoint_begins_anew(folder):
    shutil.rmtree(folder / "checkpoints")
    assert_same_run(fit(checkpoint_dir=folder, resume=True), fit())


def test_a_read_only_folder_is_named(mount, tmp_path):
    mount("-t", "tmpfs", "-o", "ro", "none", tmp_path)
    with pytest.raises(OSError, match="cannot be written") as error:
        fit(checkpoint_dir=tmp_path / "run")
    assert str(tmp_path / "run") in str(error.value)


def test_a_run_in_a_read_only_folder(half, mount, tmp_path):
    """Somebody else's run: refused with its name, not with a traceback out of the lock."""
    place = tmp_path / "place"
    shutil.copytree(half, place)
    mount("--bind", "-o", "ro", place, place)
    with pytest.raises(OSError, match="cannot be written") as error:
        fit(checkpoint_dir=place, resume=True)
    assert str(place) in str(error.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OSError, match="cannot be written"):
        fit(checkpoint_dir=tmp_path / "run")
    tmp_path.chmod(0o700)


def test_a_full_disk_is_named(tmp_path):
    def write(path):
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "new" / "metrics.parquet"
    with pytest.raises(
        OSError, match=r"metrics.parquet cannot be written \(No space left"
    ) as error:
        replace_atomically(path, write)
    assert str(path) in str(error.value) and not list(path.parent.iterdir())


@pytest.mark.usefixtures("untyped")
def test_numpy_integers_are_numbers(tmp_path):
    run = fit(
        num_updates=np.int64(6),
        eval_every=np.int32(3),
        keep_checkpoints=np.int64(1),
        checkpoint_dir=tmp_path / "run",
    )
    assert run.update == 6 == checkpoint.Store(tmp_path / "run").newest()


# --- devices and versions -------------------------------------------------------------------------


def test_other_versions_are_said(folder):
    path = folder / run_folder.NAME
    saved = json.loads(path.read_text())
    saved["versions"]["jax"] = "0.0.1"
    path.write_text(json.dumps(saved))
    with pytest.warns(RunWarning, match=r"versions.jax is .* and was 0.0.1\): the run continues"):
        fit(checkpoint_dir=folder, resume=True)


@pytest.mark.filterwarnings("ignore::dalejax.runtime.messages.RunWarning")
@pytest.mark.parametrize("version", sorted(path.name for path in GOLDEN.iterdir()))
def test_runs_of_earlier_versions_are_read(version, tmp_path):
    """Each folder was written by `python tests/golden.py`, run with that version."""
    shutil.copytree(GOLDEN / version / "run", tmp_path / "run")
    arrays = checkpoint.Store(tmp_path / "run").load(6)
    expected = np.load(GOLDEN / version / "arrays.npz")
    assert arrays.keys() == set(expected.files)
    for name in expected.files:
        np.testing.assert_array_equal(arrays[name], expected[name], strict=True)
    run = golden.train(tmp_path / "run", 9)
    assert run.update == 9 and run.table["update"].unique().tolist() == [3, 6, 9]
    before = results.read_table(GOLDEN / version / "run" / "metrics.parquet")
    assert run.table[run.table["update"] <= 6].reset_index(drop=True).equals(before)


def test_this_version_has_a_golden_run():
    minor = ".".join(dj.__version__.split(".")[:2])
    assert (GOLDEN / minor).is_dir()


# --- divergence -----------------------------------------------------------------------------------

NEVER = 99
SICK = [NEVER, 4, NEVER, NEVER, 8]


def test_stop_on_divergence_saves_and_says_who(tmp_path):
    folder = tmp_path / "run"
    options = {"checkpoint_dir": folder, "checkpoint_every": 6, "bad_at": SICK}
    with pytest.raises(dj.Diverged) as error:
        fit(**options, on_divergence="stop")
    text = str(error.value)
    assert "1 of 5 members diverged (member 1 at update 5)" in text and str(folder) in text
    assert error.value.run.update == 6 == checkpoint.Store(folder).newest()
    with pytest.raises(dj.Diverged) as error:  # it has diverged already
        fit(**options, resume=True, on_divergence="stop")
    assert error.value.run.update == 6
    run = fit(**options, resume=True)  # freeze: as if it had never stopped
    assert run.began == 6
    assert_same_run(run, fit(bad_at=SICK))


def test_stop_without_a_folder():
    with pytest.raises(dj.Diverged, match=r"stopped after 6 updates\.$") as error:
        fit(bad_at=SICK, on_divergence="stop")
    assert error.value.run.diverged_at.tolist() == [-1, 5, -1, -1, -1]


def test_without_divergence_stop_changes_nothing():
    assert_same_run(fit(on_divergence="stop"), fit())


def test_a_lost_member_is_in_the_table():
    table = fit(bad_at=SICK).table
    lost = table[table["metric"] == "diverged"]
    assert lost[["member", "update", "value"]].to_numpy().tolist() == [[1, 5, 1], [4, 9, 1]]
    assert results.summary(results.final_values(table, "test_mse"))["text"].endswith(
        "(3 of 5, 2 diverged)"
    )


# --- trust ----------------------------------------------------------------------------------------


def test_nothing_is_unpickled(folder, monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("something is unpickled")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    run = fit(checkpoint_dir=folder, resume=True)
    results.read_table(folder / "metrics.parquet")
    dj.datasets.load("digits")
    assert run.update == 12


def test_typed_keys_in_the_optimiser_are_resumed(tmp_path):
    """Noise on the gradient: its key is a part of the optimiser's state."""
    tx = optax.chain(optax.add_noise(0.1, 0.5, key=jax.random.key(1)), dj.colei_sgd(0.01, clip=7.0))
    folder = tmp_path / "run"
    options = {"tx": tx, "hyperparams": {}}
    fit([0, 1], **options, num_updates=6, checkpoint_dir=folder)
    run = fit([0, 1], **options, checkpoint_dir=folder, resume=True)
    whole = fit([0, 1], **options)
    for a, b in zip(jax.tree.leaves(run.params), jax.tree.leaves(whole.params), strict=True):
        np.testing.assert_array_equal(a, b)
