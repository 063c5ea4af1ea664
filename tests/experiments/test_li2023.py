"""Parts of the experiments of Li et al. 2023: Jacobians, rotations, starts, choices, searches."""

import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from helpers.smoke_runs import smoke

import dalejax as dj
from experiments.engine.context import Context
from experiments.li2023 import (
    _entropy,
    fig2_adding,
    fig2_objects,
    fig7_entropy_predicts,
    fig9_radius,
    fig10_clipping,
    fig11_inhibitory_scaling,
    gradients,
    mean_matrix,
    rotation,
)
from experiments.shared import random_search, spectra


def test_adding_decay_follows_the_published_code():
    rate = fig2_adding.decay(0.1, 141)
    assert rate(19) == pytest.approx(0.1)
    assert rate(20) == pytest.approx(0.1 * 0.99)
    assert rate(140) == pytest.approx(0.1 * 0.99**7)
    assert rate(141) == pytest.approx(0.1 * 0.99**7)
    assert rate(161) == pytest.approx(0.1 * 0.99**8)


def test_jacobians_are_those_of_automatic_differentiation():
    rng = np.random.default_rng(0)
    U, W, b = rng.normal(size=(5, 3)), rng.normal(size=(5, 5)), rng.normal(size=5)
    x = rng.normal(size=(6, 1, 3))
    norms, sigma = gradients.follow(U, W, b, x, 3)

    def last(h, start):
        for u in x[start:, 0]:
            h = jax.nn.relu(U @ u + W @ h + b)
        return h

    with jax.enable_x64(True):
        np.testing.assert_allclose(norms[-1], np.linalg.norm(last(jnp.zeros(5), 0)), rtol=1e-9)
        h = [jnp.zeros(5)]
        for u in x[:, 0]:
            h.append(jax.nn.relu(U @ u + W @ h[-1] + b))
        for k in (1, 2, 3):
            jacobian = jax.jacobian(lambda state, k=k: last(state, 6 - k))(h[6 - k])
            expected = np.linalg.svd(np.asarray(jacobian), compute_uv=False)
            np.testing.assert_allclose(sigma[k - 1], expected, rtol=1e-9, atol=1e-12)


def test_rotation_of_known_matrices():
    shift = np.eye(4, k=1)  # what is stretched comes out where nothing is
    orthogonal = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))[0]
    found = rotation.turned(np.stack([2 * orthogonal, np.outer([1, 0, 0, 0], [0, 3, 0, 0])]))
    np.testing.assert_allclose(found["ratio"], [1, 0], atol=1e-12)
    np.testing.assert_allclose(found["alignment"][1], 0, atol=1e-12)
    np.testing.assert_allclose(found["shrunk"], [0, 1], atol=1e-12)  # 2 Q shrinks nothing
    assert found["count"].tolist() == [0, 3] and rotation.turned(shift[None])["ratio"] == [1]


def test_the_mean_matrix_has_the_law_as_its_one_singular_value():
    n, n_i = 40, 4
    found = mean_matrix.take_apart(n, 0.1, 0, 400)
    mean_e = 1 / np.sqrt(((2 * np.pi - 1) / (2 * np.pi)) * (36 + 36**2 / n_i))
    m = np.where(np.arange(n) < 36, mean_e, -mean_e * 9)
    assert np.linalg.norm(np.ones((n, 1)) * m, 2) == pytest.approx(mean_matrix.law(n))
    assert found["sigma_M"].mean() == pytest.approx(mean_matrix.law(n), rel=0.05)
    assert found["share_I"].mean() == pytest.approx(0.9, abs=0.01)


