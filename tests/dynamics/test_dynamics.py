"""Compare ``dalejax.dynamics`` with closed forms, NumPy loops and SciPy."""

import functools
import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg, optimize, special, stats

import dalejax as dj
from dalejax import dynamics

pytestmark = pytest.mark.usefixtures("strict_ranks", "x64")
seeds = st.integers(0, 2**32 - 1)
# Jitted, so that each shape is compiled once, and not each operation.
fit_annulus = jax.jit(dynamics.fit_annulus)
henrici = jax.jit(dynamics.henrici)
transient_growth = jax.jit(dynamics.transient_growth, static_argnums=1)
numerical_abscissa = jax.jit(dynamics.numerical_abscissa)
principal_components = jax.jit(dynamics.principal_components, static_argnums=1)
effective_dimension = jax.jit(dynamics.effective_dimension)
population_rates = jax.jit(dynamics.population_rates, static_argnums=1)
population_currents = jax.jit(dynamics.population_currents, static_argnums=2)


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def ginibre(*members, n):
    return np.linalg.eigvals(draw(*members, n, n) / math.sqrt(n))


def annulus(*members, n, inner, outer, seed=0):
    """Draw points of even density from an annulus by rejection sampling."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(-outer, outer, size=(20 * math.prod(members) * n, 2)) @ [1, 1j]
    points = points[(np.abs(points) >= inner) & (np.abs(points) <= outer)]
    return points[: math.prod(members) * n].reshape(*members, n)


def assert_members_are_independent(function, *arrays):
    """Compare a stack [2, 3, ...] with its members one by one; the results may be tuples."""
    function = jax.jit(function)
    together = [np.asarray(leaf) for leaf in jax.tree.leaves(function(*arrays))]
    for index in ((0, 0), (0, 2), (1, 1)):
        alone = jax.tree.leaves(function(*(np.asarray(a)[index] for a in arrays)))
        for whole, one in zip(together, alone, strict=True):
            assert whole.shape == (2, 3, *one.shape)
            np.testing.assert_allclose(whole[index], one, rtol=1e-9, atol=1e-9)


# Geometry


def test_the_circular_law_is_found_whatever_the_measure():
    values = jnp.asarray(ginibre(3, n=100))
    inner, outer = fit_annulus(values)
    np.testing.assert_allclose(outer, 1, atol=0.04)
    assert (inner < 0.25).all()
    np.testing.assert_allclose(dynamics.outer_radius(values), 1, atol=0.08)
    assert (dynamics.inner_radius(values) < 0.15).all()


def test_radii_are_order_statistics():
    values = draw(4, 9) + 1j * draw(4, 9, seed=1)
    sizes = np.sort(np.hypot(values.real, values.imag), -1)
    for skip in (0, 3, 8):
        ours = dynamics.outer_radius(jnp.asarray(values), skip)
        np.testing.assert_allclose(ours, sizes[:, 8 - skip], rtol=1e-14)
    np.testing.assert_allclose(dynamics.inner_radius(jnp.asarray(values)), sizes[:, 0], rtol=1e-14)
    np.testing.assert_array_equal(
        dynamics.outer_radius(jnp.asarray(values)), dynamics.outer_radius(jnp.asarray(values), 6)
    )


@pytest.mark.parametrize(
    ("inner", "outer", "far"),
    [
        (inner, outer, far)
        for inner, outer in [(0.7, 1.0), (2.7, 3.0), (0.0, 0.2)]
        for far in [None, "beyond", "infinite", "in the hole"]
        if inner or far != "in the hole"  # a disc has no hole
    ],
)
def test_an_annulus_is_found_in_spite_of_outliers(inner, outer, far):
    values = annulus(3, n=1000, inner=inner, outer=outer)
    strays = {"beyond": np.linspace(1.2, 50, 100) * outer, "infinite": np.inf, "in the hole": 0}
    if far:
        values[:, :100] = strays[far]
    found = fit_annulus(jnp.asarray(values))
    np.testing.assert_allclose(found.outer, outer, rtol=0.02)
    np.testing.assert_allclose(found.inner, inner, atol=(0.03 if inner else 0.2) * outer)


def test_an_orthogonal_matrix_is_a_ring_and_normal():
    W = jnp.asarray(np.linalg.qr(draw(2, 12, 12))[0])
    values = dj.spectrum.eigenvalues(W)
    for radii in fit_annulus(values):
        np.testing.assert_allclose(radii, 1, rtol=1e-10)
    np.testing.assert_allclose(dynamics.outer_radius(values), 1, rtol=1e-12)
    np.testing.assert_allclose(dynamics.inner_radius(values), 1, rtol=1e-12)
    np.testing.assert_allclose(henrici(W), 0, atol=1e-6)


@settings(max_examples=10)
@given(seeds, st.floats(-8, 8))
def test_the_cloud_scales_and_has_no_order(seed, exponent):
    with jax.enable_x64(True):
        rng = np.random.default_rng(seed)
        values = annulus(40, n=1, inner=0.6, outer=1.0, seed=seed)[:, 0]
        factor = 10**exponent * np.exp(1j * rng.uniform(0, 6))
        turned = jnp.asarray(factor * rng.permutation(values))
        values = jnp.asarray(values)
        for measure in (fit_annulus, dynamics.outer_radius, dynamics.inner_radius):
            one, two = np.asarray(measure(values)), np.asarray(measure(turned))
            np.testing.assert_allclose(two, 10**exponent * one, rtol=1e-6)


@pytest.mark.parametrize("n, trim", [(10, 0.35), (20, 0.42), (100, 0.48)])
def test_an_annulus_of_few_quantiles_is_finite(n, trim):
    eigenvalues = np.linalg.eigvals(np.random.default_rng(0).normal(size=(50, n, n)) / np.sqrt(n))
    inner, outer = dynamics.fit_annulus(jnp.asarray(eigenvalues), trim=trim)
    assert np.isfinite(inner).all() and np.isfinite(outer).all()
    with pytest.raises(ValueError, match=rf"trim is 0.499; for {n} eigenvalues it must be from 0"):
        dynamics.fit_annulus(jnp.asarray(eigenvalues), trim=0.499)


def test_a_member_that_is_not_finite_has_no_annulus_and_spoils_no_other():
    values = annulus(2, n=50, inner=0.5, outer=1.0)
    values[0] = np.nan
    inner, outer = fit_annulus(jnp.asarray(values))
    assert np.isnan([inner[0], outer[0]]).all() and np.isfinite([inner[1], outer[1]]).all()
    assert np.isnan(henrici(jnp.full((3, 3), jnp.nan)))


def test_outliers_are_those_beyond_the_margin():
    values = jnp.array([[1.0, 1.09, -1.11, 1.2j], [1.0, 2.09, -2.3, 0.0j]])
    expected = [[False, False, True, True], [False, False, True, False]]
    found = dynamics.outliers(values, jnp.array([1.0, 2.0]))
    assert found.tolist() == expected and found.dtype == bool
    assert dynamics.outliers(values, 1.0, margin=1.15).sum(-1).tolist() == [1, 2]


def schur_departure(W):
    """Compute Henrici's departure from the Schur form (the library uses the eigenvalues)."""
    T = linalg.schur(W, output="complex")[0]
    return np.linalg.norm(np.triu(T, 1)) / np.linalg.norm(W)


