"""Initialisers against their closed-form means, variances, balances and spectra."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dalejax as dj
from dalejax import initializers

KEY = jax.random.key(0)
# Variance and fourth central moment of each positive distribution of mean 1.
DISTRIBUTIONS = {
    "exponential": (1.0, 9.0),
    "gamma": (1 / 2, 1.5),
    "uniform": (1 / 3, 1 / 5),
    "lognormal": (1.0, 41.0),  # kurtosis w^4 + 2 w^3 + 3 w^2 - 3 at w = 2
}
MAKE = {
    "uniform": lambda key: initializers.uniform((4, 3), key=key),
    "normal": lambda key: initializers.normal((4, 3), key=key),
    "orthogonal": lambda key: initializers.orthogonal((4, 3), key=key),
    "from_spectrum": lambda key: initializers.from_spectrum((4, 3), jnp.ones(3), key=key),
    "colei": lambda key: initializers.colei((4, 4), 1, key=key, rho=1.5, zero_diagonal=True),
    "colei_input": lambda key: initializers.colei_input((4, 3), key=key, distribution="gamma"),
    "colei_flat": lambda key: initializers.colei_flat((4, 6), 1, 1.0, key=key, synapses=2),
    "colei_spectral": lambda key: initializers.colei_spectral((4, 4), 1, jnp.arange(4.0), key=key),
    "dann": lambda key: initializers.dann((4, 3), 2, 0.1, key=key),
    "positive": lambda key: initializers.positive((4, 3), 0.1, key=key, distribution="lognormal"),
}


def assert_moments(sample, mean, variance, fourth):
    """Assert that a sample's mean and variance are within 5 standard errors of those given."""
    sample = np.asarray(sample, np.float64)
    assert abs(sample.mean() - mean) < 5 * math.sqrt(variance / sample.size)
    error = math.sqrt((fourth - variance**2) / sample.size)
    assert abs(((sample - mean) ** 2).mean() - variance) < 5 * error


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_positive_distributions_have_the_mean_asked_for_and_their_variance(name):
    variance, fourth = DISTRIBUTIONS[name]
    sample = initializers.positive((300, 400), 0.5, key=KEY, distribution=name)
    assert (sample >= 0).all()
    assert_moments(sample, 0.5, variance * 0.5**2, fourth * 0.5**4)


def test_an_unknown_distribution_is_named():
    with pytest.raises(ValueError, match=r"distribution is 'cauchy'; it must be one of exponent"):
        initializers.positive((2,), 1.0, key=KEY, distribution="cauchy")


def test_uniform_is_bounded_by_the_rows():
    W = initializers.uniform((400, 300), key=KEY)
    bound = 1 / 20
    assert 0.999 * bound < jnp.abs(W).max() <= bound
    assert_moments(W, 0, bound**2 / 3, bound**4 / 5)


def test_a_readout_is_normal_with_variance_two_over_its_inputs():
    variance = 2 / 400
    assert_moments(initializers.normal((300, 400), key=KEY), 0, variance, 3 * variance**2)


@pytest.mark.parametrize("shape", [(5, 5), (3, 5), (5, 3)])
def test_orthogonal_matrices_have_unit_singular_values(shape):
    W = initializers.orthogonal(shape, key=KEY)
    np.testing.assert_allclose(np.linalg.svd(W, compute_uv=False), np.ones(min(shape)), rtol=1e-5)
    assert not (initializers.orthogonal(shape, key=jax.random.key(1)) == W).all()


def test_identity_is_the_identity():
    np.testing.assert_array_equal(initializers.identity((3, 4), key=KEY), np.eye(3, 4))


@pytest.mark.parametrize("shape", [(4, 4), (3, 5), (5, 3)])
def test_a_spectrum_is_taken_over(shape, x64):
    sigma = jnp.array([4.0, 0.5, 0.1, 0.0][: min(shape)])
    W = initializers.from_spectrum(shape, sigma, key=KEY)
    np.testing.assert_allclose(np.linalg.svd(W, compute_uv=False), sigma, atol=1e-13)
    # One draw for both the left and the right singular vectors would give a symmetric matrix.
    assert W.shape == shape and (shape[0] != shape[1] or abs(W - W.T).max() > 0.1)


