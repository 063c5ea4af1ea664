"""Masks of recurrent synapses: which there are, and that absent ones stay without weight."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from helpers.random_updates import OPTIMISERS

import dalejax as dj
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
    ],
)
def test_rules_that_cannot_be_are_refused(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()