def test_departure_from_normality_is_that_of_the_schur_form():
    W = draw(4, 7, 7)
    expected = [schur_departure(member) for member in W]
    np.testing.assert_allclose(henrici(jnp.asarray(W)), expected, rtol=1e-10)
    assert min(expected) > 0.1
    symmetric = jnp.asarray(W + W.swapaxes(-1, -2))
    np.testing.assert_allclose(henrici(symmetric), 0, atol=1e-6)
    assert float(henrici(jnp.zeros((3, 3)))) == 0
    # One eigenvalue a and a feedforward weight w: w / sqrt(a² + w²).
    W = jnp.array([[3.0, 4.0], [0.0, 0.0]])
    assert math.isclose(henrici(W), 0.8, rel_tol=1e-12)


@given(seeds, st.floats(-30, 30))
def test_departure_from_normality_has_no_scale_and_no_basis(seed, exponent):
    with jax.enable_x64(True):
        W = draw(4, 4, seed=seed)
        Q = np.linalg.qr(draw(4, 4, seed=seed + 1))[0]
        one = float(henrici(jnp.asarray(W)))
        two = float(henrici(jnp.asarray(10**exponent * Q @ W @ Q.T)))
        assert 0 <= one <= 1 and math.isclose(one, two, rel_tol=1e-6, abs_tol=1e-6)


@pytest.mark.parametrize("axis", ["columns", "rows"])
def test_projected_normal_weights_have_the_predicted_spectrum(axis):
    n, n_i, std = 80, 16, 0.1
    signs = np.where(np.arange(n) < n - n_i, 1, -1)
    signs = signs[None, :] if axis == "columns" else signs[:, None]
    W = std * draw(6, n, n)
    W = np.where(W * signs > 0, W, 0)
    radius, outlier = dynamics.projected_normal(n, n_i, std)
    # The predicted mean and variance of one entry, against those of the samples.
    np.testing.assert_allclose(abs(W).mean(), outlier / (n - 2 * n_i), rtol=0.01)
    np.testing.assert_allclose((W * signs).std(), radius / math.sqrt(n), rtol=0.01)
    values = jnp.asarray(np.linalg.eigvals(W))
    np.testing.assert_allclose(fit_annulus(values).outer, radius, rtol=0.07)
    largest = np.asarray(values)[np.arange(6), np.abs(values).argmax(-1)]
    spread = radius / math.sqrt(n) * n / (n - 2 * n_i)
    np.testing.assert_allclose(largest, outlier, atol=4 * spread)
    assert 0.4 * spread < np.std(largest.real) < 2 * spread
    # Beside the outlier, only few eigenvalues lie outside of the disc, and close to it.
    marked = dynamics.outliers(values, radius, margin=1.5)
    assert (marked.sum(-1) == 1).all()


def test_projected_orthogonal_weights_have_the_predicted_ring():
    n, n_i = 80, 16
    Q = np.linalg.qr(draw(6, n, n))[0]
    signs = np.where(np.arange(n) < n - n_i, 1, -1)
    values = jnp.asarray(np.linalg.eigvals(np.where(Q * signs > 0, Q, 0)))
    found = fit_annulus(values)
    for ours, expected in zip(found, dynamics.projected_orthogonal(), strict=True):
        np.testing.assert_allclose(ours.mean(), expected, rtol=0.07)
    outlier = dynamics.projected_normal(n, n_i, 1 / math.sqrt(n)).outlier
    np.testing.assert_allclose(np.abs(values).max(-1), outlier, rtol=0.15)


def test_projected_normal_is_mirrored_by_swapping_the_populations():
    one, two = (dynamics.projected_normal(50, n_i, 0.3) for n_i in (10, 40))
    assert one.radius == two.radius and one.outlier == -two.outlier > 0
    assert dynamics.projected_normal(50, 25, 0.3).outlier == 0


# Growth


def chain(weights):
    """Make the weights of a feedforward chain, in which unit i drives unit i + 1."""
    return np.diag(weights, -1)


def test_a_feedforward_chain_grows_until_its_end():
    weights = np.array([2.0, 3.0, 0.5, 4.0])
    # W^t connects unit i to unit i + t, with the product of t consecutive weights.
    expected = [
        max(np.prod(weights[i : i + t]) for i in range(5 - t)) if t < 5 else 0 for t in range(1, 8)
    ]
    growth = transient_growth(jnp.asarray(chain(weights)), 7)
    np.testing.assert_allclose(growth, expected, rtol=1e-12, atol=0)
    assert growth[4:].tolist() == [0, 0, 0]
    # (W + Wᵀ) / 2 of equal weights is a tridiagonal Toeplitz matrix.
    W = jnp.asarray(chain(np.full(4, 3.0)))
    expected = 3 * math.cos(math.pi / 6)
    assert math.isclose(numerical_abscissa(W), expected, rel_tol=1e-12)
    assert math.isclose(henrici(W), 1, rel_tol=1e-6)


