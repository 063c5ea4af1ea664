"""The machine's limit: the best rate of float32 matrix products, all cores at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import numpy as np
from jax.sharding import PartitionSpec

from dalejax.training import ensemble

SIZES = (512, 1024, 2048)
FLOPS = 2e10  # of one run on each core, so that none is over before it has begun


def contenders() -> dict[str, tuple[Callable[[], object], float]]:
    """Products by XLA (one on each device) and NumPy: name -> (run, floating-point operations)."""
    mesh = ensemble.member_mesh()
    found = {}
    for n in SIZES:
        repeats = max(1, round(FLOPS / (2 * n**3)))

        spec = PartitionSpec(ensemble.AXIS)
        each = partial(_products, repeats=repeats)
        xla = jax.jit(jax.shard_map(each, mesh=mesh, in_specs=spec, out_specs=spec))
        a = ensemble.pad(np.random.default_rng(0).random((mesh.size, n, n), np.float32), mesh)
        flops = repeats * 2 * n**3
        found[f"XLA {n}"] = (_blocking(xla, a), flops * mesh.size)
        b = np.random.default_rng(0).random((n, n), np.float32)
        found[f"NumPy {n}"] = (lambda b=b, r=repeats: [b @ b for _ in range(r)], flops)
    return found


def _products(a, repeats):
    return jax.lax.fori_loop(0, repeats, lambda _, b: (a[0] @ b) / a.shape[-1], a[0])[None]


def _blocking(function, a):
    return lambda: jax.block_until_ready(function(a))


def update_flops(layers: int, n: int, n_in: int, n_out: int, steps: int, batch: int) -> float:
    """Count an update's operations from its shapes: products of weights, forward and backward.

    Forward, gradient of the inputs and gradient of the weights are one product each, of 2
    operations a weight, step and trial; the first layer's inputs need no gradient. The read-out is
    of the last step only. Folding, clipping and the like are not counted.
    """
    each = 2 * steps * batch
    recurrent = 3 * layers * n * n
    inputs = 2 * n * n_in + 3 * (layers - 1) * n * n
    return each * (recurrent + inputs) + 3 * 2 * batch * n * n_out
