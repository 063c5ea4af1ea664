"""The command line: what it prints, where it writes, how it fails."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from helpers.folders import read_files
from helpers.image_files import synthetic, write_folder

import dalejax as dj
from dalejax import datasets
from dalejax.analysis import results
from dalejax.commands import config, main
from dalejax.commands import train as command
from dalejax.commands.spectrum import Spectrum, measure
from dalejax.storage import checkpoint
from dalejax.training import history

ADDING = ["--task", "adding", "--cell", "colei", "--n", "4", "--no-progress"]
SMALL = [*ADDING, "--seeds", "2", "--updates", "6", "--eval-every", "2", "--checkpoint-every", "2"]


def run_module(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dalejax.commands.main", *arguments],
        capture_output=True,
        text=True,
        env=os.environ | variables,
        cwd=Path(dj.__file__).parents[1],
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A finished run."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    assert main.main(["train", *SMALL, "--out", str(folder)]) == 0
    return folder


# --- train and resume -----------------------------------------------------------------------------


def test_the_runs_folder(trained):
    names = {path.name for path in trained.iterdir()}
    assert {"config.json", "metrics.parquet", "checkpoints"} <= names
    table = results.read_table(trained / "metrics.parquet")
    assert table.columns.tolist() == ["member", "update", "metric", "value"]
    assert table["member"].unique().tolist() == [0, 1]
    assert table["update"].unique().tolist() == [2, 4, 6]
    config = json.loads((trained / "config.json").read_text())
    assert set(config["versions"]) >= {
        "dalejax",
        "jax",
        "flax",
        "optax",
        "orbax-checkpoint",
        "python",
    }
    assert config["devices"]["platform"] and config["devices"]["kind"]
    assert "git" in config
    # Frozen with the defaults that depend on other options put in.
    assert config["options"] == {
        "task": "adding",
        "cell": "colei",
        "seeds": 2,
        "updates": 6,
        "n": 4,
        "layers": 1,
        "n_i": 1,
        "rho": 1.5,
        "lr": 0.1,
        "clip": 7.0,
        "batch_size": 64,
        "eval_every": 2,
        "checkpoint_every": 2,
        "keep_checkpoints": 3,
        "on_divergence": "freeze",
        "data": "mnist",
        "data_dir": None,
        "scan": "rows",
        "seed": 0,
    }


def test_the_last_line_is_the_folder(tmp_path, capsys):
    folder = tmp_path / "new" / "run"
    assert main.main(["train", *SMALL, "--updates", "2", "--out", str(folder)]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[-1] == str(folder)
    assert "(n = 2)" in out
    assert err == ""  # no progress bar


def test_a_finished_run_is_only_reported(trained, capsys):
    before = read_files(trained)
    assert main.main(["resume", str(trained), "--no-progress"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "finished already, after 6 updates" in lines[0]
    assert lines[-1] == str(trained)
    assert read_files(trained) == before
    assert main.main(["resume", str(trained), "--no-progress", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["finished_before"] is True and told["diverged"] == []
    final = results.final_values(results.read_table(trained / "metrics.parquet"), "test_mse")
    assert told["scores"]["test_mse"]["mean"] == pytest.approx(final.mean())


def test_resume_equals_no_interruption(trained, tmp_path, capsys, monkeypatch):
    add = history.History.add

    def interrupt(history, update, metrics):
        if update == 6:
            raise KeyboardInterrupt
        add(history, update, metrics)

    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(history.History, "add", interrupt)
        assert main.main(["train", *SMALL, "--out", str(folder)]) == 130
    out, err = capsys.readouterr()
    assert out == "" and f"dalejax resume {folder}" in err
    assert main.main(["resume", str(folder), "--json"]) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert (told["finished_before"], told["updates"], told["members"]) == (False, 6, 2)
    assert "6/6" in err  # the progress bar
    ours, theirs = read_files(folder), read_files(trained)
    for name in ("config.json", "metrics.parquet"):
        assert ours[name] == theirs[name]
    a, b = checkpoint.Store(folder).load(6), checkpoint.Store(trained).load(6)
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name])


def test_an_interruption_before_anything_is_written(tmp_path, capsys, monkeypatch):
    def interrupt(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "build", interrupt)
    assert main.main(["train", *SMALL, "--out", str(tmp_path / "run")]) == 130
    assert "nothing was written" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 16000024001536 bytes."),
        MemoryError("Unable to allocate 16000024001536 bytes."),
    ],
    ids=["device", "host"],
)
def test_memory_that_is_too_small_is_a_sentence_and_frees_the_folder(
    tmp_path, capsys, monkeypatch, error
):
    def too_large(options, *parts):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(command, "_train", too_large)
        assert main.main(["train", *SMALL, "--out", str(tmp_path / "run")]) == 2
    assert "16000024001536 bytes; a run with a smaller --n or fewer" in assert_one_sentence(capsys)
    assert main.main(["train", *SMALL, "--out", str(tmp_path / "run")]) == 0


def test_an_interrupted_download_is_kept(capsys, monkeypatch):
    def interrupt(name, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(datasets, "prepare", interrupt)
    assert main.main(["data", "prepare", "mnist"]) == 130
    assert "what was downloaded so far is kept" in capsys.readouterr().err


def test_data_below_home_or_moved_are_found_again(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / "run"
    assert main.main(["train", *SMALL, "--data-dir=~/data", "--out", str(folder)]) == 0
    assert config.read(folder, command.Train).data_dir == tmp_path / "data"
    seen = []
    monkeypatch.setattr(command, "build", lambda options: seen.append(options) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main.main(["resume", str(folder), "--data-dir", "elsewhere"])
    assert seen[0].data_dir == Path("elsewhere")


def test_diverged_members_are_counted(tmp_path, capsys):
    out = ["--out", str(tmp_path / "run"), "--lr", "1e30"]
    assert main.main(["train", *SMALL, *out]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any("0 of 2, 2 diverged" in line for line in lines)
    assert "member 0 at update 2" in lines[-2] and lines[-1] == str(tmp_path / "run")
    assert main.main(["resume", str(tmp_path / "run"), "--json", "--no-progress"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["diverged"] == [{"member": 0, "update": 2}, {"member": 1, "update": 2}]
    assert told["scores"]["test_mse"]["mean"] is None


def test_stopping_on_divergence_outlives_a_resume(tmp_path, capsys):
    folder = str(tmp_path / "run")
    options = ["--lr", "1e30", "--clip", "1e30", "--on-divergence", "stop"]
    assert main.main(["train", *SMALL, *options, "--out", folder]) == 1
    err = capsys.readouterr().err
    assert "2 of 2 members diverged" in err and f"{folder} was saved" in err
    assert main.main(["resume", folder, "--no-progress"]) == 1
    assert main.main(["resume", folder, "--no-progress", "--on-divergence", "freeze"]) == 0
    assert "0 of 2, 2 diverged" in capsys.readouterr().out


def test_training_on_idx_files(tmp_path, capsys):
    data = write_folder(tmp_path / "data" / "mnist", synthetic())
    sizes = ["--n", "4", "--seeds", "1", "--updates", "2", "--batch-size", "8", "--json"]
    where = ["--data-dir", str(data.parent), "--out", str(tmp_path / "run"), "--no-progress"]
    assert main.main(["train", "--task", "smnist", "--cell", "rnn", *sizes, *where]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert set(json.loads(out)["scores"]) == {"test_error", "test_loss", "train_loss"}


@pytest.mark.parametrize("cell", ["rnn", "colei", "dann"])
@pytest.mark.parametrize("task", ["adding", "smnist"])
def test_defaults(cell, task):
    options = command.Train(
        task=task, cell=cell, seeds=1, updates=1, out=Path("x"), data="digits", layers=2
    ).resolved()
    clips = {"smnist": 10.0, "adding": 7.0}
    assert options.clip == (clips[task] if cell == "colei" else None)
    assert (options.n, options.n_i) == ((100, 10) if task == "smnist" else (10, 1))
    net, _, made = command.build(options)
    assert made.name == task and net.readout.features == made.n_out
    assert [cell.features for cell in net.cells] == [options.n] * 2
    assert net.readout.inputs_n_i == (options.n_i if cell == "colei" else 0)


def test_n_i_is_ignored_for_rnn():
    options = command.Train(
        task="adding", cell="rnn", seeds=1, updates=1, out=Path("x"), n_i=500
    ).resolved()
    command.build(options)


# --- bad input ------------------------------------------------------------------------------------


def assert_one_sentence(capsys) -> str:
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1 and err.startswith("dalejax: ")
    assert "Traceback" not in err
    return err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["trian"],
        ["train"],
        ["train", *SMALL],
        ["train", *SMALL, "--out", "x", "--task", "copying"],
        ["train", *SMALL, "--out", "x", "--cell", "lstm"],
        ["train", *SMALL, "--out", "x", "--scan", "columns"],
        ["train", *SMALL, "--out", "x", "--data", "letters"],
        ["train", *SMALL, "--out", "x", "--n", "ten"],
        ["train", *SMALL, "--out", "x", "--seeds", "2.5"],
        ["train", *SMALL, "--out", "x", "--colour"],
        ["resume"],
        ["spectrum", "--cell", "colei", "--distribution", "cauchy"],
        ["data"],
    ],
    ids=lambda arguments: " ".join(arguments[:1] + arguments[-2:]),
)
def test_arguments_that_do_not_parse(arguments, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and err and "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_not_overwritten(trained, capsys):
    before = read_files(trained)
    assert main.main(["train", *SMALL, "--out", str(trained)]) == 2
    assert f"dalejax resume {trained}" in assert_one_sentence(capsys)
    assert read_files(trained) == before


def broken_configs(good: str) -> dict[str, str]:
    config = json.loads(good)

    def with_options(**options):
        return json.dumps(config | {"options": config["options"] | options})

    without = {name: value for name, value in config["options"].items() if name != "task"}
    return {
        "empty": "",
        "cut": good[: len(good) // 2],
        "list": "[]",
        "no options": "{}",
        "options are a list": json.dumps({"options": [1, 2]}),
        "option missing": json.dumps({"options": without}),
        "unknown option": with_options(colour="red"),
        "unknown task": with_options(task="copying"),
        "wrong type": with_options(n="ten"),
        "a list": with_options(lr=[0.1]),
        "out of range": with_options(seeds=0),
        "n_i": with_options(n_i=4),
        "not finite": with_options(lr=float("nan")),
        "another network": with_options(n=6),
        "another root seed": with_options(seed=1),
    }


@pytest.mark.parametrize("how", broken_configs('{"options": {}}'))
def test_a_broken_config_is_one_sentence(how, trained, capsys):
    before, path = read_files(trained), trained / "config.json"
    good = path.read_text()
    try:
        path.write_text(broken_configs(good)[how])
        assert main.main(["resume", str(trained), "--no-progress"]) == 2
    finally:
        path.write_text(good)
    assert_one_sentence(capsys)
    assert read_files(trained) == before


@pytest.mark.parametrize("name", ["nothing", "empty", "file"])
def test_not_a_runs_folder(name, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    assert main.main(["resume", str(tmp_path / name)]) == 2
    assert str(tmp_path / name) in assert_one_sentence(capsys)
    assert not (tmp_path / "nothing").exists() and not list((tmp_path / "empty").iterdir())


@pytest.mark.parametrize("zipped", [True, False])
def test_a_truncated_idx_file(zipped, tmp_path, capsys):
    data = write_folder(tmp_path / "data" / "mnist", synthetic(), zipped=zipped)
    path = next(data.glob("train-images*"))
    path.write_bytes(path.read_bytes()[:-100])
    arguments = ["--data-dir", str(data.parent), "--out", str(tmp_path / "run")]
    assert main.main(["train", *SMALL, "--task", "smnist", *arguments]) == 2
    assert str(path) in assert_one_sentence(capsys)
    assert not (tmp_path / "run").exists()
    to = ["--data-dir", str(tmp_path / "prepared")]
    assert main.main(["data", "prepare", "mnist", "--from", str(data.parent), *to]) == 2
    assert str(path) in assert_one_sentence(capsys)
    assert not (tmp_path / "prepared").exists()


def test_bugs_keep_their_traceback(tmp_path, monkeypatch):
    def bug(options):
        raise TypeError("a bug")

    monkeypatch.setattr(command, "build", bug)
    with pytest.raises(TypeError, match="a bug"):
        main.main(["train", *SMALL, "--out", str(tmp_path / "run")])


# --- spectrum -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cell, nse, tolerance", [("rnn", 0.953, 0.003), ("dann", 0.950, 0.004), ("colei", 0.798, 0.01)]
)
def test_spectrum(cell, nse, tolerance, capsys):
    assert main.main(["spectrum", "--cell", cell, "--n", "100", "--n-i", "10", "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    told = json.loads(out)
    assert list(told) == ["nse", "sigma_max", "rho", "rho_before", "cell", "n", "n_i", "seeds"]
    assert told["nse"]["mean"] == pytest.approx(nse, abs=tolerance)
    assert 0 < told["nse"]["sd"] < 0.02
    assert (told["cell"], told["n"], told["seeds"]) == (cell, 100, 20)
    assert told["n_i"] == (None if cell == "rnn" else 10)
    if cell == "colei":
        assert told["rho"]["mean"] == pytest.approx(1.5, rel=1e-4)
        assert told["rho_before"]["sd"] > 0.1
    else:
        assert told["rho"] == told["rho_before"]
        assert told["sigma_max"]["mean"] == pytest.approx(1.13, abs=0.05)


def test_the_spectrum_is_that_of_the_networks_that_train(trained):
    """Member 0 of a run starts with the matrix that the command measures."""
    net, _, task = command.build(config.read(trained, command.Train).resolved())
    params = dj.initial_params(net, task, keys=dj.seed_keys(0, 1))
    W = net.effective(params)[0].W[0]
    measured = measure(Spectrum(cell="colei", n=4, n_i=1, seeds=1))
    assert measured["nse"]["mean"] == pytest.approx(float(dj.spectrum.nse(W)), rel=1e-5)


def test_a_single_seed_has_no_spread(capsys):
    small = ["spectrum", "--cell", "colei", "--n", "6", "--seeds", "1", "--rho", "2"]
    assert main.main([*small, "--distribution", "gamma"]) == 0
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines()[2:]] == [
        "nse",
        "sigma_max",
        "rho",
        "rho_before",
    ]
    assert main.main([*small, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["nse"]["sd"] is None and told["rho"]["mean"] == pytest.approx(2, rel=1e-4)


# --- data -----------------------------------------------------------------------------------------


def test_data_status(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    assert main.main(["data", "status", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told) == [row["name"] for row in datasets.status()]
    assert told["mnist"]["state"] == "missing" and told["mnist"]["path"] is None
    assert main.main(["data", "status"]) == 0
    assert "dalejax data prepare mnist" in capsys.readouterr().out
    data = write_folder(tmp_path / "elsewhere" / "mnist", synthetic())
    assert main.main(["data", "status", "--json", "--data-dir", str(data.parent)]) == 0
    assert json.loads(capsys.readouterr().out)["mnist"]["state"] == "raw files"


def test_data_status_is_an_aligned_table(tmp_path, capsys):
    write_folder(tmp_path / "kmnist", synthetic())
    assert main.main(["data", "status", "--data-dir", str(tmp_path)]) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == f"data folder: {tmp_path}"
    assert [line.split()[0] for line in lines] == [row["name"] for row in datasets.status()]
    assert max(map(len, lines)) <= 100
    line = next(line for line in lines if line.startswith("kmnist"))
    assert "raw files" in line and line.endswith("  kmnist")
    at = line.index("CC BY-SA")
    assert all(line[at - 1] == " " and line[at] != " " for line in lines)


def test_data_verify(tmp_path, capsys):
    arguments = ["data", "verify", "--data-dir", str(tmp_path)]
    assert main.main(arguments) == 0  # what is not there is not wrong
    assert "mnist          missing" in capsys.readouterr().out
    path = write_folder(tmp_path / "mnist", synthetic()) / "train-images-idx3-ubyte.gz"
    assert main.main(arguments) == 2
    out, err = capsys.readouterr()
    assert err.count("\n") == 1 and f"{path}: its sha256 sum is" in err
    assert "mnist          wrong" in out
    assert main.main([*arguments, "kmnist"]) == 0


def test_data_prepare_asks_the_library(tmp_path, capsys, monkeypatch):
    asked = {}

    def prepare(name, **options):
        asked.update(options, name=name)
        return tmp_path / "copy"

    monkeypatch.setattr(datasets, "prepare", prepare)
    arguments = ["--from", str(tmp_path / "raw"), "--data-dir", str(tmp_path / "to")]
    assert main.main(["data", "prepare", "mnist", *arguments]) == 0
    assert asked == {"name": "mnist", "source": tmp_path / "raw", "data_dir": tmp_path / "to"}
    assert capsys.readouterr().out == f"{tmp_path / 'copy'}\n"


# --- as a program ---------------------------------------------------------------------------------


def test_exit_codes_of_the_program(tmp_path):
    told = run_module("--help")
    assert told.returncode == 0 and told.stderr == ""
    assert all(name in told.stdout for name in ("train", "resume", "spectrum", "data"))
    told = run_module("train", *SMALL, "--out", str(tmp_path / "run"), "--seeds", "0")
    assert (told.returncode, told.stdout, told.stderr.count("\n")) == (2, "", 1)
    told = run_module("train", *SMALL, "--cell", "lstm")
    assert (told.returncode, told.stdout) == (2, "")
    assert list(tmp_path.iterdir()) == []


def test_only_json_on_stdout_of_the_program(tmp_path):
    told = run_module("train", *SMALL, "--json", "--out", str(tmp_path / "run"))
    assert told.returncode == 0 and told.stderr == ""
    assert json.loads(told.stdout)["folder"] == str(tmp_path / "run")


def test_without_tyro_the_program_says_one_sentence(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tyro", None)
    assert main.main(["--help"]) == 2
    assert 'pip install "dalejax[cli]"' in assert_one_sentence(capsys)


def test_the_program_starts_without_tyro():
    code = "import sys; sys.modules['tyro'] = None; from dalejax.commands.main import main; main()"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert told.returncode == 0 and told.stderr.count("\n") == 1


def test_a_damaged_gzip_is_no_bug(tmp_path, capsys):
    data = write_folder(tmp_path / "mnist", synthetic())
    path = data / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(gzip.compress(b"nonsense"))
    arguments = ["--data-dir", str(tmp_path), "--out", str(tmp_path / "run")]
    assert main.main(["train", *SMALL, "--task", "smnist", *arguments]) == 2
    assert "is not an idx file" in assert_one_sentence(capsys)


def test_compiled_programs_are_kept_unless_the_user_chose(monkeypatch, tmp_path):
    from dalejax.runtime import compile_cache

    names = ("jax_compilation_cache_dir", "jax_compilation_cache_max_size")
    before = {name: getattr(jax.config, name) for name in names}
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    try:
        jax.config.update(names[0], "chosen")
        compile_cache.keep()
        assert jax.config.jax_compilation_cache_dir == "chosen"
        jax.config.update(names[0], None)
        compile_cache.keep()
        assert jax.config.jax_compilation_cache_dir == str(compile_cache.folder())
        assert compile_cache.folder().is_relative_to(tmp_path)
        assert jax.config.jax_compilation_cache_max_size == compile_cache.MOST_BYTES
    finally:
        for name, value in before.items():
            jax.config.update(name, value)
