"""Test ``currents``: E and I are 0 or positive, and E - I is the input of every unit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import reference

import dalejax as dj
from dalejax.nn.connectivity import Sparse

CELLS = {
    "rnn": (dj.RNNCell(5), dj.Dense(1)),
    "colei": (dj.ColEICell(5, n_i=2), dj.ColEIDense(1)),
    "sparse": (dj.ColEICell(5, n_i=2, connectivity=Sparse(0.5)), dj.ColEIDense(1)),
    "dann": (dj.DANNCell(5, n_i=2), dj.DANNDense(1)),
    "mutual": (dj.MutualDANNCell(5, n_i=2), dj.DANNDense(1)),
    "hybrid": (dj.HybridCell(5, n_i=2, slow_n_i=1), dj.HybridDense(1)),
    "rectified": (dj.RectifiedCell(5, n_i=2), dj.RectifiedDense(1)),
}
KEY = jax.random.key(1)


def run(name, steps=None):
    cell, readout = CELLS[name]
    net = dj.RecurrentNetwork([cell], readout)
    x = jax.random.normal(jax.random.key(0), (4, 3, 2))
    params = net.init(KEY, x)["params"]
    return net, params, x, *dj.currents(net, params, x, steps=steps, key=KEY)[0]


@pytest.mark.parametrize(("name", "steps"), [*((name, 6) for name in CELLS), ("colei", None)])
def test_their_difference_is_the_drive(name, steps, x64):
    net, params, x, E, I = run(name, steps)  # noqa: E741
    assert (E >= 0).all() and (I >= 0).all() and E.shape == I.shape == (steps or 4, 3, 5)
    U, W, _ = map(np.asarray, net.effective(params)[0])
    h = np.asarray(net.apply({"params": params}, x, steps, method="activities")[0])
    for t in range(len(h)):
        drive = (h[t - 1] @ W.T if t else 0) + (np.asarray(x[t]) @ U.T if t < len(x) else 0)
        np.testing.assert_allclose(E[t] - I[t], drive, rtol=1e-10, atol=1e-12)


def test_an_excitatory_unit_excites_and_an_interneuron_inhibits(x64):
    _, params, x, E, I = run("dann")  # noqa: E741
    p, x = reference.strip(params)["cells_0"], np.asarray(x[0])
    up, down = np.maximum(x, 0), np.maximum(-x, 0)  # at the first step there is no activity yet
    inhibits = p["U_ei"] @ p["U_ie"]
    np.testing.assert_allclose(E[0], up @ p["U_ee"].T + down @ inhibits.T, rtol=1e-10)
    np.testing.assert_allclose(I[0], up @ inhibits.T + down @ p["U_ee"].T, rtol=1e-10)


def test_layers_and_filters_have_theirs(x64):
    net = dj.FeedforwardNetwork(
        [dj.DANNConv(3, divisive=False), dj.MaxPool(), dj.AveragePool(), dj.DivisiveDANNDense(4)],
        dj.DivisiveDANNDense(2),
    )
    x = abs(jax.random.normal(jax.random.key(0), (2, 4, 4, 2)))
    params = net.init(KEY, x)["params"]
    of_filters, of_units = dj.currents(net, params, x, key=KEY)
    assert all(c.shape == (2, 4, 4, 3) and (c >= 0).all() for c in of_filters)
    filters = net.layers[0].respond(params["layers_0"], x) - params["layers_0"]["b"]
    np.testing.assert_allclose(of_filters[0] - of_filters[1], filters, atol=1e-10)
    below = net.apply({"params": params}, x, method="activities")[2]
    p = params["layers_3"]
    np.testing.assert_allclose(of_units[0], below @ p["W_ee"].T, rtol=1e-10)
    np.testing.assert_allclose(of_units[1], below @ p["W_ie"].T @ p["W_ei"].T, rtol=1e-10)


def test_an_embedding_comes_first():
    net = dj.RecurrentNetwork([dj.RNNCell(4)], dj.Dense(3), embedding=dj.Embedding(6, 2))
    numbers = jnp.array([[0, 1], [2, 5]])
    params = net.init(KEY, numbers)["params"]
    [(E, _)] = dj.currents(net, params, numbers, key=KEY)
    assert E.shape == (2, 2, 4)
