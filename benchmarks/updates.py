"""Time of an update, in ms per seed, beside what people would run instead."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import numpy as np

from benchmarks import flax_peer, machine
from benchmarks.networks import BATCH, CLIP, KINDS, LEARNING_RATE, N_IN, N_OUT, STEPS, Ensemble
from benchmarks.timing import interleave, summary

SECONDS = 0.7  # a peer should take about this long in a round
# A chunk begins with the draw of an epoch's order of 60,000 trials: ours are as long as training's.
MOST_UPDATES, OURS_SECONDS = 100, 3.0


def compare(layers: int, n: int, seeds: list[int], rounds: int, kinds=KINDS) -> dict:
    """Time all contenders on one architecture, in one run.

    Returns:
        ``rows``: network, contender, seeds, ms per update and seed with quartiles, how many times
        dalejax's time (at the most seeds); ``peak``: the machine's rate in GFLOP/s;
        ``flops`` of an update.
    """
    flops = machine.update_flops(layers, n, N_IN, N_OUT, STEPS, BATCH)
    runs: dict[tuple[str, str, int], tuple[Callable[[], object], int]] = {}
    for kind in kinds:
        for s in seeds:
            num = min(MOST_UPDATES, _updates(flops, s, OURS_SECONDS, rate=1.5e11))
            runs[kind, "dalejax", s] = (Ensemble(kind, layers, n, s).updates(num), num * s)
        for name, (run, count) in _torch(kind, layers, n, seeds, flops).items():
            runs[kind, *name] = (run, count)
    rng = np.random.default_rng(0)
    x = rng.random((STEPS, BATCH, N_IN), np.float32)
    y = rng.integers(0, N_OUT, BATCH)
    for s in seeds:
        num = _updates(flops, s)
        run = flax_peer.updates(layers, n, N_OUT, s, num, x, y, LEARNING_RATE)
        runs["rnn", "Flax nn.RNN, vmap", s] = (run, num * s)

    limit = machine.contenders()
    contenders: dict[Hashable, Callable[[], object]] = {
        **{name: run for name, (run, _) in runs.items()},
        **{name: run for name, (run, _) in limit.items()},
    }
    seconds = interleave(contenders, rounds)
    rates = {name: flops_ / np.median(seconds[name]) for name, (_, flops_) in limit.items()}
    rows = []
    for (kind, name, s), (_, count) in runs.items():
        time = summary(seconds[kind, name, s] / count * 1e3)
        our_run = (kind, "dalejax", max(seeds))
        ours = np.median(seconds[our_run]) / runs[our_run][1]
        rows.append(
            {
                "network": kind,
                "contender": name,
                "seeds": s,
                "ms": time.median,
                "quartiles": [time.low, time.high],
                "ratio": time.median / 1e3 / ours,
            }
        )
    return {
        "layers": layers,
        "units": n,
        "rows": rows,
        "flops": flops,
        "limit": {name: rate / 1e9 for name, rate in rates.items()},
        "peak": max(rates.values()) / 1e9,
    }


def show(report: dict) -> None:
    """Print a comparison as a table."""
    print(f"\n{report['layers']} x {report['units']} units, T {STEPS}, batch {BATCH}")
    print(f"{'':6} {'':28} {'seeds':>5} {'ms/update/seed':>14} {'quartiles':>16} {'ratio':>7}")
    for row in report["rows"]:
        low, high = row["quartiles"]
        line = f"{row['network']:6} {row['contender']:28} {row['seeds']:5} {row['ms']:14.2f}"
        print(f"{line} [{low:7.2f},{high:7.2f}] {row['ratio']:6.1f} x", end="")
        if row["contender"] == "dalejax":
            rate = report["flops"] / row["ms"] / 1e6
            print(f"   {rate:.0f} GFLOP/s, {rate / report['peak']:.0%} of the machine's", end="")
        print()
    rates = ", ".join(f"{name}: {rate:.0f}" for name, rate in report["limit"].items())
    print(f"float32 products, GFLOP/s: {rates}")


def _updates(flops: float, seeds: int, seconds: float = SECONDS, rate: float = 2.5e10) -> int:
    """Size a run that does so many operations a second."""
    return max(2, round(seconds * rate / flops / seeds))


def _torch(kind, layers, n, seeds, flops):
    import torch

    from benchmarks import torch_peers

    torch.manual_seed(0)
    x, y = torch.rand(STEPS, BATCH, N_IN), torch.randint(0, N_OUT, (BATCH,))

    def make(fold="update"):
        return torch_peers.Network(kind, layers, N_IN, n, n // 10, N_OUT, fold)

    def loop(network, num):
        def run():
            for _ in range(num):
                torch_peers.update(network, x, y, LEARNING_RATE, CLIP)

        return run

    def vectorised(ensemble, s, num):
        xs, ys = x.expand(s, *x.shape).clone(), y.expand(s, *y.shape).clone()

        def run():
            for _ in range(num):
                ensemble.update(xs, ys, LEARNING_RATE, CLIP)

        return run

    num = _updates(flops, 1)
    found = {
        ("torch loop, W every step", 1): (loop(make("step"), num), num),
        ("torch loop, W every update", 1): (loop(make(), num), num),
    }
    if kind == "rnn":
        native = torch_peers.Native(layers, N_IN, n, N_OUT)
        found["torch.nn.RNN", 1] = (loop(native, num), num)
    for s in seeds:
        num = _updates(flops, s)
        ensemble = torch_peers.Stacked(make, s)
        found["torch.func.vmap", s] = (vectorised(ensemble, s, num), num * s)
    return found
