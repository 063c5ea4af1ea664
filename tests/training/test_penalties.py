"""Penalties against NumPy: backpropagation by hand, and finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import reference

import dalejax as dj
from dalejax.tasks import Batch

T, B, N, N_IN = 5, 2, 4, 3
ALPHA = {None: np.ones(N), 100.0: np.full(N, 0.2), (100.0, 40.0): np.array([0.2, 0.2, 0.2, 0.5])}
SLOPES = {"relu": lambda h: (h > 0) * 1.0, "tanh": lambda h: 1 - h**2}
EMPTY = Batch(jnp.zeros((1, 1, N_IN)), jnp.zeros((1, 1, 2)))


class Outputs(dj.tasks.AddingProblem):
    """A loss that sees every step, each output by its own weight."""

    time = dj.tasks.TimeAxis(every_step=True)

    def loss(self, outputs, targets):
        return (targets * jnp.sin(outputs)).sum()


def setting(activation, tau):
    cell = dj.ColEICell(N, n_i=1, activation=activation, tau=tau, dt=tau and 20.0)
    net = dj.RecurrentNetwork([cell], dj.Dense(2), every_step=True)
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.normal(size=(T, B, N_IN)))
    params = net.init(jax.random.key(0), x)["params"]
    params = jax.tree.map(lambda p: jnp.asarray(p + 0.3 * rng.normal(size=p.shape)), params)
    return net, params, Batch(x, jnp.asarray(rng.normal(size=(T, B, 2))))


def forward(p, x, alpha, activation):
    f = reference.ACTIVATIONS[activation]
    z = np.zeros((T + 1, B, N), p["cells_0"]["b"].dtype)
    for t in range(T):
        drive = x[t] @ p["cells_0"]["U"].T + f(z[t]) @ p["cells_0"]["W"].T + p["cells_0"]["b"]
        z[t + 1] = (1 - alpha) * z[t] + alpha * drive
    return f(z[1:]) if activation != "none" else z[1:]


def backward(p, x, targets, alpha, activation):
    """Give h, and the loss's derivative by every z, step by step from the end."""
    h = forward(p, x, alpha, activation)
    out = h @ p["readout"]["W"].T + p["readout"]["b"]
    d_h = (targets * np.cos(out)) @ p["readout"]["W"]
    dz = np.zeros((T, B, N), h.dtype)
    for t in reversed(range(T)):
        dz[t] = d_h[t] * SLOPES[activation](h[t])
        if t + 1 < T:
            dz[t] += (dz[t + 1] * alpha) @ p["cells_0"]["W"] * SLOPES[activation](h[t])
            dz[t] += (1 - alpha) * dz[t + 1]
    return h, dz


def norm(v):
    return np.sqrt((v**2).sum())


def omega(W, h, dz, alpha, activation, squared):
    total, count = 0.0, 0
    for t in range(T - 1):
        for b in range(B):
            J = np.diag(1 - alpha) + np.diag(alpha) @ W @ np.diag(SLOPES[activation](h[t, b]))
            later = norm(dz[t + 1, b])
            if later**2 >= 1e-20:
                ratio = norm(dz[t + 1, b] @ J) / later
                total, count = total + ((ratio**2 if squared else ratio) - 1) ** 2, count + 1
    return total / max(count, 1)


