"""What the experiments are made of: evidence, entropy grids, Jacobians, selection, kept runs."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from helpers.smoke_runs import smoke

import dalejax as dj
from dalejax.analysis import ledger
from dalejax.storage.atomic import write_json
from experiments import __main__ as command
from experiments import all_experiments
from experiments.engine import archive, base, evidence, runs, settings
from experiments.li2023 import (
    _entropy,
    fig5_ei_ratio,
    fig9_radius,
    fig10_clipping,
    fig11_inhibitory_scaling,
    gradients,
    mean_matrix,
    rotation,
)
from experiments.shared import spectra


@pytest.fixture
def context(tmp_path):
    return smoke(fig5_ei_ratio.EXPERIMENT, tmp_path / "run")


def wanted(high, low, id="a"):
    return evidence.Above(id, "S.", pd.Series(high), pd.Series(low), ("high", "low"))


def test_above_needs_rank_and_significance(context):
    far, near = np.arange(10.0) + 20, np.arange(10.0)
    claims = evidence.above(
        context, [wanted(far, near), wanted(near, far, "b"), wanted(near + 0.5, near, "c")], "N23"
    )
    assert [claim.holds for claim in claims] == [True, False, False]
    raw = dj.statistics.mann_whitney(far, near).p
    assert claims[0].p == pytest.approx(3 * raw) and "Holm over 3" in claims[0].test
    assert claims[0].measured == 20 and "all seeds apart" in claims[0].test


def test_few_seeds_must_all_lie_apart(context):
    apart, mixed = evidence.above(
        context,
        [wanted([3.0, 4.0, 5.0], [0.0, 1.0, 2.0]), wanted([3.0, 4.0, 1.5], [0.0, 1.0, 2.0], "b")],
        "N23",
    )
    assert apart.holds and apart.p > 0.05 and not mixed.holds


def test_diverged_members_do_not_decide(context):
    (claim,) = evidence.above(context, [wanted([np.nan] * 3, [0.0, 1.0, 2.0])], "N23")
    assert not claim.holds and claim.p == 1 and "diverged" in claim.test


def test_gaps_and_correlations(context):
    a = pd.Series(np.linspace(0, 0.2, 10))
    assert evidence.gap_within(context, "a", "S.", "N23", a, a + 0.1, 0.3).holds
    assert not evidence.gap_within(context, "a", "S.", "N23", a, a + 0.5, 0.3).holds
    x = np.arange(10.0)
    assert evidence.correlated(context, "a", "S.", "N23", x, -x, -1).holds
    assert not evidence.correlated(context, "a", "S.", "N23", x, -x, 1).holds
    assert not evidence.correlated(context, "a", "S.", "N23", x, 0 * x, 1).holds
    lost = evidence.correlated(context, "a", "S.", "N23", x, np.where(x > 7, np.nan, x), 1)
    assert lost.holds and "8 networks, 2 diverged" in lost.test


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


def test_a_grid_that_is_as_the_paper_says_holds(context):
    context.settings = context.scale = {"sizes": (10, 20, 40, 80), "shares": (0.05, 0.2, 0.3, 0.5)}
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


def test_configurations_that_run_against_each_other(context):
    nse = [np.array([0.6, 0.62]), np.array([0.8, 0.8]), np.array([0.9, 0.91])]
    errors = [pd.Series([9.0, 8.0]), pd.Series([4.0, np.nan]), pd.Series([2.0, 3.0])]
    claim = evidence.opposite(context, "a", "S.", "N23", nse, errors)
    assert claim.holds and claim.measured < 0 and claim.p is None
    assert not evidence.opposite(context, "a", "S.", "N23", nse, errors[::-1]).holds
    lost = [*errors[:2], pd.Series([np.nan, np.nan])]
    assert not evidence.opposite(context, "a", "S.", "N23", nse, lost).holds


def test_more_variable(context):
    wide, narrow = pd.Series(np.linspace(0, 10, 12)), pd.Series(np.linspace(4, 5, 12))
    others = {"a": narrow, "b": narrow + 1}
    assert evidence.more_variable(context, "a", "S", "N23", wide, others).holds
    assert not evidence.more_variable(context, "a", "S", "N23", narrow, {"a": wide}).holds
    assert not evidence.more_variable(context, "a", "S", "N23", wide, others | {"c": wide}).holds


def test_means_without_an_interval_show_nothing(context):
    for values in ([], [1.0]):
        claim = evidence.mean(context, "a", "S.", "N23", values, lambda x: True, "any")
        assert not claim.holds
    claim = evidence.mean(context, "a", "S.", "N23", [1.0, 2.0, 3.0], lambda x: x.low > 0, "> 0")
    assert claim.holds and claim.measured == 2


def test_lost_networks_are_the_most_unsteady(context):
    rows = [
        (m, u, "test_error", value)
        for m, values in enumerate([(9, 5, 4, 3), (88, 89, 88, 89), (9, 4, np.nan, np.nan)])
        for u, value in enumerate(values)
    ]
    table = pd.DataFrame(rows, columns=["member", "update", "metric", "value"])
    context.record("ColEI", table)
    context.scale = {"last": 1}
    assert fig10_clipping.unsteadiness(context, "ColEI").tolist() == [1, 90, 90]


def test_claims_say_what_is_reduced(tmp_path):
    context = smoke(fig5_ei_ratio.EXPERIMENT, tmp_path, updates=7)
    note = evidence.number(context, "a", "S.", "N23", 1, True, "1").note
    assert "updates 7 (full scale: 56250)" in note and "shares 0.05, 0.1, 0.5" in note
    context.settings = context.scale = dict(fig5_ei_ratio.FULL)
    assert evidence.number(context, "a", "S.", "N23", 1, True, "1").note == ""


def test_the_quarter_circle_is_recognised():
    W = np.random.default_rng(0).normal(size=(4, 200, 200)) / np.sqrt(200)
    sigma = np.linalg.svd(W, compute_uv=False)
    assert spectra.quarter_circle_distance(sigma, 1.0) < 0.01
    assert spectra.quarter_circle_distance(np.ones((4, 200)), 1.0) > 0.3


def test_reading_another_run(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ["fig4a_sign_constraints", "--no-progress", "--out", str(tmp_path / "fig4a")]
    assert command.main(arguments) == 2
    message = capsys.readouterr().err
    assert "python -m experiments fig4_transplant --preset smoke" in message
    assert not (tmp_path / "fig4a").exists()
    source = tmp_path / "source"
    assert (
        command.main(
            [
                "fig4_transplant",
                "--no-progress",
                "--out",
                str(source),
                "--set",
                "updates=4",
                "--set",
                "eval_every=4",
            ]
        )
        == 0
    )
    assert command.main([*arguments, "--from", str(source)]) == 0
    capsys.readouterr()
    assert command.main([*arguments[:2], "--resume", str(tmp_path / "fig4a")]) == 0
    assert command.main(["keep", str(tmp_path)]) == 2
    known, results = all_experiments(), tmp_path / "results"
    for made in (source, tmp_path / "fig4a"):  # what reads a changed run is changed as well
        with pytest.raises(ValueError, match="--set updates=4 --set eval_every=4; kept are runs"):
            archive.keep(
                made, known[json.loads((made / "config.json").read_text())["experiment"]], results
            )
    assert not results.exists()
    entries = ledger.read([tmp_path / "fig4a"])
    assert "--set updates=4" in entries[0].command and "fig4a_sign_" in entries[0].command
    path = tmp_path / "fig4a" / "config.json"  # as if it had read a preset as it is
    unchanged = {"source_command": "python -m experiments fig4_transplant --preset smoke"}
    write_json(path, json.loads(path.read_text()) | unchanged)
    kept = archive.keep(tmp_path / "fig4a", known["fig4a_sign_constraints"], results)
    config = json.loads((kept / "config.json").read_text())
    assert str(tmp_path) not in (kept / "config.json").read_text()
    assert config["command"] == "python -m experiments fig4a_sign_constraints --preset smoke"
    before = {path: path.read_bytes() for path in sorted(results.rglob("*.*"))}
    with pytest.raises(ValueError, match="is kept already"):
        archive.keep(kept, known["fig4a_sign_constraints"], results)
    assert {path: path.read_bytes() for path in sorted(results.rglob("*.*"))} == before
    archive.keep(tmp_path / "fig4a", known["fig4a_sign_constraints"], results)
    assert {path: path.read_bytes() for path in sorted(results.rglob("*.*"))} == before
    final = archive.final_table(dj.results.read_table(source / "metrics.parquet"), 1)
    assert final.configuration.nunique() == 8 and final.test_error.between(0, 100).all()
    capsys.readouterr()
    assert command.main(["ledger", str(results), str(source)]) == 0
    assert " of 11 claims hold." in capsys.readouterr().out


def test_only_a_run_that_fits_is_read(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_run = {
        "experiment": "fig4_transplant",
        "preset": "smoke",
        "variant": "text",
        "settings": {"data": "digits", "last": 1},
    }
    for i, other in enumerate(
        [
            {},
            {"command": "… --set updates=2"},
            {"settings": None},
            {"experiment": "table2_objects_transplant"},
            {"preset": "laptop"},
            {"settings": {"data": "mnist"}},
        ]
    ):
        folder = tmp_path / "checkpoints" / "fig4_transplant" / f"run-{i}"
        dj.claims.write_claims(folder / "claims.json", [])
        write_json(folder / "config.json", write_run | other)
    reader = all_experiments()["fig4a_sign_constraints"]
    about = {"preset": "smoke", "variant": "text", "settings": {"data": "digits"}}

    class Arguments:
        read_from = None

    assert runs._read_from(reader, Arguments, about).name == "run-0"
    Arguments.read_from = folder  # of other data
    with pytest.raises(ValueError, match="run-5 holds no finished smoke run"):
        runs._read_from(reader, Arguments, about)


def test_tuples_are_settings_too():
    chosen = settings.read(
        fig9_radius.EXPERIMENT, command_arguments(["--set", "clips=1,none", "--set", "radii=2,3"])
    )
    assert chosen["clips"] == (1.0, "none") and chosen["radii"] == (2.0, 3.0)
    for bad in ("clips=some", "rates=none", "radii=0,1", "radii="):
        with pytest.raises(ValueError, match="--set"):
            settings.read(fig9_radius.EXPERIMENT, command_arguments(["--set", bad]))


def test_the_number_of_values_may_be_the_figures():
    with pytest.raises(ValueError, match="shares has 2 values; it must have 3"):
        settings.read(fig5_ei_ratio.EXPERIMENT, command_arguments(["--set", "shares=0.1,0.5"]))
    with pytest.raises(ValueError, match="clips_dann"):
        settings.read(fig5_ei_ratio.EXPERIMENT, command_arguments(["--set", "clips_dann=none,1,1"]))


def command_arguments(options):
    class Arguments:
        preset, variant, data, seeds = "smoke", "text", None, None
        set = options[1::2]

    return Arguments()


def test_what_reads_a_run_follows_it():
    known = all_experiments()
    for experiment in known.values():
        if experiment.reads:
            source = experiment.reads
            assert set(experiment.variants) <= set(source.variants), experiment.name
            assert experiment.presets.keys() == source.presets.keys()


def test_every_experiment_says_how_it_is_run():
    for name, experiment in all_experiments().items():
        module = __import__(f"experiments.{name}", fromlist=["x"])
        assert f"python -m experiments {name}" in module.__doc__, name
        assert experiment.name == name
        for preset in experiment.presets:
            text = base.command(experiment, preset, "text", experiment.presets[preset])
            assert "--set" not in text