def test_a_rotation_neither_grows_nor_shrinks():
    c, s = math.cos(0.7), math.sin(0.7)
    W = 0.9 * jnp.array([[c, -s], [s, c]])
    np.testing.assert_allclose(transient_growth(W, 5), 0.9 ** np.arange(1, 6), rtol=1e-12)
    assert math.isclose(numerical_abscissa(W), 0.9 * c, rel_tol=1e-12)


def test_growth_is_numpys_powers():
    W = draw(6, 6) / 2
    expected = [np.linalg.norm(np.linalg.matrix_power(W, t), 2) for t in range(1, 6)]
    np.testing.assert_allclose(transient_growth(jnp.asarray(W), 5), expected, rtol=1e-10)


@settings(max_examples=10)
@given(seeds)
def test_growth_is_bounded_by_the_radius_and_submultiplicative(seed):
    with jax.enable_x64(True):
        W = draw(4, 4, seed=seed)
        growth = np.asarray(transient_growth(jnp.asarray(W), 6))
        t = np.arange(1, 7)
        assert (growth >= np.abs(np.linalg.eigvals(W)).max() ** t * (1 - 1e-9)).all()
        assert growth[5] <= growth[1] * growth[3] * (1 + 1e-9)
        abscissa = float(numerical_abscissa(jnp.asarray(W)))
        assert abscissa >= np.linalg.eigvals(W).real.max() - 1e-9
        # The slope of ‖exp(tW)‖ at t = 0 is the other definition of the numerical abscissa.
        slope = (np.linalg.norm(linalg.expm(1e-6 * W), 2) - 1) / 1e-6
        assert math.isclose(abscissa, slope, rel_tol=1e-3, abs_tol=1e-4)


def test_spectra_of_a_stack_are_those_of_its_members():
    W = draw(2, 3, 10, 10)
    values = np.linalg.eigvals(W)
    for function in (dynamics.outer_radius, dynamics.inner_radius, dynamics.fit_annulus):
        assert_members_are_independent(function, values)
    for function in (
        dynamics.henrici,
        dynamics.numerical_abscissa,
        lambda W: transient_growth(W, 4),
    ):
        assert_members_are_independent(function, W)
    radii = np.sort(np.abs(values), -1)[..., 5]
    assert_members_are_independent(dynamics.outliers, values, radii)


# Fixed points


def effective(W, b=None, U=None):
    W = np.asarray(W, float)
    n = len(W)
    return dj.Effective(
        np.zeros((n, 1)) if U is None else U, W, np.zeros(n) if b is None else np.asarray(b)
    )


# Each unit excites itself and inhibits the other one.
BISTABLE = effective([[2.0, -1.0], [-1.0, 2.0]], b=[0.1, -0.1])


def roots(step, reach=1.5, per_axis=7):
    """Find all fixed points of a two-unit NumPy map, by SciPy from a grid."""
    found = []
    for start in itertools.product(np.linspace(-reach, reach, per_axis), repeat=2):
        root, _, status, _ = optimize.fsolve(lambda h: step(h) - h, start, full_output=True)
        far = all(np.linalg.norm(root - other) > 1e-4 for other in found)
        if status == 1 and np.abs(step(root) - root).max() < 1e-9 and far:
            found.append(root)
    return np.array(sorted(found, key=tuple))


def in_order(points):
    return np.array(sorted(np.asarray(points), key=tuple))


def grid(reach=1.2, per_axis=7):
    axis = np.linspace(-reach, reach, per_axis)
    return jnp.asarray(np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2))


@functools.cache
def bistable_fixed_points():
    """Find all fixed points of the network without leak, from a grid of starts."""
    found = dynamics.find_fixed_points(dynamics.step_of(BISTABLE, "tanh"), grid(), iterations=200)
    return jax.tree.map(np.asarray, found)


def test_a_bistable_network_has_the_fixed_points_and_the_stability_that_scipy_finds():
    W, b = np.asarray(BISTABLE.W), np.asarray(BISTABLE.b)
    expected = roots(lambda h: np.tanh(W @ h + b))
    step = dynamics.step_of(BISTABLE, "tanh")
    found = bistable_fixed_points()
    assert found.points.shape == (49, 2) and found.speed.shape == (49,)
    residuals = np.tanh(found.points @ W.T + b) - found.points
    np.testing.assert_allclose(found.speed, 0.5 * (residuals**2).sum(-1), atol=1e-30)
    points = in_order(dynamics.distinct(found, 1e-4, 1e-18).points)
    assert len(expected) >= 3
    np.testing.assert_allclose(points, expected, atol=1e-8)
    jacobians = np.asarray(dynamics.linearise(step, jnp.asarray(points)))
    # dtanh(z) = 1 - tanh² and tanh(z) is the fixed point itself.
    np.testing.assert_allclose(jacobians, (1 - expected[:, :, None] ** 2) * W, atol=1e-7)
    stable = np.abs(np.linalg.eigvals(jacobians)).max(-1) < 1
    for point, is_stable in zip(points, stable, strict=True):
        h = point + 1e-3 * np.array([1.0, -0.7])
        for _ in range(300):
            h = np.tanh(W @ h + b)
        assert (np.linalg.norm(h - point) < 1e-6) == is_stable
    assert stable.sum() == 2 and not stable.all()


def test_a_leaky_network_stays_where_the_plain_one_does():
    plain = dynamics.step_of(BISTABLE, "tanh")
    leaky = dynamics.step_of(BISTABLE, "tanh", alpha=jnp.array([0.2, 0.5]))
    of_plain = dynamics.distinct(bistable_fixed_points(), 1e-4)
    of_leaky = dynamics.distinct(
        dynamics.find_fixed_points(leaky, grid(3.0), iterations=0, polish=60), 1e-4
    )
    rates = in_order(np.tanh(of_leaky.points))
    np.testing.assert_allclose(rates, in_order(of_plain.points), atol=1e-6)
    # With alpha = 1 the state is the current of the network without leak.
    z = jnp.asarray(draw(2))
    whole = dynamics.step_of(BISTABLE, "tanh", alpha=1.0)
    np.testing.assert_allclose(jnp.tanh(whole(z)), plain(jnp.tanh(z)), rtol=1e-14)


