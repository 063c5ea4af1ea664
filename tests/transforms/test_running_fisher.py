"""The measured Fisher information and the transform that uses it, against NumPy in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from helpers import reference

import dalejax as dj
from dalejax.training.diagonal_fisher import _AT_ONCE

LAYERS = [dj.DivisiveDANNDense(4, n_i=2), dj.DANNDense(3)]


def setting():
    net = dj.FeedforwardNetwork(LAYERS, dj.Dense(10))
    task = dj.tasks.ImageClassification("digits", num_scored=10)
    x = jax.random.uniform(jax.random.key(1), (6, 784), jnp.float64)
    return net, task, net.init(jax.random.key(0), x)["params"], x


@pytest.mark.parametrize("at_once", [1, 4])
def test_the_measured_diagonal_is_the_mean_of_squared_gradients(x64, monkeypatch, at_once):
    monkeypatch.setitem(_AT_ONCE, "cpu", at_once)  # 4: the 6 trials in groups of 3
    net, task, params, x = setting()
    key = jax.random.key(2)
    found = reference.strip(dj.diagonal_fisher(net, task, params, x, key=key))
    answers = task.sample(net.apply({"params": params}, x), key=key)
    expected = None
    for trial, answer in zip(x, answers, strict=True):

        def log_p(p):
            return jax.nn.log_softmax(net.apply({"params": p}, trial[None]))[0, answer]  # noqa: B023

        squares = reference.tree_map(np.square, reference.strip(jax.grad(log_p)(params)))
        expected = squares if expected is None else reference.tree_map(np.add, expected, squares)
    for (path, a), (_, b) in zip(*map(reference.leaves, (found, expected)), strict=True):
        np.testing.assert_allclose(a, b / 6, rtol=1e-9, atol=1e-18, err_msg=str(path))


def test_a_recurrent_networks_trials_are_on_the_second_axis(x64):
    task = dj.tasks.SequentialMNIST("digits")
    net = dj.RecurrentNetwork([dj.RNNCell(4)], dj.Dense(10))
    x = jax.random.uniform(jax.random.key(1), (5, 2, 28), jnp.float64)
    params = net.init(jax.random.key(0), x)["params"]
    key = jax.random.key(2)
    both = dj.diagonal_fisher(net, task, params, x, key=key)
    answers = task.sample(net.apply({"params": params}, x), key=key)

    def squares(i):
        loss = lambda p: task.loss(net.apply({"params": p}, x[:, i : i + 1]), answers[i : i + 1])  # noqa: E731
        return jax.tree.map(jnp.square, jax.grad(loss)(params))

    expected = jax.tree.map(lambda a, b: (a + b) / 2, squares(0), squares(1))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9), both, expected)


def test_batch_normalisation_leaves_no_trial_a_gradient_of_its_own():
    net = dj.FeedforwardNetwork([dj.Dense(4)], dj.Dense(10), norm=dj.BatchNorm())
    task = dj.tasks.ImageClassification("digits", num_scored=10)
    with pytest.raises(ValueError, match="BatchNorm mixes them"):
        dj.diagonal_fisher(net, task, {}, jnp.ones((4, 784)), key=jax.random.key(0))


def test_answers_are_drawn_with_the_networks_probabilities():
    task = dj.tasks.ImageClassification("digits", num_scored=10)
    logits = jnp.broadcast_to(jnp.log(jnp.array([0.7, 0.2, 0.1])), (20_000, 3))
    counts = np.bincount(task.sample(logits, key=jax.random.key(0)), minlength=3) / 20_000
    np.testing.assert_allclose(counts, [0.7, 0.2, 0.1], atol=0.015)
    with pytest.raises(TypeError, match="AddingProblem has no method sample"):
        dj.tasks.AddingProblem(num_train=64, num_test=8).sample(logits, key=jax.random.key(0))


@pytest.mark.parametrize("norm", ["text", "code"])
def test_the_running_fisher_is_algorithm_4(norm, x64):
    _, _, params, _ = setting()
    rng = np.random.default_rng(0)
    k, rate, damping = 0.3, 2.5, 1e-3
    tx = dj.scale_by_running_fisher(k, rate, norm=norm, damping=damping)
    state, running, weight = tx.init(params), None, 0.0
    for _ in range(3):
        grads = jax.tree.map(lambda p: jnp.asarray(rng.normal(size=p.shape)), params)
        squares = jax.tree.map(lambda p: jnp.asarray(rng.exponential(size=p.shape)), params)
        scaled, state = tx.update(grads, state, params, fisher_fn=lambda: squares)  # noqa: B023
        new = reference.tree_map(lambda f: k * f / rate, reference.strip(squares))
        running = (
            new
            if running is None
            else reference.tree_map(lambda old, f: (1 - k) * old + f, running, new)
        )
        weight = (1 - k) * weight + k
    scaled, grads = reference.strip(scaled), reference.strip(grads)
    for layer, block in {"layers_0": "W_ee", "layers_1": "W_ee", "readout": "W"}.items():
        F = {name: f / weight for name, f in running[layer].items()}
        added = damping * F[block].mean()
        inside = F[block] + added if norm == "text" else 1 / (F[block] + added)
        for name, g in grads[layer].items():
            expected = g / (F[name] + added) / np.sqrt((inside**2).sum())
            np.testing.assert_allclose(scaled[layer][name], expected, rtol=1e-10, err_msg=name)


def test_a_recurrent_cells_families_have_their_own_blocks(x64):
    layer = {
        name: jnp.full((2, 2), 1.0) for name in ("U_ee", "U_ie", "U_ei", "W_ee", "W_ie", "W_ei")
    }
    F = {name: jnp.full((2, 2), 4.0 if name[0] == "U" else 1.0) for name in layer}
    tx = dj.scale_by_running_fisher(damping=1e-9)
    scaled, _ = tx.update({"cell": layer}, tx.init({"cell": layer}), fisher_fn=lambda: {"cell": F})
    np.testing.assert_allclose(scaled["cell"]["U_ie"], 1 / 4 / 8, rtol=1e-6)
    np.testing.assert_allclose(scaled["cell"]["W_ie"], 1 / 1 / 2, rtol=1e-6)


def test_training_hands_it_over_and_angles_are_kept(tmp_path):
    task = dj.tasks.ImageClassification("digits", num_scored=100, batch_size=50)
    net = dj.FeedforwardNetwork([dj.DivisiveDANNDense(8, n_i=1)], dj.DivisiveDANNDense(10))
    tx = optax.chain(
        dj.scale_by_running_fisher(norm="code"),
        optax.sgd(1.0),
        dj.limit_projection_angle(0.999),
        dj.dale_projection(),
    )
    options = {"keys": dj.seed_keys(0, 2), "eval_every": 20, "progress": False}
    run = dj.train(net, tx, task, num_updates=40, checkpoint_dir=tmp_path / "run", **options)
    errors = run.table[run.table.metric == "test_error"].groupby("update").value.mean()
    assert errors[40] < errors[20]
    dj.signs.assert_legal(run.params)
    assert (run.opt_state[2].factors <= 1).all()
    fisher = jax.tree.leaves(run.opt_state[0].fisher)
    assert all((leaf >= 0).all() for leaf in fisher) and any(leaf.any() for leaf in fisher)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: dj.scale_by_running_fisher(0.0),
            "momentum is 0.0; it must be above 0",
        ),
        (lambda: dj.scale_by_running_fisher(norm="max"), "norm is 'max'; it must be one of"),
        (lambda: dj.scale_by_running_fisher(damping=0.0), "damping is 0.0; it must be a finite"),
        (
            lambda: dj.scale_by_running_fisher().init({"a": {"v": jnp.ones(2)}}),
            "a layer holds v; scale_by_running_fisher needs W_ee or W",
        ),
        (lambda: dj.scale_by_running_fisher().init([jnp.ones(2)]), "found no layers"),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_without_a_measurement_it_says_so():
    tx, params = dj.scale_by_running_fisher(), {"W": jnp.ones((2, 2))}
    with pytest.raises(TypeError, match="needs the argument fisher_fn"):
        tx.update(params, tx.init(params), params)


def test_a_layer_that_no_trial_moves_is_not_updated():
    """If F_EE is 0, damping as a share of its mean is 0 too, and the quotient would be NaN."""
    for norm in ("text", "code"):
        layers = {"a": {"W": jnp.ones((2, 2))}, "b": {"W": jnp.ones((2, 2))}}
        measured = {"a": {"W": jnp.zeros((2, 2))}, "b": {"W": jnp.ones((2, 2))}}
        tx = dj.scale_by_running_fisher(norm=norm)
        scaled, _ = tx.update(layers, tx.init(layers), fisher_fn=lambda m=measured: m)
        assert not scaled["a"]["W"].any() and (scaled["b"]["W"] > 0).all()


def test_the_running_diagonals_numbers_may_be_a_members_own():
    net = dj.FeedforwardNetwork([dj.Dense(4)], dj.Dense(10))
    task = dj.tasks.ImageClassification("digits", batch_size=8, num_scored=10)

    def make_tx(momentum, damping):
        return optax.chain(dj.scale_by_running_fisher(momentum, damping=damping), optax.sgd(1e-3))

    numbers = {"momentum": jnp.array([0.5, 1.0]), "damping": jnp.array([0.1, 0.1])}
    keys = dj.seed_keys(0, 2)
    run = dj.train(
        net,
        make_tx,
        task,
        keys=keys,
        hyperparams=numbers,
        num_updates=3,
        eval_every=3,
        progress=False,
    )
    alone = dj.train(
        net, make_tx(1.0, 0.1), task, keys=keys[1:], num_updates=3, eval_every=3, progress=False
    )
    W = [r.params["layers_0"]["W"][-1] for r in (run, alone)]
    np.testing.assert_allclose(*W, rtol=1e-5, atol=1e-7)


def test_a_masked_tree_has_a_running_diagonal():
    params = {"a": {"W": jnp.ones((2, 2)), "b": jnp.ones(2)}, "c": {"W": jnp.ones((1, 2))}}
    mask = {"a": {"W": True, "b": False}, "c": {"W": False}}
    measured = jax.tree.map(lambda p: 2 * p, params)
    tx, whole = (
        f(dj.scale_by_running_fisher()) for f in (lambda t: optax.masked(t, mask), lambda t: t)
    )
    ours, _ = tx.update(params, tx.init(params), params, fisher_fn=lambda: measured)
    expected, _ = whole.update(params, whole.init(params), fisher_fn=lambda: measured)
    np.testing.assert_array_equal(ours["a"]["W"], expected["a"]["W"])
    np.testing.assert_array_equal(ours["a"]["b"], params["a"]["b"])
    np.testing.assert_array_equal(ours["c"]["W"], params["c"]["W"])


def test_noisy_answers_are_differentiated_where_they_were_drawn():
    """The noise decides the answer, so drawing and differentiating must use the same noise."""
    task = dj.tasks.SequentialMNIST("digits")
    net = dj.RecurrentNetwork([dj.RNNCell(10, noise=1e4)], dj.Dense(10))
    x = jnp.ones((1, 20, 28))
    params = net.init({"params": jax.random.key(0), "noise": jax.random.key(1)}, x)["params"]
    params["readout"]["W"] = jnp.eye(10)
    F = dj.diagonal_fisher(net, task, params, x, key=jax.random.key(2))
    assert float(F["readout"]["b"].max()) < 1e-6
