"""Which module may import which: downward only, by the floors in ``helpers/import_floors.py``."""

import shutil
from pathlib import Path

import pytest
from helpers import import_floors
from helpers.import_floors import Package

ROOT = Path(__file__).parents[1]
TESTS = Path(__file__).parent
PACKAGES = (import_floors.LIBRARY, import_floors.EXPERIMENTS)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_imports_go_downward(package):
    assert import_floors.find_violations(ROOT, package) == []


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_no_modules_import_each_other(package):
    assert import_floors.find_circles(ROOT, package) == []


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_every_folder_has_a_floor_and_every_exception_is_used(package):
    wings = {wing for wings in package.floors for wing in wings} - {""}
    entries = {path.stem for path in (ROOT / package.name).glob("*.py")}
    entries |= {path.parent.name for path in (ROOT / package.name).glob("*/*.py")}
    assert entries - {"__init__", "__main__"} == wings
    for path in package.computes:
        found = import_floors.find_imports(ROOT, ROOT / path)
        assert import_floors.COMPUTED in {name for _, name in found}, path


def test_no_test_module_imports_another(tmp_path):
    assert imports_of_tests(TESTS) == []
    (tmp_path / "nn").mkdir()
    (tmp_path / "nn" / "test_a.py").write_text("import json\nfrom helpers import reference\n")
    (tmp_path / "nn" / "test_b.py").write_text("x = 1\n")
    assert imports_of_tests(tmp_path) == []
    for number, line in enumerate(
        ("from test_b import x", "import test_b", "from ..nn import test_b", "from tests import nn")
    ):
        path = tmp_path / "nn" / f"test_{number}.py"
        path.write_text(f"def f():\n    {line}\n")
        assert imports_of_tests(tmp_path) == [f"nn/test_{number}.py:2"]
        path.unlink()


def imports_of_tests(folder: Path) -> list[str]:
    """List the lines below a folder that import a test module or ``conftest``."""
    return [
        f"{path.relative_to(folder).as_posix()}:{line}"
        for path in sorted(folder.rglob("*.py"))
        for line, name in import_floors.find_imports(folder, path)
        if any(part.startswith(("test_", "tests", "conftest")) for part in name.split("."))
    ]


# --- what the walk finds, shown on a small package ------------------------------------------------

HOUSE = Package("house", (("cellar",), ("left", "right"), ("roof",), ("",)), above=("street",))
FILES = {
    "house/__init__.py": '"""A house; ``house.roof.tiles`` is its top."""\n',
    "house/__init__.pyi": "from house.right.bed import sleep as sleep\n",
    "house/__main__.py": "import house.roof\n",
    "house/cellar.py": "import json\nimport os.path\n",
    "house/left/__init__.py": "from house.left.desk import write\n",
    "house/left/desk.py": "from house import cellar\n\n\ndef write():\n    pass\n",
    "house/left/lamp.py": "from house.left import desk, write\nfrom . import desk as table\n",
    "house/right/__init__.py": "",
    "house/right/bed.py": "import house.cellar as below\n\n\ndef sleep():\n    pass\n",
    "house/roof/__init__.py": "",
    "house/roof/tiles.py": "from house.left import desk\nfrom house.right import bed\n",
}


@pytest.fixture
def house(tmp_path) -> Path:
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return tmp_path


def add(house: Path, name: str, lines: str) -> int:
    """Write lines at the end of a file; returns the number of the file's last line."""
    path = house / name
    path.write_text(path.read_text() + lines + "\n")
    return len(path.read_text().splitlines())


def test_a_house_in_order_has_no_violation(house):
    assert import_floors.find_violations(house, HOUSE) == []
    assert import_floors.find_circles(house, HOUSE) == []


