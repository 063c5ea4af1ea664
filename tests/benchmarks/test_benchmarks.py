"""The benchmarks count right, and their peers do the same work as dalejax."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dalejax as dj
from benchmarks import machine, profile


def test_flops_are_those_of_the_products():
    t, b, n_in, n, n_out = 28, 32, 28, 100, 10

    def product(rows, inner, columns):
        return 2 * rows * inner * columns

    one_layer = 3 * product(t * b, n, n)  # W: forward, gradient of the state, of the weights
    first = 2 * product(t * b, n_in, n)  # U: forward and gradient of the weights
    higher = 3 * product(t * b, n, n)
    readout = 3 * product(b, n, n_out)
    expected = 3 * one_layer + first + 2 * higher + readout
    assert machine.update_flops(3, n, n_in, n_out, t, b) == expected
    assert round(expected / 1e6) == 279


def test_instructions_are_told_from_what_else_is_traced():
    names = ["ynn_fusion.3", "dot_general.12", "while.1", "sort.0", "copy_bitcast_fusion"]
    assert all(map(profile._is_instruction, names))
    for other in ("ThunkExecutor::Execute", "$api.py:2479 block_until_ready", "end: x"):
        assert not profile._is_instruction(other)
    in_loop = [True, False, False, False, False]
    groups = [profile._group(name, inside) for name, inside in zip(names, in_loop, strict=True)]
    assert [profile.GROUPS.index(group) for group in groups] == [0, 1, 3, 4, 5]


@pytest.mark.parametrize("kind", ["rnn", "colei", "dann"])
@pytest.mark.parametrize("fold", ["step", "update"])
def test_a_torch_update_is_a_dalejax_update(kind, fold):
    torch = pytest.importorskip("torch")
    from benchmarks import torch_peers
    from benchmarks.networks import CLIP, LEARNING_RATE, make

    torch.manual_seed(0)
    peer = torch_peers.Network(kind, 2, 28, 20, 2, 10, fold)
    params = _params_of(peer, kind)
    net, tx = make(kind, 2, 20)
    rng = np.random.default_rng(0)
    x, y = rng.random((5, 4, 28), np.float32), rng.integers(0, 10, 4)
    states = tx.init(params)

    def loss_of(params):
        h = jnp.asarray(x)
        for i, cell in enumerate(net.cells):
            U, W, b = cell.effective(params[f"cells_{i}"])
            h = dj.recurrence(h @ U.T + b, W, jnp.zeros((4, 20)))
        outputs = h[-1] @ params["readout"]["W"].T + params["readout"]["b"]
        return -jnp.mean(jax.nn.log_softmax(outputs)[jnp.arange(4), y])

    gradient = jax.grad(loss_of)(params)
    updates, states = tx.update(gradient, states, params)
    expected = dj.apply_updates(params, updates, states)
    torch_peers.update(peer, torch.from_numpy(x), torch.from_numpy(y), LEARNING_RATE, CLIP)
    after = _params_of(peer, kind)
    for i in range(2):
        for name, value in after[f"cells_{i}"].items():
            if name != dj.signs.KEY:
                np.testing.assert_allclose(value, expected[f"cells_{i}"][name], atol=2e-6)


def _params_of(peer, kind):
    """The peer's parameters as dalejax's, its read-out without constraint."""
    signs = dj.signs.ColumnSigns

    def cell(layer):
        values = {name: jnp.asarray(p.detach().numpy()) for name, p in layer.named_parameters()}
        if kind == "colei":
            values["W"] = values["W"] * jnp.asarray(layer.signs.numpy())
            values[dj.signs.KEY] = signs((("U", 0), ("W", 2)))
        elif kind == "dann":
            names = tuple((name, 0) for name in values if name != "b")
            values[dj.signs.KEY] = signs(names)
        return values

    cells = {f"cells_{i}": cell(layer) for i, layer in enumerate(peer.layers)}
    readout = {"W": peer.readout.weight, "b": peer.readout.bias}
    return cells | {"readout": {k: jnp.asarray(v.detach().numpy()) for k, v in readout.items()}}


@pytest.mark.parametrize("kind", ["rnn", "colei", "dann"])
def test_the_stacked_torch_ensemble_updates_as_its_networks_do(kind):
    torch = pytest.importorskip("torch")
    from benchmarks import torch_peers

    torch.manual_seed(0)
    networks = [torch_peers.Network(kind, 2, 6, 8, 2, 3, "update") for _ in range(3)]
    making = iter(networks)
    stacked = torch_peers.Stacked(lambda: next(making), 3)
    x, y = torch.rand(3, 5, 4, 6), torch.randint(0, 3, (3, 4))
    alone = [torch_peers.Network(kind, 2, 6, 8, 2, 3, "update") for _ in range(3)]
    for i, network in enumerate(alone):
        state = {k: v[i].clone() for k, v in (stacked.params | stacked.buffers).items()}
        network.load_state_dict(state)
        torch_peers.update(network, x[i], y[i], 0.1, 0.05)
    stacked.update(x, y, 0.1, 0.05)
    for i, network in enumerate(alone):
        for name, parameter in network.named_parameters():
            torch.testing.assert_close(stacked.params[name][i], parameter.data)
