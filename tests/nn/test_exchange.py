"""Weights out and in: the same numbers, the same outputs in PyTorch, or one clear sentence."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dalejax as dj
from dalejax.nn import exchange

RNN = [dj.RNNCell(4, activation="tanh"), dj.RNNCell(4, activation="tanh")]
NETWORKS = {
    "rnn": (RNN, dj.Dense(2)),
    "colei": ([dj.ColEICell(4, n_i=1), dj.ColEICell(4, n_i=2)], dj.ColEIDense(2)),
    "projected": ([dj.ProjectedCell(4, n_i=2, activation="tanh")], dj.ColEIDense(2)),
    "dann": ([dj.DANNCell(4, n_i=1)], dj.DANNDense(2)),
}


def made(kind):
    net = dj.RecurrentNetwork(*NETWORKS[kind], every_step=True)
    params = net.init(jax.random.key(0), jnp.zeros((1, 1, 3)))["params"]
    biased = {
        layer: {k: v + 0.1 if k == "b" else v for k, v in own.items()}
        for layer, own in params.items()
    }
    return net, biased


def inputs():
    return np.random.default_rng(0).uniform(size=(5, 2, 3)).astype(np.float32)


def loop(arrays, x, f):
    """Step through torch.nn.RNN's equation."""
    layers = sum("weight_ih" in name for name in arrays)
    for i in range(layers):
        ih, hh, b_ih, b_hh = (
            arrays[f"rnn.{name}_l{i}"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        h, states = np.zeros((x.shape[1], len(hh))), []
        for now in x:
            h = f(now @ ih.T + b_ih + h @ hh.T + b_hh)
            states.append(h)
        x = np.stack(states)
    return x @ arrays["readout.weight"].T + arrays["readout.bias"]


@pytest.mark.parametrize("kind", NETWORKS)
def test_what_goes_out_computes_the_same(kind):
    net, params = made(kind)
    f = np.tanh if net.cells[0].activation == "tanh" else lambda z: np.maximum(z, 0)
    wanted = loop(exchange.to_torch(net, params), inputs(), f)
    np.testing.assert_allclose(net.apply({"params": params}, inputs()), wanted, atol=1e-5)


@pytest.mark.parametrize("kind", ["rnn", "colei", "projected"])
def test_there_and_back_is_the_same(kind):
    net, params = made(kind)
    back = exchange.from_torch(net, exchange.to_torch(net, params))
    assert jax.tree.structure(back) == jax.tree.structure(params)
    for a, b in zip(*map(jax.tree.leaves, (back, params)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_torch_computes_the_same():
    torch = pytest.importorskip("torch")
    net, params = made("rnn")
    arrays = {k: torch.from_numpy(v.copy()) for k, v in exchange.to_torch(net, params).items()}
    rnn, readout = torch.nn.RNN(3, 4, 2, nonlinearity="tanh"), torch.nn.Linear(4, 2)
    module = torch.nn.ModuleDict({"rnn": rnn, "readout": readout})
    module.load_state_dict(arrays)
    with torch.no_grad():
        outputs = readout(rnn(torch.from_numpy(inputs()))[0])
    np.testing.assert_allclose(net.apply({"params": params}, inputs()), outputs, atol=1e-6)
    back = exchange.from_torch(net, module.state_dict())
    np.testing.assert_array_equal(back["cells_1"]["b"], params["cells_1"]["b"])


def test_both_biases_are_read():
    net, params = made("rnn")
    arrays = exchange.to_torch(net, params)
    arrays["rnn.bias_hh_l0"] = np.ones(4, np.float32)
    back = exchange.from_torch(net, arrays)
    np.testing.assert_allclose(back["cells_0"]["b"], params["cells_0"]["b"] + 1)


@pytest.mark.parametrize("kind", NETWORKS)
def test_arrays_there_and_back(kind, tmp_path):
    _, params = made(kind)
    np.savez(tmp_path / "weights.npz", **exchange.to_arrays(params))
    with np.load(tmp_path / "weights.npz") as arrays:
        back = exchange.from_arrays(params, arrays)
    assert jax.tree.structure(back) == jax.tree.structure(params)
    for a, b in zip(*map(jax.tree.leaves, (back, params)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_one_member_of_an_ensemble():
    net, params = made("colei")
    ensemble = jax.tree.map(lambda leaf: jnp.stack([leaf, 2 * leaf]), params)
    one, same = exchange.to_torch(net, ensemble, member=0), exchange.to_torch(net, params)
    for name, array in same.items():
        np.testing.assert_array_equal(one[name], array)
    assert exchange.to_arrays(ensemble, member=1)["cells_0/W"].shape == (4, 4)
    with pytest.raises(ValueError, match="those of 2 members; choose one"):
        exchange.to_torch(net, ensemble)


def network(*cells, readout=None, **more):
    return dj.RecurrentNetwork([*cells], readout or dj.Dense(2), **more)


@pytest.mark.parametrize(
    "net, message",
    [
        (network(dj.RNNCell(4), dj.RNNCell(5)), "the cells have [4, 5] units"),
        (network(dj.RNNCell(4, activation="identity")), "are ['identity']"),
        (network(dj.RNNCell(4, tau=50.0, dt=10.0)), "cell 0 is leaky or noisy"),
        (network(dj.RNNCell(4), hidden=[dj.Dense(3)]), "neither dense layers"),
        (network(dj.DivisiveDANNCell(4, n_i=1)), "DivisiveDANNCell, which has divisive inhibition"),
        (
            network(dj.DANNCell(4, n_i=1), readout=dj.DivisiveDANNDense(2)),
            "DivisiveDANNDense; torch.nn.Linear only multiplies and adds",
        ),
    ],
)
def test_what_torch_does_not_have_is_refused(net, message):
    params = net.init(jax.random.key(0), jnp.zeros((1, 1, 3)))["params"]
    with pytest.raises(ValueError, match=re.escape(message)):
        exchange.to_torch(net, params)


def test_arrays_of_double_precision_are_read():
    net, params = made("rnn")
    arrays = {k: v.astype(np.float64) + 1e-12 for k, v in exchange.to_torch(net, params).items()}
    W = exchange.from_torch(net, arrays)["cells_0"]["W"]
    np.testing.assert_array_equal(W, arrays["rnn.weight_hh_l0"].astype(np.float32))


def changed(arrays, **new):
    return {k: v for k, v in (arrays | new).items() if v is not None}


@pytest.mark.parametrize(
    "kind, change, message",
    [
        ("rnn", {"readout.bias": None}, "the arrays have no readout.bias"),
        ("rnn", {"extra": np.ones(1)}, "the arrays ['extra'] are not known"),
        ("rnn", {"readout.weight": np.ones((2, 5))}, "readout/W is (2, 5); it must be (2, 4)"),
        ("colei", {"rnn.weight_hh_l0": -np.ones((4, 4))}, "where only sign +1 is allowed"),
        ("dann", {}, "the names of the arrays and of the parameters differ in"),
    ],
)
def test_what_does_not_fit_is_refused(kind, change, message):
    net, params = made(kind)
    arrays = changed(exchange.to_torch(net, params), **change)
    with pytest.raises(ValueError, match=re.escape(message)):
        exchange.from_torch(net, arrays)


def test_weights_that_are_not_stored_as_they_are_are_refused():
    rectified = dj.RecurrentNetwork([dj.RectifiedCell(4, n_i=1)], dj.Dense(2))
    plain = dj.RecurrentNetwork([dj.RNNCell(4)], dj.Dense(2))
    params = plain.init(jax.random.key(0), jnp.zeros((1, 1, 3)))["params"]
    with pytest.raises(ValueError, match="cells_0 is a RectifiedCell, whose effective W is not"):
        exchange.from_torch(rectified, exchange.to_torch(plain, params))


def test_a_mask_that_pytorch_does_not_keep_is_asked_for_in_vain():
    sparse = dj.RNNCell(4, connectivity=dj.connectivity.Sparse(0.5))
    net = dj.RecurrentNetwork([sparse], dj.Dense(2))
    params = net.init(jax.random.key(0), jnp.zeros((1, 1, 3)))["params"]
    with pytest.raises(ValueError, match="keeps no mask to read"):
        exchange.from_torch(net, exchange.to_torch(net, params))