def test_a_spectrum_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match=r"have shape \(2,\); a matrix of shape \(3, 4\) has 3"):
        initializers.from_spectrum((3, 4), jnp.ones(2), key=KEY)


# ColEI


def colei_means(n, n_i):
    n_e = n - n_i
    mean_e = 1 / math.sqrt((2 * math.pi - 1) / (2 * math.pi) * (n_e + n_e**2 / n_i))
    return mean_e, mean_e * n_e / n_i


@pytest.mark.parametrize("name", ["exponential", "uniform"])
@pytest.mark.parametrize("n_i", [40, 200])
def test_colei_columns_have_their_means_signs_and_balance(n_i, name):
    n = 400
    W = np.asarray(initializers.colei((n, n), n_i, key=KEY, distribution=name), np.float64)
    mean_e, mean_i = colei_means(n, n_i)
    assert math.isclose((n - n_i) * mean_e, n_i * mean_i)
    variance, fourth = DISTRIBUTIONS[name]
    excitatory, inhibitory = W[:, : n - n_i], W[:, n - n_i :]
    assert (excitatory >= 0).all() and (inhibitory <= 0).all()
    assert_moments(excitatory, mean_e, variance * mean_e**2, fourth * mean_e**4)
    assert_moments(-inhibitory, mean_i, variance * mean_i**2, fourth * mean_i**4)
    spread = math.sqrt(variance * ((n - n_i) * mean_e**2 + n_i * mean_i**2))
    assert abs(W.sum(1).mean()) < 5 * spread / math.sqrt(n)


@pytest.mark.parametrize("rho", [0.5, 1.5])
def test_colei_takes_a_spectral_radius_exactly_and_loses_its_diagonal(rho, x64):
    W = initializers.colei((20, 20), 2, key=KEY, zero_diagonal=True, rho=rho)
    assert math.isclose(abs(np.linalg.eigvals(W)).max(), rho, rel_tol=1e-12)
    unscaled = initializers.colei((20, 20), 2, key=KEY)
    off = ~np.eye(20, dtype=bool)
    ratio = np.asarray(W)[off] / np.asarray(unscaled)[off]
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-12)
    assert not jnp.diag(W).any() and jnp.diag(unscaled).all()


def test_colei_takes_any_shape():
    W = initializers.colei((3, 8), 2, key=KEY)
    np.testing.assert_array_equal(np.sign(W), np.tile([1] * 6 + [-1] * 2, (3, 1)))


@pytest.mark.parametrize("n_i", [0, 4])
def test_colei_needs_both_populations(n_i):
    with pytest.raises(ValueError, match=f"n_i is {n_i}; with n = 4 units it must be from 1 to 3"):
        initializers.colei((4, 4), n_i, key=KEY)


def test_positive_inputs_have_mean_one_over_root_n_in():
    assert_moments(initializers.colei_input((300, 400), key=KEY), 1 / 20, 1 / 400, 9 / 400**2)


def test_the_bias_centres_the_first_layer_only():
    first = dj.ColEICell(4, n_i=1, input_mean=0.3).initial_params(9, key=KEY)
    np.testing.assert_allclose(first["b"], np.full(4, -3 * 0.3), rtol=1e-6)
    deeper = dj.ColEICell(4, n_i=1, input_mean=0.3, inputs_n_i=2).initial_params(9, key=KEY)
    assert (
        not deeper["b"].any() and not dj.ColEICell(4, n_i=1).initial_params(9, key=KEY)["b"].any()
    )
    x = 0.3 * jax.random.uniform(KEY, (9,), maxval=2.0)
    wide = dj.ColEICell(2000, n_i=1, input_mean=float(x.mean()), rho=None).initial_params(
        9, key=KEY
    )
    z = np.asarray(wide["U"] @ x + wide["b"])
    assert abs(z.mean()) < 5 * z.std() / math.sqrt(2000)


# DANN


