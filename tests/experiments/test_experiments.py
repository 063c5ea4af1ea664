"""Experiments: their list, their claims, resuming, bad input; and the parts of Figure 4."""

import dataclasses
import json
import shutil
import signal

import jax
import numpy as np
import pandas as pd
import pytest
from helpers.folders import read_files
from helpers.smoke_runs import smoke

import dalejax as dj
from dalejax.runtime import signals
from dalejax.storage.atomic import write_json
from experiments import __main__ as command
from experiments import all_experiments
from experiments.engine import base
from experiments.engine.base import execute
from experiments.li2023 import (
    _transplant,
    fig1_partitions,
    fig2_adding,
    fig2_objects,
    fig4_transplant,
)
from experiments.shared import random_search

CLAIM_KEYS = {"id", "statement", "source", "measured", "spread", "test", "reference", "holds"}


def test_list_as_json(capsys):
    assert command.main(["list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"fig2_adding", "fig2_smnist", "fig3_spectra", "fig4_transplant"} <= {
        row["name"] for row in rows
    }
    for row in rows:
        assert set(row) == {"name", "source", "presets", "claims", "expected_minutes"}
        assert row["presets"] == ["smoke", "laptop", "paper"]
        assert set(row["expected_minutes"]) == set(row["presets"])


def test_presets_have_the_same_keys():
    for experiment in all_experiments().values():
        keys = {frozenset(settings) for settings in experiment.presets.values()}
        assert len(keys) == 1, experiment.name


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "fig1_partitions"
    claims = execute(smoke(fig1_partitions.EXPERIMENT, folder))
    return folder, claims


def test_a_run_leaves_everything(finished):
    folder, claims = finished
    table = dj.results.read_table(folder / "metrics.parquet")
    assert list(table.columns) == ["member", "update", "metric", "value", "configuration"]
    assert set(table.configuration) == {"ColEI", "DANN"}
    saved = json.loads((folder / "claims.json").read_text())
    assert len(saved) == len(claims) == fig1_partitions.EXPERIMENT.claims
    assert all(set(claim) >= CLAIM_KEYS for claim in saved)
    config = json.loads((folder / "config.json").read_text())
    assert config["settings"]["updates"] == 20 and "jax" in config["versions"]
    assert {path.suffix for path in folder.glob("partitions.*")} == {".png", ".svg"}


def test_resuming_a_finished_run_gives_the_same(finished):
    folder, claims = finished
    table = (folder / "metrics.parquet").read_bytes()
    again = execute(smoke(fig1_partitions.EXPERIMENT, folder))
    assert again == claims
    assert (folder / "metrics.parquet").read_bytes() == table


def test_other_settings_are_refused(finished):
    folder, _ = finished
    with pytest.raises(ValueError, match=r"settings\.updates is 40 and was 20"):
        execute(smoke(fig1_partitions.EXPERIMENT, folder, updates=40))


def test_the_last_line_is_the_folder(tmp_path, capsys):
    folder = tmp_path / "fig3"
    assert command.main(["fig3_spectra", "--out", str(folder), "--no-progress"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == str(folder)
    assert lines[-2].endswith("of 15 claims hold")
    assert {line.split()[0] for line in lines[:-2:2]} <= {"holds", "FAILS"}
    assert command.main(["fig3_spectra", "--out", str(folder)]) == 2  # not empty
    assert "--resume" in capsys.readouterr().err


@pytest.fixture(scope="module")
def ensemble(tmp_path_factory):
    context = smoke(fig4_transplant.EXPERIMENT, tmp_path_factory.mktemp("fig4"))
    return _transplant.members(context, context.smnist())


def test_eight_configurations(ensemble):
    *_, names = ensemble
    assert pd.Series(names).nunique() == len(_transplant.ALL) == 8
    counts = pd.Series(names).value_counts()
    assert {name for name, n in counts.items() if n == 4} == _transplant.MANY


def test_only_the_spectrum_moves(ensemble):
    _, params, _, names = ensemble
    first = {name: names.index(name) for name in names}
    sigma = np.asarray(dj.spectrum.singular_values(params["cells_0"]["W"]))

    def start(name):
        return jax.tree.map(lambda leaf: np.asarray(leaf[first[name]]), params)

    f = _transplant
    for hybrid, host, donor in ((f.RNN_HYBRID, f.RNN, f.COLEI), (f.COLEI_HYBRID, f.COLEI, f.RNN)):
        np.testing.assert_allclose(sigma[first[hybrid]], sigma[first[donor]], rtol=1e-3, atol=1e-5)
        own, other = start(hybrid), start(host)
        np.testing.assert_array_equal(own["cells_0"]["U"], other["cells_0"]["U"])
        np.testing.assert_array_equal(own["readout"]["W"], other["readout"]["W"])
        left = np.linalg.svd(other["cells_0"]["W"])[0]
        mixed = left.T @ own["cells_0"]["W"]  # rows keep their directions, only lengths change
        right = np.linalg.svd(other["cells_0"]["W"])[2]
        off = mixed @ right.T
        np.testing.assert_allclose(off - np.diag(np.diag(off)), 0, atol=1e-4)


def test_signs_are_the_configuration(ensemble):
    _, params, signs, names = ensemble
    for i, name in enumerate(names):
        mine = jax.tree.map(lambda leaf, i=i: np.asarray(leaf[i]), (params, signs))
        (cell, readout), (cell_signs, readout_signs) = (t.values() for t in mine)
        frozen = "frozen" in name or name == "ColEI"
        assert (cell_signs["W"] != 0).mean() == pytest.approx(1 if frozen else 0, abs=0.06)
        assert (readout_signs["W"] != 0).any() == frozen
        assert (cell_signs["b"] == 0).all() and (readout_signs["b"] == 0).all()
        assert (cell_signs["U"] != 0).all() if name == "ColEI" else (cell_signs["U"] == 0).all()
        assert (cell["W"] * cell_signs["W"] >= 0).all()
        assert (readout["W"] * readout_signs["W"] >= 0).all()


def test_where_all_seeds_diverged_there_is_no_effect():
    lost = pd.Series([np.nan, np.nan])
    errors = dict.fromkeys(_transplant.STYLES, lost)
    sides, comparisons = _transplant.effects(errors)
    assert all(p == 1 for _, _, _, p, _ in comparisons)
    assert not any(np.isfinite(values).any() for values in sides.values())


def test_the_six_effects_are_seed_paired():
    values = np.arange(4.0)
    names = [c.name for c in _transplant.ALL]
    errors = {name: pd.Series(values * (k + 1)) for k, name in enumerate(names)}
    sides, comparisons = _transplant.effects(errors)
    f = _transplant
    k = {name: i + 1 for i, name in enumerate(names)}
    expected = {
        ("RNN", "spectrum"): k[f.RNN_HYBRID] - k[f.RNN],
        ("RNN", "vectors"): k[f.COLEI_HYBRID] - k[f.RNN],
        ("RNN", "signs"): k[f.RNN_FROZEN] - k[f.RNN],
        ("ColEI", "spectrum"): k[f.COLEI] - k[f.COLEI_HYBRID_FROZEN],
        ("ColEI", "vectors"): k[f.COLEI] - k[f.RNN_HYBRID_FROZEN],
        ("ColEI", "signs"): k[f.COLEI] - k[f.COLEI_FREE],
    }
    for effect, factor in expected.items():
        np.testing.assert_allclose(sides[effect], values * factor)
    assert [c[:3] for c in comparisons] == [
        (side, "spectrum", other) for side in ("RNN", "ColEI") for other in ("signs", "vectors")
    ]


def test_adding_decay_follows_the_published_code():
    rate = fig2_adding.decay(0.1, 141)
    assert rate(19) == pytest.approx(0.1)
    assert rate(20) == pytest.approx(0.1 * 0.99)
    assert rate(140) == pytest.approx(0.1 * 0.99**7)
    assert rate(141) == pytest.approx(0.1 * 0.99**7)
    assert rate(161) == pytest.approx(0.1 * 0.99**8)


def test_an_interrupted_experiment_is_continued(finished, tmp_path, capsys, monkeypatch):
    """A signal in its second ensemble; the first one is not trained again."""
    arguments = ["fig1_partitions", "--preset", "smoke", "--set", "updates=20", "--no-progress"]
    folder, trained = tmp_path / "run", []
    train = dj.train

    def interrupted(*parts, **options):
        trained.append(options["checkpoint_dir"].name)
        if len(trained) == 2:
            monkeypatch.setattr(signals.Watch, "stop_signal", lambda watch: signal.SIGTERM)
        return train(*parts, **options)

    with monkeypatch.context() as patch:
        patch.setattr(dj, "train", interrupted)
        assert command.main([*arguments, "--out", str(folder)]) == 143
    monkeypatch.undo()
    printed = capsys.readouterr()
    assert f"python -m experiments fig1_partitions --resume {folder} continues" in printed.err
    assert not (folder / "claims.json").exists()
    first = read_files(folder / trained[0])
    assert command.main(["fig1_partitions", "--resume", str(folder), "--no-progress"]) == 0
    assert read_files(folder / trained[0]) == first
    for name in ("claims.json", "metrics.parquet"):
        assert (folder / name).read_bytes() == (finished[0] / name).read_bytes()


def test_a_run_killed_before_its_config_is_begun_again(tmp_path, capsys):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / ".lock").touch()
    assert command.main(["fig3_spectra", "--no-progress", "--out", str(folder)]) == 0
    assert (folder / "claims.json").exists()


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"experiment": "fig2_adding"}', "[" * 100_000],
    ids=range(5),
)
def test_a_broken_config_is_one_sentence(content, tmp_path, capsys):
    (tmp_path / "config.json").write_text(content)
    assert command.main(["fig2_adding", "--resume", str(tmp_path)]) == 2
    assert f"{tmp_path / 'config.json'} is broken" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def test_memory_that_is_too_small_is_a_sentence(tmp_path, capsys, monkeypatch):
    def too_large(context):
        raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 16000024001536 bytes.")

    large = all_experiments()["fig3_spectra"]
    monkeypatch.setattr(
        command, "all_experiments", lambda: {"large": dataclasses.replace(large, run=too_large)}
    )
    assert command.main(["large", "--out", str(tmp_path / "run")]) == 2
    told = capsys.readouterr().err
    assert told.endswith("16000024001536 bytes; a run with fewer --seeds needs less.\n")


