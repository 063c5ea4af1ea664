"""What `keep` keeps of a run, judging and drawing it again, and reading another run."""

import argparse
import io
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from helpers.smoke_runs import smoke

import dalejax as dj
from dalejax.analysis import ledger
from dalejax.storage.atomic import read_json, write_json
from experiments import __main__ as command
from experiments import all_experiments, all_modules
from experiments.engine import archive, judge, runs
from experiments.engine.context import NotKept
from experiments.li2023 import fig2_adding

KNOWN = {"fig2_adding": fig2_adding.EXPERIMENT}


# --- keeping --------------------------------------------------------------------------------------


def curves(configurations, members, evaluations, metrics=("test_error", "loss")):
    """Make metrics of random float32 values; the configurations evaluate at different updates."""
    rng, parts = np.random.default_rng(0), []
    for i, configuration in enumerate(configurations):
        updates = (i + 2) * np.arange(1, evaluations + 1)
        index = pd.MultiIndex.from_product(
            [range(members), updates, metrics], names=["member", "update", "metric"]
        )
        value = rng.normal(size=len(index)).astype(np.float32).astype(float)
        value[index.get_level_values("member") == 1] = np.nan  # one that diverged
        parts.append(
            pd.DataFrame({"value": value}, index).reset_index().assign(configuration=configuration)
        )
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize(("members", "evaluations"), [(30, 1000), (3, 1000), (3, 101), (3, 5)])
def test_curves_are_thinned_and_final_values_stay_exact(members, evaluations, tmp_path):
    last = 5
    table = curves(["RNN", "ColEI, 10 % I"], members, evaluations)
    content = archive.thinned(table, last)
    assert len(content) <= archive.MOST_BYTES == 200_000
    assert pd.read_parquet(io.BytesIO(content)).value.dtype == np.float32
    (tmp_path / "curves.parquet").write_bytes(content)
    kept, finals_only = archive.kept_metrics(tmp_path)
    assert not finals_only
    for name, rows in table.groupby("configuration"):
        own = kept[kept.configuration == name]
        stay, before = np.sort(own["update"].unique()), np.sort(rows["update"].unique())
        assert len(stay) <= archive.MOST_POINTS == 100
        assert {before[0], *before[-last:]} <= set(stay) <= set(before)
        if evaluations <= 100:
            assert len(stay) == evaluations
        elif members == 3:
            assert len(stay) == 100 and np.diff(stay).max() <= 12 * np.diff(before).max()
        # What stays is unchanged, for all members and metrics.
        key = ["member", "update", "metric"]
        both = own.merge(rows, on=key, how="left", suffixes=("", "_before"))
        assert len(both) == len(stay) * members * 2
        np.testing.assert_array_equal(both.value, both.value_before)
        for metric in ("test_error", "loss"):
            np.testing.assert_array_equal(
                dj.results.final_values(own, metric, last=last),
                dj.results.final_values(rows, metric, last=last),
            )


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A run of Figure 2A at the toy size, and what is kept of it."""
    place = tmp_path_factory.mktemp("fig2")
    experiment = fig2_adding.EXPERIMENT
    runs.carry_out(experiment, smoke(experiment, place / "run"))
    folder = archive.keep(place / "run", experiment, place / "results")
    return place / "run", folder


def test_what_is_kept_is_small_and_names_no_folder(kept):
    run, folder = kept
    assert folder.name == "fig2_adding-smoke-text"
    assert sorted(path.name for path in folder.iterdir()) == [
        "claims.json",
        "config.json",
        "curves.parquet",
        "final.csv",
        "final_error.png",
        "learning_curves.png",
    ]
    assert (folder / "claims.json").read_bytes() == (run / "claims.json").read_bytes()
    config = read_json(folder / "config.json")
    assert not {"data_dir", "read_from"} & config.keys() and str(run.parent) not in str(config)
    assert config["command"] == "python -m experiments fig2_adding --preset smoke"
    finals = pd.read_csv(folder / "final.csv")
    assert list(finals.columns) == ["configuration", "member", "test_mse"]
    assert len(finals) == 4 * fig2_adding.PRESETS["smoke"].seeds


def test_a_kept_run_is_judged_as_it_was(kept):
    run, folder = kept
    claims = {claim.id: claim for claim in dj.claims.read_claims(run / "claims.json")}
    verdicts = judge.judge(folder, KNOWN)
    assert [v.claim for v in verdicts] == list(claims) == list(fig2_adding.EXPERIMENT.claims)
    for v in verdicts:
        assert v.run == folder.name and not v.why and not v.differs
        assert v.today is v.kept is claims[v.claim].holds
        assert v.measured == claims[v.claim].measured


def test_a_run_of_which_the_final_values_are_kept_is_judged_from_them(kept, tmp_path):
    shutil.copytree(kept[1], tmp_path / "old")
    (tmp_path / "old" / "curves.parquet").unlink()
    for v, before in zip(
        judge.judge(tmp_path / "old", KNOWN), judge.judge(kept[1], KNOWN), strict=True
    ):
        assert v.today is before.today and not v.why
        assert v.measured == pytest.approx(before.measured, rel=1e-4)  # kept with six digits
    _, context = archive.kept_run(tmp_path / "old", KNOWN)
    with pytest.raises(NotKept, match="learning curves"):
        context.curves("RNN", "test_mse")


def test_what_is_not_kept_is_said(kept, tmp_path):
    shutil.copytree(kept[1], tmp_path / "old")
    for name in ("curves.parquet", "final.csv"):
        (tmp_path / "old" / name).unlink()
    verdicts = judge.judge(tmp_path / "old", KNOWN)
    assert [v.claim for v in verdicts] == list(fig2_adding.EXPERIMENT.claims)
    assert {v.why for v in verdicts} == {"not kept: metrics of trained networks"}
    assert not any(v.differs for v in verdicts) and {v.today for v in verdicts} == {None}


def test_a_verdict_that_changed_is_seen(kept, tmp_path, monkeypatch, capsys):
    """Another verdict, and a claim that is made no more, differ; the exit code says so."""
    shutil.copytree(kept[1], tmp_path / "changed")
    path = tmp_path / "changed" / "claims.json"
    claims = read_json(path)
    claims[0]["holds"] = not claims[0]["holds"]
    write_json(path, [*claims, claims[1] | {"id": "gone"}])
    verdicts = judge.judge(tmp_path / "changed", KNOWN)
    assert [v.claim for v in verdicts if v.differs] == [claims[0]["id"], "gone"]
    monkeypatch.setattr(judge, "kept_folders", lambda names: [tmp_path / "changed"])
    assert judge.main([], None, False, KNOWN) == 1
    out = capsys.readouterr().out
    assert "changed gone: is not made today" in out
    assert f"{len(claims) + 1} of {len(claims) + 1} verdicts judged: {len(claims) - 1} as" in out


def test_pictures_of_a_kept_run_are_drawn_anew(kept, tmp_path, monkeypatch, capsys):
    folder = kept[1]
    before = {path: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr(judge, "kept_folders", lambda names: [folder])
    assert judge.main([], tmp_path, True, KNOWN) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [v["claim"] for v in printed] == list(fig2_adding.EXPERIMENT.claims)
    drawn = {path.stem for path in (tmp_path / folder.name).iterdir()}
    assert drawn == {"final_error", "learning_curves"}
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


# --- experiments that read another's run ----------------------------------------------------------


def test_reading_another_run(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ["fig4a_sign_constraints", "--no-progress", "--out", str(tmp_path / "fig4a")]
    assert command.main(arguments) == 2
    message = capsys.readouterr().err
    assert "python -m experiments fig4_transplant --preset smoke" in message
    assert not (tmp_path / "fig4a").exists()
    source = tmp_path / "source"
    changes = ["--set", "updates=4", "--set", "eval_every=4"]
    begin = ["fig4_transplant", "--no-progress", "--out", str(source), *changes]
    assert command.main(begin) == 0
    assert command.main([*arguments, "--from", str(source)]) == 0
    capsys.readouterr()
    assert command.main([*arguments[:2], "--resume", str(tmp_path / "fig4a")]) == 0
    assert command.main(["keep", str(tmp_path)]) == 2
    known, results = all_experiments(), tmp_path / "results"
    for made in (source, tmp_path / "fig4a"):  # what reads a changed run is changed as well
        name = read_json(made / "config.json")["experiment"]
        with pytest.raises(ValueError, match="--set updates=4 --set eval_every=4; kept are runs"):
            archive.keep(made, known[name], results)
    assert not results.exists()
    entries = ledger.read([tmp_path / "fig4a"])
    assert "--set updates=4" in entries[0].command and "fig4a_sign_" in entries[0].command
    path = tmp_path / "fig4a" / "config.json"  # as if it had read a preset as it is
    unchanged = {"source_command": "python -m experiments fig4_transplant --preset smoke"}
    write_json(path, read_json(path) | unchanged)
    kept = archive.keep(tmp_path / "fig4a", known["fig4a_sign_constraints"], results)
    config = read_json(kept / "config.json")
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


def test_only_a_run_that_fits_is_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_run = {
        "experiment": "fig4_transplant",
        "preset": "smoke",
        "variant": "text",
        "settings": {"data": "digits", "last": 1},
    }
    others = [
        {},
        {"command": "… --set updates=2"},
        {"settings": None},
        {"experiment": "table2_objects_transplant"},
        {"preset": "laptop"},
        {"settings": {"data": "mnist"}},
    ]
    for i, other in enumerate(others):
        folder = tmp_path / "checkpoints" / "fig4_transplant" / f"run-{i}"
        dj.claims.write_claims(folder / "claims.json", [])
        write_json(folder / "config.json", write_run | other)
    reader = all_experiments()["fig4a_sign_constraints"]

    def found(read_from=None):
        arguments = argparse.Namespace(read_from=read_from)
        return runs._run_to_read(reader, arguments, "smoke", "text", "digits").name

    assert found() == "run-0"
    with pytest.raises(ValueError, match="run-5 holds no finished smoke run"):
        found(folder)  # of other data


def test_what_reads_a_run_follows_it():
    known = all_experiments()
    for experiment in known.values():
        if experiment.reads:
            source = experiment.reads
            assert set(experiment.variants) <= set(source.variants), experiment.name
            assert experiment.presets.keys() == source.presets.keys()


def test_every_experiment_says_how_it_is_run():
    for name, module in all_modules().items():
        assert f"python -m experiments {name}" in (module.__doc__ or ""), name
        experiment = module.EXPERIMENT
        assert experiment.name == name == module.__name__.rpartition(".")[2]
        for preset, chosen in experiment.presets.items():
            assert "--set" not in runs.command(experiment, preset, "text", chosen)
