"""How fast trials are made: the J23 tasks at the published timing, in batches, on all devices.

A device makes one batch after the other, as an update does, and all of a batch is written out. On
a CPU a device is one core.
"""

from __future__ import annotations

from functools import partial

import jax
from jax.sharding import PartitionSpec

import dalejax as dj
from benchmarks.timing import interleave, summary
from dalejax.training import ensemble

BATCH = 64
BATCHES = 64  # of a device in a round: 20 MB of AND


def tasks() -> dict[str, dj.tasks.TrialTask]:
    """The tasks: name -> task."""
    logic = partial(dj.tasks.LogicTask, batch_size=BATCH)
    return {
        "and": logic("and"),
        "and, noise": logic("and", noise=0.1),
        "not": logic("not"),
        "flipflop": dj.tasks.FlipFlop(batch_size=BATCH),
        "pulse_memory": dj.tasks.PulseMemory(batch_size=BATCH),
        "time_reproduction": dj.tasks.TimeReproduction(batch_size=BATCH),
        "delayed_match": dj.tasks.DelayedMatch(batch_size=BATCH),
    }


def measure(rounds: int) -> dict:
    """Time all tasks, interleaved."""
    made, mesh = tasks(), ensemble.member_mesh()
    seconds = interleave({name: _making(task, mesh) for name, task in made.items()}, rounds)
    rows = []
    for name, task in made.items():
        rate = summary(mesh.size * BATCHES * BATCH / seconds[name])
        rows.append(
            {
                "task": name,
                "steps": task.make(dj.seed_keys(0, 1)).inputs.shape[0],
                "trials_per_second": rate.median,
                "quartiles": [rate.low, rate.high],
            }
        )
    return {"devices": mesh.size, "rows": rows}


def show(report: dict) -> None:
    """Print it."""
    print(f"\ntrials made a second, {report['devices']} devices, batches of {BATCH}")
    for row in report["rows"]:
        low, high = row["quartiles"]
        rate = f"{row['trials_per_second']:10,.0f} [{low:,.0f}, {high:,.0f}]"
        print(f"{row['task']:18} {row['steps']:5} steps {rate}")


def _making(task, mesh):
    def batches(keys):
        def one(key):
            return task.batch(task.data, None, None, key=key)

        return jax.lax.map(one, jax.random.split(keys[0], BATCHES))

    spec = PartitionSpec(ensemble.AXIS)
    making = jax.jit(jax.shard_map(batches, mesh=mesh, in_specs=spec, out_specs=spec))
    keys = ensemble.pad(dj.seed_keys(0, mesh.size), mesh)
    return lambda: jax.block_until_ready(making(keys))
