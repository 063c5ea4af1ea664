"""Host devices: one for each core unless a number was chosen; importing dalejax changes nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dalejax.runtime import host_devices

ROOT = Path(__file__).parents[2]
CORES = host_devices.available_cores()
CHOICES = ("JAX_NUM_CPU_DEVICES", "XLA_FLAGS")
COUNT = "print(jax.local_device_count('cpu'))"
FLAG = "--xla_force_host_platform_device_count=3"


def run(script: str, **environment: str) -> tuple[str, str]:
    """Run a script in a process where no number of devices was chosen; give stdout and stderr."""
    inherited = {name: value for name, value in os.environ.items() if name not in CHOICES}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=inherited | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


# A system of five cores, whatever this one has.
FIVE = """
import os, jax, dalejax as dj
os.sched_getaffinity = lambda process: range(5)
"""


@pytest.mark.parametrize(
    "first",
    [
        "dj.seed_keys(0, 2)",
        "dj.use_all_cores()",
        """
net, task = dj.RecurrentNetwork([dj.RNNCell(2)], dj.Dense(1)), dj.tasks.AddingProblem(
    4, batch_size=8, num_train=16, num_test=8
)
try:
    dj.train(net, dj.rnn_sgd(0.1), task, keys=None, num_updates=1)
except ValueError:  # there are no keys; the devices are made before that is seen
    pass
""",
    ],
    ids=["seed_keys", "use_all_cores", "train"],
)
def test_there_is_one_device_a_core_where_none_were_chosen(first):
    assert run(FIVE + first + "\n" + COUNT) == ("5\n", "")


@pytest.mark.parametrize(
    ("environment", "chosen"),
    [
        ({"JAX_NUM_CPU_DEVICES": "3"}, ""),
        ({"XLA_FLAGS": FLAG}, ""),
        ({}, "jax.config.update('jax_num_cpu_devices', 3)"),
    ],
    ids=["JAX_NUM_CPU_DEVICES", "XLA_FLAGS", "jax.config"],
)
def test_a_number_that_the_user_chose_is_kept(environment, chosen):
    script = FIVE + chosen + "\ndj.use_all_cores()\ndj.seed_keys(0, 2)\n" + COUNT
    assert run(script, **environment) == ("3\n", "")


def test_where_jax_has_started_one_line_says_how_to_use_all_cores():
    script = FIVE + "jax.numpy.ones(1)\ndj.use_all_cores()\ndj.seed_keys(0, 2)\n" + COUNT
    out, err = run(script)
    assert out == "1\n"
    assert err == (
        "dalejax: JAX started with 1 host device, but there are 5 cores; to train on all of them, "
        "call dalejax.use_all_cores() before the first JAX computation, or set "
        "JAX_NUM_CPU_DEVICES=5.\n"
    )


def test_a_system_that_cannot_tell_which_cores_a_process_may_use():
    script = """
import os, jax, dalejax as dj
del os.sched_getaffinity  # as on macOS and Windows
os.cpu_count = lambda: 4
dj.use_all_cores()
"""
    assert run(script + COUNT) == ("4\n", "")


def test_nothing_in_dalejax_needs_fcntl():
    """Windows has no such module; the file locks of filelock take another way there."""
    used = [path for path in (ROOT / "dalejax").rglob("*.py") if "fcntl" in path.read_text()]
    assert used == []


def test_importing_dalejax_changes_nothing():
    """Neither the import nor the use of every public name touches what other code relies on."""
    script = """
import logging, os, signal, sys, warnings
import absl.logging, jax
from jax._src import xla_bridge

def surroundings():
    loggers = {name: logging.getLogger(name).level for name in (None, "absl", "jax", "dalejax")}
    return {
        "config": dict(jax.config.values),
        "log levels": loggers | {"verbosity": absl.logging.get_verbosity()},
        "log handlers": list(logging.getLogger().handlers + logging.getLogger("absl").handlers),
        "environment": dict(os.environ),
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "warnings": list(warnings.filters),
        "showwarning": warnings.showwarning,
        "excepthook": sys.excepthook,
        "backend": xla_bridge.backends_are_initialized(),
    }

def changes(before):
    after = surroundings()
    return [name for name in before if before[name] != after[name]]

before = surroundings()
assert not before["backend"]
import dalejax
assert changes(before) == [], changes(before)
import scipy.sparse, scipy.special  # they set filters for warnings of their own
before = surroundings()
for name in dalejax.__all__:
    getattr(dalejax, name)
assert changes(before) == [], changes(before)
"""
    assert run(script) == ("", "")