@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize(
    ("activation", "tau"), [("tanh", None), ("relu", (100.0, 40.0)), ("tanh", 100.0)]
)
def test_omega_and_its_gradients_are_those_by_hand(activation, tau, squared, x64):
    net, params, batch = setting(activation, tau)
    alpha, p = ALPHA[tau], reference.strip(params)
    x, targets = np.asarray(batch.inputs), np.asarray(batch.targets)
    h, dz = backward(p, x, targets, alpha, activation)
    expected = omega(p["cells_0"]["W"], h, dz, alpha, activation, squared)
    assert expected > 1e-3

    def value_and_gradient(immediate):
        penalty = dj.penalties.VanishingGradient(3.0, immediate=immediate, squared=squared)
        return jax.jit(
            jax.value_and_grad(lambda q: penalty(net, Outputs(), q, batch, jax.random.key(0)))
        )(params)

    held = reference.differentiate(
        lambda w: omega(w["W"], h, dz, alpha, activation, squared), {"W": p["cells_0"]["W"].copy()}
    )
    value, gradient = value_and_gradient(immediate=True)
    np.testing.assert_allclose(value, 3 * expected, rtol=1e-10)
    np.testing.assert_allclose(gradient["cells_0"]["W"], 3 * held["W"], rtol=1e-10, atol=1e-12)
    assert not gradient["readout"]["W"].any() and not gradient["cells_0"]["U"].any()

    def whole(q):
        return omega(
            q["cells_0"]["W"],
            *backward(q, x, targets, alpha, activation),
            alpha,
            activation,
            squared,
        )

    numeric = reference.differentiate(whole, p)
    value, gradient = value_and_gradient(immediate=False)
    np.testing.assert_allclose(value, 3 * expected, rtol=1e-10)
    for (path, a), (_, b) in zip(
        reference.leaves(reference.strip(gradient)), reference.leaves(numeric), strict=True
    ):
        np.testing.assert_allclose(a, 3 * b, rtol=1e-10, atol=1e-12, err_msg=str(path))


def test_steps_that_no_gradient_reaches_do_not_count(x64):
    net, params, batch = setting("tanh", None)
    late = Batch(batch.inputs, batch.targets.at[2:].set(0.0))  # nothing comes back from step 2 on
    p = reference.strip(params)
    h, dz = backward(p, np.asarray(late.inputs), np.asarray(late.targets), ALPHA[None], "tanh")
    assert not dz[2:].any()
    penalty = dj.penalties.VanishingGradient(1.0)
    value = penalty(net, Outputs(), params, late, jax.random.key(0))
    np.testing.assert_allclose(
        value, omega(p["cells_0"]["W"], h, dz, ALPHA[None], "tanh", False), rtol=1e-10
    )
    silent = Batch(batch.inputs, 0 * batch.targets)
    value, gradient = jax.value_and_grad(
        lambda q: penalty(net, Outputs(), q, silent, jax.random.key(0))
    )(params)
    assert value == 0 and all(np.isfinite(g).all() for g in jax.tree.leaves(gradient))


def test_rates_are_averaged_over_cells(x64):
    cells = [dj.RNNCell(3), dj.RNNCell(2)]
    net = dj.RecurrentNetwork(cells, dj.Dense(1), every_step=True)
    x = jax.random.normal(jax.random.key(0), (T, B, N_IN))
    params = net.init(jax.random.key(1), x)["params"]
    p = reference.strip(params)
    first = reference.run_cell(p["cells_0"], np.asarray(x))
    second = reference.run_cell(p["cells_1"], first)
    value = dj.penalties.Rates(0.5)(net, Outputs(), params, Batch(x, None), jax.random.key(0))
    np.testing.assert_allclose(
        value, 0.5 * ((first**2).mean() + (second**2).mean()) / 2, rtol=1e-10
    )


def test_training_adds_penalties_to_the_loss_and_not_to_the_score():
    net = dj.RecurrentNetwork([dj.RNNCell(5)], dj.Dense(1))
    task = dj.tasks.AddingProblem(4, num_train=64, num_test=16)
    rates = dj.penalties.Rates(1e4)
    both = task.penalised(rates).penalised(dj.penalties.VanishingGradient(0.0))
    assert task.penalties == () and len(both.penalties) == 2

    def run(task):
        return (
            dj.train(
                net,
                dj.rnn_sgd(1e-9),
                task,
                keys=dj.seed_keys(0, 1),
                num_updates=1,
                eval_every=1,
                progress=False,
            )
            .table.set_index("metric")
            .value
        )

    plain, penalised = run(task), run(both)
    assert penalised["train_loss"] > plain["train_loss"] + 10
    assert abs(penalised["test_mse"] - plain["test_mse"]) < 1e-3 * plain["test_mse"]


def test_divisive_inhibition_and_negative_weights_are_refused():
    net = dj.RecurrentNetwork([dj.DivisiveDANNCell(4, n_i=1)], dj.Dense(1), every_step=True)
    params = net.init(jax.random.key(0), jnp.ones((1, 1, 2)))["params"]
    with pytest.raises(ValueError, match="cell 0 is a DivisiveDANNCell; it must be one without"):
        dj.penalties.VanishingGradient()(net, Outputs(), params, EMPTY, jax.random.key(0))
    with pytest.raises(ValueError, match="weight is -1"):
        dj.penalties.Rates(-1.0)