@pytest.mark.parametrize("activation", ["relu", "tanh", "identity"])
@pytest.mark.parametrize("leaky", [False, True])
def test_a_step_is_the_equation(activation, leaky):
    f = {"relu": lambda z: np.maximum(z, 0), "tanh": np.tanh, "identity": lambda z: z}[activation]
    W, U, b, x, h = draw(3, 3), draw(3, 2, seed=1), draw(3, seed=2), draw(2, seed=3), draw(3)
    alpha = np.array([0.1, 0.6, 1.0])
    weights = effective(W, b, U)
    given_ = jnp.asarray(alpha) if leaky else None
    step = dynamics.step_of(weights, activation, jnp.asarray(x), given_)
    expected = np.zeros(3)
    for i in range(3):
        rates = f(h) if leaky else h
        z = W[i] @ rates + U[i] @ x + b[i]
        expected[i] = (1 - alpha[i]) * h[i] + alpha[i] * z if leaky else f(z)
    np.testing.assert_allclose(step(jnp.asarray(h)), expected, rtol=1e-12)
    same = dynamics.step_of(weights, activation, 0.5)(jnp.asarray(h))
    listed = dynamics.step_of(weights, activation, jnp.full(2, 0.5))(jnp.asarray(h))
    np.testing.assert_array_equal(same, listed)


@pytest.mark.parametrize("times", [{}, {"tau": 50.0, "dt": 20.0}], ids=["plain", "leaky"])
def test_a_step_is_the_cells(times):
    cell = dj.RNNCell(5, **times)
    h, x = jnp.asarray(draw(1, 5)), jnp.asarray(draw(1, 3))
    params = {"U": draw(5, 3, seed=1), "W": draw(5, 5, seed=2), "b": draw(5, seed=3)}
    with jax.numpy_rank_promotion("allow"):
        expected = cell.apply({"params": params}, h, x)[0][0]
    step = dynamics.step_of(cell.effective(params), "relu", x[0], cell.alpha)
    np.testing.assert_allclose(step(h[0]), expected, rtol=1e-12)
    assert (expected > 0).any()


def test_a_rotation_and_a_chain_have_one_fixed_point_with_their_own_eigenvalues(x64):
    """A rotation that shrinks has 0 as its fixed point, and so has a feedforward chain."""
    turn = 0.9 * np.array([[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]])
    chain = 3.0 * np.eye(4, k=-1)
    for W, expected in ((turn, 0.9 * np.exp([-0.4j, 0.4j])), (chain, np.zeros(4))):
        step = lambda h, W=W: jnp.asarray(W) @ h  # noqa: E731
        starts = np.random.default_rng(0).normal(size=(6, len(W)))
        found = dynamics.distinct(dynamics.find_fixed_points(step, starts), tolerance=1e-3)
        np.testing.assert_allclose(found.points, np.zeros((1, len(W))), atol=1e-6)
        jacobian = np.asarray(dynamics.linearise(step, found.points))[0]
        np.testing.assert_allclose(jacobian, W, atol=1e-12)
        values = np.linalg.eigvals(jacobian)
        np.testing.assert_allclose(values[np.argsort(values.imag)], expected, atol=1e-12)
    assert not np.linalg.matrix_power(chain, 4).any() and np.linalg.matrix_power(chain, 3).any()


def test_a_line_attractor_is_found_all_along():
    v = np.array([0.6, 0.8])
    other = np.array([0.8, -0.6])
    W = np.outer(v, v) + 0.3 * np.outer(other, other)  # eigenvalue 1 along v
    step = dynamics.step_of(effective(W), "identity")
    starts = jnp.asarray(draw(30, 2))
    found = dynamics.find_fixed_points(step, starts, iterations=0)
    np.testing.assert_allclose(found.points @ other, 0, atol=1e-8)
    # Levenberg–Marquardt moves a start to the nearest point of the line.
    np.testing.assert_allclose(found.points @ v, starts @ v, atol=1e-6)
    spaced = dynamics.distinct(found, tolerance=0.25)
    along = np.sort(spaced.points @ v)
    assert len(along) > 4 and (np.diff(along) > 0.25).all()
    for start in np.asarray(starts @ v):
        assert np.abs(along - start).min() < 0.25 + 1e-6
    jacobians = dynamics.linearise(step, found.points)
    np.testing.assert_allclose(np.sort(np.linalg.eigvals(jacobians).real), [[0.3, 1.0]] * 30)


def test_an_excitatory_inhibitory_relu_network_has_its_linear_fixed_point():
    W = np.abs(draw(8, 8)) * np.where(np.arange(8) < 6, 0.05, -0.3)
    b = np.full(8, 2.0)
    expected = np.linalg.solve(np.eye(8) - W, b)
    assert (expected > 0).all()
    step = dynamics.step_of(effective(W, b), "relu")
    found = dynamics.find_fixed_points(step, jnp.asarray(draw(5, 8, seed=1)), rate=0.05)
    np.testing.assert_allclose(found.points, np.tile(expected, (5, 1)), rtol=1e-8)


def ghost(h):
    """Step beside a saddle-node bifurcation: slow near 0, but without a fixed point there."""
    return h + h**2 + 0.01


def test_starts_may_be_of_another_type_than_the_step(x64):
    effective = dj.Effective(jnp.ones((2, 1)), 0.5 * jnp.eye(2), jnp.zeros(2))
    step = dynamics.step_of(effective, "relu", 1.0)
    found = dynamics.find_fixed_points(step, jnp.zeros((1, 2), jnp.float32))
    np.testing.assert_allclose(found.points, [[2.0, 2.0]], rtol=1e-12)
    with pytest.raises(ValueError, match=r"starts have shape \(0, 2\)"):
        dynamics.find_fixed_points(step, jnp.zeros((0, 2)))


