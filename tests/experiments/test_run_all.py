"""Running all experiments, or parts of them: which run, in what order, with what settings."""

import dalejax as dj
from experiments import __main__ as command
from experiments import all_experiments
from experiments.engine import runs


def leave_nothing_but_a_config(experiment, context):
    """Stand in for ``runs.carry_out``: a finished run without claims, of nothing trained."""
    del experiment
    with context.stack:
        context.begin()
    dj.claims.write_claims(context.folder / "claims.json", [])
    return []


def test_of_all_experiments_those_run_that_have_the_variant(tmp_path, monkeypatch):
    ran = []

    def carry_out(experiment, context):
        ran.append((experiment, context.variant))
        return leave_nothing_but_a_config(experiment, context)

    monkeypatch.setattr(runs, "carry_out", carry_out)
    out = str(tmp_path / "all")
    assert command.main(["all", "--variant", "code", "--out", out]) == 0
    wanted = [e.name for e in all_experiments().values() if "code" in e.variants]
    assert sorted(e.name for e, _ in ran) == sorted(wanted) and {v for _, v in ran} == {"code"}
    assert 0 < len(wanted) < len(all_experiments())
    assert command.main(["all", "--variant", "prose", "--out", f"{out}2"]) == 2


def test_all_experiments_go_on_as_they_were_begun(tmp_path, monkeypatch, capsys):
    """Those that a resumed run begins have the options of the first call."""
    seen, interrupted = [], []

    def carry_out(experiment, context):
        if seen and not interrupted:
            interrupted.append(experiment.name)
            raise KeyboardInterrupt
        seen.append((experiment.name, context.preset, context.settings, context.data_dir))
        return leave_nothing_but_a_config(experiment, context)

    monkeypatch.setattr(runs, "carry_out", carry_out)
    folder = str(tmp_path / "all")
    options = ["--preset", "laptop", "--data-dir", "/mine", "--seeds", "4", "--out", folder]
    assert command.main(["all", *options]) == 130
    assert command.main(["all", "--resume", folder]) == 0
    assert len(seen) == 1 + len(all_experiments()) and seen[2][0] == interrupted[0]
    assert {(preset, data_dir) for _, preset, _, data_dir in seen} == {("laptop", "/mine")}
    assert all(getattr(settings, "seeds", 4) == 4 for _, _, settings, _ in seen)
    (tmp_path / "all" / "all.json").write_text("[]")
    assert command.main(["all", "--resume", folder]) == 2
    assert "all.json is broken" in capsys.readouterr().err
    assert command.main(["all", *options]) == 2
    assert f"--resume {folder} continues it" in capsys.readouterr().err


def test_parts_of_all_make_up_all_of_them(tmp_path, monkeypatch):
    """Each in one part, after the one it reads; the parts take about as long as each other."""

    def carry_out(experiment, context):
        ran.append(experiment)
        return leave_nothing_but_a_config(experiment, context)

    monkeypatch.setattr(runs, "carry_out", carry_out)
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

    def carry_out(experiment, context):
        if experiment.name == "iclr_fig4_kmnist":
            raise dj.datasets.MissingData("no KMNIST.")
        ran.append(experiment.name)
        return leave_nothing_but_a_config(experiment, context)

    monkeypatch.setattr(runs, "carry_out", carry_out)
    options = ["--preset", "laptop", "--data-dir", "/mine", "--out", str(tmp_path / "all")]
    assert command.main(["all", *options]) == 1
    out = capsys.readouterr().out
    assert "iclr_fig4_kmnist was skipped: no KMNIST." in out
    assert "iclr_table2 was skipped: it reads iclr_fig4_kmnist." in out
    assert set(ran) == set(all_experiments()) - {"iclr_fig4_kmnist", "iclr_table2"}
