"""Random orders: permutations, all equally likely, for every size and key."""

import collections

import jax
import numpy as np
import pytest
from scipy import stats

from dalejax.tasks.shuffle import permutation


@pytest.mark.parametrize("num", [1, 2, 7, 1000, 2**16 - 1, 2**16, 2**16 + 1])
def test_every_number_comes_once(num):
    order = np.asarray(permutation(num, key=jax.random.key(num)))
    assert order.dtype == np.int32
    np.testing.assert_array_equal(np.sort(order), np.arange(num))


def test_all_orders_are_equally_likely():
    keys = jax.random.split(jax.random.key(0), 24_000)
    orders = np.asarray(jax.vmap(lambda key: permutation(4, key=key))(keys))
    counts = collections.Counter(map(tuple, orders))
    assert len(counts) == 24
    assert stats.chisquare(list(counts.values())).pvalue > 0.001


def test_a_large_order_has_no_trend():
    """Neither with the position nor with the one before it."""
    order = np.asarray(permutation(60_000, key=jax.random.key(1)))
    assert abs(stats.spearmanr(np.arange(60_000), order).statistic) < 0.02
    assert abs(stats.spearmanr(order[1:], order[:-1]).statistic) < 0.02
    fixed = np.sum(order == np.arange(60_000))  # Poisson with mean 1
    assert fixed < 8
