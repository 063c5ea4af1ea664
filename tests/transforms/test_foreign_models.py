"""Test the transforms on models of other libraries: NNX, Equinox, Haiku's dicts, plain dicts."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import dalejax as dj
from dalejax.signs import column_signs

N, N_I, N_IN = 6, 2, 3
COLUMNS = column_signs(N, N_I)


def rnn(U, W, b, x):
    """Run an RNN over inputs x [t, n_in] and return its last state [n]; W is [post, pre]."""
    step = lambda h, u: (jax.nn.relu(W @ h + U @ u + b), None)  # noqa: E731
    return jax.lax.scan(step, jnp.zeros(N), x)[0]


def arrays():
    rng = np.random.default_rng(0)
    U, W = rng.normal(size=(N, N_IN)), rng.normal(size=(N, N)) / N
    return jnp.asarray(U), jnp.abs(jnp.asarray(W)) * COLUMNS, jnp.zeros(N)


class Module(eqx.Module):
    U: jax.Array
    W: jax.Array
    b: jax.Array
    name: str = "equinox"


class NNXModel(nnx.Module):
    def __init__(self, U, W, b):
        self.inputs = nnx.Linear(N_IN, N, rngs=nnx.Rngs(0))
        self.recurrent = nnx.Linear(N, N, use_bias=False, rngs=nnx.Rngs(0))
        self.inputs.kernel[...], self.recurrent.kernel[...] = U.T, W.T


def equinox():
    params, static = eqx.partition(Module(*arrays()), eqx.is_array)

    def run(params, x):
        model = eqx.combine(params, static)
        return rnn(model.U, model.W, model.b, x)

    return params, {"W": COLUMNS}, run, lambda params: params.W


def flax_nnx():
    graph, params = nnx.split(NNXModel(*arrays()), nnx.Param)

    def run(params, x):
        model = nnx.merge(graph, params)
        inputs, recurrent = model.inputs, model.recurrent
        return rnn(inputs.kernel[...].T, recurrent.kernel[...].T, inputs.bias[...], x)

    signs = {"recurrent/kernel*": COLUMNS.T}
    return params, signs, run, lambda params: nnx.merge(graph, params).recurrent.kernel[...].T


def haiku_style():
    U, W, b = arrays()
    params = {"rnn/~/input": {"w": U.T, "b": b}, "rnn/~/hidden": {"w": W.T}}

    def run(params, x):
        inputs, hidden = params["rnn/~/input"], params["rnn/~/hidden"]
        return rnn(inputs["w"].T, hidden["w"].T, inputs["b"], x)

    signs = {"rnn/~/hidden/w": COLUMNS.T}
    return params, signs, run, lambda params: params["rnn/~/hidden"]["w"].T


def plain():
    params = dict(zip("UWb", arrays(), strict=True))
    return params, {"W": COLUMNS}, lambda p, x: rnn(p["U"], p["W"], p["b"], x), lambda p: p["W"]


@pytest.mark.parametrize("model", [equinox, flax_nnx, haiku_style, plain])
@pytest.mark.parametrize("way", [dj.dale_projection, dj.exponentiated_gradient])
def test_signs_hold_in_any_model(model, way):
    params, rule, run, weights = model()
    signs = dj.dale_signs(params, rule)
    tx = optax.chain(optax.sgd(0.3, momentum=0.5), way(signs))
    x = jnp.asarray(np.random.default_rng(1).normal(size=(4, N_IN)))

    @jax.jit
    def update(params, state):
        gradients = jax.grad(lambda p: jnp.sum((run(p, x) - 1) ** 2))(params)
        updates, state = tx.update(gradients, state, params)
        return optax.apply_updates(params, updates), state

    state, before, start = tx.init(params), np.asarray(weights(params)), run(params, x)
    for _ in range(20):
        params, state = update(params, state)
        assert (np.asarray(weights(params)) * np.asarray(COLUMNS) >= 0).all()
    dj.signs.assert_legal(params, signs)
    assert (np.asarray(weights(params)) != before).any()
    assert jnp.sum((run(params, x) - 1) ** 2) < jnp.sum((start - 1) ** 2)


def test_the_first_pattern_counts_and_the_rest_is_free():
    params = {"a": {"W": jnp.ones((2, 2)), "b": jnp.ones(2)}, "c": {"W": jnp.ones((2, 2))}}
    signs = dj.dale_signs(params, {"a/W": -1, "*W": column_signs(2, 1)})
    assert signs["a"]["W"] == -1 and signs["a"]["b"] == 0
    assert signs["c"]["W"].tolist() == [[1, -1]]


def test_a_pattern_that_fits_nothing_is_named():
    with pytest.raises(ValueError, match=r"pattern 'w' of the rule is no .*; .* are W, b\."):
        dj.dale_signs({"W": jnp.ones((2, 2)), "b": jnp.ones(2)}, {"W": 1, "w": 1})
