"""The loss read out a few time steps at a time is the loss read out at once."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from helpers import reference

import dalejax as dj
from dalejax.nn.dense import EffectiveDense
from dalejax.tasks import Batch
from dalejax.training import step
from dalejax.training.chunked_loss import loss_in_parts

T, B, N, N_OUT = 6, 2, 3, 4


def cross_entropy(outputs, targets):
    return optax.softmax_cross_entropy_with_integer_labels(outputs, targets).mean()


def setting():
    rng = np.random.default_rng(0)
    weights = EffectiveDense(
        jnp.asarray(rng.normal(size=(N_OUT, N))), jnp.asarray(rng.normal(size=N_OUT))
    )
    states = jnp.asarray(rng.normal(size=(T, B, N)))
    return weights, states, jnp.asarray(rng.integers(N_OUT, size=(T, B)))


@pytest.mark.parametrize("at_once", [1, 2, 4, 6, 100])  # 4 does not divide 6: 3 are taken
def test_loss_and_gradients_are_those_of_the_whole(at_once, x64):
    weights, states, targets = setting()
    plain = {"W": np.array(weights.W), "b": np.array(weights.b), "h": np.array(states)}

    def whole(p):
        return reference.cross_entropy(p["h"] @ p["W"].T + p["b"], np.asarray(targets))

    def parts(weights, states):
        return 3.0 * loss_in_parts(cross_entropy, at_once, weights, states, targets)

    np.testing.assert_allclose(parts(weights, states), 3 * whole(plain), rtol=1e-13)
    loss, (d_weights, d_states) = jax.jit(jax.value_and_grad(parts, argnums=(0, 1)))(
        weights, states
    )
    expected = reference.differentiate(whole, plain)
    np.testing.assert_allclose(loss, 3 * whole(plain), rtol=1e-13)
    np.testing.assert_allclose(d_weights.W, 3 * expected["W"], rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(d_weights.b, 3 * expected["b"], rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(d_states, 3 * expected["h"], rtol=1e-11, atol=1e-13)


class Words(dj.tasks.Task):
    """As much of a task as a loss needs."""

    time = dj.tasks.TimeAxis(every_step=True)
    order = batch = evaluations = evaluation_batch = scores = None
    loss = staticmethod(cross_entropy)


@pytest.mark.parametrize(
    ("cell", "dense", "readout"),
    [
        (dj.RNNCell(N), dj.Dense(5), dj.Dense(N_OUT)),
        (dj.ColEICell(N, n_i=1), dj.ColEIDense(5, n_i=2), dj.ColEIDense(N_OUT)),
        (dj.DANNCell(N, n_i=1), dj.DANNDense(5, n_i=1), dj.DANNDense(N_OUT, n_i=2)),
    ],
)
def test_a_member_in_parts_has_the_gradient_of_the_whole(cell, dense, readout, x64):
    net = dj.RecurrentNetwork([cell], readout, hidden=[dense], every_step=True)
    x = jax.random.normal(jax.random.key(1), (T, B, 2))
    params = net.init(jax.random.key(0), x)["params"]
    batch, task = Batch(x, setting()[2]), Words()
    gradients = []
    for at_once in (None, 2):
        task.time = dj.tasks.TimeAxis(every_step=True, steps_at_once=at_once)
        loss = jax.jit(
            jax.value_and_grad(lambda p: step.loss_of(net, task, p, batch, jax.random.key(2)))
        )
        gradients.append(loss(params))
    for whole, parts in zip(*map(jax.tree.leaves, gradients), strict=True):
        np.testing.assert_allclose(parts, whole, rtol=1e-11, atol=1e-14)


def test_outputs_of_all_steps_never_exist():
    """Ten times the words need ten times the memory, but for the outputs only of one part."""

    def bytes_of(at_once, n_out):
        shapes = [(n_out, N), (n_out,), (64, 16, N), (64, 16)]
        W, b, states = (jax.ShapeDtypeStruct(s, jnp.float32) for s in shapes[:3])
        targets = jax.ShapeDtypeStruct(shapes[3], jnp.int32)

        def loss(W, b, states, targets):
            return loss_in_parts(cross_entropy, at_once, EffectiveDense(W, b), states, targets)

        gradient = jax.jit(jax.grad(loss, argnums=(0, 1, 2)))
        return gradient.lower(W, b, states, targets).compile().memory_analysis().temp_size_in_bytes

    outputs = 64 * 16 * 10_000 * 4
    assert bytes_of(64, 10_000) > outputs  # the measure sees them
    assert bytes_of(4, 10_000) < outputs / 4