def test_what_a_run_was_begun_with_is_not_changed_on_its_way(finished, capsys):
    folder, _ = finished
    for option in (["--preset", "paper"], ["--seeds", "7"], ["--set", "updates=2"], ["--out", "x"]):
        assert command.main(["fig1_partitions", "--resume", str(folder), *option]) == 2
        assert f"it takes no {option[0]}." in capsys.readouterr().err


def test_of_all_experiments_those_run_that_have_the_variant(tmp_path, monkeypatch):
    ran = []

    def execute(context):
        ran.append((context.experiment, context.variant))
        dj.claims.write_claims(context.folder / "claims.json", [])
        write_json(context.folder / "config.json", base.config(context))
        return []

    monkeypatch.setattr(base, "execute", execute)
    out = str(tmp_path / "all")
    assert command.main(["all", "--variant", "code", "--out", out]) == 0
    wanted = [e.name for e in all_experiments().values() if "code" in e.variants]
    assert sorted(e.name for e, _ in ran) == sorted(wanted) and {v for _, v in ran} == {"code"}
    assert 0 < len(wanted) < len(all_experiments())
    assert command.main(["all", "--variant", "prose", "--out", f"{out}2"]) == 2


def test_all_experiments_go_on_as_they_were_begun(tmp_path, monkeypatch, capsys):
    """Those that a resumed run begins have the options of the first call."""
    seen, interrupted = [], []

    def execute(context):
        if seen and not interrupted:
            interrupted.append(context.experiment.name)
            raise KeyboardInterrupt
        seen.append((context.experiment.name, context.preset, context.settings, context.data_dir))
        dj.claims.write_claims(context.folder / "claims.json", [])
        write_json(context.folder / "config.json", base.config(context))
        return []

    monkeypatch.setattr(base, "execute", execute)
    folder = str(tmp_path / "all")
    options = ["--preset", "laptop", "--data-dir", "/mine", "--seeds", "4", "--out", folder]
    assert command.main(["all", *options]) == 130
    assert command.main(["all", "--resume", folder]) == 0
    assert len(seen) == 1 + len(all_experiments()) and seen[2][0] == interrupted[0]
    assert {(preset, data_dir) for _, preset, _, data_dir in seen} == {("laptop", "/mine")}
    assert all(settings.get("seeds", 4) == 4 for _, _, settings, _ in seen)
    (tmp_path / "all" / "all.json").write_text("[]")
    assert command.main(["all", "--resume", folder]) == 2
    assert "all.json is broken" in capsys.readouterr().err
    assert command.main(["all", *options]) == 2
    assert f"--resume {folder} continues it" in capsys.readouterr().err


