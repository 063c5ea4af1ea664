"""Every cell against the NumPy loop: states, gradients, the Flax step, effective weights."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import reference

import dalejax as dj
from dalejax.nn.cells.base import Cell, EICell
from dalejax.nn.cells.basic import fold
from dalejax.nn.connectivity import MASK, Sparse

CELLS = {
    "rnn": dj.RNNCell(3),
    "rnn-tanh": dj.RNNCell(3, activation="tanh"),
    "colei": dj.ColEICell(3, n_i=1),
    "colei-identity": dj.ColEICell(3, n_i=1, activation="identity", inputs_n_i=1),
    "spectral": dj.RepairedColEICell(3, n_i=2),
    "dann": dj.DANNCell(3, n_i=2),
    "dann-tanh": dj.DANNCell(3, n_i=1, inputs_pool=2, activation="tanh", inhibition="iid"),
    "divisive": dj.DivisiveDANNCell(3, n_i=2),
    "divisive-pools": dj.DivisiveDANNCell(3, n_i=1, inputs_pool=2, inhibition="alike"),
    "mutual": dj.MutualDANNCell(3, n_i=2),
    "hybrid": dj.HybridCell(3, n_i=2, slow_n_i=1, inputs_n_i=1),
    "projected": dj.ProjectedCell(3, n_i=2),
    "postsynaptic": dj.ProjectedCell(3, n_i=2, signed="postsynaptic"),
    "rnn-leaky": dj.RNNCell(3, activation="tanh", tau=100.0, dt=20.0),
    "colei-leaky": dj.ColEICell(3, n_i=1, tau=(100.0, 40.0), dt=20.0),
    "divisive-leaky": dj.DivisiveDANNCell(3, n_i=1, tau=50.0, dt=10.0),
}
cells = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
ALL_CELLS = CELLS | {  # and those whose effective weights the NumPy loop does not compute
    "rectified": dj.RectifiedCell(3, n_i=1),
    "rectified-leaky": dj.RectifiedCell(3, n_i=1, tau=100.0, dt=20.0),
    "sparse": dj.ColEICell(3, n_i=1, connectivity=Sparse(0.5)),
}
all_cells = pytest.mark.parametrize("cell", ALL_CELLS.values(), ids=ALL_CELLS)
T, B, N_IN = 4, 2, 2
FREE = ("b", "U_alpha", "W_alpha")


def setting(cell, seed=0):
    """Draw generic parameters (no zeros, no symmetry), inputs and a carry."""
    rng = np.random.default_rng(seed)
    params = cell.initial_params(N_IN, key=jax.random.key(seed))
    mask = {name: params[name] for name in params if name == MASK}
    params = jax.tree.map(lambda p: p + 0.3 * rng.normal(size=p.shape), params) | mask
    x, carry = rng.normal(size=(T, B, N_IN)), rng.normal(size=(B, cell.features))
    if isinstance(cell, dj.DivisiveDANNCell):  # it divides by what is never negative
        params = {k: p if k in FREE else jax.tree.map(abs, p) for k, p in params.items()}
        x, carry = abs(x), abs(carry)
    return params, jnp.asarray(x), jnp.asarray(carry)


def loop(cell, params, x, carry=None):
    alpha = None
    if cell.tau is not None:
        tau_e, tau_i = cell.tau if isinstance(cell.tau, tuple) else (cell.tau, cell.tau)
        alpha = cell.dt / np.array([tau_e] * (3 - cell.outputs_n_i) + [tau_i] * cell.outputs_n_i)
    return reference.run_cell(params, x, carry, cell.activation, alpha)


def fast(cell, params, x, carry=None):
    return cell.apply({"params": params}, x, carry, method="sequence")


def by_hand(cell, params, x, carry):
    return jax.lax.scan(lambda h, x: cell.apply({"params": params}, h, x), carry, x)[1]


@cells
def test_sequence_is_the_numpy_loop(cell, x64):
    params, x, carry = setting(cell)
    plain = reference.strip(params)
    for start in (carry, None):
        expected = loop(cell, plain, np.asarray(x), None if start is None else np.asarray(start))
        np.testing.assert_allclose(fast(cell, params, x, start), expected, rtol=1e-12, atol=1e-14)


def gradient(run, cell, params, x, carry, weight):
    """Differentiate a weighted sum of all states with respect to parameters, inputs and carry."""

    def loss(a):
        return (weight * jnp.sin(run(cell, a["params"], a["x"], a["carry"]))).sum()

    arguments = {"params": params, "x": x, "carry": carry}
    return reference.strip(jax.jit(jax.grad(loss))(arguments))


@all_cells
def test_sequence_is_the_scanned_step_in_states_and_gradients(cell, x64):
    params, x, carry = setting(cell, seed=1)
    weight = np.random.default_rng(2).normal(size=(T, B, cell.features))
    states, expected = fast(cell, params, x, carry), by_hand(cell, params, x, carry)
    np.testing.assert_allclose(states, expected, rtol=1e-12, atol=1e-14)
    ours, scanned = (gradient(run, cell, params, x, carry, weight) for run in (fast, by_hand))
    for (path, a), (_, b) in zip(*map(reference.leaves, (ours, scanned)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13, err_msg=str(path))


def test_every_cell_is_tested():
    public = {getattr(dj, name) for name in dj.__all__}
    kinds = {kind for kind in public if isinstance(kind, type) and issubclass(kind, Cell)}
    assert kinds - {Cell, EICell} == {type(cell) for cell in ALL_CELLS.values()}


@cells
def test_gradients_are_those_of_numpy(cell, x64):
    params, x, carry = setting(cell, seed=1)
    weight = np.random.default_rng(2).normal(size=(T, B, cell.features))

    def numpy_loss(a):
        states = loop(cell, a["params"], a["x"], a["carry"])
        return (weight * np.sin(states)).sum()

    arguments = reference.strip({"params": params, "x": x, "carry": carry})
    numeric = reference.differentiate(numpy_loss, arguments)
    ours = gradient(fast, cell, params, x, carry, weight)
    assert len(reference.leaves(ours)) == len(reference.leaves(numeric)) >= 5
    for (path, a), (_, b) in zip(*map(reference.leaves, (ours, numeric)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12, err_msg=str(path))


@cells
def test_flax_rnn_runs_the_cell(cell, x64):
    params, x, carry = setting(cell)
    layer = nn.RNN(cell, time_major=True)
    variables = {"params": {"cell": params}}
    for start in (carry, None):
        states = layer.apply(variables, x, initial_carry=start)
        np.testing.assert_allclose(states, fast(cell, params, x, start), rtol=1e-12, atol=1e-14)
    fresh = jax.eval_shape(layer.init, jax.random.key(0), x)["params"]["cell"]
    assert jax.tree.structure(fresh) == jax.tree.structure(params)


@cells
def test_step_and_sequence_start_alike_and_legally(cell):
    x = jnp.ones((1, 1, N_IN))
    key = jax.random.key(3)
    stepped = cell.init(key, jnp.zeros((1, cell.features)), x[0])["params"]
    sequenced = cell.init(key, x, method="sequence")["params"]
    assert jax.tree.structure(stepped) == jax.tree.structure(sequenced)
    jax.tree.map(np.testing.assert_array_equal, stepped, sequenced)
    assert not stepped["b"].any()
    if "signs" in stepped:
        dj.signs.assert_legal(stepped)


@cells
def test_effective_weights_are_batched_over_members(cell):
    keys = jax.random.split(jax.random.key(0), 3)
    params = jax.vmap(lambda key: cell.initial_params(N_IN, key=key))(keys)
    together = cell.effective(params)
    assert (together.U.shape, together.W.shape, together.b.shape) == ((3, 3, 2), (3, 3, 3), (3, 3))
    for i in range(3):
        member = reference.strip(jax.tree.map(lambda leaf: leaf[i], params))  # noqa: B023
        for name in ("U", "W"):
            expected = reference.weights(member, name)
            np.testing.assert_allclose(getattr(together, name)[i], expected, rtol=1e-5, atol=1e-6)


@cells
def test_the_step_takes_any_batch_axes(cell, x64):
    params, x, carry = setting(cell)
    variables = {"params": params}
    batched, output = cell.apply(variables, carry, x[0])
    read = reference.ACTIVATIONS[cell.activation](batched) if cell.tau else batched
    np.testing.assert_allclose(read, output, rtol=1e-12)
    alone, _ = cell.apply(variables, carry[0], x[0, 0])
    np.testing.assert_allclose(alone, batched[0], rtol=1e-12)
    assert cell.initialize_carry(jax.random.key(0), (5, 2, N_IN)).shape == (5, 2, cell.features)
    assert not cell.initialize_carry(jax.random.key(0), (1, N_IN)).any()


@cells
def test_wrong_inputs_are_named(cell):
    params = cell.initial_params(N_IN, key=jax.random.key(0))
    with pytest.raises(ValueError, match="inputs have 5 features; this cell was made for 2"):
        fast(cell, params, jnp.ones((1, 1, 5)))


def test_divisive_inhibition_does_not_see_how_strong_its_input_is():
    cell = dj.DivisiveDANNCell(6, n_i=2)
    params = cell.initial_params(4, key=jax.random.key(0))
    x, h = jnp.arange(1.0, 5)[None], jnp.arange(6.0)[None]
    step = lambda x, h: cell.apply({"params": params}, h, x)[0]  # noqa: E731
    np.testing.assert_allclose(step(100 * x, 0.1 * h), step(x, h), rtol=1e-5, atol=1e-6)


def test_silence_divides_by_epsilon_and_not_by_zero(x64):
    cell = dj.DivisiveDANNCell(3, n_i=1)
    params, x, _ = setting(cell)
    silent = jnp.zeros_like(x)
    run = lambda p: fast(cell, p, silent)  # noqa: E731
    np.testing.assert_array_equal(run({**params, "b": -jnp.ones(3)}), 0.0)
    gradient = reference.strip(jax.grad(lambda p: (run(p) ** 2).sum())(params))
    assert all(np.isfinite(g).all() for _, g in reference.leaves(gradient))
    # A unit that its interneurons have left alone is divided by epsilon, as the authors do.
    alone = {**params, "W_ei": params["W_ei"].at[0].set(0.0)}
    h = cell.apply({"params": alone}, jnp.ones((1, 3)), silent[0, :1])[0]
    raw = np.asarray(alone["W_g"][0] * alone["W_ee"][0].sum() / 1e-8 + alone["b"][0])
    np.testing.assert_allclose(h[0, 0], raw, rtol=1e-12)


def test_which_units_inhibit_the_layer_above():
    assert {name: cell.outputs_n_i for name, cell in CELLS.items()} == {
        "rnn": 0,
        "rnn-tanh": 0,
        "colei": 1,
        "colei-identity": 1,
        "dann": 0,
        "dann-tanh": 0,
        "divisive": 0,
        "divisive-pools": 0,
        "rnn-leaky": 0,
        "colei-leaky": 1,
        "divisive-leaky": 0,
        "projected": 2,
        "postsynaptic": 0,
        "mutual": 0,
        "hybrid": 1,
        "spectral": 2,
    }


def test_a_dann_has_two_separate_pools():
    params = dj.DANNCell(5, n_i=2, inputs_pool=3).initial_params(4, key=jax.random.key(0))
    shapes = {name: value.shape for name, value in params.items() if name != "signs"}
    assert shapes == {
        "U_ee": (5, 4),
        "U_ie": (3, 4),
        "U_ei": (5, 3),
        "W_ee": (5, 5),
        "W_ie": (2, 5),
        "W_ei": (5, 2),
        "b": (5,),
    }


def test_fold_is_excitation_minus_inhibition():
    rng = np.random.default_rng(0)
    shapes = {"W_ee": (2, 3, 4), "W_ei": (2, 3, 2), "W_ie": (2, 2, 4)}
    w = {k: rng.uniform(size=s).astype(np.float32) for k, s in shapes.items()}
    expected = w["W_ee"] - np.einsum("sik,skj->sij", w["W_ei"], w["W_ie"])
    np.testing.assert_allclose(fold(jax.tree.map(jnp.asarray, w), "W"), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: dj.RNNCell(0), "features is 0; a cell needs at least 1 unit"),
        (lambda: dj.RNNCell(2, activation="gelu"), "activation is 'gelu'"),
        (lambda: dj.ColEICell(4, n_i=0), "n_i is 0; with n = 4 units it must be from 1 to 3"),
        (lambda: dj.ColEICell(4, n_i=4), "n_i is 4; with n = 4 units it must be from 1 to 3"),
        (lambda: dj.DANNCell(4, n_i=0), "n_i is 0; with n = 4 units it must be from 1 to 3"),
        (lambda: dj.DANNCell(4, n_i=4), "n_i is 4; with n = 4 units it must be from 1 to 3"),
        (lambda: dj.DANNCell(4, inputs_pool=0), "n_i is 0; with n = 4 units"),
        (lambda: dj.DANNCell(1), "n_e is 1; a recurrent Dale's ANN needs at least 2"),
        (lambda: dj.DivisiveDANNCell(4, n_i=4), "n_i is 4; with n = 4 units"),
        (lambda: dj.DivisiveDANNCell(4, activation="tanh"), "activation is 'tanh'; it must be one"),
    ],
)
def test_impossible_cells_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_cell_must_say_how_it_starts():
    with pytest.raises(TypeError, match="Cell must define initial_params"):
        Cell(3).initial_params(2, key=jax.random.key(0))


def test_noise_has_the_variance_of_the_equation_and_its_own_key():
    cell = dj.RNNCell(50, activation="identity", tau=100.0, dt=20.0, noise=0.3)
    params = cell.initial_params(1, key=jax.random.key(0))
    params = jax.tree.map(jnp.zeros_like, params)  # z = (1 - alpha) z + sqrt(2 alpha) sigma xi

    def run(seed, t=2000, method="sequence"):
        x, rngs = jnp.zeros((t, 1, 1)), {"noise": jax.random.key(seed)}
        return np.asarray(cell.apply({"params": params}, x, method=method, rngs=rngs))

    z = run(0)[:, 0]
    kicks = (z[1:] - 0.8 * z[:-1]) / (np.sqrt(2 * 0.2) * 0.3)
    # 1e5 standard normals: mean within 4 / sqrt(1e5), standard deviation within 4 / sqrt(2e5).
    assert abs(kicks.mean()) < 0.013 and abs(kicks.std() - 1) < 0.009
    assert abs(np.corrcoef(kicks[:, 0], kicks[:, 1])[0, 1]) < 0.1
    np.testing.assert_array_equal(run(0), run(0))
    assert (run(1) != run(0)).all()
    step = cell.apply(
        {"params": params},
        jnp.zeros((4000, 50)),
        jnp.zeros((4000, 1)),
        rngs={"noise": jax.random.key(2)},
    )[1]
    assert abs(float(step.std()) / (np.sqrt(2 * 0.2) * 0.3) - 1) < 0.01


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"tau": 100.0}, "tau is given and dt is not"),
        ({"dt": 20.0}, "dt is given and tau is not"),
        ({"tau": 10.0, "dt": 20.0}, "tau is 10.0 ms; it must be at least dt = 20.0 ms"),
        ({"tau": (100.0, 50.0), "dt": 20.0}, "a pair .excitatory, inhibitory. for a cell that has"),
        ({"tau": float("inf"), "dt": 1.0}, "tau is inf; it must be a finite number"),
        ({"tau": 100.0, "dt": 0.0}, "dt is 0.0; it must be a finite number above 0"),
        ({"tau": [100.0, 50.0], "dt": 20.0}, "units, as a tuple"),
        ({"noise": -1.0}, "noise is -1.0; it must be 0 or positive"),
    ],
)
def test_times_that_do_not_fit_are_refused(fields, sentence, untyped):
    with pytest.raises(ValueError, match=sentence):
        dj.RNNCell(3, **fields)


def test_both_time_constants_of_a_pair_are_checked():
    with pytest.raises(ValueError, match=r"tau is -1\.0; it must be a"):
        dj.ColEICell(4, n_i=1, tau=(9.0, -1.0), dt=1.0)


@cells
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_inputs_may_be_of_another_type_than_the_weights(cell, dtype, x64):
    params, x, carry = setting(cell)
    x = jnp.abs(4 * x).astype(dtype)
    expected = loop(cell, reference.strip(params), np.asarray(x, float), np.asarray(carry))
    np.testing.assert_allclose(fast(cell, params, x, carry), expected, rtol=1e-12, atol=1e-14)
    single = fast(cell, params, x, carry.astype("float32"))
    assert single.dtype == "float64" and fast(cell, params, x).dtype == "float64"


@cells
def test_gradients_have_the_type_of_the_weights(cell):
    params, x, carry = jax.tree.map(lambda leaf: leaf.astype("float32"), setting(cell))
    low = jax.tree.map(lambda p: p.astype("bfloat16"), params)
    grads = jax.grad(lambda p: fast(cell, p, x, carry).sum())(low)
    assert {leaf.dtype.name for leaf in jax.tree.leaves(grads)} == {"bfloat16"}
    exact = jax.grad(lambda p: fast(cell, p, x, carry).sum())(
        jax.tree.map(lambda p: p.astype("float32"), low)
    )
    for ours, theirs in zip(*map(jax.tree.leaves, (grads, exact)), strict=True):
        scale = np.abs(theirs).max() + 1e-6
        np.testing.assert_allclose(ours.astype("float32") / scale, theirs / scale, atol=0.05)


@cells
def test_weights_on_the_host_fold_alike(cell):
    params = cell.initial_params(N_IN, key=jax.random.key(0))
    on_host = cell.effective(jax.device_get(params))
    for ours, theirs in zip(on_host, cell.effective(params), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)
