"""Test ``exponentiated_gradient`` against its closed form, and that no step changes a sign."""

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from helpers.sign_contracts import NETWORKS, prefix, run, setting
from hypothesis import given

import dalejax as dj

SIGNS = np.array([[1, -1, 0]])


def descend(params, gradients, rate):
    """Compute exponentiated gradient descent in NumPy, entry by entry."""
    params = params.copy()
    for gradient in gradients:
        for i, j in np.ndindex(params.shape):
            sign, step = SIGNS[0, j], -rate * gradient[i, j]
            params[i, j] = params[i, j] * np.exp(sign * step) if sign else params[i, j] + step
    return params


@given(st.integers(0, 10_000), st.integers(1, 4))
def test_updates_are_those_of_a_plain_loop(seed, updates):
    rng = np.random.default_rng(seed)
    start = np.where(SIGNS == 0, 1, SIGNS) * rng.exponential(size=(2, 3))
    gradients = rng.normal(size=(updates, 2, 3))
    with jax.enable_x64(True):
        tx = optax.chain(optax.sgd(0.3), dj.exponentiated_gradient({"W": SIGNS}))
        params = {"W": jnp.asarray(start)}
        state = tx.init(params)
        for gradient in gradients:
            step, state = tx.update({"W": jnp.asarray(gradient)}, state, params)
            params = optax.apply_updates(params, step)
        np.testing.assert_allclose(params["W"], descend(start, gradients, 0.3), rtol=1e-12)


@given(st.floats(-200, 200, width=32), st.floats(0, 2.0**100, width=32), st.sampled_from([1, -1]))
def test_no_step_changes_a_sign(step, size, sign):
    params = {"w": jnp.float32(sign * size) + 0}
    tx = dj.exponentiated_gradient({"w": sign})
    updates, _ = tx.update({"w": jnp.float32(step)}, tx.init(params), params)
    moved = optax.apply_updates(params, updates)["w"]
    assert not sign * moved < 0
    assert not (moved == 0 and jnp.signbit(moved))
    assert size > 0 or moved == 0
    assert size < 1e-30 or moved != 0  # no step makes a weight 0


def test_what_is_not_legal_becomes_zero_and_stays_there():
    tx = dj.exponentiated_gradient({"w": 1})
    params = {"w": jnp.array([-1.0, 0.0, 2.0])}
    for _ in range(2):
        updates, _ = tx.update({"w": jnp.ones(3)}, tx.init(params), params)
        params = optax.apply_updates(params, updates)
    assert params["w"][:2].tolist() == [0.0, 0.0]
    assert params["w"][2] == pytest.approx(2 * np.exp(2))


@pytest.mark.long
@pytest.mark.parametrize("kind, bare", [("colei", True), *((kind, False) for kind in NETWORKS)])
def test_networks_stay_legal_and_keep_their_synapses(kind, bare):
    params, signs = setting(kind)
    own = prefix(signs, params) if kind == "rnn" else None
    # Gradients go up to 1e3: clipped, so that no weight overflows within a thousand updates.
    tx = optax.chain(dj.clip_by_tensor_norm(1.0), optax.sgd(0.02), dj.exponentiated_gradient(own))
    final, counts = run(tx, params, signs, bare, {} if bare else {"project_later": True})
    illegal, minus_zeros, _ = np.asarray(counts).sum(0)
    assert illegal == 0 and minus_zeros == 0
    for layer, matrices in signs.items():
        for name in matrices:
            before, after = params[layer][name], final[layer][name]
            assert (before != after).any()
            constrained = np.broadcast_to(matrices[name] != 0, before.shape)
            np.testing.assert_array_equal((before == 0)[constrained], (after == 0)[constrained])


def test_a_colei_network_learns_by_factors():
    net = dj.RecurrentNetwork([dj.ColEICell(20, n_i=2)], dj.ColEIDense(10))
    task = dj.tasks.SequentialMNIST("digits")
    run = dj.train(
        net,
        dj.colei_exponentiated_gradient(0.3, 1.0),
        task,
        keys=dj.seed_keys(0, 2),
        num_updates=300,
        eval_every=300,
    )
    dj.signs.assert_legal(run.params)
    assert run.table[run.table.metric == "test_error"].value.mean() < 80  # chance: 90


def test_without_parameters_it_says_what_it_needs():
    tx = dj.exponentiated_gradient({"w": 1})
    params = {"w": jnp.ones(1)}
    with pytest.raises(ValueError, match="exponentiated_gradient needs the parameters"):
        tx.update(params, tx.init(params))