def test_a_slow_point_is_kept_with_its_speed_and_left_out_when_asked():
    found = dynamics.find_fixed_points(ghost, jnp.array([[0.3], [-0.4]]), iterations=500)
    np.testing.assert_allclose(found.points, 0, atol=1e-3)
    np.testing.assert_allclose(found.speed, 0.5 * 0.01**2, rtol=1e-3)
    assert dynamics.distinct(found).points.shape == (0, 1)
    assert dynamics.distinct(found, 0.1, max_speed=1e-3).points.shape == (1, 1)


def test_a_start_at_a_fixed_point_stays_there_and_no_point_is_faster_than_its_start():
    step = dynamics.step_of(BISTABLE, "tanh")
    fixed = dynamics.distinct(bistable_fixed_points(), 1e-4).points
    again = dynamics.find_fixed_points(step, jnp.asarray(fixed), iterations=50)
    np.testing.assert_allclose(again.points, fixed, atol=1e-9)
    starts = grid()
    before = 0.5 * (np.asarray(jax.vmap(step)(starts) - starts) ** 2).sum(-1)
    for given_ in ({"iterations": 5, "rate": 5.0, "polish": 0}, {"iterations": 0, "polish": 2}):
        after = np.asarray(dynamics.find_fixed_points(step, starts, **given_).speed)
        assert (after <= before * (1 + 1e-9) + 1e-30).all() and (after < 0.1 * before).any()
    nothing = dynamics.find_fixed_points(step, starts, iterations=0, polish=0)
    np.testing.assert_array_equal(nothing.points, starts)
    np.testing.assert_allclose(nothing.speed, before, rtol=1e-12)


def test_adam_alone_descends_and_the_polish_makes_it_exact():
    step = dynamics.step_of(effective(0.3 * np.eye(2), b=[0.7, -0.35]), "identity")
    starts = jnp.zeros((1, 2))
    rough = dynamics.find_fixed_points(step, starts, polish=0, iterations=300).points
    np.testing.assert_allclose(rough, [[1.0, -0.5]], atol=1e-2)
    exact = dynamics.find_fixed_points(step, starts, polish=10, iterations=300).points
    np.testing.assert_allclose(exact, [[1.0, -0.5]], atol=1e-10)


def test_fixed_points_of_members_under_vmap_are_those_of_each():
    W, b, U = 0.4 * draw(3, 4, 4), draw(3, 4, seed=1), np.zeros((3, 4, 1))
    starts = jnp.asarray(draw(2, 4, seed=2))

    def find(U, W, b):
        step = dynamics.step_of(dj.Effective(U, W, b), "tanh", alpha=0.5)
        found = dynamics.find_fixed_points(step, starts, iterations=0, polish=15)
        return found, dynamics.linearise(step, found.points)

    together, jacobians = jax.jit(jax.vmap(find))(U, W, b)
    assert together.points.shape == (3, 2, 4) and jacobians.shape == (3, 2, 4, 4)
    alone, jacobian = find(U[1], W[1], b[1])
    np.testing.assert_allclose(together.points[1], alone.points, atol=1e-9)
    np.testing.assert_allclose(jacobians[1], jacobian, atol=1e-8)


def test_distinct_points_are_the_slowest_of_their_neighbourhood():
    points = np.array([[0.0, 0.0], [0.3, 0.0], [0.0, 5.0], [9.0, 9.0], [np.nan, 0.0], [0.5, 0.0]])
    speed = np.array([1e-10, 1e-12, 1e-11, 1e-3, np.nan, 1e-10])
    found = dynamics.FixedPoints(points, speed)
    left = dynamics.distinct(found, tolerance=0.4)
    assert left.points.tolist() == [[0.3, 0.0], [0.0, 5.0]]
    assert left.speed.tolist() == [1e-12, 1e-11]
    assert len(dynamics.distinct(found, tolerance=0.1).points) == 4
    assert len(dynamics.distinct(found, tolerance=0.1, max_speed=1.0).points) == 5


@settings(max_examples=15)
@given(seeds)
def test_what_is_left_is_apart_and_near_all_that_was_slow(seed):
    rng = np.random.default_rng(seed)
    found = dynamics.FixedPoints(rng.uniform(size=(20, 2)), 10 ** rng.uniform(-12, -6, size=20))
    left = dynamics.distinct(found, tolerance=0.3)
    gaps = np.linalg.norm(left.points[:, None] - left.points, axis=-1)
    assert (gaps[~np.eye(len(gaps), dtype=bool)] > 0.3).all()
    for point, speed in zip(*found, strict=True):
        near = np.linalg.norm(left.points - point, axis=1) <= 0.3
        # A point is left out only if it is too fast, or if a slower point nearby is kept.
        assert (speed > 1e-9) or (left.speed[near] <= speed).any()


# Trajectories


def test_principal_components_are_those_of_the_covariance():
    states = draw(5, 4, 6) * np.array([5.0, 3.0, 2.0, 1.0, 0.5, 0.1]) + 7
    rows = states.reshape(20, 6)
    values, vectors = np.linalg.eigh(np.cov(rows.T))
    components, projections, explained, mean = principal_components(jnp.asarray(states), 3)
    np.testing.assert_allclose(explained, values[::-1][:3] / values.sum(), rtol=1e-10)
    np.testing.assert_allclose(mean, rows.mean(0), rtol=1e-12)
    overlap = np.abs(np.asarray(components) @ vectors[:, ::-1][:, :3])
    np.testing.assert_allclose(overlap, np.eye(3), atol=1e-8)
    for component in np.asarray(components):
        assert component[np.abs(component).argmax()] > 0
    expected = np.einsum("tbn,kn->tbk", states - rows.mean(0), components)
    np.testing.assert_allclose(projections, expected, atol=1e-10)
    variance = np.asarray(projections).reshape(20, 3).var(0, ddof=1)
    np.testing.assert_allclose(variance, values[::-1][:3], rtol=1e-10)


