"""Does a seed cost the same in a small ensemble and in a large one? 3 x 100, and compile times.

Beside it the members side by side (``vmap``) instead of one after the other (``map``).
"""

from __future__ import annotations

import numpy as np

from benchmarks.networks import KINDS, Ensemble
from benchmarks.timing import interleave, summary

SEEDS = (8, 30, 128)
UPDATES = 50


def measure(rounds: int) -> dict:
    """Time an update for several numbers of seeds; compile a chunk of 500 updates for 30."""
    shapes = [(s, "map") for s in SEEDS] + [(30, "vmap")]
    contenders = {
        f"{s} {how}": Ensemble("rnn", 3, 100, s, how).updates(UPDATES) for s, how in shapes
    }
    seconds = interleave(contenders, rounds)
    rows = []
    for s, how in shapes:
        time = summary(seconds[f"{s} {how}"] / (UPDATES * s) * 1e3)
        quartiles = [time.low, time.high]
        rows.append({"seeds": s, "member_map": how, "ms": time.median, "quartiles": quartiles})
    medians = np.asarray([row["ms"] for row in rows if row["member_map"] == "map"])
    compiling = {kind: Ensemble(kind, 3, 100, 30).compile_seconds() for kind in KINDS}
    return {
        "rows": rows,
        "variation": float(medians.max() / medians.min() - 1),
        "compile_seconds": compiling,
    }


def show(report: dict) -> None:
    """Print it."""
    print("\n3 x 100 RNN, ms per update and seed by number of seeds")
    for row in report["rows"]:
        low, high = row["quartiles"]
        print(f"{row['seeds']:5} {row['member_map']:5} {row['ms']:7.2f} [{low:.2f}, {high:.2f}]")
    print(f"largest over smallest, mapped: +{report['variation']:.0%}")
    compiling = ", ".join(f"{k} {s:.1f} s" for k, s in report["compile_seconds"].items())
    print(f"compiling a chunk for 30 seeds: {compiling}")
