"""All runs in the results: their settings, their commands, their claims, today's verdicts."""

import argparse
import shlex

import pytest

import dalejax as dj
from dalejax.storage.atomic import read_json
from experiments import __main__ as command
from experiments import all_experiments
from experiments.engine import archive, judge, settings

FOLDERS = sorted(path.parent for path in archive.RESULTS.glob("*/config.json"))
JUDGED = [folder for folder in FOLDERS if (folder / "claims.json").is_file()]


def names(folders):
    return [folder.name for folder in folders]


def parsed(line, monkeypatch):
    """Parse a command as the command line does, without running it."""
    words = shlex.split(line)
    assert words[:3] == ["python", "-m", "experiments"]
    seen: list[argparse.Namespace] = []
    with monkeypatch.context() as patch:
        patch.setattr(command, "_prepare", lambda arguments: None)
        patch.setattr(command, "_run", lambda arguments: seen.append(arguments) or 0)
        assert command.main(words[3:]) == 0
    return seen[0]


@pytest.mark.parametrize("folder", FOLDERS, ids=names(FOLDERS))
def test_a_kept_config_is_one_of_today(folder, monkeypatch):
    """Its settings can be restored, and its command, read as typed in, means the same settings."""
    config = read_json(folder / "config.json")
    name, preset, variant = (config[key] for key in ("experiment", "preset", "variant"))
    assert folder.name == f"{name}-{preset}-{variant}"
    experiment = all_experiments()[name]
    restored = settings.restore(experiment, preset, config["settings"])
    arguments = parsed(config["command"], monkeypatch)
    assert (arguments.name, arguments.preset, arguments.variant) == (name, preset, variant)
    assert settings.read(experiment, arguments) == restored


@pytest.mark.parametrize("folder", JUDGED, ids=names(JUDGED))
def test_kept_claims_are_those_that_are_declared(folder):
    experiment = all_experiments()[read_json(folder / "config.json")["experiment"]]
    claims = dj.claims.read_claims(folder / "claims.json")
    assert tuple(claim.id for claim in claims) == experiment.claims


def test_today_s_verdicts_on_all_kept_runs():
    """Every claim is judged as it was kept, but for those that ``differing.json`` lists.

    Where the list changes for a reason, put what this test shows into the file, with the reason;
    ``python -m experiments judge --json`` gives the same verdicts, and those that do not differ.
    """
    known = all_experiments()
    verdicts = [v for folder in judge.kept_folders(()) for v in judge.judge(folder, known)]
    assert {v.run for v in verdicts} <= set(names(JUDGED))
    differing = [
        {"run": v.run, "claim": v.claim, "kept": v.kept, "today": v.today}
        for v in verdicts
        if v.differs
    ]
    listed = read_json(archive.RESULTS / "differing.json")
    assert all(len(entry.pop("why").split()) > 4 for entry in listed)
    assert differing == listed
    for v in verdicts:
        assert v.why == "" or v.why.startswith("not kept: ")
        # All that a claim is made of is kept of a run whose learning curves are.
        assert v.why == "" or not (archive.RESULTS / v.run / archive.CURVES).is_file()
