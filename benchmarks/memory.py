"""Peak memory of an ensemble on MNIST-sized data, and of many seeds in waves."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def measure(quick: bool) -> dict:
    """Train in processes of their own, whose peak memory the system tells."""
    seeds = 200 if quick else 1000
    whole = [_process("3", "100", "30", "0")]
    waves = [_process("1", "100", str(seeds), str(size)) for size in (50, seeds // 2)]
    return {"thirty": whole, "waves": waves}


def show(report: dict) -> None:
    """Print it."""
    for run in report["thirty"]:
        print(f"\n30 seeds of 3 x 100 on 70,000 digits: peak {run['peak_mb']:.0f} MB")
    for run in report["waves"]:
        after = run["after_wave_mb"]
        print(
            f"{run['seeds']} seeds of 1 x 100 in waves of {run['size']}: peak {run['peak_mb']:.0f} "
            f"MB; after a chunk's first wave {after[0]:.0f}, after its last {after[1]:.0f}"
        )


def _process(*arguments: str) -> dict:
    command = [sys.executable, "-m", "benchmarks.memory", *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def _main(layers: int, n: int, seeds: int, size: int) -> None:
    import dalejax as dj
    from benchmarks.networks import digits, make
    from dalejax.training import waves

    memory: list[float] = []
    park = waves.Waves.park

    def noting(self, wave):
        parked = park(self, wave)
        memory.append(_memory_mb("VmRSS"))
        return parked

    waves.Waves.park = noting
    net, tx = make("rnn", layers, n)
    options = {"num_updates": 20, "eval_every": 10, "progress": False}
    keys = dj.seed_keys(0, seeds)
    dj.train(net, tx, digits(), keys=keys, members_per_wave=size or None, **options)
    num = max(1, seeds // size) if size else 1
    # The last `num` entries are the waves of the last chunk.
    after = [memory[-num], memory[-1]]
    peak = _memory_mb("VmHWM")
    print(json.dumps({"seeds": seeds, "size": size, "peak_mb": peak, "after_wave_mb": after}))


def _memory_mb(name: str) -> float:
    """Read a figure of this program's own (getrusage's peak is also that of the one before it)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{name}:")[1].split()[0]) / 1024


if __name__ == "__main__":
    _main(*map(int, sys.argv[1:]))
