"""Masks, signs in the forward pass, projected starts, signs on rows."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import dalejax as dj
from dalejax import signs
from dalejax.nn.connectivity import Modular, Sparse

N, N_I, N_IN = 12, 4, 3
MASKED = {
    "rnn": dj.RNNCell(N, connectivity=Sparse(0.4)),
    "colei": dj.ColEICell(N, n_i=N_I, connectivity=Sparse(0.3, 0.8)),
    "projected": dj.ProjectedCell(N, n_i=N_I, connectivity=Modular(2, between=0.2)),
    "postsynaptic": dj.ProjectedCell(
        N, n_i=N_I, signed="postsynaptic", connectivity=Sparse(0.5, self_connections=True)
    ),
    "rectified": dj.RectifiedCell(N, n_i=N_I, connectivity=Sparse(0.5)),
}
OPTIMISERS = {
    "adamw": lambda p: optax.chain(optax.adamw(0.1, weight_decay=0.3), *p),
    "momentum": lambda p: optax.chain(optax.sgd(0.3, momentum=0.9), *p),
    "sgd": lambda p: optax.chain(optax.sgd(1.0), *p),
}


def train(cell, params, tx, updates=30):
    """Drive the parameters about with random gradients and those of a loss."""
    x = jax.random.normal(jax.random.key(1), (3, 2, N_IN))

    def loss(params):
        return jnp.sin(3 * cell.apply({"params": params}, x, method="sequence")).sum()

    @jax.jit
    def step(params, state, key):
        gradient = jax.grad(loss)(params)
        leaves, treedef = jax.tree.flatten(gradient)
        keys = jax.random.split(key, len(leaves))
        noisy = [g + jax.random.normal(k, g.shape) for k, g in zip(keys, leaves, strict=True)]
        # The mask's own entries are the optimiser's to move: noise stands for what decays it.
        updates, state = tx.update(treedef.unflatten(noisy), state, params, project_later=True)
        return dj.apply_updates(params, updates, state), state

    tx_state = tx.init(params)
    for key in jax.random.split(jax.random.key(2), updates):
        params, tx_state = step(params, tx_state, key)
    return params


@pytest.mark.parametrize("name", MASKED)
def test_an_absent_synapse_has_no_weight_and_no_gradient(name):
    cell = MASKED[name]
    params = cell.initial_params(N_IN, key=jax.random.key(0))
    mask = np.asarray(params["mask"])
    assert set(np.unique(mask)) == {0.0, 1.0}
    absent = mask == 0
    x = jax.random.normal(jax.random.key(1), (4, 2, N_IN))

    def loss(params):
        return jnp.sin(cell.apply({"params": params}, x, method="sequence")).sum()

    # However large the numbers stored under it.
    params = params | {"W": jnp.where(absent, 7.0, params["W"])}
    assert (np.asarray(cell.effective(params).W)[absent] == 0).all()
    gradient = jax.grad(loss)(params)
    assert (np.asarray(gradient["W"])[absent] == 0).all()
    assert np.asarray(gradient["W"])[~absent].any() and not np.asarray(gradient["mask"]).any()


@pytest.mark.parametrize(
    "cell",
    [
        dj.RNNCell(60, connectivity=Sparse(0.3)),
        dj.ColEICell(60, n_i=6, connectivity=Sparse(0.3), rho=None),
        dj.ProjectedCell(60, n_i=6, connectivity=Sparse(0.3)),
        dj.RectifiedCell(60, n_i=6, connectivity=Modular(2, between=0.2, within=0.5)),
    ],
)
def test_which_synapses_there_are_says_nothing_of_their_weights(cell):
    """A permutation test: weights that are present and absent have one distribution."""
    whole = cell.clone(connectivity=Sparse(1.0)).initial_params(N_IN, key=jax.random.key(0))["W"]
    W, off = np.asarray(whole), ~np.eye(60, dtype=bool)
    there = np.asarray(cell.initial_params(N_IN, key=jax.random.key(0))["mask"]) != 0
    rank = np.argsort(np.argsort(W[off]))[there[off]]
    num, out_of = there[off].sum(), off.sum()
    sd = np.sqrt((out_of + 1) * (out_of - num) / (12 * num))  # of the mean of ranks drawn at random
    assert abs(rank.mean() - (out_of - 1) / 2) < 4 * sd


def test_synapses_that_close_no_loop_are_not_scaled():
    """Their radius is 0, whatever one multiplies them by."""
    cells = [dj.ColEICell(6, n_i=1, connectivity=Sparse(0.1), rho=rho) for rho in (1.5, None)]
    radii = []
    for seed in range(20):
        key = jax.random.key(seed)
        scaled, plain = (np.asarray(c.effective(c.initial_params(N_IN, key=key)).W) for c in cells)
        if not plain.any():
            continue
        radii.append(max(abs(np.linalg.eigvals(plain))))
        factor = 1.5 / radii[-1] if radii[-1] else 1.0
        np.testing.assert_allclose(scaled, plain * factor, rtol=1e-4)
    assert min(radii) == 0 < max(radii)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_decayed_mask_hides_the_same_synapses(name):
    cell = MASKED["rnn"]
    params = cell.initial_params(N_IN, key=jax.random.key(0))
    before = cell.effective(params).W
    decayed = params | {"mask": 1e-3 * params["mask"]}
    np.testing.assert_array_equal(cell.effective(decayed).W, before)
    tx = OPTIMISERS[name](())
    # What comes of a gradient: the mask's own is 0.
    gradient = jax.tree.map(jnp.ones_like, params) | {"mask": jnp.zeros_like(params["mask"])}
    state = tx.init(params)
    for _ in range(5):
        updates, state = tx.update(gradient, state, params)
        params = optax.apply_updates(params, updates)
    assert ((np.asarray(cell.effective(params).W) == 0) == (np.asarray(before) == 0)).all()


def test_every_member_has_its_own_synapses_and_radius():
    cell = dj.ColEICell(N, n_i=N_I, rho=1.5, connectivity=Sparse(0.5))
    keys = jax.random.split(jax.random.key(0), 2)
    params = jax.vmap(lambda key: cell.initial_params(N_IN, key=key))(keys)
    assert (params["mask"][0] != params["mask"][1]).any()
    np.testing.assert_allclose(
        dj.spectrum.spectral_radius(cell.effective(params).W), 1.5, rtol=1e-4
    )


def test_sparse_draws_as_many_synapses_as_it_says():
    n, n_i = 200, 50
    mask = np.asarray(Sparse(0.2, 0.5)(n, n_i, key=jax.random.key(0)))
    off = ~np.eye(n, dtype=bool)
    assert not mask.diagonal().any()
    for columns, p in ((slice(0, n - n_i), 0.2), (slice(n - n_i, n), 0.5)):
        there, possible = mask[:, columns].sum(), off[:, columns].sum()
        assert abs(there - p * possible) < 5 * np.sqrt(possible * p * (1 - p))
    assert Sparse(1.0, self_connections=True)(n, n_i, key=jax.random.key(0)).all()


def test_modules_are_dense_inside_and_sparse_between():
    n, n_i, rule = 120, 30, Modular(3, between=0.1, within=0.9)
    mask = np.asarray(rule(n, n_i, key=jax.random.key(0)))
    counts = {}
    for i in range(n):
        for j in range(n):
            if i == j:
                assert not mask[i, j]
                continue
            # By hand: thirds of each population.
            module = [k * 3 // 90 if k < 90 else (k - 90) * 3 // 30 for k in (i, j)]
            kind = ("in" if module[0] == module[1] else "out", "E" if j < 90 else "I")
            counts.setdefault(kind, []).append(mask[i, j])
    for kind, p in {("in", "E"): 0.9, ("in", "I"): 0.9, ("out", "E"): 0.1}.items():
        drawn = np.array(counts[kind])
        assert abs(drawn.mean() - p) < 5 * np.sqrt(p * (1 - p) / len(drawn)), kind
    assert not np.any(counts[("out", "I")])
    far = Modular(3, between=0.1, local_inhibition=False)(n, n_i, key=jax.random.key(0))
    assert np.asarray(far)[:40, 110:].any()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Sparse(0.0), "excitatory is 0.0; it must be above 0 and at most 1"),
        (lambda: Sparse(0.5, 1.5), "inhibitory is 1.5"),
        (lambda: Modular(1, between=0.1), "modules is 1; it must be at least 2"),
        (lambda: Modular(2, between=-0.1), "between is -0.1; it must be from 0 to 1"),
        (lambda: dj.DANNCell(4, n_i=1, connectivity=Sparse(0.5)), "has no mask of its own"),
        (lambda: dj.ProjectedCell(4, n_i=1, signed="rows"), "signed is 'rows'"),
        (lambda: dj.ProjectedCell(4, n_i=4), "n_i is 4"),
        (
            lambda: dj.ProjectedCell(4, n_i=1, inputs_n_i=3).initial_params(
                3, key=jax.random.key(0)
            ),
            "n_i is 3; with n = 3 units it must be from 1 to 2",
        ),
        (
            lambda: dj.RecurrentNetwork(
                [dj.ColEICell(4, n_i=1), dj.ProjectedCell(4, n_i=1, signed="postsynaptic")],
                dj.Dense(1),
            ),
            "inputs_n_i is 1; with signs on rows",
        ),
        (lambda: dj.RectifiedCell(4, n_i=1, zero_diagonal=False), "zero_diagonal is False"),
        (lambda: dj.RectifiedCell(4, n_i=1, input_mean=0.5), "and input_mean 0.5; no rectified"),
        (lambda: dj.RNNCell(4, tau=float("inf"), dt=1.0), "tau is inf; it must be a finite number"),
        (lambda: dj.ColEICell(4, n_i=1, tau=(9.0, -1.0), dt=1.0), "tau is -1.0; it must be a"),
    ],
)
def test_what_does_not_fit_is_refused(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


@pytest.mark.parametrize("name", OPTIMISERS)
def test_rectified_signs_hold_without_a_projection(name):
    cell = dj.RectifiedCell(N, n_i=N_I, inputs_n_i=1)
    params = cell.initial_params(N_IN, key=jax.random.key(0))
    assert "signs" not in params and (params["W"] >= 0).all()
    params = train(cell, params, OPTIMISERS[name](()))
    assert (params["W"] < 0).any()  # otherwise nothing was rectified
    U, W, _ = cell.effective(params)
    others = params["W"] * (1 - np.eye(N))
    for matrix, n_i, free in ((U, 1, params["U"]), (W, N_I, others)):
        matrix, free = np.asarray(matrix), np.asarray(free)
        for j in range(matrix.shape[1]):
            sign = 1 if j < matrix.shape[1] - n_i else -1
            np.testing.assert_array_equal(matrix[:, j], sign * np.maximum(free[:, j], 0))


@pytest.mark.parametrize("name", OPTIMISERS)
def test_no_rectified_unit_ever_hears_itself(name):
    cell = dj.RectifiedCell(N, n_i=N_I)
    params = cell.initial_params(N_IN, key=jax.random.key(0))
    params = train(cell, params | {"W": params["W"] + 0.1}, OPTIMISERS[name](()))
    assert (jnp.diag(params["W"]) > 0).any()  # the parameters would have it so
    W = cell.effective(params).W
    assert not jnp.diag(W).any() and (W != 0).sum() > N


def test_a_rectified_readout_reads_excitation_only():
    net = dj.RecurrentNetwork([dj.RectifiedCell(N, n_i=N_I)], dj.RectifiedDense(2))
    params = net.init(jax.random.key(0), jnp.ones((1, 1, N_IN)))["params"]
    free = params["readout"]["W"].at[0, 0].set(-1.0)
    W = np.asarray(net.readout.effective(params["readout"] | {"W": free}).W)
    assert not W[:, N - N_I :].any() and W[0, 0] == 0
    np.testing.assert_array_equal(W[1, : N - N_I], free[1, : N - N_I])


@pytest.mark.parametrize("signed", ["presynaptic", "postsynaptic"])
@pytest.mark.parametrize("start", [dj.initializers.normal, dj.initializers.orthogonal])
def test_a_projected_cell_starts_as_the_start_without_its_wrong_signs(signed, start):
    cell = dj.ProjectedCell(N, n_i=N_I, signed=signed, recurrent_init=start)
    key = jax.random.key(3)
    params = cell.initial_params(N_IN, key=key)
    before = np.asarray(start((N, N), key=jax.random.split(key)[1]))
    expected = before.copy()
    for i in range(N):
        for j in range(N):
            unit = j if signed == "presynaptic" else i
            sign = 1 if unit < N - N_I else -1
            if before[i, j] * sign < 0:
                expected[i, j] = 0
    np.testing.assert_array_equal(params["W"], expected)
    assert (params["U"] >= 0).all() and (params["U"] == 0).any()


def test_signs_on_rows_hold_under_the_projection():
    cell = MASKED["postsynaptic"]
    params = cell.initial_params(N_IN, key=jax.random.key(0))
    assert isinstance(params["signs"], signs.RowSigns)
    params = train(cell, params, OPTIMISERS["sgd"]((dj.dale_projection(),)))
    W = np.asarray(params["W"])
    assert (
        (W[: N - N_I] >= 0).all()
        and (W[N - N_I :] <= 0).all()
        and (np.asarray(params["U"]) >= 0).all()
    )
    assert (W[:, -1] > 0).any() and (W[:, 0] < 0).any()  # columns are mixed
    dj.signs.assert_legal(params)
    assert not dj.signs.is_legal(params | {"W": params["W"].T})


def test_the_step_size_of_colei_adam_decays_and_its_tensors_are_clipped():
    rate, decay = 0.1, 0.5
    params = {"W": jnp.full(3, 5.0), "signs": signs.ColumnSigns((("W", 0),))}
    tx = dj.colei_adam(rate, clip=0.5, decay=decay)
    state, W, m, v = tx.init(params), np.full(3, 5.0), np.zeros(3), np.zeros(3)
    for u in range(4):
        gradient = np.array([3.0, -4.0, 0.0]) * (u + 1)
        updates, state = tx.update(
            {**params, "W": jnp.asarray(gradient, jnp.float32)}, state, params
        )
        params = dj.apply_updates(params, updates, state)
        gradient *= 0.5 / np.linalg.norm(gradient)
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
        step = m / (1 - 0.9 ** (u + 1)) / (np.sqrt(v / (1 - 0.999 ** (u + 1))) + 1e-8)
        W = W - rate / (1 + decay * u) * step
        np.testing.assert_allclose(params["W"], W, rtol=1e-5)


def test_masked_and_rectified_networks_train_in_an_ensemble():
    cell = dj.RectifiedCell(
        8, n_i=2, tau=100.0, dt=50.0, noise=0.05, connectivity=Sparse(0.7), distribution="uniform"
    )
    net = dj.RecurrentNetwork([cell], dj.RectifiedDense(1))
    task, keys = dj.tasks.AddingProblem(5, num_train=64, num_test=16), dj.seed_keys(0, 2)
    run = dj.train(
        net, optax.adam(0.01), task, keys=keys, num_updates=2, eval_every=2, progress=False
    )
    start = dj.initial_params(net, task, keys=keys)
    np.testing.assert_array_equal(run.params["cells_0"]["mask"], start["cells_0"]["mask"])
    assert (run.params["cells_0"]["W"] != start["cells_0"]["W"]).any()
