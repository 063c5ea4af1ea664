"""A random permutation that is faster on a CPU than that of JAX."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from dalejax.types import Array, Int, Key

_HALF = 16  # of the 32 bits of a sort key, the upper 16 are random, the lower 16 a position
_PASSES = 2  # so that each number is sorted by 32 random bits


def permutation(num: int, *, key: Key[Array, ""]) -> Int[Array, " num"]:
    """Draw a random permutation of the numbers 0 to num - 1.

    It is a radix sort by 32 random bits per number, 16 in each of two passes. On a CPU XLA sorts
    integers nine times as fast as the pairs of ``jax.random.permutation`` (60,000 numbers: 4 ms
    per pass instead of 38 ms). Two numbers have the same random bits, and so keep their order,
    with probability 2^-32.

    Args:
        num: how many numbers; above 65,536 the function is ``jax.random.permutation``.
        key: PRNG key of the permutation.

    Example:
        >>> sorted(permutation(5, key=jax.random.key(0)).tolist())
        [0, 1, 2, 3, 4]
    """
    if num > 2**_HALF:
        return jax.random.permutation(key, num)
    positions = jnp.arange(num, dtype=jnp.uint32)
    order = positions
    for bits in jax.random.bits(key, (_PASSES, num), jnp.uint16).astype(jnp.uint32):
        order = order[jnp.sort(bits << _HALF | positions) & (2**_HALF - 1)]
    return order.astype(jnp.int32)
