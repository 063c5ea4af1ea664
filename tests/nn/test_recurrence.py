"""The fast recurrence against a NumPy loop, finite differences and a plain scan."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import reference

from dalejax.nn.recurrence import ACTIVATIONS, activation, recurrence

pytestmark = pytest.mark.usefixtures("x64", "strict_ranks")
names = pytest.mark.parametrize("name", ["relu", "tanh", "identity"])
lengths = pytest.mark.parametrize("t", [1, 2, 6])


def draw(t, b=2, n=3, seed=0):
    rng = np.random.default_rng(seed)
    shapes = {"inputs": (t, b, n), "W": (n, n), "carry": (b, n), "weight": (t, b, n)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def loop(inputs, W, carry, name):
    params = {"U": np.eye(len(W)), "W": W, "b": np.zeros(len(W))}
    return reference.run_cell(params, inputs, carry, name)


def plain_scan(inputs, W, carry, name):
    def step(h, u):
        h = ACTIVATIONS[name].value(u + h @ W.T)
        return h, h

    return jax.lax.scan(step, carry, inputs)[1]


@names
@lengths
def test_states_are_those_of_a_loop(name, t):
    a = draw(t)
    states = recurrence(*map(jnp.asarray, (a["inputs"], a["W"], a["carry"])), name)
    expected = loop(a["inputs"], a["W"], a["carry"], name)
    np.testing.assert_allclose(states, expected, rtol=1e-12, atol=1e-14)


@names
@lengths
def test_gradients_are_those_of_a_plain_scan_and_of_numpy(name, t):
    a = draw(t, seed=1)
    weight = a.pop("weight")  # every state counts in the loss, each by its own weight

    def gradient(run):
        loss = jax.jit(jax.grad(lambda a: (weight * jnp.sin(run(**a, name=name))).sum()))
        return loss(jax.tree.map(jnp.asarray, a))

    def fast_run(inputs, W, carry, name):
        return recurrence(inputs, W, carry, name)

    fast, plain = gradient(fast_run), gradient(plain_scan)
    numeric = reference.differentiate(
        lambda a: (weight * np.sin(loop(**a, name=name))).sum(), dict(a)
    )
    for key in a:
        np.testing.assert_allclose(fast[key], plain[key], rtol=1e-12, atol=1e-13, err_msg=key)
        np.testing.assert_allclose(fast[key], numeric[key], rtol=1e-11, atol=1e-13, err_msg=key)


@names
@lengths
def test_a_leak_is_that_of_a_plain_scan_in_its_states_and_all_gradients(name, t):
    f = ACTIVATIONS[name].value
    a = jax.tree.map(jnp.asarray, draw(t, seed=3)) | {"alpha": jnp.array([0.1, 0.5, 1.0])}
    weight = a.pop("weight")

    def plain(inputs, W, carry, alpha):
        def step(z, u):
            z = (1 - alpha[None]) * z + alpha[None] * (u + f(z) @ W.T)
            return z, f(z)

        return jax.lax.scan(step, carry, inputs)[1]

    def fast(inputs, W, carry, alpha):
        return recurrence(inputs, W, carry, name, None, alpha)

    def value_and_gradient(run):
        return jax.jit(jax.value_and_grad(lambda a: (weight * jnp.sin(run(**a))).sum()))(a)

    np.testing.assert_allclose(fast(**a), plain(**a), rtol=1e-12, atol=1e-14)
    ours, expected = value_and_gradient(fast), value_and_gradient(plain)
    for x, y in zip(*map(jax.tree.leaves, (ours, expected)), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-11, atol=1e-13)


@names
def test_derivatives_are_written_in_the_output(name):
    z = jnp.linspace(-2.0, 2.0, 8)
    f = activation(name)
    expected = jax.vmap(jax.grad(f.value))(z)
    np.testing.assert_allclose(f.derivative_from_output(f.value(z)), expected, rtol=1e-12)


def test_no_gradient_flows_at_the_kink_of_relu():
    zeros = jnp.zeros((2, 1, 2))
    gradient = jax.grad(lambda u: recurrence(u, jnp.eye(2), jnp.zeros((1, 2))).sum())(zeros)
    assert not gradient.any()


def test_second_derivatives_exist():
    a = draw(3)
    inputs, carry = jnp.asarray(a["inputs"]), jnp.asarray(a["carry"])

    def loss(run, W):
        return (run(inputs, W, carry, "tanh") ** 2).sum()

    W = jnp.asarray(a["W"])
    fast, plain = (
        jax.grad(lambda W, run=run: (jax.grad(loss, 1)(run, W) ** 2).sum())(W)
        for run in (recurrence, plain_scan)
    )
    np.testing.assert_allclose(fast, plain, rtol=1e-11)


def test_members_under_vmap_are_the_members_alone():
    members = [draw(4, seed=s) for s in range(3)]
    stacked = {k: jnp.stack([m[k] for m in members]) for k in ("inputs", "W", "carry")}

    def loss(a):
        return (recurrence(a["inputs"], a["W"], a["carry"], "tanh") ** 2).sum()

    together = jax.vmap(jax.grad(loss))(stacked)
    for i, member in enumerate(members):
        alone = jax.grad(loss)({k: jnp.asarray(member[k]) for k in stacked})
        for key in alone:
            np.testing.assert_allclose(together[key][i], alone[key], rtol=1e-12)


@pytest.mark.parametrize("alpha", [None, np.array([0.5, 0.2, 1.0])])
def test_no_steps_have_no_gradient(alpha):
    a = draw(0)
    names = "inputs", "W", "carry"

    def loss(arrays):
        return (recurrence(*(arrays[k] for k in names), "tanh", None, alpha) ** 2).sum()

    grads = jax.grad(loss)({k: jnp.asarray(a[k]) for k in names})
    assert grads["inputs"].shape == (0, 2, 3)
    assert not np.any(grads["W"]) and not np.any(grads["carry"])


def test_an_unknown_activation_is_named():
    with pytest.raises(ValueError, match=r"activation is 'gelu'; it must be one of relu, tanh"):
        activation("gelu")
    with pytest.raises(ValueError, match="activation is 'gelu'"):
        recurrence(jnp.ones((1, 1, 1)), jnp.ones((1, 1)), jnp.ones((1, 1)), "gelu")
