"""Write a small run for later versions to read: python tests/golden.py

Once a minor version, when its checkpoints are settled; what it wrote is never changed afterwards.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

import dalejax as dj
from dalejax.storage import checkpoint

FOLDER = Path(__file__).parent / "golden_runs"


def train(folder: Path, num_updates: int) -> dj.Run:
    """Train two small networks, or continue them; the settings must never change."""
    return dj.train(
        dj.RecurrentNetwork([dj.ColEICell(4, n_i=1)], dj.ColEIDense(1)),
        dj.colei_sgd(0.05, clip=1.0),
        dj.tasks.AddingProblem(4, batch_size=8, num_train=32, num_test=8),
        keys=dj.seed_keys(0, 2),
        num_updates=num_updates,
        eval_every=3,
        keep_checkpoints=1,
        checkpoint_dir=folder,
        resume=True,
        progress=False,
    )


def main() -> None:
    """Write the run, and its arrays as a second file that no checkpoint library has to read."""
    folder = FOLDER / ".".join(dj.__version__.split(".")[:2])
    if folder.exists():
        sys.exit(f"{folder} exists; golden runs are not written again.")
    with tempfile.TemporaryDirectory() as temporary:
        run = Path(temporary) / "run"  # Orbax notes where it wrote: nobody's own folder
        train(run, 6)
        shutil.copytree(run, folder / "run", ignore=shutil.ignore_patterns(".lock"))
    np.savez(folder / "arrays.npz", **checkpoint.Store(folder / "run").load(6))
    print(folder)


if __name__ == "__main__":
    main()
