"""What a `paper` run of `fig2_ptb` needs on an accelerator: an estimate from XLA's cost analysis.

One update of five seeds of 3 x 500 units and 10,000 words, compiled under `vmap` for the CPU with
its loops unrolled, as in `roofline`; the memory is that of the whole chunk, with its evaluation.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from unittest import mock

import jax
import numpy as np

import dalejax as dj
from benchmarks.roofline import DEVICES, count
from dalejax.training import ensemble, step
from dalejax.training.programs import Programs
from dalejax.training.run_spec import RunSpec
from experiments.engine import runs
from experiments.li2023 import fig2_ptb

VECTORS = 300


def estimate(data_dir: str | None) -> list[dict]:
    """Count an update of each network, and what the whole run takes at the devices' peaks."""
    with tempfile.TemporaryDirectory() as folder:
        vectors = _some_vectors(Path(folder) / "vectors.txt", data_dir)
        settings = fig2_ptb.FULL.replaced(vectors=str(vectors))
        context = runs.context_of(
            fig2_ptb.EXPERIMENT,
            Path(folder),
            preset="paper",
            settings=settings,
            data_dir=data_dir,
        )
        task = fig2_ptb.language_model(context)
        return [
            _row(name, net, make_tx(0.8, settings.clip), task, settings)
            for name, (net, make_tx) in fig2_ptb.contestants(context, task).items()
        ]


def show(rows: list[dict]) -> None:
    """Print the estimates."""
    for row in rows:
        print(
            f"\n{row['network']}, {row['seeds']} seeds, estimate: an update "
            f"{row['flops'] / 1e9:.0f} GFLOP, {row['bytes'] / 1e9:.1f} GB, "
            f"{row['kernels']} kernels; memory {row['memory'] / 1e9:.1f} GB"
        )
        for device in DEVICES:
            seconds = max(
                row["flops"] / device.flops,
                row["bytes"] / device.bytes,
                row["kernels"] * device.launch,
            )
            minutes = seconds * row["updates"] / 60
            print(f"  {device.name}: {row['updates']:,} updates in at least {minutes:.0f} minutes")


def _some_vectors(path: Path, data_dir: str | None) -> Path:
    """Write vectors of the right size, whose numbers do not matter."""
    words = dj.datasets.load_text("ptb", data_dir=data_dir).vocabulary
    line = " ".join(["0.5"] * VECTORS)
    path.write_text("\n".join(f"{word} {line}" for word in words) + "\n")
    return path


def _row(name, net, tx, task, settings) -> dict:
    mesh = ensemble.member_mesh(jax.devices()[:1])
    seeds = settings.seeds
    keys = dj.seed_keys(0, seeds)
    spec = RunSpec.checked(net, tx, task, keys=keys)
    programs = Programs(spec, mesh, "vmap")
    update = partial(step.advance, spec, 1)
    members = step.Member(programs.state_of(seeds), keys, {})
    unrolled = partial(jax.lax.scan, unroll=True)
    with mock.patch("jax.lax.scan", unrolled):
        batched = jax.jit(jax.vmap(update, in_axes=(0, None, None)))
        counted = count(batched.lower(members, task.data, np.int32(0)).compile())
    return {
        "network": name,
        "seeds": seeds,
        "updates": settings.updates,
        **counted._asdict(),
        "memory": programs.bytes_needed(1, seeds),
    }
