"""What saving costs in an experiment: the transplant at its ``laptop`` settings, for a while.

Every checkpoint is written and waited for, so its share of the time is its cost.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from unittest import mock

from dalejax.training import run_folder
from experiments.__main__ import main
from experiments.li2023 import fig4_transplant

CHECKPOINTS = 4


def measure(data_dir: str | None) -> dict:
    """Run the experiment for a few checkpoints and time them.

    Args:
        data_dir: where MNIST is; None takes the embedded digits (fewer, evaluated faster: the
            share of saving is larger then).
    """
    # Experiments save at every second evaluation.
    every = 2 * fig4_transplant.PRESETS["laptop"].eval_every
    saves: list[tuple[float, float]] = []
    save = run_folder.RunFolder.save

    def timed(folder, *arguments, **named):
        began = time.perf_counter()
        save(folder, *arguments, **named)
        saves.append((began, time.perf_counter()))

    with (
        mock.patch.object(run_folder.RunFolder, "save", timed),
        tempfile.TemporaryDirectory() as folder,
    ):
        arguments = ["fig4_transplant", "--preset", "laptop", "--no-progress"]
        arguments += ["--set", f"updates={every * CHECKPOINTS}", "--out", f"{folder}/run"]
        arguments += ["--data-dir", data_dir] if data_dir else ["--data", "digits"]
        main(arguments)
        newest = max(Path(folder).rglob("checkpoints/*"), key=lambda p: p.stat().st_mtime)
        size = sum(path.stat().st_size for path in newest.rglob("*") if path.is_file())
    # From the end of the first save on: what came before has also compiled.
    seconds = saves[-1][1] - saves[0][1]
    saving = sum(end - began for began, end in saves[1:])
    return {
        "every": every,
        "seconds": seconds,
        "saving": saving,
        "share": saving / seconds,
        "checkpoint_mb": size / 1e6,
    }


def show(report: dict) -> None:
    """Print it."""
    print(
        f"\nfig4_transplant --preset laptop: {CHECKPOINTS - 1} checkpoints of "
        f"{report['checkpoint_mb']:.0f} MB, one every {report['every']} updates, took "
        f"{report['saving']:.2f} of {report['seconds']:.1f} s ({report['share']:.2%})"
    )
