"""Compare ``dalejax.spectrum`` with numpy.linalg and with published numbers at n = 100."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dalejax as dj
from dalejax import initializers, spectrum

pytestmark = pytest.mark.usefixtures("strict_ranks")
seeds = st.integers(0, 2**32 - 1)
SHAPES = [(5, 5), (3, 5), (5, 3), (2, 3, 5, 4)]
shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)


def draw(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape))


def numpy_nse(W):
    sigma = np.linalg.svd(W, compute_uv=False)
    share = sigma / sigma.sum()
    share = share[share > 0]
    return -(share * np.log(share)).sum() / math.log(len(sigma))


@shapes
def test_singular_values_entropy_and_balance_are_numpys(shape, x64):
    W = draw(*shape)
    np.testing.assert_allclose(
        spectrum.singular_values(W), np.linalg.svd(W, compute_uv=False), rtol=1e-12
    )
    np.testing.assert_allclose(spectrum.ei_balance(W), np.asarray(W).sum(-1), atol=1e-14)
    entropy = np.asarray(spectrum.nse(W))
    assert entropy.shape == shape[:-2]
    for index in np.ndindex(entropy.shape):
        assert math.isclose(entropy[index], numpy_nse(np.asarray(W)[index]), rel_tol=1e-12)


def test_eigenvalues_and_radius_are_numpys(x64):
    W = draw(3, 6, 6)
    for i in range(3):
        expected = np.linalg.eigvals(np.asarray(W[i]))
        ours = np.asarray(spectrum.eigenvalues(W)[i])
        np.testing.assert_allclose(np.sort_complex(ours), np.sort_complex(expected), rtol=1e-10)
        radius = float(spectrum.spectral_radius(W)[i])
        assert math.isclose(radius, abs(expected).max(), rel_tol=1e-12)


@given(seeds, st.floats(-6, 6))
def test_entropy_lies_in_the_unit_interval_whatever_the_scale(seed, exponent):
    with jax.enable_x64(True):
        W = draw(4, 3, seed=seed)
        entropy = float(spectrum.nse(W))
        assert 0 < entropy < 1
        assert math.isclose(float(spectrum.nse(W * 10**exponent)), entropy, rel_tol=1e-10)


@given(seeds)
def test_entropy_is_one_for_orthogonal_and_zero_for_rank_one(seed):
    with jax.enable_x64(True):
        W = draw(4, 4, seed=seed)
        assert math.isclose(float(spectrum.nse(jnp.linalg.qr(W)[0])), 1, rel_tol=1e-12)
        assert abs(float(spectrum.nse(jnp.outer(W[0], W[1])))) < 1e-12


def test_exactly_zero_singular_values_add_nothing_and_a_zero_matrix_has_no_entropy(x64):
    entropy = float(spectrum.nse(jnp.diag(jnp.array([1.0, 1.0, 0.0, 0.0]))))
    assert math.isclose(entropy, 0.5, rel_tol=1e-12)
    assert math.isnan(spectrum.nse(jnp.zeros((3, 3))))


@shapes
def test_a_transplant_takes_singular_values_over_and_keeps_the_vectors(shape, x64):
    A, B = draw(*shape), draw(*shape, seed=1)
    X = np.asarray(spectrum.transplant(A, B))
    np.testing.assert_allclose(
        np.linalg.svd(X, compute_uv=False), np.linalg.svd(B, compute_uv=False), rtol=1e-11
    )
    # With the singular vectors of A in their order, U_aᵀ X V_a is diagonal, with B's values.
    left, _, right = np.linalg.svd(np.asarray(A), full_matrices=False)
    middle = np.swapaxes(left, -1, -2) @ X @ np.swapaxes(right, -1, -2)
    sigma = np.linalg.svd(np.asarray(B), compute_uv=False)
    np.testing.assert_allclose(middle, sigma[..., None] * np.eye(sigma.shape[-1]), atol=1e-11)


def test_transplanting_a_matrix_into_itself_changes_nothing(x64):
    A = draw(3, 5, 4)
    np.testing.assert_allclose(spectrum.transplant(A, A), A, atol=1e-13)


@given(seeds)
def test_an_orthogonal_matrixs_values_make_the_vectors_matrix_orthogonal(seed):
    with jax.enable_x64(True):
        Q = jnp.linalg.qr(draw(4, 4, seed=seed))[0]
        X = spectrum.transplant(draw(4, 4, seed=seed + 1), Q)
        np.testing.assert_allclose(X @ X.T, np.eye(4), atol=1e-12)


def test_a_transplant_needs_equal_shapes(untyped):
    with pytest.raises(ValueError, match=r"shapes are \(2, 3\) and \(3, 2\); a transplant needs"):
        spectrum.transplant(jnp.ones((2, 3)), jnp.ones((3, 2)))


# Bounds for matrices with one sign in each column


@given(seeds, st.integers(2, 30), st.floats(0.05, 1), st.floats(0.1, 3))
def test_participation_bounds_spectrum_and_entropy(seed, n, density, tail):
    rng = np.random.default_rng(seed)
    W = np.exp(tail * rng.normal(size=(n, n))) * (rng.random((n, n)) < density)
    W = (W + np.diag(rng.random(n))) * np.where(rng.random(n) < 0.2, -1, 1)
    with jax.enable_x64(True):
        k = float(spectrum.participation(jnp.asarray(W)))
        sigma = np.linalg.svd(W, compute_uv=False)
        assert 1 - 1e-12 <= k <= n * (1 + 1e-12)
        assert sigma[0] >= np.sqrt(k * (sigma**2).mean()) * (1 - 1e-12)
        assert numpy_nse(W) <= float(spectrum.nse_bound(n, k)) + 1e-12


@given(seeds, st.integers(2, 20), st.floats(0.1, 1))
def test_balance_has_its_price(seed, n, density):
    rng = np.random.default_rng(seed)
    n_i = int(rng.integers(1, n))
    W = np.abs(rng.normal(size=(n, n))) * (rng.random((n, n)) < density)
    W[0] += 0.1  # no population is silent
    W[:, n - n_i :] *= -W[:, : n - n_i].sum() / W[:, n - n_i :].sum()
    total = W[:, : n - n_i].sum()
    np.testing.assert_allclose(W.sum(), 0, atol=1e-9 * total)
    bound = total / math.sqrt(n_i * (n - n_i))
    assert np.linalg.norm(W, 2) >= bound * (1 - 1e-12)


@pytest.mark.parametrize("k", [1.0, 2.5, 7.0, 11.9])
def test_a_strong_synapse_and_a_background_attain_both_bounds(k, x64):
    n = 12
    others = math.sqrt((n - k) / (n - 1))
    c = (math.sqrt(k) - others) / n
    with jax.numpy_rank_promotion("allow"):
        W = initializers.colei_spectral(
            (n, n), 2, jnp.full(n, others), key=jax.random.key(0), background=c
        )
    assert math.isclose(float(spectrum.participation(W)), k, rel_tol=1e-12)
    sigma = spectrum.singular_values(W)
    np.testing.assert_allclose(sigma, [math.sqrt(k)] + [others] * (n - 1), rtol=1e-10)
    assert math.isclose(float(spectrum.nse(W)), float(spectrum.nse_bound(n, k)), rel_tol=1e-10)


# Published numbers


def effective_W(cell):
    """Draw the W of 20 seeds of a cell with 28 inputs."""
    draw_W = jax.jit(lambda key: cell.effective(cell.initial_params(28, key=key)).W)
    return jnp.stack([draw_W(key) for key in dj.seed_keys(0, 20)])


@pytest.mark.parametrize(
    ("cell", "entropy", "tolerance", "largest", "slack"),
    [
        (dj.RNNCell(100), 0.953, 0.003, 1.13, 0.05),
        (dj.DANNCell(100, n_i=10), 0.950, 0.004, None, None),
        (dj.ColEICell(100, n_i=10), 0.798, 0.01, 11.5, 0.5),
    ],
    ids=["rnn", "dann", "colei"],
)
def test_spectra_at_100_units_are_the_published_ones(cell, entropy, tolerance, largest, slack):
    with jax.numpy_rank_promotion("allow"):
        W = effective_W(cell)
    assert abs(float(spectrum.nse(W).mean()) - entropy) < tolerance
    if largest is not None:
        sigma = float(spectrum.singular_values(W)[:, 0].mean())
        assert abs(sigma - largest) < slack


@pytest.mark.parametrize("n_i", [10, 50])
def test_the_mean_of_colei_is_nilpotent_with_one_singular_value(n_i, x64, monkeypatch):
    n = 100
    # Without randomness (all magnitudes 1) colei returns its mean matrix M = 1 mᵀ.
    monkeypatch.setitem(
        initializers.standard._DISTRIBUTIONS, "one", lambda key, shape: jnp.ones(shape)
    )
    with jax.numpy_rank_promotion("allow"):
        M = initializers.colei((n, n), n_i, key=jax.random.key(0), distribution="one")
    np.testing.assert_allclose(M @ M, np.zeros((n, n)), atol=1e-13)
    sigma = np.asarray(spectrum.singular_values(M))
    expected = math.sqrt(n * 2 * math.pi / (2 * math.pi - 1))
    assert math.isclose(sigma[0], expected, rel_tol=1e-12) and abs(expected - 10.905) < 5e-4
    assert sigma[1] < 1e-10
