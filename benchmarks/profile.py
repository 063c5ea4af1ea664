"""Where the time of an update goes, on one core: XLA's own trace of what it runs."""

from __future__ import annotations

import collections
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SECONDS, RATE, SEEDS = 1.0, 8e10, 2  # a run takes about so long at so many operations a second
GROUPS = (
    "products in the time loops",
    "products over all steps",
    "element-wise in the loops",
    "loops",
    "order of the epoch",
    "everything else",
)


def measure(layers: int, n: int) -> list[dict]:
    """Trace updates of each network on one core; microseconds an update, by group."""
    command = [sys.executable, "-m", "benchmarks.profile", str(layers), str(n)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def _measure(layers: int, n: int) -> list[dict]:
    from benchmarks import machine
    from benchmarks.networks import BATCH, KINDS, N_IN, N_OUT, STEPS, Ensemble

    rows = []
    flops = machine.update_flops(layers, n, N_IN, N_OUT, STEPS, BATCH)
    num = max(4, round(SECONDS * RATE / flops / SEEDS))
    for kind in KINDS:
        run = Ensemble(kind, layers, n, SEEDS).updates(num)
        run()
        began = time.perf_counter()
        run()
        per_update = num * SEEDS
        whole = (time.perf_counter() - began) / per_update * 1e6
        groups: dict[str, float] = dict.fromkeys(GROUPS, 0.0)
        for name, (microseconds, calls) in _trace(run).items():
            in_loop = calls / per_update > STEPS / 2
            groups[_group(name, in_loop)] += microseconds / per_update
        traced = sum(groups.values())
        loops = 2 * layers * 2 * STEPS * BATCH * n * n
        rates = [loops / groups[GROUPS[0]] / 1e3, (flops - loops) / groups[GROUPS[1]] / 1e3]
        rows.append(
            {
                "network": kind,
                "layers": layers,
                "units": n,
                "microseconds": whole,
                "shares": {name: t / traced for name, t in groups.items()},
                "gflops": rates,
            }
        )
    return rows


def show(rows: list[dict]) -> None:
    """Print it."""
    for row in rows:
        shape = f"{row['layers']} x {row['units']}"
        print(f"\n{row['network']} {shape}: {row['microseconds']:.0f} us of one core an update")
        rates = dict(zip(GROUPS, row["gflops"], strict=False))
        for name, share in row["shares"].items():
            rate = f"   {rates[name]:.0f} GFLOP/s" if name in rates else ""
            print(f"  {name:28} {share:5.0%}{rate}")


def _group(name: str, in_loop: bool) -> str:
    if name.startswith(("ynn", "dot")):
        return GROUPS[0] if in_loop else GROUPS[1]
    if name.startswith(("while", "call")):
        return GROUPS[3]
    if name.startswith("sort"):
        return GROUPS[4]
    return GROUPS[2] if in_loop else GROUPS[5]


def _trace(run) -> dict[str, tuple[float, int]]:
    """Time of each instruction without what it calls: name -> (microseconds, calls)."""
    import jax

    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            run()
        file = next(Path(folder).rglob("*.xplane.pb"))
        planes = jax.profiler.ProfileData.from_file(str(file)).planes
        total: collections.Counter = collections.Counter()
        calls: collections.Counter = collections.Counter()
        for plane in planes:
            for line in plane.lines:
                _own_times(line.events, total, calls)
    instructions = {name for name in total if _is_instruction(name)}
    return {name: (total[name] / 1e3, calls[name]) for name in instructions}


def _own_times(events, total, calls) -> None:
    spans = [(e.start_ns, e.start_ns + e.duration_ns, e.name) for e in events]
    open_spans: list[tuple[float, str]] = []
    for start, end, name in sorted(spans, key=lambda span: (span[0], -span[1])):
        while open_spans and open_spans[-1][0] <= start:
            open_spans.pop()
        if open_spans:
            total[open_spans[-1][1]] -= end - start
        total[name] += end - start
        calls[name] += 1
        open_spans.append((end, name))


def _is_instruction(name: str) -> bool:
    """XLA's instructions are lower-case words joined by _, - and . with a number behind."""
    return name[:1].islower() and not set(name) & set(" $():")


if __name__ == "__main__":
    # Before JAX makes its threads: the products of a single device would use the other cores too.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(json.dumps(_measure(*map(int, sys.argv[1:]))))
