"""The numbers that ``jax.random.fold_in`` folds into a key to make separate random streams.

All random numbers are functions of a key and of these numbers, so no random state has to be saved.
The values must never change, because earlier runs could then not be repeated. Some are large:
``jax.random.split(key, n)[i]`` equals ``fold_in(key, i)``, so a stream of a key that is also split
needs a number above the n of any split.
"""

from __future__ import annotations

from enum import IntEnum


class Stream(IntEnum):
    """Second arguments of ``jax.random.fold_in``; equal values are used with different keys.

    Attributes:
        INIT: with a member's key, gives the key of its initial parameters.
        EPOCH: with a member's key, gives a key that is folded with the epoch, for the order of the
            trials in that epoch.
        UPDATE: with a member's key, gives a key that is folded with the update, for all random
            numbers of that update.
        FISHER: with an update's key, gives the key with which answers are drawn from the network's
            output distribution, to measure the Fisher information.
        NOISE: with an update's key, gives the key of the recurrent noise.
        MASK: with a cell's key, gives the key of the mask of recurrent synapses.
        POOL_U: with a cell's key, gives the key of the synapses among the interneurons that
            inhibit the units in response to the inputs (the interneurons of U).
        POOL_W: with a cell's key, gives the key of the synapses among the interneurons that
            inhibit the units in response to their own activity (the interneurons of W).
        TEST: with the key of a trial task's seed, gives the key of its test set.

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


EVALUATION_NOISE = 0  # seed of the recurrent noise in evaluations, equal for all members