def test_inhibitory_scaling_touches_inhibitory_entries_only():
    net = dj.RecurrentNetwork([dj.ColEICell(5, n_i=2)], dj.ColEIDense(2))
    params = net.init(jax.random.key(0), jnp.zeros((2, 1, 3)))["params"]
    tx = fig11_inhibitory_scaling.scale_inhibitory(0.1)
    ones = jax.tree.map(jnp.ones_like, params)
    scaled, _ = tx.update(ones, tx.init(params), params)
    cell, readout = scaled["cells_0"], scaled["readout"]
    np.testing.assert_array_equal(cell["W"], np.tile([1, 1, 1, 0.1, 0.1], (5, 1)).astype("f4"))
    np.testing.assert_array_equal(readout["W"][0], np.float32([1, 1, 1, 0.1, 0.1]))
    assert (cell["U"] == 1).all() and (cell["b"] == 1).all() and (readout["b"] == 1).all()


@pytest.mark.parametrize(
    "net",
    [
        dj.RecurrentNetwork([dj.RNNCell(8)], dj.Dense(1)),
        dj.RecurrentNetwork([dj.ColEICell(8, n_i=2)], dj.ColEIDense(1)),
        dj.RecurrentNetwork([dj.DANNCell(8, n_i=2, inhibition="iid")], dj.DANNDense(1)),
    ],
)
def test_recurrent_weights_are_scaled_to_their_radius(net):
    task = dj.tasks.AddingProblem(4, batch_size=8, num_train=32, num_test=8)
    params = dj.initial_params(net, task, keys=dj.seed_keys(0, 3))
    radii = jnp.array([0.3, 1.0, 4.0])
    W = net.effective(fig9_radius.at_radius(net, params, radii))[0].W
    np.testing.assert_allclose(dj.spectrum.spectral_radius(W), radii, rtol=1e-4)


