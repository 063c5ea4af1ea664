"""Interneurons that inhibit each other: where they settle, and what that leaves as it was."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dalejax as dj
from dalejax.nn.cells import basic
from dalejax.nn.cells.basic import interneurons


@given(mutual=st.floats(0.01, 0.99), n_i=st.integers(1, 4))
def test_it_starts_with_the_weights_of_a_dales_ann(mutual, n_i):
    key = jax.random.key(n_i)
    ours, plain = dj.MutualDANNCell(5, n_i=n_i, mutual=mutual), dj.DANNCell(5, n_i=n_i)
    params = ours.initial_params(3, key=key)
    for a, b in zip(
        ours.effective(params), plain.effective(plain.initial_params(3, key=key)), strict=True
    ):
        np.testing.assert_allclose(a, b, atol=2e-6)
    np.testing.assert_allclose(params["W_ii"].sum(1), mutual, rtol=1e-5)
    assert params["U_ii"].shape == params["W_ii"].shape == (n_i, n_i)
    dj.signs.assert_legal(params)


def test_interneurons_settle_where_a_loop_does(x64):
    rng = np.random.default_rng(0)
    ie, ii, h = rng.uniform(size=(3, 4)), rng.uniform(size=(3, 3)) / 4, rng.uniform(size=4)
    y = np.zeros(3)
    for _ in range(200):
        y = ie @ h - ii @ y
    settled = interneurons({"W_ie": jnp.asarray(ie), "W_ii": jnp.asarray(ii)}, "W")
    np.testing.assert_allclose(settled @ h, y, rtol=1e-12)


def test_what_inhibits_an_interneuron_excites(x64):
    ie, ei = jnp.array([[1.0, 0.0], [0.0, 1.0]]), jnp.array([[1.0, 0.0], [0.0, 1.0]])
    ii = jnp.array([[0.0, 0.0], [0.5, 0.0]])  # the first interneuron inhibits the second
    W = basic.fold({"W_ee": jnp.zeros((2, 2)), "W_ie": ie, "W_ei": ei, "W_ii": ii}, "W")
    assert W.tolist() == [[-1.0, 0.0], [0.5, -1.0]]


@pytest.mark.parametrize("mutual", [0.0, 1.0, -0.5])
def test_what_may_start_singular_is_refused(mutual):
    with pytest.raises(ValueError, match="it must be above 0 and below 1"):
        dj.MutualDANNCell(5, n_i=2, mutual=mutual)


def test_synapses_inside_a_pool_are_drawn_by_themselves():
    """None of a Dale's ANN's own draws is drawn again."""
    cell, key = dj.MutualDANNCell(40, n_i=20), jax.random.key(0)
    params, keys = cell.initial_params(3, key=key), (key, *jax.random.split(key, 8))
    for name in ("U_ii", "W_ii"):
        for other in keys:
            again = dj.initializers.positive((20, 20), 1.0, key=other, distribution="exponential")
            r = np.corrcoef(np.ravel(params[name]), np.ravel(again))[0, 1]
            assert abs(r) < 0.5, name