@pytest.mark.parametrize("n_i", [1, 3])
def test_a_danns_inhibition_is_its_mean_excitation(n_i, x64):
    ee, ie, ei = initializers.dann((6, 4), n_i, 0.1, key=KEY)
    assert ee.shape == (6, 4) and ie.shape == (n_i, 4) and ei.shape == (6, n_i)
    assert all((w >= 0).all() for w in (ee, ie, ei))
    np.testing.assert_allclose(ei.sum(1), np.ones(6), rtol=1e-14)
    np.testing.assert_allclose(ie, np.tile(ee.mean(0), (n_i, 1)), rtol=1e-14)
    np.testing.assert_allclose((ee - ei @ ie).sum(0), np.zeros(4), atol=1e-14)
    assert n_i == 1 or np.ptp(ei) > 0.1


def test_a_dann_has_the_variance_of_an_rnn():
    n = 300
    assert math.isclose(initializers.dann_mean(n), 1 / math.sqrt(3 * (n - 1)))
    cell = dj.DANNCell(n, n_i=3)
    params = cell.initial_params(n, key=KEY)
    for W in cell.effective(params)[:2]:
        s2 = 1 / (3 * (n - 1))  # variance of W_ee; 1 / (3 n) after subtraction of its mean row
        assert_moments(W, 0, s2 * (n - 1) / n, 9 * s2**2)
    assert_moments(params["W_ee"], math.sqrt(s2), s2, 9 * s2**2)
    assert abs(params["W_ee"] - params["U_ee"]).max() > 0


def test_independent_inhibition_is_drawn_like_the_excitation():
    ee, ie, ei = initializers.dann((300, 400), 300, 0.1, key=KEY, inhibition="iid")
    assert_moments(ie, 0.1, 0.1**2, 9 * 0.1**4)
    assert abs(np.corrcoef(np.ravel(ee), np.ravel(ie))[0, 1]) < 0.02
    np.testing.assert_allclose(ei.sum(1), np.ones(300), rtol=1e-5)


@pytest.mark.parametrize("n_out", [1, 2, 10])
def test_a_dann_readout_has_variance_two_over_its_inputs(n_out):
    n_in = 20_000
    layer = dj.DANNDense(n_out, n_i=2 if n_out > 1 else 1)
    params = layer.initial_params(n_in, key=KEY)
    dj.signs.assert_legal(params)
    W = np.asarray(layer.effective(params).W, np.float64)
    # The variance over a row is that of independent entries, whose fourth moment is at most 9 s^4.
    variance, s = 2 / n_in, math.sqrt(2 * n_out / (n_in * max(n_out - 1, 1)))
    error = math.sqrt(9 * s**4 / n_in)
    assert abs((W**2).mean() - variance) < 5 * error
    assert abs(W.mean()) < 5 * math.sqrt(variance / W.size)
    if n_out > 1:
        np.testing.assert_allclose(W.sum(0), np.zeros(n_in), atol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: initializers.dann((3, 3), 0, 0.1, key=KEY), "n_i is 0; it must be at least 1"),
        (
            lambda: initializers.dann((3, 3), 1, 0.1, key=KEY, inhibition="none"),
            "must be one of mean_row",
        ),
        (lambda: initializers.dann_mean(1), "n_e is 1; a recurrent Dale's ANN needs at least 2"),
    ],
)
def test_impossible_danns_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# Column-signed matrices with a given spectrum


@pytest.mark.parametrize("shape", [(6, 6), (6, 4), (4, 6), (7, 3), (2, 9)])
@pytest.mark.parametrize("n_i", [0, 1, 2])
def test_a_column_signed_matrix_takes_a_spectrum(shape, n_i, x64):
    wanted = jnp.linspace(0.5, 2.0, min(shape))
    W = np.asarray(initializers.colei_spectral(shape, n_i, wanted, key=KEY))
    sigma = np.linalg.svd(W, compute_uv=False)
    np.testing.assert_allclose(np.sort(sigma), wanted, rtol=1e-12)
    inhibitory = np.arange(shape[1]) >= shape[1] - n_i
    assert (W[:, ~inhibitory] >= 0).all() and (W[:, inhibitory] <= 0).all()
    assert not np.signbit(W[W == 0]).any()
    axis = 0 if shape[1] >= shape[0] else 1
    assert ((W != 0).sum(axis) == 1).all()  # one synapse in each row or column of the longer side
    others = (W != 0).sum(1 - axis)
    assert others.max() - others.min() <= 1
    if shape == (6, 6):
        assert not W.diagonal().any()
        power = np.linalg.matrix_power(W, 6)  # synapses form one cycle through all units
        gain = np.prod(np.asarray(wanted)) * (-1) ** n_i
        np.testing.assert_allclose(power, gain * np.eye(6), atol=1e-12)


