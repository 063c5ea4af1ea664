"""The cell whose spectrum is right from the start: closed forms, wiring, and what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dalejax as dj
from dalejax.connectivity import Sparse

KEY = jax.random.key(3)


@pytest.mark.parametrize("n, n_i", [(2, 1), (20, 1), (20, 10), (20, 19)])
def test_all_singular_values_are_equal_at_any_ratio(n, n_i, x64):
    params = dj.SpectralColEICell(n, n_i=n_i, singular_value=0.8).initial(5, key=KEY)
    W = np.asarray(params["W"])
    np.testing.assert_allclose(np.linalg.svd(W, compute_uv=False), 0.8, rtol=1e-12)
    np.testing.assert_allclose(dj.spectrum.nse(params["W"]), 1, rtol=1e-9)
    np.testing.assert_array_equal(np.sign(W.sum(0)), np.where(np.arange(n) < n - n_i, 1, -1))
    assert (np.asarray(params["U"]) >= 0).all() and not np.any(params["b"])


def test_a_background_makes_one_singular_value_larger(x64):
    W = dj.SpectralColEICell(10, n_i=3, singular_value=2.0, background=0.5).initial(5, key=KEY)["W"]
    sigma = np.linalg.svd(np.asarray(W), compute_uv=False)
    np.testing.assert_allclose(sigma, [3.0] + [2.0] * 9, rtol=1e-12)
    assert (np.asarray(W) != 0).all()


@pytest.mark.parametrize("n_in", [2, 8, 30])
def test_inputs_have_the_norm_of_a_standard_cells(n_in, x64):
    """Where no two synapses fall on one another: the sum of squares is that of uniform weights."""
    U = np.asarray(dj.SpectralColEICell(8, n_i=2, input_synapses=1).initial(n_in, key=KEY)["U"])
    np.testing.assert_allclose((U**2).sum(), n_in / 3, rtol=1e-12)
    assert ((U > 0).sum(0 if n_in >= 8 else 1) == 1).all()  # along the longer side
    assert (U > 0).any(0).all() and (U > 0).any(1).all()  # no input is lost, no unit is deaf


def test_a_stack_of_them_learns_and_stays_legal():
    task = dj.tasks.AddingProblem(8, batch_size=16, num_train=64, num_test=32)
    cells = [dj.SpectralColEICell(10, n_i=2), dj.SpectralColEICell(10, n_i=1)]
    net = dj.RecurrentNetwork(cells, dj.ColEIDense(1))
    run = dj.train(
        net, dj.colei_sgd(0.02, clip=1.0), task, keys=dj.seed_keys(0, 2), num_updates=300,
        eval_every=150, progress=False,
    )  # fmt: skip
    error = run.table[run.table.metric == "test_mse"].groupby("update").value.mean()
    assert error[300] < error[150]
    dj.signs.assert_legal(run.params)
    U = np.asarray(run.params["cells_1"]["U"])
    assert (U[..., :8] >= 0).all() and (U[..., 8:] <= 0).all() and (U[..., 8:] < 0).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_i": 0}, "n_i is 0"),
        ({"singular_value": 0.0}, "singular_value is 0.0; it must be a finite number above 0"),
        ({"background": -1.0}, "background is -1.0"),
        ({"input_synapses": 0}, "input_synapses is 0; it must be at least 1"),
        ({"connectivity": Sparse(0.5)}, "this cell chooses its synapses itself"),
    ],
)
def test_what_it_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        dj.SpectralColEICell(4, **options)


def test_it_starts_alike_under_vmap():
    keys = dj.seed_keys(0, 3)
    cell = dj.SpectralColEICell(6, n_i=2)
    together = jax.vmap(lambda key: cell.initial(4, key=key))(keys)
    alone = [cell.initial(4, key=key) for key in keys]
    for name in ("U", "W", "b"):
        np.testing.assert_array_equal(together[name], jnp.stack([a[name] for a in alone]))