@pytest.mark.parametrize("penalty", [dj.penalties.Rates(1.0), dj.penalties.VanishingGradient()])
def test_a_feedforward_network_has_no_rates_in_time(penalty):
    net = dj.FeedforwardNetwork([dj.Dense(3)], dj.Dense(2))
    with pytest.raises(ValueError, match="a FeedforwardNetwork; this penalty is one of recurrent"):
        penalty(net, Outputs(), {}, EMPTY, jax.random.key(0))


def balance(p, x):
    """Give the squared contrast of a Dale's ANN of one layer, step by step; x is positive."""
    h, terms = np.zeros((x.shape[1], len(p["b"])), p["b"].dtype), []
    for x_t in x:
        E = h @ p["W_ee"].T + x_t @ p["U_ee"].T
        I = h @ p["W_ie"].T @ p["W_ei"].T + x_t @ p["U_ie"].T @ p["U_ei"].T  # noqa: E741
        terms.append(((I.mean(1) - E.mean(1)) / (I.mean(1) + E.mean(1))) ** 2)
        h = np.maximum(E - I + p["b"], 0)
    return np.mean(terms)


def test_balance_and_its_gradients_are_those_by_hand(x64):
    net = dj.RecurrentNetwork([dj.DANNCell(N, n_i=2)], dj.DANNDense(2))
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.uniform(size=(T, B, N_IN)))
    params = net.init(jax.random.key(0), x)["params"]
    params = jax.tree.map(lambda p: abs(p + 0.2 * rng.normal(size=p.shape)), params)
    task, batch = dj.tasks.AddingProblem(num_train=64, num_test=1), Batch(x, None)
    value, gradient = jax.value_and_grad(
        lambda q: dj.penalties.Balance(2.0)(net, task, q, batch, jax.random.key(0))
    )(params)
    p = reference.strip(params)["cells_0"]
    np.testing.assert_allclose(value, 2 * balance(p, np.asarray(x)), rtol=1e-10)
    numeric = reference.differentiate(lambda q: 2 * balance(q, np.asarray(x)), p)
    ours = reference.strip(gradient)
    for (path, a), (_, b) in zip(
        reference.leaves(ours["cells_0"]), reference.leaves(numeric), strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12, err_msg=str(path))
    assert not any(g.any() for _, g in reference.leaves(ours["readout"]))


def test_silence_is_balanced_and_has_a_gradient():
    net = dj.FeedforwardNetwork([dj.DANNDense(3)], dj.DANNDense(2))
    x = jnp.zeros((2, 4))
    params, task = net.init(jax.random.key(0), x)["params"], dj.tasks.AddingProblem(num_train=64)
    value, gradient = jax.value_and_grad(
        lambda q: dj.penalties.Balance(1.0)(net, task, q, Batch(x, None), jax.random.key(0))
    )(params)
    assert value == 0 and not any(g.any() for g in jax.tree.leaves(gradient))


@pytest.mark.parametrize("cell", [dj.RNNCell(20), dj.DANNCell(20, n_i=2)])
def test_where_activity_fades_the_gradient_stays_finite(cell):
    """One input, then 200 steps in which what is left goes through every size down to 0."""
    net, task = dj.RecurrentNetwork([cell], dj.Dense(2)), dj.tasks.AddingProblem(num_train=64)
    x = jnp.zeros((200, 2, 3)).at[0].set(1.0)
    params = net.init(jax.random.key(0), x)["params"]
    h = net.apply({"params": params}, x, method="activities")[0]
    assert ((h.max((1, 2)) > 0) & (h.max((1, 2)) < 1e-10)).any()
    value, gradient = jax.value_and_grad(
        lambda q: dj.penalties.Balance(1.0)(net, task, q, Batch(x, None), jax.random.key(0))
    )(params)
    assert 0 < value < 1 and all(np.isfinite(g).all() for g in jax.tree.leaves(gradient))
