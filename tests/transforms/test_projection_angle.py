"""Test ``limit_projection_angle`` against a NumPy loop, under jit and vmap, and in training."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import reference
from hypothesis import given, settings
from hypothesis import strategies as st

import dalejax as dj

SIGNS = {"a": {"W": 1, "b": None}, "c": {"W": -1}}


def draw(seed, size=1.0):
    rng = np.random.default_rng(seed)
    params = {
        "a": {"W": rng.exponential(size=(3, 2)), "b": rng.normal(size=3)},
        "c": {"W": -rng.exponential(size=4)},
    }
    return params, reference.tree_map(lambda p: size * rng.normal(size=p.shape), params)


def by_hand(params, updates, min_cosine, factor, most, measure):
    """Shorten the updates of each layer as in algorithm 6 of Cornford et al. 2021."""
    out, factors = {}, []
    for layer, sign in {"a": 1, "c": -1}.items():
        theta, u = params[layer]["W"].ravel(), updates[layer]["W"].ravel()
        for i in range(most + 1):
            step = factor**i * u
            kept = np.where(sign * (theta + step) > 0, theta + step, 0.0)
            x, y = (kept, theta + step) if measure == "parameters" else (kept - theta, step)
            if x @ y >= min_cosine * np.sqrt((x @ x) * (y @ y)):
                break
        out[layer] = reference.tree_map(lambda v: factor**i * v, updates[layer])  # noqa: B023
        factors.append(factor**i)
    return out, factors


@settings(max_examples=15)
@given(
    seed=st.integers(0, 10**6),
    size=st.sampled_from([0.1, 1.0, 30.0]),
    min_cosine=st.sampled_from([0.5, 0.9, 0.999]),
    measure=st.sampled_from(["parameters", "updates"]),
)
def test_steps_are_shortened_as_in_a_plain_loop(seed, size, min_cosine, measure):
    params, updates = draw(seed, size)
    with jax.enable_x64(True):
        tx = dj.limit_projection_angle(min_cosine, most=12, measure=measure, signs=SIGNS)
        ours = jax.tree.map(jnp.asarray, params)
        found, state = tx.update(jax.tree.map(jnp.asarray, updates), tx.init(ours), ours)
        expected, factors = by_hand(params, updates, min_cosine, 0.5, 12, measure)
        for (path, a), (_, b) in zip(*map(reference.leaves, (found, expected)), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, err_msg=str(path))
        np.testing.assert_allclose(state.factors, factors)
        assert state.shortened.tolist() == [f < 1 for f in factors]


def test_a_harmless_step_and_a_standstill_are_left_alone():
    params, updates = jax.tree.map(jnp.asarray, draw(0))
    tx = dj.limit_projection_angle(0.99, signs=SIGNS)
    tiny = jax.tree.map(lambda u: 1e-9 * u, updates)
    for step in (tiny, jax.tree.map(jnp.zeros_like, updates)):
        found, state = tx.update(step, tx.init(params), params)
        jax.tree.map(np.testing.assert_array_equal, found, step)
        assert (state.factors == 1).all()
    free = dj.limit_projection_angle(0.99, signs={"a": None, "c": None})
    found, _ = free.update(updates, free.init(params), params)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), found, updates)


def test_it_is_the_same_under_jit_and_vmap():
    tx = dj.limit_projection_angle(0.95, signs=SIGNS)
    drawn = [draw(seed, 5.0) for seed in range(4)]
    params, updates = (
        jax.tree.map(lambda *leaves: jnp.stack(leaves), *side) for side in zip(*drawn, strict=True)
    )
    together, states = jax.jit(jax.vmap(lambda p, u: tx.update(u, tx.init(p), p)))(params, updates)
    assert len(set(np.asarray(states.factors).ravel().tolist())) > 1
    for i, (p, u) in enumerate(drawn):
        alone, _ = tx.update(jax.tree.map(jnp.asarray, u), tx.init(p), p)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b[i], rtol=1e-6), alone, together)  # noqa: B023


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: dj.limit_projection_angle(1.0), "min_cosine is 1.0; it must lie between 0 and 1"),
        (lambda: dj.limit_projection_angle(factor=0.0), "factor is 0.0; it must lie between"),
        (lambda: dj.limit_projection_angle(most=0), "most is 0; it must be at least 1"),
        (lambda: dj.limit_projection_angle(measure="norm"), "measure is 'norm'; it must be one of"),
        (lambda: dj.limit_projection_angle().init({"W": jnp.ones(2)}), "carry no signs of dalejax"),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_without_parameters_it_says_so():
    params, updates = draw(0)
    tx = dj.limit_projection_angle(signs=SIGNS)
    with pytest.raises(ValueError, match="needs the parameters"):
        tx.update(updates, tx.init(params))
