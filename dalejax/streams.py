"""Random streams: every number that is folded into a key, in one place.

Everything random is a function of a key and such numbers, so that no random state has to be saved.
The values never change: the bits of earlier runs depend on them. ``jax.random.split(key, n)[i]`` is
``fold_in(key, i)``, so a stream that shares a key with a split has a number that no split reaches.
"""

from __future__ import annotations

from enum import IntEnum


class Stream(IntEnum):
    """Numbers for ``jax.random.fold_in``; equal values are used with different keys.

    Attributes:
        INIT: of a member's key: its initial parameters.
        EPOCH: of a member's key: the orders of its epochs, each ``fold_in(·, epoch)``.
        UPDATE: of a member's key: its updates, each ``fold_in(·, update)``.
        FISHER: of an update's key: answers drawn from the network for the Fisher information.
        NOISE: of an update's key: the recurrent noise.
        MASK: of a cell's key: which recurrent synapses there are.
        POOL_U: of a cell's key: synapses inside the pool of interneurons of the inputs.
        POOL_W: of a cell's key: synapses inside the pool of interneurons of the recurrence.
        TEST: of a trial task's seed: its test set.

    Example:
        >>> import jax
        >>> key = jax.random.fold_in(jax.random.key(0), Stream.UPDATE)
        >>> bool((jax.random.key_data(key) == jax.random.key_data(
        ...     jax.random.fold_in(jax.random.key(0), 2))).all())
        True
    """

    INIT = 0
    EPOCH = 1
    UPDATE = 2
    MASK = 1 << 20
    POOL_U = 1 << 20
    POOL_W = (1 << 20) + 1
    FISHER = 1 << 30
    NOISE = (1 << 30) + 1
    TEST = 2**32 - 1


EVALUATION_NOISE = 0  # seed of the recurrent noise in evaluations, the same for every member
