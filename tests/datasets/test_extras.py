"""Data sets and tasks without the optional packages: what works, and what an error says."""

import subprocess
import sys
import zipfile

import numpy as np
import pytest
from helpers.image_files import synthetic, write_folder

# A finder in front of all others that finds none of the optional packages.
BLOCK = """
import sys

OPTIONAL = {"tensorflow_datasets", "array_record", "importlib_resources", "PIL", "requests",
            "urllib3", "matplotlib", "jinja2", "tyro", "tomli_w", "optuna", "neurogym"}

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in OPTIONAL:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocked())
import dalejax as dj
import dalejax.datasets, dalejax.tasks
"""


def run_without_extras(code, folder):
    """Run code in a new interpreter that finds no optional package; returns what it printed."""
    command = [sys.executable, "-W", "error", "-c", BLOCK + code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_tasks_that_are_drawn_need_no_extra(tmp_path):
    code = """
from dalejax.tasks import TrialTask

made = [dj.tasks.AddingProblem(4, batch_size=2, num_train=4, num_test=2)]
for name in dj.tasks.__all__:
    kind = getattr(dj.tasks, name)
    if isinstance(kind, type) and issubclass(kind, TrialTask) and kind is not TrialTask:
        made.append(kind("and") if name == "LogicTask" else kind())
sizes = dict(batch_size=4, num_train=8, num_valid=4, num_test=4)
made.append(dj.tasks.ObjectRecognition("shapes", "noise", **sizes))
made.append(dj.tasks.LanguageModel("topics", vectors="random", length=5, batch_size=2))
print(len(made))
"""
    assert run_without_extras(code, tmp_path) == "13"


def test_raw_files_need_no_extra(tmp_path):
    write_folder(tmp_path / "data" / "mnist", synthetic())
    (tmp_path / "data" / "text").mkdir()
    for split in ("train", "valid", "test"):
        (tmp_path / "data" / "text" / f"{split}.txt").write_text("the cat\n")
    (tmp_path / "data" / "vectors.txt").write_text("the 1 2\n")
    np.savez(
        tmp_path / "data" / "scenes.npz",
        **dict.fromkeys(("train", "test"), np.ones((3, 4, 6), "u1")),
    )
    code = """
print(len(dj.datasets.load("mnist", data_dir="data").train_labels))
print(dj.datasets.load_text("data/text").train.tolist())
print(dj.datasets.load_vectors("data/vectors.txt", ["the"]).values.tolist())
print(dj.datasets.load_scenes("data/scenes.npz").test.shape)
(row,) = dj.datasets.verify("mnist", data_dir="data")
print(len(dj.datasets.status(data_dir="data")), row["state"])
"""
    printed = run_without_extras(code, tmp_path).splitlines()
    assert printed == ["30", "[2, 1, 0]", "[[1.0, 2.0]]", "(3, 4, 6)", "17 wrong"]


@pytest.mark.parametrize(
    ("code", "module"),
    [
        ("dj.datasets.prepare('ptb', data_dir='new')", "array_record.python.array_record_module"),
        ("dj.datasets.pack_objects('pictures', 'new.npz')", "PIL.Image"),
        ("dj.datasets.load('cifar10_jpeg', data_dir='jpegs')", "PIL.Image"),
        (
            "from pathlib import Path; from dalejax.datasets.download import download; "
            "download('http://localhost/x', Path('x'))",
            "requests",
        ),
    ],
)
def test_what_needs_an_extra_says_so_in_one_sentence(tmp_path, code, module):
    for category in ("cats", "dogs"):
        (tmp_path / "pictures" / category / "one").mkdir(parents=True)
        (tmp_path / "pictures" / category / "one" / "1.png").write_bytes(b"PNG")
    (tmp_path / "jpegs").mkdir()
    for split in ("train", "test"):
        with zipfile.ZipFile(tmp_path / "jpegs" / f"cifar10_{split}_jpeg.zip", "w") as archive:
            archive.writestr(f"{split}/cat/1.jpg", b"JPEG")
    before = sorted(tmp_path.rglob("*"))
    code = f"""
try:
    {code}
except ModuleNotFoundError as error:
    print(error)
"""
    assert run_without_extras(code, tmp_path) == (
        f"{module} cannot be imported (No module named {module.partition('.')[0]!r}); it comes "
        "with the extra 'data': pip install \"dalejax[data]\""
    )
    assert [path for path in sorted(tmp_path.rglob("*")) if path.suffix != ".lock"] == before
