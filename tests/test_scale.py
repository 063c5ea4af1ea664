"""Scale out: any number of devices and processes train the same networks."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from test_training import fit

WORKER = Path(__file__).parent / "scale_worker.py"
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
def together() -> dict:
    """Five members on this process's two devices."""
    run = fit(num_updates=WHOLE)
    leaves = jax.tree.leaves((run.params, run.opt_state, run.diverged_at))
    table = run.table.to_numpy(dtype=str)
    return {f"arr_{i}": leaf for i, leaf in enumerate(leaves)} | {"table": table}


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


@pytest.mark.parametrize(("processes", "devices"), [(1, 2), (2, 2), (4, 1)])
def test_any_number_of_processes_continues_what_two_began(
    together, half, tmp_path, processes, devices
):
    shutil.copytree(half / "run", tmp_path / "run")
    for result in work(tmp_path, WHOLE, devices, processes):
        assert_same(result, together)


def test_all_processes_hear_of_a_folder_that_does_not_fit(half, tmp_path):
    shutil.copytree(half / "run", tmp_path / "run")
    (tmp_path / "run" / "train.json").write_text("{}")
    with pytest.raises(AssertionError, match="holds a run with another network"):
        work(tmp_path, WHOLE, devices=1, processes=2)


def slurm(command: list[str], tasks: int) -> list[subprocess.Popen]:
    """Start a dalejax command as srun would start its tasks on one node."""
    job = {"SLURM_JOB_ID": str(_free_port()), "SLURM_STEP_NODELIST": "localhost"}
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JAX_")}
    environment |= {"PYTHONPATH": str(WORKER.parents[1]), "SLURM_NTASKS": str(tasks), **job}
    return [
        subprocess.Popen(
            [sys.executable, "-m", "dalejax.cli", *command, "--distributed"],
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


def test_distributed_without_a_cluster_is_refused(capsys, tmp_path):
    from dalejax import cli

    options = "--task adding --cell rnn --n 4 --seeds 3 --updates 4 --distributed --out"
    assert cli.main(["train", *options.split(), str(tmp_path / "run")]) == 2
    assert "start them with srun or mpirun" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