def test_all_components_are_a_rotation():
    states = draw(3, 5, 4)
    components, projections, explained, mean = principal_components(jnp.asarray(states), 4)
    np.testing.assert_allclose(components @ components.T, np.eye(4), atol=1e-12)
    np.testing.assert_allclose(projections @ components + mean[None, None], states, atol=1e-12)
    assert math.isclose(explained.sum(), 1, rel_tol=1e-12)
    for value in (0.1, 0.7, 1.0):  # whose mean is not always theirs
        still = jnp.full((50, 32, 3), value)
        assert np.isnan(principal_components(still, 1).explained).all()


@settings(max_examples=10)
@given(seeds, st.floats(-60, 60))
def test_dimension_is_that_of_the_eigenvalues_whatever_scale_place_and_order(seed, exponent):
    with jax.enable_x64(True):
        rng = np.random.default_rng(seed)
        states = rng.normal(size=(4, 3, 5)) * rng.uniform(0.1, 2, size=5)
        values = np.linalg.eigvalsh(np.cov(states.reshape(12, 5).T))
        dimension = float(effective_dimension(jnp.asarray(states)))
        assert math.isclose(dimension, values.sum() ** 2 / (values**2).sum(), rel_tol=1e-9)
        assert 1 <= dimension <= 5
        moved = 10**exponent * (rng.permutation(states, axis=2)[rng.permutation(4)] + 1)
        again = float(effective_dimension(jnp.asarray(moved)))
        assert math.isclose(dimension, again, rel_tol=1e-9)


def test_a_line_has_one_dimension_and_a_ball_all_of_them():
    line = np.linspace(-1, 1, 12).reshape(4, 3, 1) * np.array([1.0, 2.0, -3.0])
    assert math.isclose(effective_dimension(jnp.asarray(line)), 1, rel_tol=1e-12)
    corners = np.array(list(itertools.product([-1.0, 1.0], repeat=3))).reshape(4, 2, 3)
    assert math.isclose(effective_dimension(jnp.asarray(corners)), 3, rel_tol=1e-12)
    for value in (0.1, 0.7, 1.0):  # whose mean is not always theirs
        assert math.isnan(effective_dimension(jnp.full((50, 32, 3), value)))


def test_population_rates_and_currents_are_loops():
    t, b, n, n_i = 3, 2, 5, 2
    states = np.abs(draw(t, b, n))
    W = np.abs(draw(n, n, seed=1)) * np.where(np.arange(n) < n - n_i, 1, -1)
    rates = population_rates(jnp.asarray(states), n_i)
    currents = population_currents(jnp.asarray(W), jnp.asarray(states), n_i)
    for step, trial in np.ndindex(t, b):
        h = states[step, trial]
        assert math.isclose(rates.excitatory[step, trial], sum(h[:3]) / 3, rel_tol=1e-12)
        assert math.isclose(rates.inhibitory[step, trial], sum(h[3:]) / 2, rel_tol=1e-12)
        for unit in range(n):
            E = sum(W[unit, j] * h[j] for j in range(3))
            I = sum(W[unit, j] * h[j] for j in range(3, 5))  # noqa: E741
            assert E > 0 > I
            where = step, trial, unit
            assert math.isclose(currents.excitatory[where], E, rel_tol=1e-12)
            assert math.isclose(currents.inhibitory[where], I, rel_tol=1e-12)
            assert math.isclose(currents.balance[where], abs(E + I) / (E - I), rel_tol=1e-9)
    total = currents.excitatory + currents.inhibitory
    np.testing.assert_allclose(total, states @ W.T, rtol=1e-10)


def test_balance_is_zero_where_currents_cancel_one_where_one_is_alone_nan_in_silence():
    W = jnp.array([[1.0, -2.0], [1.0, 0.0]])
    states = jnp.array([[[2.0, 1.0], [0.0, 0.0]]])
    balance = population_currents(W, states, 1).balance
    assert balance[0, 0].tolist() == [0.0, 1.0] and np.isnan(balance[0, 1]).all()


def test_trajectories_of_a_stack_are_those_of_its_members():
    states, W = draw(2, 3, 4, 3, 5), draw(2, 3, 5, 5)
    for function in (
        lambda h: principal_components(h, 2),
        dynamics.effective_dimension,
        lambda h: population_rates(h, 2),
    ):
        assert_members_are_independent(function, states)
    assert_members_are_independent(lambda W, h: population_currents(W, h, 2), W, states)


# Tuning


def test_tuning_curves_are_loops():
    rates, condition = draw(2, 12, 3), np.array([5, -1, 2, 5, -1, 2, 2, 5, 5, -1, 2, 9])
    curve = dynamics.tuning_curve(rates, condition)
    assert curve.levels.tolist() == [-1, 2, 5, 9] and curve.count.tolist() == [3, 4, 4, 1]
    assert curve.mean.shape == curve.std.shape == (2, 4, 3)
    for member, level, unit in np.ndindex(2, 4, 3):
        own = [
            rates[member, trial, unit]
            for trial in range(12)
            if condition[trial] == curve.levels[level]
        ]
        mean = sum(own) / len(own)
        assert math.isclose(curve.mean[member, level, unit], mean, rel_tol=1e-12)
        if len(own) == 1:
            assert math.isnan(curve.std[member, level, unit])
        else:
            std = math.sqrt(sum((x - mean) ** 2 for x in own) / (len(own) - 1))
            assert math.isclose(curve.std[member, level, unit], std, rel_tol=1e-9)


