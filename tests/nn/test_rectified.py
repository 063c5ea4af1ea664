"""Cells whose signs are those of rectified parameters in the forward pass."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from helpers.random_updates import OPTIMISERS, train

import dalejax as dj
from dalejax.nn.connectivity import Sparse

N, N_I, N_IN = 12, 4, 3


@pytest.mark.parametrize("name", OPTIMISERS)
def test_rectified_signs_hold_without_a_projection(name):
    cell = dj.RectifiedCell(N, n_i=N_I, inputs_n_i=1)
    params = cell.initial_params(N_IN, key=jax.random.key(0))
    assert "signs" not in params and (params["W"] >= 0).all()
    params = train(cell, params, OPTIMISERS[name](()))
    assert (params["W"] < 0).any()  # otherwise nothing was rectified
    U, W, _ = cell.effective(params)
    others = params["W"] * (1 - np.eye(N))
    for matrix, n_i, free in ((U, 1, params["U"]), (W, N_I, others)):
        matrix, free = np.asarray(matrix), np.asarray(free)
        for j in range(matrix.shape[1]):
            sign = 1 if j < matrix.shape[1] - n_i else -1
            np.testing.assert_array_equal(matrix[:, j], sign * np.maximum(free[:, j], 0))


@pytest.mark.parametrize("name", OPTIMISERS)
def test_no_rectified_unit_ever_hears_itself(name):
    cell = dj.RectifiedCell(N, n_i=N_I)
    params = cell.initial_params(N_IN, key=jax.random.key(0))
    params = train(cell, params | {"W": params["W"] + 0.1}, OPTIMISERS[name](()))
    assert (jnp.diag(params["W"]) > 0).any()  # the parameters would have it so
    W = cell.effective(params).W
    assert not jnp.diag(W).any() and (W != 0).sum() > N


def test_a_rectified_readout_reads_excitation_only():
    net = dj.RecurrentNetwork([dj.RectifiedCell(N, n_i=N_I)], dj.RectifiedDense(2))
    params = net.init(jax.random.key(0), jnp.ones((1, 1, N_IN)))["params"]
    free = params["readout"]["W"].at[0, 0].set(-1.0)
    W = np.asarray(net.readout.effective(params["readout"] | {"W": free}).W)
    assert not W[:, N - N_I :].any() and W[0, 0] == 0
    np.testing.assert_array_equal(W[1, : N - N_I], free[1, : N - N_I])


def test_masked_and_rectified_networks_train_in_an_ensemble():
    cell = dj.RectifiedCell(
        8, n_i=2, tau=100.0, dt=50.0, noise=0.05, connectivity=Sparse(0.7), distribution="uniform"
    )
    net = dj.RecurrentNetwork([cell], dj.RectifiedDense(1))
    task, keys = dj.tasks.AddingProblem(5, num_train=64, num_test=16), dj.seed_keys(0, 2)
    run = dj.train(
        net, optax.adam(0.01), task, keys=keys, num_updates=2, eval_every=2, progress=False
    )
    start = dj.initial_params(net, task, keys=keys)
    np.testing.assert_array_equal(run.params["cells_0"]["mask"], start["cells_0"]["mask"])
    assert (run.params["cells_0"]["W"] != start["cells_0"]["W"]).any()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: dj.RectifiedCell(4, n_i=1, zero_diagonal=False), "zero_diagonal is False"),
        (
            lambda: dj.RectifiedCell(4, n_i=1, input_mean=0.5),
            "and input_mean 0.5; a rectified cell",
        ),
    ],
)
def test_options_that_rectified_cells_do_not_have_are_refused(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()
