"""Settings of experiments: saved and restored, read from the command line; the root of all keys."""

import argparse
import ast
import dataclasses
import json
from pathlib import Path
from typing import get_args, get_origin, get_type_hints

import pandas as pd
import pytest
from helpers.tiny_experiment import SMALL, TINY

import dalejax as dj
from experiments import __main__ as command
from experiments import all_experiments
from experiments.engine import runs, settings
from experiments.li2023 import fig5_ei_ratio, fig9_radius


def given(*changes, **options):
    """Describe a command line: the smoke preset with some --set."""
    about = {"preset": "smoke", "variant": "text", "data": None, "seeds": None}
    return argparse.Namespace(**about | options, set=list(changes))


@pytest.mark.parametrize("preset", ["smoke", "laptop", "paper"])
def test_settings_are_restored_as_they_were_saved(preset):
    for name, experiment in all_experiments().items():
        saved = json.loads(json.dumps(settings.as_json(experiment.presets[preset])))
        assert settings.restore(experiment, preset, saved) == experiment.presets[preset], name


def test_settings_that_came_later_have_their_defaults():
    saved = settings.as_json(SMALL.replaced(root=3, bias="zero"))
    for later in ("root", "bias", "last", "batch_size"):
        del saved[later]
    restored = settings.restore(TINY, "smoke", saved)
    assert restored == SMALL and (restored.root, restored.bias) == (0, "")
    with pytest.raises(ValueError, match="lack 'rate', which tiny needs"):
        settings.restore(TINY, "smoke", {k: v for k, v in saved.items() if k != "rate"})
    with pytest.raises(ValueError, match="name 'speed'; tiny has no such one"):
        settings.restore(TINY, "smoke", saved | {"speed": 1})


def has_type(value, declared):
    """Say whether a value has the declared type, exactly: an int is no float."""
    if get_origin(declared) is tuple:
        item, _ = get_args(declared)
        return isinstance(value, tuple) and all(has_type(v, item) for v in value)
    return type(value) in (get_args(declared) or (declared,))


def test_settings_have_the_types_that_are_declared():
    """The command line reads values by these types."""
    for name, experiment in all_experiments().items():
        for preset in experiment.presets.values():
            declared = get_type_hints(type(preset))
            for field in dataclasses.fields(preset):
                value = getattr(preset, field.name)
                assert has_type(value, declared[field.name]), (name, field.name)


def test_records_with_equal_settings_are_equal():
    changed = SMALL.replaced(rates=(0.05, 0.3), root=1)
    again = SMALL.replaced(root=1).replaced(rates=(0.05, 0.3))
    assert changed == again and hash(changed) == hash(again) and changed != SMALL
    assert SMALL.root == 0 and settings.differences(changed, again) == {}
    assert settings.differences(changed, SMALL) == {
        "root": (1, 0),
        "rates": ([0.05, 0.3], [0.05, 0.2]),
    }
    with pytest.raises(TypeError, match="speed"):
        SMALL.replaced(speed=1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        SMALL.rate = 1.0


def test_settings_of_the_command_line_have_the_types_of_the_preset():
    chosen = settings.read(
        TINY,
        given(
            "updates=6",
            "rate=1",
            "rates=1,2e-3,3",
            "clips=none,4",
            "bias=zero",
            "root=0",
            "sizes=3,5",
        ),
    )
    expected = SMALL.replaced(updates=6, rate=1.0, rates=(1.0, 0.002, 3.0), bias="zero")
    assert chosen == expected.replaced(clips=("none", 4.0), sizes=(3, 5))
    assert [type(x) for x in (chosen.updates, chosen.rate, chosen.rates[0])] == [int, float, float]
    assert settings.read(TINY, given(data="digits", seeds=5)) == SMALL.replaced(
        data="digits", seeds=5
    )
    assert settings.read(TINY, given("updates=6", "updates=8")).updates == 8


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("updates=2.5", "--set updates is '2.5'; it must be int"),
        ("updates", "--set updates is ''; it must be int"),
        ("updates=0", "--set updates is 0"),
        ("rate=-1", "--set rate is -1"),
        ("rate=inf", "--set rate is inf"),
        ("rate=none", "--set rate is 'none'; it must be float"),
        ("rates=", "--set rates is ''"),
        ("rates=1,,2", "--set rates is ''"),
        ("clips=some", "--set clips is 'some'"),
        ("root=-1", "--set root is -1"),
        ("root=1.0", "--set root is '1.0'; it must be int"),
        ("sizes=2.0", "--set sizes is '2.0'; it must be int"),
        ("=3", "--set names ''; it must be one of data, root, updates,"),
    ],
)
def test_a_wrong_setting_is_refused(change, sentence):
    with pytest.raises(ValueError) as error:
        settings.read(TINY, given(change))
    assert sentence in str(error.value)


def test_tuples_are_settings_too():
    chosen = settings.read(fig9_radius.EXPERIMENT, given("clips=1,none", "radii=2,3"))
    assert chosen == fig9_radius.PRESETS["smoke"].replaced(clips=(1.0, "none"), radii=(2.0, 3.0))
    for bad in ("clips=some", "rates=none", "radii=0,1", "radii="):
        with pytest.raises(ValueError, match="--set"):
            settings.read(fig9_radius.EXPERIMENT, given(bad))


def test_the_number_of_values_may_be_the_figures():
    with pytest.raises(ValueError, match="shares has 2 values; it must have 3"):
        settings.read(fig5_ei_ratio.EXPERIMENT, given("shares=0.1,0.5"))
    with pytest.raises(ValueError, match="clips_dann"):
        settings.read(fig5_ei_ratio.EXPERIMENT, given("clips_dann=none,1,1"))


# --- roots ----------------------------------------------------------------------------------------


def test_every_preset_begins_at_root_0():
    for name, experiment in all_experiments().items():
        assert {s.root for s in experiment.presets.values()} == {0}, name


def test_another_root_makes_other_numbers(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "all_experiments", lambda: {"tiny": TINY})
    tables = {}
    for which, options in (("none", []), ("0", ["--set", "root=0"]), ("1", ["--set", "root=1"])):
        out = tmp_path / which
        assert command.main(["tiny", "--no-progress", "--out", str(out), *options]) == 0
        tables[which] = dj.results.read_table(out / "metrics.parquet")
    pd.testing.assert_frame_equal(tables["none"], tables["0"])
    assert (tables["none"].value != tables["1"].value).all()
    capsys.readouterr()


# Constants that draw nothing which a repetition should draw anew.
_CONSTANT_SEEDS = {
    "engine/evidence.py": "resampling of intervals and correlations",
    "extensions/homeostasis.py": "currents of a network without noise",
    "shared/task_learning.py": "trials that psychometric curves are measured on",
}


def test_nothing_random_is_drawn_apart_from_the_root():
    """A key or generator whose seed is a number of the source would repeat itself at any root."""
    folder = Path(runs.__file__).parents[1]
    drawn = ("key", "PRNGKey", "seed_keys", "default_rng", "RandomState")
    found = {}
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            function = getattr(node.func, "attr", getattr(node.func, "id", ""))
            seeds = [k.value for k in node.keywords if k.arg == "seed"]
            seeds += node.args[:1] if function in drawn else []
            unseeded = function in ("default_rng", "RandomState") and not (node.args or seeds)
            if unseeded or any(isinstance(s, ast.Constant) for s in seeds):
                found[path.relative_to(folder).as_posix()] = ast.unparse(node)
    assert found.keys() <= _CONSTANT_SEEDS.keys(), found
