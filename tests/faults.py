"""Kill a run again and again, at random moments, and see that nothing is lost.

    python tests/faults.py --task adding --kills 100 --terms 20 [--out DIR]

A run is trained once without interruption. Another one, with the same options, is killed (SIGKILL)
and resumed as often as asked, then a third one is stopped with SIGTERM. The last state and the
table of all three must be the same, byte for byte. Kills are at random moments: a third of them
while the program starts and reads the folder, a third while it trains, a third as soon as a
checkpoint is seen being written. `make faults` runs this for the adding problem and sequential
MNIST.
"""

import argparse
import collections
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
NETWORKS = {
    # Saving takes about as long as training here, so many kills hit it.
    "adding": "--task adding --cell colei --n 10 --eval-every 25 --checkpoint-every 25",
    "smnist": "--task smnist --cell dann --n 20 --eval-every 5 --checkpoint-every 5",
}
SECONDS = 2.0  # the longest that a run may go on after it was seen to train
STARTING = 7.0  # about the time from the start of the program to its first update


def main() -> int:
    """Run it, print what happened, and say by the exit code whether everything was the same."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=NETWORKS, default="adding")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--terms", type=int, default=20)
    parser.add_argument("--updates", type=int, help="updates; None: enough for the kills")
    parser.add_argument("--data", default="digits", help="smnist's: digits or mnist")
    parser.add_argument("--data-dir", help="where mnist is")
    parser.add_argument("--seed", type=int, default=0, help="of the moments of the kills")
    parser.add_argument("--out", type=Path, help="a folder for the runs; None: a temporary one")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.out or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        return _compare(arguments, folder)


def _compare(arguments, folder: Path) -> int:
    chance = random.Random(arguments.seed)
    updates = arguments.updates or {"adding": 16_000, "smnist": 2_000}[arguments.task]
    options = f"{NETWORKS[arguments.task]} --seeds 8 --updates {updates} --no-progress".split()
    if arguments.task == "smnist":
        options += ["--data", arguments.data]
        options += ["--data-dir", arguments.data_dir] if arguments.data_dir else []
    began = time.monotonic()
    whole = folder / "whole"
    process = _start(whole, options)
    assert process.wait() == 0, process.returncode
    print(
        f"{arguments.task}: {updates} updates without interruption, "
        f"{time.monotonic() - began:.0f} s",
        flush=True,
    )
    fine = True
    for name, number, times in (
        ("killed", signal.SIGKILL, arguments.kills),
        ("stopped", signal.SIGTERM, arguments.terms),
    ):
        began = time.monotonic()
        counts = _interrupt(folder / name, options, number, times, chance)
        same = _same(whole, folder / name)
        fine &= same and sum(counts.values()) >= times
        described = ", ".join(f"{count} {when}" for when, count in sorted(counts.items()))
        print(
            f"{arguments.task}: {sum(counts.values())} times {number.name} ({described}), "
            f"{time.monotonic() - began:.0f} s: the last state and the table are "
            f"{'the same, byte for byte' if same else 'NOT the same'}",
            flush=True,
        )
    return 0 if fine else 1


def _interrupt(folder: Path, options, number, times: int, chance) -> collections.Counter:
    """Train in a folder, interrupted so many times; returns where the run was then."""
    counts: collections.Counter = collections.Counter()
    while True:
        process = _start(folder, options)
        if sum(counts.values()) < times:
            _wait_for_a_moment(process, folder, chance)
            process.send_signal(number)
        code = process.wait()
        if code == 0:
            break
        assert code in (-number, 128 + number), code
        counts[_where(folder)] += 1
    return counts


def _start(folder: Path, options) -> subprocess.Popen:
    begun = (folder / "config.json").exists()
    command = (
        ["resume", str(folder), "--no-progress"]
        if begun
        else (["train", *options, "--out", str(folder)])
    )
    return subprocess.Popen(
        [sys.executable, "-m", "dalejax.commands.main", *command],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=(folder.parent / f"{folder.name}.log").open("a"),
    )


def _wait_for_a_moment(process, folder: Path, chance) -> None:
    kind = chance.choice(("starting", "training", "saving"))
    if kind == "starting":
        _sleep(process, chance.uniform(0, STARTING))
        return
    before = _names(folder)
    while process.poll() is None and _names(folder) == before:  # until it saves for the first time
        time.sleep(0.002)
    _sleep(process, chance.uniform(0, SECONDS))
    if kind == "saving":
        while process.poll() is None and not _is_writing(folder):
            time.sleep(0.0005)
        _sleep(process, chance.uniform(0, 0.08))


def _sleep(process, seconds: float) -> None:
    until = time.monotonic() + seconds
    while process.poll() is None and (left := until - time.monotonic()) > 0:
        time.sleep(min(left, 0.05))


def _names(folder: Path) -> set[str]:
    path = folder / "checkpoints"
    return set(os.listdir(path)) if path.is_dir() else set()


def _is_writing(folder: Path) -> bool:
    return any(not name.isdecimal() for name in _names(folder))


def _where(folder: Path) -> str:
    names = _names(folder)
    if not any(name.isdecimal() for name in names):
        return "before the first checkpoint"
    return "in a save" if _is_writing(folder) else "between saves"


def _same(a: Path, b: Path) -> bool:
    from dalejax.storage.checkpoint import Store

    states = []
    for folder in (a, b):
        store = Store(folder)
        arrays = store.load(store.newest())
        states.append({name: (x.dtype, x.shape, x.tobytes()) for name, x in arrays.items()})
    tables = [(folder / "metrics.parquet").read_bytes() for folder in (a, b)]
    return states[0] == states[1] and tables[0] == tables[1]


if __name__ == "__main__":
    sys.exit(main())
