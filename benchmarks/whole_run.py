"""What a run costs beyond its updates and evaluations: tables, checkpoints, progress.

``train`` with an evaluation of 10,000 digits every 100 updates, beside the same updates and
evaluations alone. What happens once (compiling, placing the data) cancels out: a run of twice the
length minus a run of the length.
"""

from __future__ import annotations

import contextlib
import tempfile
import time

import numpy as np

import dalejax as dj
from benchmarks.networks import Ensemble, digits, make

EVERY = 100
KIND, LAYERS, UNITS = "colei", 3, 100


def measure(seeds: int, rounds: int, length: int = 500) -> dict:
    """Measure the marginal cost of ``length`` updates with all that belongs to them."""
    alone = Ensemble(KIND, LAYERS, UNITS, seeds)
    updates, evaluation = alone.updates(EVERY), alone.evaluation()
    updates()  # compiled now, and the evaluation too
    evaluation()
    chunks = length // EVERY
    whole, parts, start = [], [], []
    for _ in range(rounds):
        parts.append(_seconds(lambda: [(updates(), evaluation()) for _ in range(chunks)]))
        once = _seconds(lambda: _train(seeds, length))
        twice = _seconds(lambda: _train(seeds, 2 * length))
        parts.append(_seconds(lambda: [(updates(), evaluation()) for _ in range(chunks)]))
        whole.append(twice - once)
        start.append(2 * once - twice)
    return {
        "seeds": seeds,
        "updates": length,
        "whole_seconds": float(np.median(whole)),
        "parts_seconds": float(np.median(parts)),
        "ratio": float(np.median(whole) / np.median(parts)),
        "start_seconds": float(np.median(start)),
    }


def show(report: dict) -> None:
    """Print it."""
    print(
        f"\n{report['updates']} updates of {report['seeds']} seeds of 3 x 100 with an evaluation "
        f"every {EVERY}: a run {report['whole_seconds']:.1f} s, its updates and evaluations alone "
        f"{report['parts_seconds']:.1f} s ({report['ratio']:.2f} x); once a run "
        f"{report['start_seconds']:.1f} s for data and compiling"
    )


def _seconds(run) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def _train(seeds: int, num_updates: int) -> None:
    net, tx = make(KIND, LAYERS, UNITS)
    with (
        tempfile.TemporaryDirectory() as folder,
        open(f"{folder}/bar", "w") as bar,
        contextlib.redirect_stderr(bar),
    ):
        dj.train(
            net,
            tx,
            digits(),
            keys=dj.seed_keys(0, seeds),
            num_updates=num_updates,
            eval_every=EVERY,
            checkpoint_dir=f"{folder}/run",
            checkpoint_every=EVERY,
        )
