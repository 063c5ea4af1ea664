"""What divisive inhibition costs: an update of divisive DANNs beside one of subtractive DANNs."""

from __future__ import annotations

import numpy as np

from benchmarks.networks import Ensemble
from benchmarks.timing import interleave, summary

SHAPES = ((1, 100), (3, 100), (1, 500))
SEEDS, UPDATES = 4, 100


def measure(rounds: int) -> dict:
    """Time an update of both, interleaved; the ratio is taken round by round."""
    rows = []
    for layers, n in SHAPES:
        runs = {
            kind: Ensemble(kind, layers, n, SEEDS).updates(UPDATES) for kind in ("dann", "divisive")
        }
        seconds = interleave(runs, rounds)
        per_update = {kind: times / (UPDATES * SEEDS) * 1e3 for kind, times in seconds.items()}
        ratio = summary(np.asarray(per_update["divisive"]) / np.asarray(per_update["dann"]))
        rows.append(
            {
                "network": f"{layers} x {n}",
                **{kind: summary(times).median for kind, times in per_update.items()},
                "ratio": ratio.median,
                "quartiles": [ratio.low, ratio.high],
            }
        )
    return {"rows": rows}


def show(report: dict) -> None:
    """Print it."""
    print(f"\nms per update and seed, {SEEDS} seeds; how many times a subtractive DANN's time")
    for row in report["rows"]:
        low, high = row["quartiles"]
        print(
            f"{row['network']:8} DANN {row['dann']:6.2f}  divisive {row['divisive']:6.2f}  "
            f"{row['ratio']:.2f} [{low:.2f}, {high:.2f}]"
        )
