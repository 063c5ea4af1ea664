"""Running one experiment from the command line: its folder, resuming it, and bad input."""

import dataclasses
import json
import signal

import pytest
from helpers.folders import read_files
from helpers.smoke_runs import smoke

import dalejax as dj
from dalejax.runtime import signals
from dalejax.storage.atomic import write_json
from experiments import __main__ as command
from experiments import all_experiments
from experiments.engine import base, runs, settings
from experiments.li2023 import fig1_partitions

CLAIM_KEYS = {"id", "statement", "source", "measured", "spread", "test", "reference", "holds"}


def test_list_as_json(capsys):
    assert command.main(["list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"fig2_adding", "fig2_smnist", "fig3_spectra", "fig4_transplant"} <= {
        row["name"] for row in rows
    }
    for row in rows:
        assert len(all_experiments()[row["name"]].claims) == row["claims"]
        assert set(row) == {"name", "source", "presets", "claims", "expected_minutes"}
        assert row["presets"] == ["smoke", "laptop", "paper"]
        assert set(row["expected_minutes"]) == set(row["presets"])


def test_presets_are_records_of_one_class_with_the_same_keys():
    for experiment in all_experiments().values():
        assert tuple(experiment.presets) == base.PRESETS, experiment.name
        assert len({type(settings) for settings in experiment.presets.values()}) == 1
        keys = {frozenset(settings.as_json(s)) for s in experiment.presets.values()}
        assert len(keys) == 1 and {"data", "root"} <= keys.pop(), experiment.name


def carry_out(folder, **settings):
    context = smoke(fig1_partitions.EXPERIMENT, folder, **settings)
    return runs.carry_out(fig1_partitions.EXPERIMENT, context)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "fig1_partitions"
    claims = carry_out(folder)
    return folder, claims


def test_a_run_leaves_everything(finished):
    folder, claims = finished
    table = dj.results.read_table(folder / "metrics.parquet")
    assert list(table.columns) == ["member", "update", "metric", "value", "configuration"]
    assert set(table.configuration) == {"ColEI", "DANN"}
    saved = json.loads((folder / "claims.json").read_text())
    assert len(saved) == len(claims)
    assert tuple(claim["id"] for claim in saved) == fig1_partitions.EXPERIMENT.claims
    assert all(set(claim) >= CLAIM_KEYS for claim in saved)
    config = json.loads((folder / "config.json").read_text())
    assert config["settings"]["updates"] == 20 and "jax" in config["versions"]
    assert {path.suffix for path in folder.glob("partitions.*")} == {".pdf", ".png", ".svg"}


def test_resuming_a_finished_run_gives_the_same(finished):
    folder, claims = finished
    table = (folder / "metrics.parquet").read_bytes()
    again = carry_out(folder)
    assert again == claims
    assert (folder / "metrics.parquet").read_bytes() == table


def test_other_settings_are_refused(finished):
    folder, _ = finished
    with pytest.raises(ValueError, match=r"settings\.updates is 40 and was 20"):
        carry_out(folder, updates=40)


def test_the_last_line_is_the_folder(tmp_path, capsys):
    folder = tmp_path / "fig3"
    assert command.main(["fig3_spectra", "--out", str(folder), "--no-progress"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == str(folder)
    assert lines[-2].endswith("of 15 claims hold")
    assert {line.split()[0] for line in lines[:-2:2]} <= {"holds", "FAILS"}
    assert command.main(["fig3_spectra", "--out", str(folder)]) == 2  # not empty
    assert "--resume" in capsys.readouterr().err


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
        command, "all_experiments", lambda: {"large": dataclasses.replace(large, train=too_large)}
    )
    assert command.main(["large", "--out", str(tmp_path / "run")]) == 2
    told = capsys.readouterr().err
    assert told.endswith("16000024001536 bytes; a run with fewer --seeds needs less.\n")


def test_what_a_run_was_begun_with_is_not_changed_on_its_way(finished, capsys):
    folder, _ = finished
    for option in (["--preset", "paper"], ["--seeds", "7"], ["--set", "updates=2"], ["--out", "x"]):
        assert command.main(["fig1_partitions", "--resume", str(folder), *option]) == 2
        assert f"it takes no {option[0]}." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("list fig2_adding", "list takes no further words, such as 'fig2_adding'"),
        ("fig2_adding some_folder", "fig2_adding takes no further words, such as 'some_folder'"),
        ("judge fig99", "nothing is kept of 'fig99'; `judge` without a name judges all"),
        ("judge fig3_spectra fig99 --json", "nothing is kept of 'fig99'"),
        ("keep", "keep needs the folders of finished runs"),
        ("keep nowhere", "nowhere/config.json: No such file or directory"),
        ("ledger nowhere", "nowhere holds no finished run"),
        ("kept fig2_adding", "kept takes no further words, such as 'fig2_adding'"),
        ("learn", "experiment is 'learn'; it must be one of balance,"),
    ],
)
def test_a_wrong_name_is_one_sentence(arguments, sentence, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert command.main(arguments.split()) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("experiments: ") and err.count("\n") == 1
    assert sentence in err and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ([], "is a run of None; it must be one of balance,"),
        ({}, "is a run of None"),
        ({"experiment": "fig99"}, "is a run of 'fig99'"),
        ({"experiment": "fig2_adding"}, "holds no run of today's fig2_adding"),
        (
            {"experiment": "fig2_adding", "preset": "smoke", "variant": "text", "settings": []},
            "holds no run of today's fig2_adding",
        ),
    ],
    ids=range(5),
)
def test_what_cannot_be_kept_is_one_sentence(config, sentence, tmp_path, capsys):
    """Nothing of a second run is kept either."""
    dj.claims.write_claims(tmp_path / "claims.json", [])
    write_json(tmp_path / "config.json", config)
    assert command.main(["keep", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith(f"experiments: {tmp_path} {sentence}")
    assert err.count("\n") == 1


def test_a_run_that_is_not_finished_is_not_kept(tmp_path, capsys):
    write_json(tmp_path / "config.json", {"experiment": "fig2_adding"})
    assert command.main(["keep", str(tmp_path)]) == 2
    assert "holds no finished run: there is no claims.json in it" in capsys.readouterr().err


def test_judging_says_what_differs_as_text_and_as_json(capsys):
    code = command.main(["judge", "fig2_adding", "--json"])
    verdicts = json.loads(capsys.readouterr().out)
    assert {v["run"] for v in verdicts} == {"fig2_adding-laptop-text"}
    differ = [v["claim"] for v in verdicts if not v["why"] and v["kept"] != v["today"]]
    assert code == (1 if differ else 0)
    assert command.main(["judge", "fig2_adding-laptop-text"]) == code
    *lines, last = capsys.readouterr().out.splitlines()
    judged = sum(not v["why"] for v in verdicts)
    assert last.startswith(f"{judged} of {len(verdicts)} verdicts judged: ")
    assert [line.split()[1].rstrip(":") for line in lines] == differ
