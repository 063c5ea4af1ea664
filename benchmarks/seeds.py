"""Does a seed cost the same in a small ensemble and in a large one? 3 x 100, and compile times."""

from __future__ import annotations

import numpy as np

from benchmarks.networks import KINDS, Ensemble
from benchmarks.timing import interleave, summary

SEEDS = (8, 30, 128)
UPDATES = 100


def measure(rounds: int) -> dict:
    """Time an update for several numbers of seeds; compile a chunk of 500 updates for 30."""
    contenders = {str(s): Ensemble("rnn", 3, 100, s).updates(UPDATES) for s in SEEDS}
    seconds = interleave(contenders, rounds)
    rows = []
    for s in SEEDS:
        time = summary(seconds[str(s)] / (UPDATES * s) * 1e3)
        rows.append({"seeds": s, "ms": time.median, "quartiles": [time.low, time.high]})
    medians = np.asarray([row["ms"] for row in rows])
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
        print(f"{row['seeds']:5} {row['ms']:7.2f} [{low:.2f}, {high:.2f}]")
    print(f"largest over smallest: +{report['variation']:.0%}")
    compiling = ", ".join(f"{k} {s:.1f} s" for k, s in report["compile_seconds"].items())
    print(f"compiling a chunk for 30 seeds: {compiling}")
