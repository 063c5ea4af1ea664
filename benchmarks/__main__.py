"""Time one update of an ensemble beside PyTorch loops: ``python -m benchmarks [--json FILE]``.

Everything is interleaved in one run: a round times each contender once, and the medians of the
rounds are printed with their quartiles, in ms per update and seed.
"""

from __future__ import annotations

import argparse
import json
import time
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import dalejax as dj
from dalejax import ensemble, training
from experiments import networks

T, BATCH, N_IN, N_OUT = 28, 32, 28, 10
KINDS = ("rnn", "colei", "dann")


def dalejax_chunk(kind: str, layers: int, n: int, seeds: int, updates: int):
    """Compile a chunk of updates without its evaluation; returns a function that runs it."""
    net = {
        "rnn": networks.rnn(layers, n, N_OUT),
        "colei": networks.colei(layers, n, n // 10, N_OUT),
        "dann": networks.dann(layers, n, n // 10, N_OUT),
    }[kind]
    tx = {"rnn": dj.rnn_sgd(0.01), "colei": dj.colei_sgd(0.01, 10.0), "dann": dj.dann_sgd(0.01)}[
        kind
    ]
    task = dj.tasks.SequentialMNIST("digits", batch_size=BATCH)
    task.data["test"] = tuple(array[:1] for array in task.data["test"])  # no evaluation to speak of
    task.test_batch_size = 1
    mesh = ensemble.member_mesh()
    members = ensemble.pad((dj.seed_keys(0, seeds), {}, None), mesh)
    start = ensemble.over_members(partial(training._start, net, lambda: tx, task), mesh)
    state = jax.jit(start)(members)
    data = ensemble.replicate(task.data, mesh)
    first = ensemble.replicate(jnp.int32(0), mesh)
    chunk = jax.jit(
        ensemble.over_members(partial(training._chunk, net, lambda: tx, task, updates), mesh)
    )
    began = time.perf_counter()
    compiled = chunk.lower(training._Member(state, members[0], {}), data, first).compile()
    compile_seconds = time.perf_counter() - began
    member = training._Member(state, members[0], {})
    return lambda: jax.block_until_ready(compiled(member, data, first)), compile_seconds


def torch_updates(kind: str, fold: str, layers: int, n: int, updates: int):
    """One PyTorch network; returns a function that does some updates."""
    import torch

    from benchmarks import torch_peers

    torch.manual_seed(0)
    network = torch_peers.Network(kind, layers, N_IN, n, n // 10, N_OUT, fold)
    x, y = torch.rand(T, BATCH, N_IN), torch.randint(0, N_OUT, (BATCH,))

    def run():
        for _ in range(updates):
            torch_peers.update(network, x, y, 0.01, 10.0)

    return run


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--units", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=30)
    arguments = parser.parse_args()
    layers, n, seeds = arguments.layers, arguments.units, arguments.seeds
    rounds, updates, torch_count = (3, 10, 5) if arguments.quick else (9, 20, 10)

    contenders, compile_seconds = {}, {}
    for kind in KINDS:
        run, compile_seconds[kind] = dalejax_chunk(kind, layers, n, seeds, updates)
        contenders[kind, "dalejax"] = (run, updates * seeds)
        for fold in ("step", "update"):
            run = torch_updates(kind, fold, layers, n, torch_count)
            contenders[kind, f"torch, W formed every {fold}"] = (run, torch_count)

    times = {name: [] for name in contenders}
    for number in range(rounds + 1):  # round 0 warms up
        for name, (run, count) in contenders.items():
            began = time.perf_counter()
            run()
            if number:
                times[name].append((time.perf_counter() - began) / count * 1e3)

    rows = []
    print(f"{layers} x {n} units, {seeds} seeds, T {T}, batch {BATCH}: ms per update and seed")
    for (kind, name), values in times.items():
        low, median, high = np.percentile(values, [25, 50, 75])
        ratio = median / np.median(times[kind, "dalejax"])
        rows.append({"network": kind, "contender": name, "ms": median, "quartiles": [low, high],
                     "ratio": ratio})  # fmt: skip
        print(f"{kind:6} {name:28} {median:7.2f}  [{low:.2f}, {high:.2f}]  {ratio:5.1f} x")
    print("compile seconds:", {kind: round(s, 1) for kind, s in compile_seconds.items()})
    if arguments.json:
        report = {"layers": layers, "units": n, "seeds": seeds, "rows": rows,
                  "compile_seconds": compile_seconds}  # fmt: skip
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
