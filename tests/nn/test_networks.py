"""Whole networks against the NumPy loop, and the wiring of their signs."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from helpers import reference

import dalejax as dj

KINDS = {
    "rnn": (lambda n, **kw: dj.RNNCell(n, **kw), dj.Dense(3)),
    "colei": (lambda n, **kw: dj.ColEICell(n, n_i=1, **kw), dj.ColEIDense(3)),
    "dann": (lambda n, **kw: dj.DANNCell(n, n_i=1, **kw), dj.DANNDense(3, n_i=2)),
}
kinds = pytest.mark.parametrize("kind", KINDS)
T, B, N_IN = 3, 2, 2


def build(kind, layers, every_step=False, activation="relu"):
    cell, readout = KINDS[kind]
    cells = [cell(n, activation=activation) for n in (4, 3, 2)[:layers]]
    return dj.RecurrentNetwork(cells=cells, readout=readout, every_step=every_step)


def setting(net, seed=0):
    rng = np.random.default_rng(seed)
    x = jnp.asarray(rng.normal(size=(T, B, N_IN)))
    params = net.init(jax.random.key(seed), x)["params"]
    return jax.tree.map(lambda p: p + 0.3 * rng.normal(size=p.shape), params), x


@kinds
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("every_step", [False, True])
def test_outputs_are_those_of_the_numpy_loop(kind, layers, every_step, x64):
    net = build(kind, layers, every_step)
    params, x = setting(net)
    plain = reference.strip(params)
    outputs = jax.jit(net.apply)({"params": params}, x)
    expected = reference.run_network(plain, np.asarray(x), every_step)
    assert outputs.shape == ((T, B, 3) if every_step else (B, 3))
    np.testing.assert_allclose(outputs, expected, rtol=1e-12, atol=1e-13)


@kinds
@pytest.mark.parametrize(
    ("layers", "every_step", "activation"),
    [(1, True, "identity"), (2, False, "tanh"), (3, True, "relu")],
)
def test_gradients_of_both_losses_are_those_of_numpy(kind, layers, every_step, activation, x64):
    net = build(kind, layers, every_step, activation)
    params, x = setting(net, seed=1)
    shape = (T, B) if every_step else (B,)
    rng = np.random.default_rng(2)
    labels, targets = rng.integers(3, size=shape), rng.normal(size=(*shape, 3))

    def losses(a):
        y = net.apply({"params": a["params"]}, a["x"])
        entropy = optax.softmax_cross_entropy_with_integer_labels(y, labels).mean()
        return jnp.stack([entropy, ((y - targets) ** 2).mean()])

    def plain(a, loss, target):
        return loss(reference.run_network(a["params"], a["x"], every_step, activation), target)

    arguments = {"params": params, "x": x}
    jacobian = jax.jit(jax.jacrev(losses))(arguments)
    references = [(reference.cross_entropy, labels), (reference.mean_squared_error, targets)]
    for i, (loss, target) in enumerate(references):
        ours = reference.strip(jax.tree.map(lambda leaf: leaf[i], jacobian))  # noqa: B023
        numeric = reference.differentiate(
            lambda a: plain(a, loss, target),  # noqa: B023
            reference.strip(arguments),
        )
        for (path, a), (_, b) in zip(*map(reference.leaves, (ours, numeric)), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13, err_msg=str(path))


@kinds
def test_gradients_are_those_of_flax_cells_scanned_by_hand(kind, x64):
    net = build(kind, 2)
    params, x = setting(net, seed=3)

    def by_hand(params, x):
        for i, cell in enumerate(net.cells):
            variables = {"params": params[f"cells_{i}"]}
            carry = jnp.zeros((B, cell.features))
            _, x = jax.lax.scan(lambda h, x: cell.apply(variables, h, x), carry, x)  # noqa: B023
        return net.readout.apply({"params": params["readout"]}, x[-1])

    def gradient(run):
        return jax.jit(jax.grad(lambda p, x: (run(p, x) ** 2).sum(), (0, 1)))(params, x)

    ours, theirs = gradient(lambda p, x: net.apply({"params": p}, x)), gradient(by_hand)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13), ours, theirs
    )


@kinds
def test_one_step_suffices_and_every_step_ends_in_the_last(kind, x64):
    net, all_steps = build(kind, 1), build(kind, 1, every_step=True)
    params, x = setting(net)
    plain = reference.strip(params)
    once = net.apply({"params": params}, x[:1])
    np.testing.assert_allclose(
        once, reference.run_network(plain, np.asarray(x[:1])), rtol=1e-12, atol=1e-13
    )
    last = all_steps.apply({"params": params}, x)[-1]
    np.testing.assert_allclose(net.apply({"params": params}, x), last, rtol=1e-12)


@kinds
def test_members_run_and_fold_under_vmap(kind, x64):
    net = build(kind, 2)
    one, x = setting(net)
    members = jax.tree.map(lambda p: jnp.stack([2 * p, p, p / 2]), one)
    outputs = jax.jit(jax.vmap(net.apply, (0, None)))({"params": members}, x)
    folded = net.effective(members)
    assert [e.W.shape for e in folded] == [(3, 4, 4), (3, 3, 3)]
    for m, scale in enumerate((2, 1, 0.5)):
        member = reference.tree_map(lambda p: scale * p, reference.strip(one))  # noqa: B023
        expected = reference.run_network(member, np.asarray(x))
        np.testing.assert_allclose(outputs[m], expected, rtol=1e-12, atol=1e-13)
        for i, effective in enumerate(folded):
            for name in ("U", "W"):
                expected = reference.weights(member[f"cells_{i}"], name)
                np.testing.assert_allclose(getattr(effective, name)[m], expected, atol=1e-12)


# Wiring

DANN = {f"{x}_{k}": 0 for x in "UW" for k in ("ee", "ie", "ei")}
READOUT = {name: 0 for name in DANN if name.startswith("W")}
STACKS = {
    "colei": (
        [dj.ColEICell(5, n_i=2), dj.ColEICell(4, n_i=1), dj.ColEICell(3, n_i=2)],
        dj.ColEIDense(2),
        [{"U": 0, "W": 2}, {"U": 2, "W": 1}, {"U": 1, "W": 2}, {"W": 2}],
    ),
    "dann": ([dj.DANNCell(4, n_i=1)] * 2, dj.DANNDense(2), [DANN, DANN, READOUT]),
    "colei on dann": (
        [dj.DANNCell(4, n_i=1), dj.ColEICell(4, n_i=1)],
        dj.ColEIDense(2),
        [DANN, {"U": 0, "W": 1}, {"W": 1}],
    ),
    "colei on rnn": ([dj.RNNCell(4), dj.ColEICell(3, n_i=1)], dj.Dense(2), [{}, {"U": 0, "W": 1}]),
    "rnn on colei": (
        [dj.ColEICell(4, n_i=3), dj.RNNCell(3)],
        dj.ColEIDense(2),
        [{"U": 0, "W": 3}, {}, {"W": 0}],
    ),
}


@pytest.mark.parametrize(("cells", "readout", "expected"), STACKS.values(), ids=STACKS)
def test_signs_follow_the_layer_below_and_hold_from_the_start(cells, readout, expected):
    net = dj.RecurrentNetwork(cells=cells, readout=readout)
    params = jax.jit(lambda key: net.init(key, jnp.ones((1, 1, 3)))["params"])(jax.random.key(0))
    names = [f"cells_{i}" for i in range(len(cells))] + ["readout"]
    inhibitory = dict(zip(names, expected, strict=False))
    wanted = reference.sign_tree(reference.strip(params), inhibitory)
    found = dj.signs.sign_tree(params)
    for (layer, name), sign in reference.leaves(wanted):
        leaf = found[layer][name]
        assert (leaf is None) == (name not in inhibitory.get(layer, {})), (layer, name)
        if leaf is not None:
            np.testing.assert_array_equal(np.broadcast_to(leaf, sign.shape), sign)
            assert (np.asarray(params[layer][name]) * sign >= 0).all()
    dj.signs.assert_legal(params)


def test_a_layer_wired_by_hand_stays_as_it_is():
    cells = [dj.ColEICell(4, n_i=2), dj.ColEICell(4, n_i=1, inputs_n_i=0)]
    net = dj.RecurrentNetwork(cells=cells, readout=dj.ColEIDense(2, inputs_n_i=3))
    assert [cell.inputs_n_i for cell in net.cells] == [0, 0] and net.readout.inputs_n_i == 3


def test_the_given_cells_are_not_changed_and_may_be_given_twice():
    cell = dj.ColEICell(4, n_i=1)
    net = dj.RecurrentNetwork(cells=[cell, cell], readout=dj.ColEIDense(2))
    params = net.init(jax.random.key(0), jnp.ones((1, 1, 3)))["params"]
    assert sorted(params) == ["cells_0", "cells_1", "readout"] and cell.inputs_n_i is None
    assert not (params["cells_0"]["W"] == params["cells_1"]["W"]).all()


# Refusals


def test_a_network_needs_a_cell():
    with pytest.raises(ValueError, match="cells is empty; a network needs at least 1"):
        dj.RecurrentNetwork(cells=[], readout=dj.Dense(2))


def test_a_readout_needs_an_output_and_an_interneuron():
    with pytest.raises(ValueError, match="features is 0; a dense layer needs at least 1 output"):
        dj.Dense(0)
    with pytest.raises(ValueError, match="n_i is 0; a Dale's ANN needs at least 1 interneuron"):
        dj.DANNDense(2, n_i=0)


def test_inputs_need_three_axes(untyped):
    with pytest.raises(ValueError, match=r"shape \(5, 2\); they must be \[t, b, n_in\]"):
        build("rnn", 1).init(jax.random.key(0), jnp.ones((5, 2)))


@kinds
def test_inputs_of_another_width_are_refused(kind):
    net = build(kind, 1)
    params = net.init(jax.random.key(0), jnp.ones((1, 1, 2)))
    with pytest.raises(ValueError, match="inputs have 3 features; this cell was made for 2"):
        net.apply(params, jnp.ones((1, 1, 3)))
    with pytest.raises(ValueError, match="inputs have 3 features; this layer was made for 4"):
        net.readout.apply({"params": params["params"]["readout"]}, jnp.ones((1, 3)))


# --- around the cells -----------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "layers"), [("rnn", 1), ("dann", 2)])
def test_steps_after_the_inputs_are_steps_without_input(kind, layers, x64):
    net = build(kind, layers, every_step=True)
    params, x = setting(net)
    padded = np.concatenate([np.asarray(x), np.zeros((4, B, N_IN))])
    expected = reference.run_network(reference.strip(params), padded, every_step=True)

    def outputs(params, x, steps=None):
        return net.apply({"params": params}, x, steps)

    run = jax.jit(outputs, static_argnums=2)
    np.testing.assert_allclose(run(params, x, T + 4), expected, rtol=1e-12, atol=1e-13)
    # The gradient too, and the products of the silent steps are not made.
    short, long = (
        jax.jit(jax.grad(lambda p, x, n: jnp.sum(outputs(p, x, n) ** 2)), static_argnums=2)
        .lower(params, x, n)
        .compile()
        for x, n in ((x, T + 4), (jnp.asarray(padded), None))
    )
    for a, b in zip(
        *map(jax.tree.leaves, (short(params, x), long(params, jnp.asarray(padded)))), strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
    assert short.cost_analysis()["flops"] < long.cost_analysis()["flops"]


def test_fewer_steps_than_inputs_are_refused(untyped):
    net = build("rnn", 1)
    params, x = setting(net)
    with pytest.raises(ValueError, match=f"steps is {T - 1}; it must be at least {T}"):
        net.apply({"params": params}, x, T - 1)


def test_hidden_layers_and_an_embedding_against_numpy(x64):
    net = dj.RecurrentNetwork(
        [dj.ColEICell(4, n_i=1)],
        dj.ColEIDense(3),
        hidden=[dj.ColEIDense(5, n_i=2)],
        embedding=dj.Embedding(7, 2),
    )
    ids = jnp.array([[1, 6], [0, 3], [2, 2]])
    params = net.init(jax.random.key(0), ids)["params"]
    signs = reference.sign_tree(
        reference.strip(params),
        {"cells_0": {"U": 0, "W": 1}, "hidden_0": {"W": 1}, "readout": {"W": 2}},
    )
    for layer in ("cells_0", "hidden_0", "readout"):  # each has the signs of the layer below
        for name, sign in signs[layer].items():
            assert (sign * params[layer][name] >= 0).all() and (sign != 0).any() == (name != "b")
    p = reference.strip(params)
    h = reference.run_cell(p["cells_0"], p["embedding"]["E"][np.asarray(ids)])[-1]
    h = np.maximum(h @ p["hidden_0"]["W"].T + p["hidden_0"]["b"], 0)
    expected = h @ p["readout"]["W"].T + p["readout"]["b"]
    np.testing.assert_allclose(net.apply({"params": params}, ids), expected, rtol=1e-12)
    with pytest.raises(ValueError, match=r"they must be \[t, b\], as there is an embedding"):
        net.apply({"params": params}, jnp.ones((3, 2, 2)))


def test_a_dann_layer_above_a_hidden_colei_layer_is_refused():
    with pytest.raises(ValueError, match="has 1 inhibitory units"):
        dj.RecurrentNetwork([dj.RNNCell(4)], dj.DANNDense(3), hidden=[dj.ColEIDense(4, n_i=1)])