def test_parts_of_all_make_up_all_of_them(tmp_path, monkeypatch):
    """Each in one part, after the one it reads; the parts take about as long as each other."""

    def execute(context):
        ran.append(context.experiment)
        dj.claims.write_claims(context.folder / "claims.json", [])
        write_json(context.folder / "config.json", base.config(context))
        return []

    monkeypatch.setattr(base, "execute", execute)
    parts = []
    for part in ("1/3", "2/3", "3/3"):
        ran = []
        out = str(tmp_path / part[0])
        assert command.main(["all", "--preset", "laptop", "--part", part, "--out", out]) == 0
        ran_again, ran = ran, []
        assert command.main(["all", "--resume", out]) == 0
        assert [e.name for e in ran] == [e.name for e in ran_again]
        names = [e.name for e in ran]
        assert all(e.reads.name in names[: names.index(e.name)] for e in ran if e.reads)
        parts.append(ran)
    assert sorted(e.name for part in parts for e in part) == sorted(all_experiments())
    times = [sum(e.expected_minutes["laptop"] for e in part) for part in parts]
    assert command.main(["all", "--preset", "huge", "--part", "1/3", "--out", f"{tmp_path}/4"]) == 2
    assert not (tmp_path / "4").exists()
    assert max(times) - min(times) < 0.1 * sum(times)


