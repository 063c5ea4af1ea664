"""Signals: stopped after the updates in hand, saved, and continued to the same bits."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from helpers.small_runs import assert_same_run, fit

from dalejax.analysis import results
from dalejax.runtime import multihost, signals
from dalejax.storage import checkpoint
from dalejax.training import history, run_folder

ROOT = Path(__file__).parents[2]
TRAIN = (
    "train --task adding --cell rnn --n 4 --seeds 2 --updates 100000 --eval-every 5 "
    "--checkpoint-every 1000 --no-progress --out"
)


def signal_after(update: int, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a signal come after the chunk that ends at an update."""
    describe = history.History.describe

    def raise_signal(history, score):
        if history.updates[-1] == update:
            signal.raise_signal(number)
            time.sleep(0.5)  # until the thread that listens has heard it
        return describe(history, score)

    monkeypatch.setattr(history.History, "describe", raise_signal)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_a_run_that_is_continued_to_the_same_bits(
    number, tmp_path, monkeypatch, capsys
):
    whole = fit()
    handlers = [signal.getsignal(n) for n in signals.SIGNALS]
    folder = tmp_path / "run"
    with monkeypatch.context() as patch, pytest.raises(signals.Interrupted) as stop:
        signal_after(6, number, patch)
        fit(checkpoint_dir=folder, checkpoint_every=12)
    assert stop.value.code == 128 + number and stop.value.signal == number
    err = capsys.readouterr().err
    assert f"{signal.Signals(number).name} received: the run is saved and stops" in err
    assert f"stopped after 6 of 12 updates; {folder} was saved." in err
    assert checkpoint.Store(folder).updates == [6]
    assert results.read_table(folder / "metrics.parquet")["update"].max() == 6
    assert [signal.getsignal(n) for n in signals.SIGNALS] == handlers
    assert_same_run(fit(checkpoint_dir=folder, resume=True), whole)


def test_a_signal_while_the_end_is_saved_is_not_forgotten(tmp_path, monkeypatch):
    folder, save = tmp_path / "run", run_folder.RunFolder.save

    def signalled(*arguments):
        save(*arguments)
        signal.raise_signal(signal.SIGTERM)
        time.sleep(0.5)

    with monkeypatch.context() as patch, pytest.raises(signals.Interrupted):
        patch.setattr(run_folder.RunFolder, "save", signalled)
        fit(checkpoint_dir=folder, checkpoint_every=12)
    run = fit(checkpoint_dir=folder, resume=True)
    assert run.began == run.update == 12
    assert_same_run(run, fit())


def test_without_a_folder_signals_are_left_alone(monkeypatch):
    # A job in the background may have been started with SIGINT ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            signal_after(6, signal.SIGINT, patch)
            fit()
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread_nothing_is_watched(tmp_path):
    """Only the main thread may set handlers; training works in any."""
    runs = []
    thread = threading.Thread(target=lambda: runs.append(fit(checkpoint_dir=tmp_path / "run")))
    thread.start()
    thread.join()
    assert_same_run(runs[0], fit())


# --- the program ----------------------------------------------------------------------------------


def start(*arguments: str) -> subprocess.Popen:
    """Start a dalejax command."""
    return subprocess.Popen(
        [sys.executable, "-m", "dalejax.commands.main", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def wait_for(path: Path, running: subprocess.Popen) -> None:
    """Wait until a file or folder is there."""
    deadline = time.monotonic() + 120
    while not path.exists():
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def running(tmp_path):
    """A long run, in the middle of its updates."""
    process = start(*TRAIN.split(), str(tmp_path / "run"))
    try:
        wait_for(tmp_path / "run" / "checkpoints" / "1000", process)
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_program_says_how_to_resume_and_exits_with_the_signal(number, running, tmp_path):
    running.send_signal(number)
    out, err = running.communicate(timeout=120)
    assert running.returncode == 128 + number
    assert f"dalejax resume {tmp_path / 'run'} continues" in err
    assert out == "" and "Traceback" not in err
    store = checkpoint.Store(tmp_path / "run")
    assert store.newest() >= 1000
    assert results.read_table(tmp_path / "run/metrics.parquet")["update"].max() == store.latest


def test_a_second_signal_stops_at_once(tmp_path, monkeypatch):
    """Saving takes for ever here; the second signal does not wait for it."""
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, time\n"
        "from dalejax.commands import main as cli\n"
        "from dalejax.training import run_folder\n"
        "def save(*_): print('saving', flush=True); time.sleep(600)\n"
        "save_once = run_folder.RunFolder.save\n"
        "def slow(folder, update, *rest):\n"
        "    save_once(folder, update, *rest) if update == 1000 else save()\n"
        "run_folder.RunFolder.save = slow\n"
        "sys.exit(cli.main(sys.argv[1:]))\n"
    )
    folder = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, str(script), *TRAIN.split(), str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    try:
        wait_for(folder / "checkpoints" / "1000", process)
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "saving\n"
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        assert time.monotonic() - began < 30
        assert process.returncode == 128 + signal.SIGTERM
    finally:
        process.kill()
        process.communicate()
    assert checkpoint.Store(folder).newest() == 1000


def test_an_exit_code_is_that_of_the_signal():
    assert signals.Interrupted(signal.SIGINT).code == 130
    assert issubclass(signals.Interrupted, SystemExit)


def test_all_processes_hear_of_a_signal_of_one(monkeypatch):
    """What stop_signal answers is one of any process's signals."""
    monkeypatch.setattr(multihost, "gather", lambda number: np.array([number, signal.SIGTERM]))
    assert signals.Watch().stop_signal() == signal.SIGTERM