UPWARD = {
    "from": "from house.roof.tiles import x",
    "from the package": "from house import roof",
    "import": "import house.roof",
    "import as": "import house.roof.tiles as below",
    "everything": "from house.roof import *",
    "a lazy name": "from house import sleep",
    "the package": "import house",
    "the package, bound by a module's import": "import house.cellar",
    "relative": "from ..roof import tiles",
    "relative, of the package": "from .. import roof",
    "in a function": "def f():\n    from house.roof import tiles",
    "for types": "if TYPE_CHECKING:\n    from house.roof import tiles",
    "import_module": 'importlib.import_module("house.roof.tiles")',
    "import_module, by keyword": 'importlib.import_module(name="house.roof")',
    "import_module, relative": 'importlib.import_module("..roof", __package__)',
    "import_module, of the package": 'importlib.import_module("house").sleep()',
    "import_module, imported": 'from importlib import import_module\nimport_module("house.roof")',
    "__import__": '__import__("house.roof")',
    "by a wrapper": 'load("house.roof", extra="cli")',
    "of what is loaded": 'sys.modules["house.roof"].x',
    "by its place": 'pkgutil.resolve_name("house.roof:tiles")',
    "another process": 'subprocess.run([sys.executable, "-m", "house.roof.tiles"])',
    "a package above": "from street import cars",
}
COMPUTED = {
    "sum": 'importlib.import_module("house." + "roof")',
    "format": 'importlib.import_module(f"house.{where}")',
    "alias": 'from importlib import import_module as load\nload("house." + "roof")',
    "variable": 'load = importlib.import_module\nload("house." + "roof")',
    "attribute": 'getattr(importlib, "import_module")("house." + "roof")',
    "exec": 'exec("import house.roof")',
}


@pytest.mark.parametrize("how", UPWARD)
def test_an_upward_import_is_named(house, how):
    line = add(house, "house/left/desk.py", UPWARD[how])
    found = import_floors.find_violations(house, HOUSE)
    assert found and {sentence.split()[0] for sentence in found} == {f"house/left/desk.py:{line}"}
    assert any("higher floor" in sentence or "is above" in sentence for sentence in found)


@pytest.mark.parametrize("how", COMPUTED)
def test_a_computed_import_is_named(house, how):
    add(house, "house/cellar.py", COMPUTED[how])
    (sentence,) = import_floors.find_violations(house, HOUSE)
    assert "a module whose name is computed" in sentence and "house/cellar.py:" in sentence


@pytest.mark.parametrize(
    "line",
    [
        "from house.right import bed",
        "from ..right.bed import sleep",
        'importlib.import_module("house.right.bed")',
    ],
)
def test_a_sideways_import_is_named(house, line):
    number = add(house, "house/left/desk.py", line)
    (sentence,) = import_floors.find_violations(house, HOUSE)
    assert sentence.startswith(f"house/left/desk.py:{number} imports house.right.bed, of another")


def test_a_lazy_name_of_a_higher_floor_is_named(house):
    package = HOUSE._replace(floors=(*HOUSE.floors[:2], ("",), ("roof",)))
    assert len(import_floors.find_violations(house, package)) == 1  # __main__ runs the roof
    number = add(house, "house/__init__.pyi", "from house.roof import tiles as tiles")
    named = [s.split()[0] for s in import_floors.find_violations(house, package)]
    assert f"house/__init__.pyi:{number}" in named


def test_a_folder_without_a_floor_is_named(house):
    (house / "house" / "shed.py").write_text("")
    assert import_floors.find_violations(house, HOUSE) == ["house/shed.py: shed has no floor"]


@pytest.mark.parametrize(
    "line",
    [
        "from house.left import lamp",
        "def f():\n    from house.left.lamp import x",
        "from . import lamp",
        'importlib.import_module("house.left.lamp")',
    ],
)
def test_a_circle_is_named(house, line):
    add(house, "house/left/desk.py", line)
    assert "house.left.desk -> house.left.lamp -> house.left.desk" in (
        import_floors.find_circles(house, HOUSE)
    )
    assert import_floors.find_violations(house, HOUSE) == []  # all in one folder


def test_a_planted_line_in_dalejax_itself_is_named(tmp_path):
    shutil.copytree(
        ROOT / "dalejax", tmp_path / "dalejax", ignore=shutil.ignore_patterns("__pycache__")
    )
    library = import_floors.LIBRARY
    before = set(import_floors.find_violations(tmp_path, library))
    lines = [
        add(tmp_path, "dalejax/checks.py", "from dalejax.training import loop"),
        add(tmp_path, "dalejax/tasks/adding.py", "def f():\n    import dalejax.plots as p"),
    ]
    new = set(import_floors.find_violations(tmp_path, library)) - before
    assert sorted(new) == [
        f"dalejax/checks.py:{lines[0]} imports dalejax.training.loop, of a higher floor",
        f"dalejax/tasks/adding.py:{lines[1]} imports dalejax.plots, of another folder of its floor",
    ]
