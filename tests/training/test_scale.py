"""Scale out: any number of devices and processes train the same networks."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from dalejax.analysis import results
from dalejax.commands import main
from dalejax.storage import checkpoint

pytestmark = pytest.mark.long
WORKER = Path(__file__).parents[1] / "helpers" / "scale_worker.py"
HALF, WHOLE = 6, 12


def work(folder: Path, updates: int, devices: int, processes: int = 1) -> list[dict]:
    """Run the worker in so many processes; returns what each of them got."""
    folder.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    command = [sys.executable, str(WORKER), str(folder), str(updates), str(devices)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JAX_")}
    environment["PYTHONPATH"] = str(WORKER.parents[1])
    running = [
        subprocess.Popen(
            [*command, str(i), str(processes), str(port)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for i in range(processes)
    ]
    outputs = read(running)
    for i, output in enumerate(outputs):
        (folder / f"output-{i}.txt").write_text(output)
    for process, output in zip(running, outputs, strict=True):
        assert process.returncode == 0, output[-3000:]
    return [dict(np.load(folder / f"result-{i}.npz")) for i in range(processes)]


def read(running: list[subprocess.Popen]) -> list[str]:
    """Wait for the processes and read what they printed."""
    try:
        return [process.communicate(timeout=240)[0] for process in running]
    finally:
        for process in running:
            process.kill()


def _free_port() -> int:
    with contextlib.closing(socket.socket()) as free:
        free.bind(("localhost", 0))
        return free.getsockname()[1]


def assert_same(a: dict, b: dict) -> None:
    assert a.keys() == b.keys()
    for name, value in a.items():
        np.testing.assert_array_equal(value, b[name], err_msg=name)


@pytest.fixture(scope="module")
def together(tmp_path_factory) -> dict:
    """The whole run, without interruption, by one process of two devices."""
    return work(tmp_path_factory.mktemp("together"), WHOLE, devices=2)[0]


def test_eight_devices_train_the_same_networks(together, tmp_path):
    """Three of the eight have no member: padding, masked."""
    assert_same(work(tmp_path, WHOLE, devices=8)[0], together)


@pytest.fixture(scope="module")
def half(tmp_path_factory) -> Path:
    """Half of the run, by two processes of two devices, one device without a member."""
    folder = tmp_path_factory.mktemp("half")
    first, second = work(folder, HALF, devices=2, processes=2)
    assert_same(first, second)  # each has all members' results
    return folder


@pytest.mark.parametrize(("processes", "devices"), [(1, 2), (4, 1)])
def test_any_number_of_processes_continues_what_two_began(
    together, half, tmp_path, processes, devices
):
    shutil.copytree(half / "run", tmp_path / "run")
    for result in work(tmp_path, WHOLE, devices, processes):
        assert_same(result, together)


def test_four_devices_begin_and_two_go_on(together, tmp_path):
    """Mapped members keep their bits, but that they may differ is said."""
    work(tmp_path, HALF, devices=4)
    (result,) = work(tmp_path, WHOLE, devices=2)
    said = "begun elsewhere (devices.count is 2 and was 4)"
    assert said in (tmp_path / "output-0.txt").read_text()
    assert_same(result, together)


def test_all_processes_hear_of_a_folder_that_does_not_fit(half, tmp_path):
    shutil.copytree(half / "run", tmp_path / "run")
    (tmp_path / "run" / "train.json").write_text("{}")
    with pytest.raises(AssertionError, match=r"train.json is broken"):
        work(tmp_path, WHOLE, devices=1, processes=2)


def slurm(command: list[str], tasks: int) -> list[subprocess.Popen]:
    """Start a dalejax command as srun would start its tasks on one node."""
    job = {"SLURM_JOB_ID": str(_free_port()), "SLURM_STEP_NODELIST": "localhost"}
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JAX_")}
    environment |= {"PYTHONPATH": str(WORKER.parents[1]), "SLURM_NTASKS": str(tasks), **job}
    return [
        subprocess.Popen(
            [sys.executable, "-m", "dalejax.commands.main", *command, "--distributed"],
            env=environment | {"SLURM_PROCID": str(i), "SLURM_LOCALID": str(i)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for i in range(tasks)
    ]


def test_the_command_line_under_slurm(tmp_path):
    sizes = "--task adding --cell rnn --n 4 --seeds 3 --updates 4 --eval-every 2"
    command = ["train", *sizes.split(), "--out", str(tmp_path / "run")]
    started = slurm(command, tasks=2)
    first, second = read(started)
    assert [process.returncode for process in started] == [0, 0], first + second
    assert "test_mse" in first and first.rstrip().endswith(str(tmp_path / "run"))
    assert "test_mse" not in second
    # The folder is taken now: both stop, one says why.
    started = slurm(command, tasks=2)
    first, second = read(started)
    assert [process.returncode for process in started] == [2, 2]
    assert "which holds a run already" in first and "holds" not in second


def test_a_signal_to_one_process_stops_all_of_them(tmp_path):
    """All after the same update, saved; one process alone then ends it with the same bits."""
    options = "--task adding --cell rnn --n 4 --seeds 3 --eval-every 5 --checkpoint-every 5"
    folder = tmp_path / "run"
    command = ["train", *options.split(), "--no-progress", "--out", str(folder)]
    started = slurm([*command, "--updates", "1000000"], tasks=2)
    while not (folder / "checkpoints" / "10").exists():
        assert all(process.poll() is None for process in started), read(started)
        time.sleep(0.05)
    started[1].send_signal(signal.SIGTERM)
    first, second = read(started)
    assert [process.returncode for process in started] == [143, 143], first + second
    assert f"dalejax resume {folder} continues" in first and "Traceback" not in first + second
    store = checkpoint.Store(folder)
    update = store.newest()
    assert update >= 10 and results.read_table(folder / "metrics.parquet")["update"].max() == update
    alone = str(tmp_path / "alone")
    updates = ["--updates", str(update), "--no-progress"]
    assert main.main(["train", *options.split(), *updates, "--out", alone]) == 0

    def real(arrays):  # without the places that padding fills
        return {n: a[:3] if n.startswith("wave0.") else a for n, a in arrays.items()}

    whole = checkpoint.Store(alone).load(update)
    assert_same(real(store.load(update)), real(whole))


def test_distributed_without_a_cluster_is_refused(capsys, tmp_path):
    from dalejax.commands import main

    options = "--task adding --cell rnn --n 4 --seeds 3 --updates 4 --distributed --out"
    assert main.main(["train", *options.split(), str(tmp_path / "run")]) == 2
    assert "start them with srun or mpirun" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