def test_initial_params_are_those_that_train_starts_with():
    net = dj.RecurrentNetwork([dj.RNNCell(5)], dj.Dense(1))
    task = dj.tasks.AddingProblem(4, batch_size=8, num_train=32, num_test=8)
    keys = dj.seed_keys(0, 2)
    run = dj.train(
        net, dj.rnn_sgd(0.0), task, keys=keys, num_updates=1, eval_every=1, progress=False
    )
    for a, b in zip(
        jax.tree.leaves(dj.initial_params(net, task, keys=keys)),
        jax.tree.leaves(run.params),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


def test_digits_kept_back_are_not_trained_on():
    whole, part = (dj.tasks.SequentialMNIST("digits", num_valid=n) for n in (0, 700))
    assert part.score == "valid_error" and whole.score == "test_error"
    assert set(whole.evaluations(whole.data)) == {"test"}
    assert set(part.evaluations(part.data)) == {"test", "valid"}
    for i in range(2):
        joined = np.concatenate([part.data["train"][i], part.data["valid"][i]])
        np.testing.assert_array_equal(joined, whole.data["train"][i])
    assert len(part.data["valid"][0]) == 700


def test_each_radius_takes_its_best_rate_and_clip():
    rows = [
        (r, rate, clip, seed)
        for r in (1.0, 2.0)
        for rate in (0.1, 0.2)
        for clip in (1.0, 5.0)
        for seed in (0, 1)
    ]
    trials = pd.DataFrame(rows, columns=["radius", "rate", "clip", "seed"])
    trials["valid"] = 50.0
    trials.loc[(trials.radius == 1) & (trials.rate == 0.1) & (trials["clip"] == 5), "valid"] = 1.0
    best = (trials.radius == 2) & (trials.rate == 0.2) & (trials["clip"] == 1)
    trials.loc[best, "valid"] = 3.0
    trials.loc[(trials.radius == 2) & (trials.seed == 1) & (trials.rate == 0.1), "valid"] = np.nan
    chosen = fig9_radius.best(trials)
    picked = chosen[["radius", "rate", "clip", "seed"]].values.tolist()
    assert picked == [[1, 0.1, 5, 0], [1, 0.1, 5, 1], [2, 0.2, 1, 0], [2, 0.2, 1, 1]]


def test_a_grid_that_is_as_the_paper_says_holds(tmp_path):
    context = smoke(fig7_entropy_predicts.EXPERIMENT, tmp_path)
    context.settings = context.scale = fig7_entropy_predicts.FULL.replaced(
        sizes=(10, 20, 40, 80), shares=(0.05, 0.2, 0.3, 0.5)
    )
    size, share = np.meshgrid(np.arange(4.0), np.arange(4.0), indexing="ij")
    nse = (0.1 * size + 0.3 * share)[..., None] + np.array([0.0, 0.01])

    def holds(score):
        return [claim.holds for claim in _entropy.claims(context, _entropy.Grid(nse, score), "N23")]

    assert holds(10 - nse) == [True, True, True]
    assert holds(10 + nse) == [False, False, False]
    assert holds(np.full_like(nse, np.nan)) == [False, False, False]
    lost = 10 - nse
    lost[3, 0, 1] = np.nan  # a large skewed network that diverged speaks for the sentence
    assert holds(lost)[1:] == [True, True]
    grid = _entropy.Grid(nse, nse)
    assert all(claim.holds for claim in _entropy.nse_claims(context, grid, "N23"))
    turned = _entropy.Grid(nse[::-1, ::-1], nse)
    assert not any(claim.holds for claim in _entropy.nse_claims(context, turned, "N23"))


def test_lost_networks_are_the_most_unsteady(tmp_path):
    context = smoke(fig10_clipping.EXPERIMENT, tmp_path, last=1)
    rows = [
        (m, u, "test_error", value)
        for m, values in enumerate([(9, 5, 4, 3), (88, 89, 88, 89), (9, 4, np.nan, np.nan)])
        for u, value in enumerate(values)
    ]
    table = pd.DataFrame(rows, columns=["member", "update", "metric", "value"])
    context.record("ColEI", table)
    assert fig10_clipping.unsteadiness(context, "ColEI").tolist() == [1, 90, 90]


def test_the_quarter_circle_is_recognised():
    W = np.random.default_rng(0).normal(size=(4, 200, 200)) / np.sqrt(200)
    sigma = np.linalg.svd(W, compute_uv=False)
    assert spectra.quarter_circle_distance(sigma, 1.0) < 0.01
    assert spectra.quarter_circle_distance(np.ones((4, 200)), 1.0) > 0.3


def test_a_search_that_is_resumed_makes_the_same_proposals(tmp_path):
    net = dj.RecurrentNetwork([dj.RNNCell(4)], dj.Dense(1))
    task = dj.tasks.AddingProblem(4, batch_size=8, num_train=32, num_test=8)
    settings = random_search.SearchSettings(
        data="generated",
        updates=6,
        eval_every=6,
        batch_size=8,
        rounds=2,
        at_once=3,
        rate_low=1e-3,
        rate_high=1e15,
    )

    def trials():
        context = Context("search", tmp_path / "search", "smoke", "text", settings, settings)
        context.progress = False
        return random_search.search(context, "RNN", net, dj.rnn_sgd, task, clips=(1.0, "none"))

    first = trials()
    shutil.rmtree(tmp_path / "search" / "rnn_1")  # as if it had been stopped there
    before = (tmp_path / "search" / "rnn_0" / "checkpoints" / "6").stat().st_mtime_ns
    pd.testing.assert_frame_equal(trials(), first)
    assert (tmp_path / "search" / "rnn_0" / "checkpoints" / "6").stat().st_mtime_ns == before
    assert sorted(first.trial) == list(range(6)) and first.rate.between(1e-3, 1e15).all()
    assert first.test_mse.is_monotonic_increasing  # the best first, those that diverged last
    assert np.isfinite(first.test_mse.iloc[0]) and first.test_mse.iloc[-1] == np.inf


def test_the_linear_read_out_of_pictures():
    class Task:
        n_out = 2

        def __init__(self, pictures, labels):
            self.data = {name: (pictures, labels) for name in ("train", "valid", "test")}

    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=60)
    pictures = rng.integers(100, size=(60, 4)).astype(np.uint8)
    seen = pictures.copy()
    seen[:, 1] += (155 * labels).astype(np.uint8)  # one pixel tells
    assert fig2_objects.linear_error(Task(seen, labels)) < 2
    assert 25 < fig2_objects.linear_error(Task(pictures, labels)) < 60
