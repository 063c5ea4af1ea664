"""The public names, what importing dalejax brings with it, and how its files are laid out."""

import subprocess
import sys
from pathlib import Path

import pytest

import dalejax as dj

ROOT = Path(__file__).parents[1]
MOST_LINES = 300
LONGER = {
    "dalejax/datasets/catalogue.py": "one table: every data set with its files, sums and counts",
    "experiments/cornford2021/iclr_initialisation.py": "tables of settings",
}


def run_python(code: str) -> str:
    """Run code in a new interpreter; returns what it printed."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_training_does_without_scipys_statistics_and_matplotlib():
    used = "dj.train, dj.RecurrentNetwork, dj.ColEICell, dj.colei_sgd, dj.tasks.AddingProblem"
    code = f"import sys, dalejax as dj; {used}; print(*sys.modules)"
    modules = run_python(code).split()
    assert "dalejax.training.loop" in modules and "optax" in modules
    assert not {"scipy.stats", "matplotlib"} & set(modules)


def test_every_public_name_is_there():
    assert dir(dj) == list(dj.__all__) == sorted(set(dj.__all__))
    for name in dj.__all__:
        assert getattr(dj, name) is not None
    with pytest.raises(AttributeError, match="module 'dalejax' has no attribute 'lstm'"):
        _ = dj.lstm


FIND_SHADOWED = """
import importlib, pkgutil, dalejax
names = [found.name for found in pkgutil.walk_packages(dalejax.__path__, "dalejax.")]
modules = {name: importlib.import_module(name) for name in names} | {"dalejax": dalejax}
for name in names:
    parent, _, child = name.rpartition(".")
    if getattr(modules[parent], child) is not modules[name]:
        print(name)
print(len(names))
"""


def test_no_function_shadows_its_module():
    """Once everything is imported, ``package.name`` is the module of that name."""
    *shadowed, num_modules = run_python(FIND_SHADOWED).split()
    assert shadowed == [] and int(num_modules) > 100


def test_the_top_folders_hold_few_files():
    assert len(list((ROOT / "dalejax").glob("*.py"))) <= 8
    assert len(list((ROOT / "experiments").glob("*.py"))) <= 2


@pytest.mark.parametrize("package", ["dalejax", "experiments"])
def test_files_are_short(package):
    lines = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in (ROOT / package).rglob("*.py")
    }
    assert {n: num for n, num in lines.items() if num > MOST_LINES and n not in LONGER} == {}


def test_signs_transforms_initializers_and_spectrum_need_jax_optax_and_jaxtyping_only():
    """The packages loaded are those of ``import jax, optax, jaxtyping, numpy`` alone."""
    code = """
import sys
import jax, optax, jaxtyping, numpy
import jaxtyping._pytree_type, wadler_lindig  # jaxtyping loads these on the first PyTree
before = {name.partition(".")[0] for name in sys.modules}
unwanted = {"flax", "orbax", "pandas", "tqdm", "scipy.stats", "matplotlib"} - set(sys.modules)
import dalejax.signs, dalejax.transforms, dalejax.initializers, dalejax.spectrum
after = {name.partition(".")[0] for name in sys.modules}
print(*(after - before - {"dalejax"}), *(unwanted & set(sys.modules)))
"""
    assert run_python(code) == ""
