"""What an accelerator could do with an update: an estimate, for none is at hand.

Operations, bytes and kernels of one update are XLA's own counts of the ``vmap`` program, all its
loops over time unrolled, compiled for the CPU: an accelerator's compiler fuses otherwise. An update
takes at least as long as the slowest of three: the products, the memory, and starting the kernels
one after the other.
"""

from __future__ import annotations

import re
from functools import partial
from typing import NamedTuple
from unittest import mock

import jax

from benchmarks.networks import KINDS, Ensemble


class Device(NamedTuple):
    """An accelerator's peaks, from its data sheet."""

    name: str
    flops: float  # products a second, in the precision that XLA uses for float32 by default
    bytes: float  # memory bandwidth a second
    launch: float  # seconds from one kernel of a program to the next


DEVICES = (
    Device("H100 SXM", 495e12, 3.35e12, 2e-6),  # TF32
    Device("TPU v5p", 459e12, 2.765e12, 1e-6),  # bfloat16
)
LAYERS, UNITS, SEEDS = 3, 100, 30
NOT_KERNELS = {"parameter", "constant", "tuple", "get-tuple-element", "bitcast", "partition-id"}


def estimate() -> list[dict]:
    """Estimate an update of 3 x 100 for each network and number of seeds."""
    rows = []
    for kind in KINDS:
        two, one = _count(kind, 2), _count(kind, 1)
        flops, moved, kernels = (a - b for a, b in zip(two, one, strict=True))
        row = {"network": kind, "flops": flops, "bytes": moved, "kernels": kernels, "limits": {}}
        for device in DEVICES:
            row["limits"][device.name] = {
                "products": flops / device.flops * 1e3,
                "memory": moved / device.bytes * 1e3,
                "kernels": kernels * device.launch * 1e3,
            }
        rows.append(row)
    return rows


def show(rows: list[dict]) -> None:
    """Print the estimates."""
    print(f"\nestimate, not a measurement: one update of {SEEDS} seeds of {LAYERS} x {UNITS}")
    for row in rows:
        print(
            f"{row['network']:6} {row['flops'] / 1e9:.1f} GFLOP, {row['bytes'] / 1e9:.2f} GB, "
            f"{row['kernels']} kernels"
        )
        for name, limits in row["limits"].items():
            bound = max(limits, key=limits.__getitem__)
            each = ", ".join(f"{what} {ms:.3f}" for what, ms in limits.items())
            print(
                f"       {name:9} ms: {each}; at least {limits[bound] / SEEDS * 1e3:.0f} us a seed"
            )


class Count(NamedTuple):
    """What XLA counts in a program."""

    flops: float
    bytes: float  # read and written between kernels
    kernels: int


def count(program: jax.stages.Compiled) -> Count:
    """Count the operations, bytes and kernels of a compiled program, as XLA estimates them."""
    cost, text = program.cost_analysis(), program.as_text()
    assert cost is not None and text is not None, "XLA's CPU compiler gives both"
    entry = text.split("\nENTRY ")[1]
    operations = re.findall(r"^\s+(?:ROOT )?%\S+ = .*? ([a-z][\w-]*)\(", entry, re.MULTILINE)
    kernels = sum(name not in NOT_KERNELS for name in operations)
    return Count(cost["flops"], cost["bytes accessed"], kernels)


def _count(kind: str, updates: int) -> Count:
    made = Ensemble(kind, LAYERS, UNITS, SEEDS, "vmap", jax.devices()[:1])
    unrolled = partial(jax.lax.scan, unroll=True)
    with mock.patch("jax.lax.scan", unrolled):
        return count(made.lowered(updates).compile())
