"""A wheel installed without extras: it trains, and names the extra that something else needs.

The wheel is built from this checkout and installed in an empty virtual environment, so these tests
download packages and take minutes; ``make long`` and ``make release`` run them.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
MOST_REQUIREMENTS, MOST_PACKAGES = 10, 40
pytestmark = pytest.mark.long


class CoreInstall:
    """A virtual environment with the wheel of this checkout and no extra.

    Args:
        folder: where to build the wheel and the environment; an existing, empty folder.
    """

    def __init__(self, folder: Path):
        pip = ["-m", "pip", "--quiet", "--disable-pip-version-check"]
        wheels, environment = folder / "wheels", folder / "environment"
        command = [sys.executable, *pip, "wheel", "--no-deps", "--wheel-dir", wheels, CHECKOUT]
        subprocess.run(command, check=True)
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        self.scripts = environment / ("Scripts" if os.name == "nt" else "bin")
        self.python = self.scripts / "python"
        (wheel,) = wheels.glob("dalejax-*.whl")
        subprocess.run([self.python, *pip, "install", wheel], check=True)

    def run(self, *command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run a command outside the checkout, with warnings as errors."""
        environment = {**os.environ, "PYTHONWARNINGS": "error"}
        environment.pop("PYTHONPATH", None)
        return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)

    def execute(self, code: str, cwd: Path) -> str:
        """Run Python code that must succeed; return what it printed."""
        done = self.run(self.python, "-c", code, cwd=cwd)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def core(tmp_path_factory) -> CoreInstall:
    return CoreInstall(tmp_path_factory.mktemp("core"))


def test_the_core_brings_few_packages(core, tmp_path):
    printed = core.execute(
        """
import json
from importlib import metadata

requirements = [r for r in metadata.requires("dalejax") if "extra ==" not in r]
names = {d.name.lower() for d in metadata.distributions()} - {"pip", "setuptools", "dalejax"}
print(json.dumps([requirements, sorted(names)]))
""",
        tmp_path,
    )
    requirements, packages = json.loads(printed)
    assert len(requirements) <= MOST_REQUIREMENTS, requirements
    assert len(packages) <= MOST_PACKAGES, packages


def test_the_core_trains_and_resumes(core, tmp_path):
    printed = core.execute(
        """
import dalejax as dj

net = dj.RecurrentNetwork(cells=[dj.ColEICell(10, n_i=2)], readout=dj.ColEIDense(1))
task = dj.tasks.AddingProblem(num_train=640, num_test=64)


def train(num_updates, resume):
    tx = dj.colei_sgd(0.01, 10.0)
    return dj.train(net, tx, task, keys=dj.seed_keys(0, 2), num_updates=num_updates,
                    eval_every=5, checkpoint_dir="run", resume=resume, progress=False)


train(10, False)
run = train(20, True)
dj.signs.assert_legal(run.params)
print(sorted(run.table["update"].unique())[-1])
""",
        tmp_path,
    )
    assert printed.split()[-1] == "20"
    assert list((tmp_path / "run" / "checkpoints").iterdir())


WRITE_A_REPORT = """
from pathlib import Path
from dalejax.analysis.claims import Claim, write_claims
from dalejax.analysis.report import write_report
write_claims("claims.json", [Claim(id="a", statement="S.", source="Li et al. 2023", holds=True)])
Path("config.json").write_text('{"experiment": "fig2"}')
write_report(["."], "report.html")
"""


@pytest.mark.parametrize(
    "code, extra",
    [
        ("dj.tasks.SequentialMNIST('digits')", "demo"),
        ("dj.datasets.load('digits')", "demo"),
        ("dj.datasets.prepare('mnist')", "data"),
        ("dj.plots.learning_curves", "analysis"),
        (WRITE_A_REPORT, "analysis"),
    ],
    ids=["task", "digits", "prepared", "plots", "report"],
)
def test_what_needs_an_extra_names_it_in_one_sentence(core, tmp_path, code, extra):
    script = f"""
import dalejax as dj

try:
    exec({code!r})
except Exception as error:
    print(error)
"""
    lines = core.execute(script, tmp_path).splitlines()
    assert len(lines) == 1, lines
    assert f'pip install "dalejax[{extra}]"' in lines[0]


def test_the_command_without_tyro_names_its_extra_in_one_sentence(core, tmp_path):
    done = core.run(core.scripts / "dalejax", "--help", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert 'pip install "dalejax[cli]"' in line
