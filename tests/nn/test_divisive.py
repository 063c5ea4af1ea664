"""Divisive inhibition against NumPy in float64 and the paper's derivatives."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from helpers import reference
from hypothesis import given, settings
from hypothesis import strategies as st

import dalejax as dj

sizes = st.integers(1, 5)
drawn = {
    "seed": st.integers(0, 10**6),
    "n_in": sizes,
    "n_e": sizes,
    "n_i": sizes,
    "batch": st.integers(1, 3),
    "extreme": st.sampled_from(
        [0.0, -12.0, 12.0]
    ),  # alpha: inhibition that hardly, or only, divides
    "dead": st.booleans(),  # a unit that its interneurons have left, so that gamma is epsilon
}


def setting(seed, n_in, n_e, n_i, batch, extreme, dead):
    """Draw parameters, inputs and the gradient that comes from above."""
    rng = np.random.default_rng(seed)
    params = {
        "W_ee": rng.exponential(size=(n_e, n_in)),
        "W_ie": rng.exponential(size=(n_i, n_in)),
        "W_ei": rng.exponential(size=(n_e, n_i)),
        "W_alpha": rng.normal(size=n_i) + extreme,
        "W_g": rng.exponential(size=n_e),
        "b": rng.normal(size=n_e),
    }
    if dead:
        params["W_ei"][0] = 0.0
    return params, rng.exponential(size=(batch, n_in)), rng.normal(size=(batch, n_e))


def numpy_gradient(p, x, above, subtractive, minus=-1.0):
    """Differentiate sum(above * z) by the paper's formulas, one element at a time.

    With ``minus=1.0`` and a positive ``above`` nothing cancels: the size of what a gradient is the
    sum of, on which its rounding depends.
    """
    grads = {name: np.zeros_like(value) for name, value in p.items()}
    e = np.exp(p["W_alpha"])
    for trial, d in zip(x, above, strict=True):
        z_i = p["W_ie"] @ trial
        for k in range(len(p["W_ee"])):
            gamma = p["W_ei"][k] @ (e * z_i) + 1e-8
            kept = p["W_ee"][k] @ trial + (minus * p["W_ei"][k] @ z_i if subtractive else 0.0)
            scale = p["W_g"][k] / gamma
            grads["b"][k] += d[k]
            grads["W_g"][k] += d[k] * kept / gamma
            grads["W_ee"][k] += d[k] * scale * trial
            for i in range(len(z_i)):
                # a_ki of the appendix; the + 1 is the subtraction
                a = e[i] / gamma * kept + (1.0 if subtractive else 0.0)
                grads["W_ei"][k, i] += minus * d[k] * scale * z_i[i] * a
                grads["W_ie"][i] += minus * d[k] * scale * p["W_ei"][k, i] * trial * a
                a_alpha = scale * p["W_ei"][k, i] * z_i[i] * e[i] / gamma
                grads["W_alpha"][i] += minus * d[k] * a_alpha * kept
    return grads


@settings(max_examples=15)  # every shape compiles anew
@given(subtractive=st.booleans(), **drawn)
def test_outputs_gradients_and_updates_are_the_papers(subtractive, **numbers):
    params, x, above = setting(**numbers)
    n_e, n_in = params["W_ee"].shape
    with jax.enable_x64(True):
        layer = dj.DivisiveDANNDense(n_e, n_i=len(params["W_ie"]), subtractive=subtractive)
        rule = layer.initial_params(n_in, key=jax.random.key(0))["signs"]
        ours = {**jax.tree.map(jnp.asarray, params), "signs": rule}
        tx = optax.chain(dj.scale_by_dann_fisher(), optax.sgd(0.1), dj.dale_projection())

        @jax.jit
        def everything(ours, by_hand):
            out = layer.apply({"params": ours}, x)
            grads = jax.grad(lambda p: (above * layer.apply({"params": p}, x)).sum())(ours)
            updates, state = tx.update(by_hand, tx.init(ours), ours)
            return out, grads, dj.apply_updates(ours, updates, state)

        by_hand = numpy_gradient(params, x, above, subtractive)
        out, grads, new = everything(ours, by_hand | {"signs": rule})
        expected = [reference.product(params, "W", trial, subtractive) for trial in x]
        np.testing.assert_allclose(out, np.array(expected) + params["b"], rtol=1e-10, atol=1e-10)
        size = numpy_gradient(params, x, abs(above), subtractive, minus=1.0)
        for name, g in by_hand.items():  # entry by entry: a dead unit's are beyond 1e10
            wrong = abs(grads[name] - g) > 1e-10 * size[name]
            assert not wrong.any(), f"{name}: {grads[name]} is not {g}"

        # Algorithms 3 and 2: correct, step, keep what must not be negative at 0 or above.
        step = {
            "W_ie": by_hand["W_ie"] / math.sqrt(n_e),
            "W_ei": by_hand["W_ei"] / n_in,
            "W_alpha": by_hand["W_alpha"] / (n_in * math.sqrt(n_e)),
        }
        for name, value in params.items():
            wanted = value - 0.1 * step.get(name, by_hand[name])
            wanted = wanted if name in ("b", "W_alpha") else np.maximum(wanted, 0.0)
            np.testing.assert_allclose(new[name], wanted, rtol=1e-10, atol=1e-10, err_msg=name)


def test_inhibition_that_does_not_divide_leaves_the_gain_to_g(x64):
    params, x, _ = setting(3, 4, 3, 2, 5, 0.0, False)
    out = dj.DivisiveDANNDense(3, n_i=2, divisive=False).apply({"params": params}, x)
    expected = params["W_g"] * (x @ reference.weights(params, "W").T) + params["b"]
    np.testing.assert_allclose(out, expected, rtol=1e-10)


@pytest.mark.parametrize("divisive", [True, False])
def test_activations_keep_their_spread_from_layer_to_layer(divisive):
    """Division sets it, whatever comes from below; without, it is that of the layer below."""
    layer = dj.DivisiveDANNDense(400, n_i=20, divisive=divisive)
    params = layer.initial_params(400, key=jax.random.key(0))
    for spread in (0.5, 2.0):
        z = spread * jax.random.normal(jax.random.key(1), (200, 400))
        out = layer.apply({"params": params}, jax.nn.relu(z))
        expected = math.sqrt(math.pi / (2 * math.pi - 1)) if divisive else spread
        assert float(out.std()) == pytest.approx(expected, rel=0.05)


def test_effective_weights_hold_what_subtracts_and_no_more():
    params = dj.DivisiveDANNDense(4, n_i=2).initial_params(3, key=jax.random.key(0))
    both = dj.DivisiveDANNDense(4, n_i=2).effective(params).W
    np.testing.assert_allclose(both, reference.weights(reference.strip(params), "W"), rtol=1e-5)
    alone = dj.DivisiveDANNDense(4, n_i=2, subtractive=False).effective(params).W
    np.testing.assert_array_equal(alone, params["W_ee"])


def test_signs_hold_all_but_the_bias_and_alpha():
    params = dj.DivisiveDANNDense(4, n_i=2).initial_params(3, key=jax.random.key(0))
    tree = dj.signs.sign_tree(params)
    held = {name: sign.shape for name, sign in tree.items() if sign is not None}
    assert held == {"W_ee": (1, 3), "W_ie": (1, 3), "W_ei": (1, 2), "W_g": (4,)}
    dj.signs.assert_legal(params)
    with pytest.raises(ValueError, match=r"W_g.*holds -1.0 where only sign \+1"):
        dj.signs.assert_legal({**params, "W_g": -jnp.ones(4)})


def test_one_interneuron_centres_as_layer_normalisation_does(x64):
    # With the mean row and W_ei = 1, what is subtracted is the layer's mean, trial by trial.
    layer = dj.DivisiveDANNDense(30, n_i=1)
    params = layer.initial_params(20, key=jax.random.key(0))
    x = jax.random.uniform(jax.random.key(1), (5, 20))
    z = np.asarray(x @ params["W_ee"].T)
    gamma = math.sqrt((2 * math.pi - 1) / 20) * z.mean(1, keepdims=True) + 1e-8
    out = layer.apply({"params": params}, x)
    np.testing.assert_allclose(out, (z - z.mean(1, keepdims=True)) / gamma, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("n_i", [1, 8])
@pytest.mark.parametrize("inhibition", ["equal", "alike", "mean_row", "iid"])
def test_inhibition_balances_excitation(inhibition, n_i):
    ee, ie, ei = dj.initializers.dann(
        (400, 300), n_i, 0.1, key=jax.random.key(0), inhibition=inhibition
    )
    assert min(float(m.min()) for m in (ee, ie, ei)) >= 0
    x = np.asarray(jax.nn.relu(jax.random.normal(jax.random.key(1), (50, 300))))
    excitation, inhibited = x @ ee.T, x @ ie.T @ ei.T
    ratio = float(inhibited.mean() / excitation.mean())
    spread = {"alike": 0.5 if n_i == 1 else 0.25, "equal": 0.05}.get(inhibition, 0.1)
    assert abs(ratio - 1) < spread
    if inhibition == "equal":
        np.testing.assert_array_equal(ei, np.float32(1 / n_i))
        if n_i == 1:
            np.testing.assert_allclose(ie[0], ee.mean(0), rtol=1e-5)
    if inhibition == "alike":
        assert abs(float(ie.mean()) / math.sqrt(0.1 / n_i) - 1) < 0.15


def test_a_unit_mean_keeps_the_variance_and_alpha_standardises():
    n_in = 400
    mean = dj.initializers.unit_mean(n_in)
    keys = jax.random.split(jax.random.key(0), 2)
    W = dj.initializers.positive((500, n_in), mean, key=keys[0])
    x = jax.nn.relu(2.0 * jax.random.normal(keys[1], (500, n_in)))
    z = np.asarray(x @ W.T)
    assert z.std() / 2.0 == pytest.approx(1, abs=0.05)
    c = math.exp(dj.initializers.standardising_alpha(n_in))
    assert c * z.mean() == pytest.approx(z.std(), rel=0.05)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_silence_divides_nothing_by_zero(dtype):
    cell, layer = dj.DivisiveDANNCell(4, n_i=1), dj.DivisiveDANNDense(4, n_i=2)
    blank = jnp.zeros((3, 2, 3), dtype)
    for run, part in (
        (lambda p: cell.apply({"params": p}, blank, method="sequence"), cell),
        (lambda p: layer.apply({"params": p}, blank), layer),
    ):
        params = part.initial_params(3, key=jax.random.key(0))
        params = jax.tree.map(lambda leaf: leaf.astype(dtype), params)
        grads = jax.grad(lambda p, run=run: run(p).sum())(params)
        assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves((run(params), grads)))


def test_a_task_that_reads_out_in_parts_refuses_a_divisive_read_out():
    class InParts(dj.tasks.AddingProblem):
        time = dj.tasks.TimeAxis(steps_at_once=2)

    net = dj.RecurrentNetwork([dj.RNNCell(4)], dj.DivisiveDANNDense(1))
    task = InParts(4, batch_size=8, num_train=32, num_test=8)
    with pytest.raises(
        ValueError, match="the read-out is a DivisiveDANNDense; adding has steps_at"
    ):
        dj.train(net, dj.rnn_sgd(0.1), task, keys=dj.seed_keys(0, 1), num_updates=1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: dj.DivisiveDANNDense(4, n_i=0), "n_i is 0; a Dale's ANN needs at least 1"),
        (lambda: dj.DivisiveDANNDense(4, inhibition="even"), "inhibition is 'even'; it must be"),
        (
            lambda: dj.DivisiveDANNDense(4, subtractive=False, divisive=False),
            "subtractive and divisive are False; at least one must be True",
        ),
        (lambda: dj.initializers.unit_mean(0), "n_in is 0; it must be at least 1"),
        (
            lambda: dj.RecurrentNetwork(
                [dj.RNNCell(3, activation="tanh"), dj.DivisiveDANNCell(3)], dj.Dense(1)
            ),
            "DivisiveDANNCell divides by a weighted sum of its inputs, which must not",
        ),
        (
            lambda: dj.RecurrentNetwork(
                [dj.RNNCell(3, activation="identity")], dj.DivisiveDANNDense(2)
            ),
            "DivisiveDANNDense divides by a weighted sum of its inputs",
        ),
    ],
)
def test_impossible_layers_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("inhibition", dj.initializers.INHIBITIONS)
def test_a_single_output_is_not_inhibited_to_nothing(inhibition):
    layer = dj.DivisiveDANNDense(1, inhibition=inhibition)
    assert np.any(layer.effective(layer.initial_params(9, key=jax.random.key(0))).W)