def test_all_skips_what_has_no_data_and_says_so(tmp_path, monkeypatch, capsys):
    ran = []

    def execute(context):
        if context.experiment.name == "iclr_fig4_kmnist":
            raise dj.datasets.MissingData("no KMNIST.")
        ran.append(context.experiment.name)
        dj.claims.write_claims(context.folder / "claims.json", [])
        write_json(context.folder / "config.json", base.config(context))
        return []

    monkeypatch.setattr(base, "execute", execute)
    options = ["--preset", "laptop", "--data-dir", "/mine", "--out", str(tmp_path / "all")]
    assert command.main(["all", *options]) == 1
    out = capsys.readouterr().out
    assert "iclr_fig4_kmnist was skipped: no KMNIST." in out
    assert "iclr_table2 was skipped: it reads iclr_fig4_kmnist." in out
    assert set(ran) == set(all_experiments()) - {"iclr_fig4_kmnist", "iclr_table2"}


# --- searches and baselines -----------------------------------------------------------------------


def test_a_search_that_is_resumed_makes_the_same_proposals(tmp_path):
    net = dj.RecurrentNetwork([dj.RNNCell(4)], dj.Dense(1))
    task = dj.tasks.AddingProblem(4, batch_size=8, num_train=32, num_test=8)
    settings = {
        "rounds": 2,
        "at_once": 3,
        "rate_low": 1e-3,
        "rate_high": 1e15,
        "updates": 6,
        "eval_every": 6,
    }

    def trials():
        context = smoke(fig2_adding.EXPERIMENT, tmp_path / "search", **settings)
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