def test_selectivity_is_the_distance_in_standard_deviations():
    rng = np.random.default_rng(0)
    condition = np.repeat([-1, 0, 1], 4000)
    # The means of unit 0 differ by 2, with deviations 1 and 1; of unit 1 by -1, with 1 and 2; of
    # unit 2 by 0. Trials at level 0, in between, must not be used.
    mean = np.array([[0.0, 3.0, 1.0], [50.0, 50.0, 50.0], [2.0, 2.0, 1.0]])[condition + 1]
    std = np.array([[1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [1.0, 2.0, 1.0]])[condition + 1]
    rates = mean + std * rng.normal(size=mean.shape)
    found = dynamics.selectivity(rates, condition)
    np.testing.assert_allclose(found, [2, -1 / math.sqrt(2.5), 0], atol=0.06)
    # For equally many trials at both levels, d' is Student's t times sqrt(2 / n).
    t = stats.ttest_ind(rates[condition == 1], rates[condition == -1]).statistic
    np.testing.assert_allclose(found, t * math.sqrt(2 / 4000), rtol=1e-10)
    np.testing.assert_allclose(dynamics.selectivity(rates, -condition), -found, rtol=1e-12)
    stacked = dynamics.selectivity(np.stack([rates, 2 * rates + 1]), condition)
    np.testing.assert_allclose(stacked, [found, found], rtol=1e-10)


def test_selectivity_without_variance_says_so():
    rates = np.array([[0.0, 1.0], [0.0, 1.0], [2.0, 1.0], [2.0, 1.0]])
    found = dynamics.selectivity(rates, [0, 0, 1, 1])
    assert found[0] == np.inf and np.isnan(found[1])
    assert np.isnan(dynamics.selectivity(rates, [0, 0, 0, 1])).all()
    alike = np.tile([0.1, 0.7, 1 / 3], (10, 1))  # whose means are rounded
    assert np.isnan(dynamics.selectivity(alike, [0] * 3 + [1] * 7)).all()


def simulate(bias, slope, lapse, levels, trials, seed=0):
    stimulus = np.repeat(levels, trials)
    p = lapse + (1 - 2 * lapse) * special.expit(slope * (stimulus - bias))
    return stimulus, (np.random.default_rng(seed).random(p.shape) < p).astype(int)


def test_the_psychometric_table_counts_and_has_wilsons_interval():
    table = dynamics.psychometric_curve([3.0, 1.0, 3.0, 3.0, 1.0, 3.0], [1, 0, 1, 0, 0, 1])
    assert table["stimulus"].tolist() == [1, 3] and table["n"].tolist() == [2, 4]
    assert table["share"].tolist() == [0, 0.75]
    # At the ends p of Wilson's interval, the score test has (k - n p)² = z² n p (1-p).
    z = stats.norm.ppf(0.975)
    for (k, n), (_, row) in zip([(0, 2), (3, 4)], table.iterrows(), strict=True):
        bounds = np.sort(np.roots([n * n + z * z * n, -2 * n * k - z * z * n, k * k]))
        np.testing.assert_allclose([row["low"], row["high"]], bounds, atol=1e-12)


def test_the_fit_without_lapses_is_logistic_regression():
    stimulus, choice = simulate(0.3, 2.0, 0.0, np.linspace(-2, 2, 7), 40)
    a = np.zeros(2)  # Newton's method on the logit a₀ + a₁ x
    X = np.stack([np.ones_like(stimulus), stimulus], 1)
    for _ in range(30):
        p = special.expit(X @ a)
        a = a + np.linalg.solve((X * (p * (1 - p))[:, None]).T @ X, X.T @ (choice - p))
    fit = dynamics.fit_psychometric(stimulus, choice, max_lapse=0)
    assert fit.lapse == 0
    np.testing.assert_allclose([fit.slope, fit.bias], [a[1], -a[0] / a[1]], rtol=1e-5)
    p = special.expit(X @ a)
    likelihood = np.log(np.where(choice == 1, p, 1 - p)).sum()
    assert math.isclose(fit.log_likelihood, likelihood, rel_tol=1e-9)


@pytest.mark.parametrize("slope", [4.0, -4.0])
def test_bias_slope_and_lapse_are_recovered(slope):
    levels = np.linspace(-2, 2, 9)
    stimulus, choice = simulate(0.4, slope, 0.08, levels, 4000)
    fit = dynamics.fit_psychometric(stimulus, choice)
    np.testing.assert_allclose(fit[:2], [0.4, slope], rtol=0.06)
    assert abs(fit.lapse - 0.08) < 0.01
    assert math.isclose(fit.share(fit.bias), 0.5, rel_tol=1e-12)
    table = dynamics.psychometric_curve(stimulus, choice)
    np.testing.assert_allclose(fit.share(table["stimulus"]), table["share"], atol=0.02)


@pytest.mark.parametrize("seed", [58, 123, 145])  # a single search from the best start fails
def test_few_trials_have_several_maxima_and_the_highest_is_found(seed):
    levels, trials = np.linspace(-2, 2, 7), 6
    stimulus, choice = simulate(0.3, 3.0, 0.1, levels, trials, seed)
    ones = np.array([choice[stimulus == level].sum() for level in levels])

    def loss(parameters):
        b, s, lapse = parameters
        p = np.clip(lapse + (1 - 2 * lapse) * special.expit(s * (levels - b)), 1e-12, 1 - 1e-12)
        return -(ones * np.log(p) + (trials - ones) * np.log(1 - p)).sum()

    bounds = [(-4, 4), (-70, 70), (0, 0.2)]
    highest = optimize.differential_evolution(loss, bounds, rng=0, tol=1e-8)
    fit = dynamics.fit_psychometric(stimulus, choice)
    assert -fit.log_likelihood <= highest.fun + 1e-6
    assert math.isclose(loss(fit[:3]), -fit.log_likelihood, rel_tol=1e-6)


@pytest.mark.parametrize("seed", [7, 29, 35])  # searches from rising functions only fail
def test_a_falling_function_is_a_rising_one_mirrored(seed):
    levels = np.sort(draw(7, seed=seed))
    stimulus, choice = simulate(0.3, -8.0, 0.1, levels, 6, seed)
    falling = dynamics.fit_psychometric(stimulus, choice)
    rising = dynamics.fit_psychometric(-stimulus, choice)
    assert abs(falling.log_likelihood - rising.log_likelihood) < 1e-5
    assert falling.slope < 0 < rising.slope


@settings(max_examples=5)
@given(seeds, st.floats(-4, 4), st.floats(-50, 50))
def test_the_fit_follows_the_stimulus_unit(seed, exponent, shift):
    stimulus, choice = simulate(0.2, 3.0, 0.05, np.linspace(-2, 2, 7), 60, seed)
    factor = 10**exponent
    one = dynamics.fit_psychometric(stimulus, choice)
    two = dynamics.fit_psychometric(factor * (stimulus + shift), choice)
    assert math.isclose(two.bias / factor - shift, one.bias, rel_tol=1e-3, abs_tol=1e-3)
    assert math.isclose(two.slope * factor, one.slope, rel_tol=1e-3)
    assert math.isclose(two.log_likelihood, one.log_likelihood, rel_tol=1e-7)


def test_choices_parted_without_error_have_a_finite_fit():
    fit = dynamics.fit_psychometric([-2, -1, 1, 2] * 5, [0, 0, 1, 1] * 5)
    assert -1 < fit.bias < 1 and 5 < fit.slope <= 50 and fit.lapse < 1e-6
    assert abs(fit.log_likelihood) < 1e-6


# Refusals

VALUES = jnp.ones(12, complex)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: dynamics.outer_radius(VALUES, skip=12), "skip is 12; it must be from 0 to 11"),
        (lambda: dynamics.fit_annulus(VALUES[:9]), "there are 9 eigenvalues; .* at least 10"),
        (
            lambda: dynamics.fit_annulus(VALUES, trim=0.5),
            "trim is 0.5; for .* it must be from 0 to",
        ),
        (lambda: dynamics.fit_annulus(VALUES, margin=1.0), "margin is 1.0; .* above 1"),
        (lambda: dynamics.outliers(VALUES, 1.0, margin=0.9), "margin is 0.9; .* above 1"),
        (lambda: dynamics.projected_normal(0, 0, 1.0), "n is 0; it must be at least 1"),
        (lambda: dynamics.projected_normal(5, 6, 1.0), "n_i is 6; it must be from 0 to 5"),
        (lambda: dynamics.projected_normal(5, 1, 0.0), "std is 0.0; it must be a finite"),
        (lambda: dynamics.transient_growth(jnp.eye(2), 0), "steps is 0; it must be at least 1"),
        (lambda: dynamics.step_of(BISTABLE, "cube"), "activation is 'cube'; it must be one of"),
        (lambda: dynamics.step_of(BISTABLE, "relu", jnp.ones(2)), r"inputs have shape \(2,\)"),
        (lambda: dynamics.step_of(BISTABLE, "relu", 0.0, jnp.ones(3)), r"alpha has shape \(3,\)"),
        (lambda: dynamics.step_of(BISTABLE, "relu", 0.0, 1.5), "alpha is 1.5; it must be above 0"),
        (
            lambda: dynamics.step_of(jax.tree.map(lambda x: x[None], BISTABLE), "relu"),
            r"W has shape \(1, 2, 2\); it must be one member's",
        ),
        (
            lambda: dynamics.find_fixed_points(jnp.tanh, jnp.ones(3)),
            r"starts have shape \(3,\); they must be states \[k, n\]",
        ),
        (
            lambda: dynamics.find_fixed_points(lambda h: h[:1], jnp.ones((2, 3))),
            r"the step maps a state \(3,\) to \(1,\)",
        ),
        (
            lambda: dynamics.find_fixed_points(jnp.tanh, jnp.ones((2, 3)), iterations=-1),
            "iterations is -1; it must be at least 0",
        ),
        (
            lambda: dynamics.find_fixed_points(jnp.tanh, jnp.ones((2, 3)), rate=0.0),
            "rate is 0.0; it must be a finite",
        ),
        (
            lambda: dynamics.find_fixed_points(jnp.tanh, jnp.ones((2, 3)), polish=-1),
            "polish is -1; it must be at least 0",
        ),
        (
            lambda: dynamics.distinct(dynamics.FixedPoints(np.ones((1, 1)), np.ones(1)), 0.0),
            "tolerance is 0.0; it must be a finite",
        ),
        (
            lambda: dynamics.distinct(dynamics.FixedPoints(np.ones((1, 1)), np.ones(1)), 1.0, -1.0),
            "max_speed is -1.0; it must be a finite",
        ),
        (
            lambda: dynamics.principal_components(jnp.ones((2, 1, 5)), 3),
            "k is 3; it must be from 1 to 2",
        ),
        (
            lambda: dynamics.population_rates(jnp.ones((2, 1, 5)), 5),
            "n_i is 5; with n = 5 units it must be from 1 to 4",
        ),
        (
            lambda: dynamics.population_currents(jnp.ones((4, 4)), jnp.ones((2, 1, 5)), 1),
            r"W has shape \(4, 4\); for these states it must be \(5, 5\)",
        ),
        (
            lambda: dynamics.tuning_curve(np.ones((3, 2)), [0, 1]),
            r"rates have shape \(3, 2\) and conditions \(2,\); they must be",
        ),
        (
            lambda: dynamics.tuning_curve(np.ones((2, 2)), [0, np.inf]),
            "1 of 2 condition values are not finite",
        ),
        (
            lambda: dynamics.selectivity(np.ones((2, 2)), [1, 1]),
            r"the condition has 1 level\(s\); it must have at least 2",
        ),
        (
            lambda: dynamics.psychometric_curve([1.0, 1.0], [0, 1]),
            r"the stimulus has 1 level\(s\); it must have at least 2",
        ),
        (lambda: dynamics.psychometric_curve([1.0, 2.0], [-1, 1]), "each must be 0 or 1"),
        (lambda: dynamics.fit_psychometric([1.0, 2.0], [0]), r"have shapes \(2,\) and \(1,\)"),
        (lambda: dynamics.fit_psychometric([1.0], [0]), r"the stimulus has 1 level\(s\)"),
        (lambda: dynamics.fit_psychometric([1.0, 2.0], [1, 1]), "all 2 choices are 1"),
        (
            lambda: dynamics.fit_psychometric([1.0, 2.0], [0, 1], max_lapse=0.5),
            "max_lapse is 0.5; it must be from 0",
        ),
    ],
)
def test_bad_input_is_refused_in_a_sentence(untyped, call, message):
    with pytest.raises(ValueError, match=message):
        call()