@pytest.mark.parametrize("shape", [(8, 8), (8, 3), (3, 8)])
@pytest.mark.parametrize("synapses", [1, 3])
def test_few_synapses_make_a_flat_spectrum(shape, synapses, x64):
    """One synapse: all singular values are s; k of them: the largest is at most sqrt(k) s."""
    W = np.asarray(initializers.colei_flat(shape, 2, 0.5, key=KEY, synapses=synapses))
    sigma = np.linalg.svd(W, compute_uv=False)
    assert (W[:, : shape[1] - 2] >= 0).all() and (W[:, shape[1] - 2 :] <= 0).all()
    assert (W != 0).sum() <= synapses * max(shape)
    if synapses == 1:
        np.testing.assert_allclose(sigma, 0.5, rtol=1e-12)
    else:  # synapses at the same entry have the same sign, so they add up
        assert (sigma**2).mean() >= 0.25 - 1e-12 and sigma[0] <= np.sqrt(synapses) * 0.5 + 1e-12


def test_a_background_moves_one_singular_value_away(x64):
    n, s, c = 9, 0.7, 0.2
    W = initializers.colei_spectral((n, n), 3, jnp.full(n, s), key=KEY, background=c)
    assert (np.sign(W) == np.where(np.arange(n) < 6, 1, -1)).all()
    np.testing.assert_allclose(
        np.linalg.svd(W, compute_uv=False), [s + n * c] + [s] * (n - 1), rtol=1e-12
    )
    before = jnp.linspace(2.0, 0.1, n)
    W = initializers.colei_spectral((n, n), 3, before, key=KEY, background=c)
    after = np.linalg.svd(W, compute_uv=False)
    assert (after[1:] <= before[:-1]).all() and (after[1:-1] >= before[2:]).all()
    assert after[0] > before[0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: initializers.colei_spectral((3, 3), 3, jnp.ones(3), key=KEY), "n_i is 3; it must"),
        (lambda: initializers.colei_flat((3, 3), 1, 1.0, key=KEY, synapses=0), "synapses is 0"),
        (lambda: initializers.colei_flat((3, 3), 1, -1.0, key=KEY), "rms is -1"),
        (
            lambda: initializers.colei_spectral((2, 2), 1, jnp.array([1.0, -2.0]), key=KEY),
            "a singular value is -2",
        ),
        (lambda: initializers.colei_spectral((3, 3), -1, jnp.ones(3), key=KEY), "n_i is -1"),
        (lambda: initializers.colei_spectral((3, 4), 1, jnp.ones(4), key=KEY), r"\(3, 4\) has 3"),
        (
            lambda: initializers.colei_spectral((2, 2), 1, jnp.ones(2), key=KEY, background=-1.0),
            "background is -1",
        ),
    ],
)
def test_impossible_spectra_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# All initialisers


@pytest.mark.parametrize("name", MAKE)
def test_members_drawn_under_vmap_are_those_drawn_alone(name):
    keys = dj.seed_keys(7, 3)
    together = jax.vmap(MAKE[name])(keys)
    for i in range(3):
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a[i], b, rtol=1e-5, atol=1e-6),  # noqa: B023
            together,
            MAKE[name](keys[i]),
        )
    assert not np.allclose(jax.tree.leaves(together)[0][0], jax.tree.leaves(together)[0][1])


@pytest.mark.parametrize("name", ["uniform", "normal", "orthogonal", "identity", "colei_input"])
def test_keys_are_keyword_only_and_never_defaulted(name, untyped):
    make = getattr(initializers, name)
    with pytest.raises(TypeError):
        make((3, 3), KEY)
    with pytest.raises(TypeError, match="key"):
        make((3, 3))


def test_a_cell_takes_any_initialiser():
    cell = dj.RNNCell(3, recurrent_init=initializers.identity, input_init=initializers.orthogonal)
    params = cell.initial_params(3, key=KEY)
    np.testing.assert_array_equal(params["W"], np.eye(3))
    np.testing.assert_allclose(params["U"] @ params["U"].T, np.eye(3), atol=1e-5)
