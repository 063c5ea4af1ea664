"""One process of a distributed run: ``scale_worker.py FOLDER UPDATES DEVICES [ID NUM PORT]``.

Trains the ensemble of ``small_runs.fit`` for UPDATES updates in FOLDER/run and writes its
parameters, optimiser states, divergences and table to FOLDER/result-ID.npz.
"""

import sys
from pathlib import Path

import jax
import numpy as np

folder, updates, devices = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
process, num, port = map(int, sys.argv[4:] or (0, 1, 0))
jax.config.update("jax_num_cpu_devices", devices)
if num > 1:
    jax.distributed.initialize(f"localhost:{port}", num, process)

from helpers.small_runs import fit  # noqa: E402

run = fit(num_updates=updates, checkpoint_dir=folder / "run", checkpoint_every=3, resume=True)
assert jax.process_count() == num and jax.device_count() == devices * num
np.savez(
    folder / f"result-{process}.npz",
    *jax.tree.leaves((run.params, run.opt_state, run.diverged_at)),
    table=run.table.to_numpy(dtype=str),
)
