"""Typed, strict and reproducible: signatures are checked while the tests run, draws repeat."""

import atexit
import ctypes
import gc
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

# Two workers on two cores: OpenBLAS's threads, which wait by spinning, would only take them from
# each other. It reads this when it is loaded, with NumPy.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Many programs are compiled, each to run for a moment, here and in the processes that tests start.
os.environ.setdefault("JAX_NUM_CPU_DEVICES", "2")  # the suite also passes with 1 and 4
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")  # `make long` runs some with them
os.environ["JAX_TRACEBACK_IN_LOCATIONS_LIMIT"] = "0"  # nor do they say which line made what
if version("jaxlib").startswith("0.10."):
    # XLA's first way to emit loops, gone since, compiles a third faster than the one it runs by
    # default. An empty XLA_FLAGS keeps the default, in `make long`.
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_use_fusion_emitters=false")

if "PYTEST_XDIST_WORKER" not in os.environ:
    # Workers, and the processes that tests start, share what was compiled; the next run does not.
    compiled = tempfile.mkdtemp(prefix="dalejax-compiled-")
    atexit.register(shutil.rmtree, compiled, ignore_errors=True)
    os.environ["JAX_COMPILATION_CACHE_DIR"] = compiled
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"

import jax
import pytest
from hypothesis import settings
from jaxtyping import config, install_import_hook

collect_ignore = ["helpers", "faults.py", "golden.py"]  # programs
sys.path.insert(0, str(Path(__file__).parent))  # for `from helpers import …`
pytest.register_assert_rewrite("helpers")
install_import_hook("dalejax", "helpers.typechecked")
settings.register_profile("dalejax", derandomize=True, deadline=None, max_examples=25)
settings.load_profile("dalejax")
MOST_MEMORY = 1200  # MiB that a process may hold after a test before it drops compiled programs


class MemoryBound:
    """Drop compiled programs once they fill the memory: JAX keeps each for as long as it runs."""

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self):
        """Look after each test, doctests included, how much memory the process holds."""
        if _memory_held() > MOST_MEMORY:
            jax.clear_caches()
            gc.collect()
            if hasattr(libc := ctypes.CDLL(None), "malloc_trim"):  # glibc keeps what was freed
                libc.malloc_trim(0)


def _memory_held() -> float:
    """Read how many MiB this process holds; 0 where the system does not tell in /proc."""
    path = Path("/proc/self/statm")
    pages = int(path.read_text().split()[1]) if path.exists() else 0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20 if pages else 0.0


def pytest_configure(config) -> None:
    """Bound the memory of all tests, those outside of this folder (doctests) too."""
    config.pluginmanager.register(MemoryBound())


@pytest.fixture
def mount():
    """Mount file systems, ``mount("-t", "tmpfs", …, place)``, where the system lets us."""
    places = []

    def mount(*arguments) -> None:
        command = ["mount", *map(str, arguments)]
        if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("mounting a file system is not allowed here")
        places.append(arguments[-1])

    yield mount
    for place in places:
        subprocess.run(["umount", str(place)], check=True)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Start Chromium, where it is, and log what its pages complain of."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("needs Chromium and its driver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        f"--user-data-dir={tmp_path_factory.mktemp('profile')}",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield started
    started.quit()


@pytest.fixture
def x64():
    """Run a test in float64."""
    with jax.enable_x64(True):
        yield


@pytest.fixture
def strict_ranks():
    """Let no array grow dimensions silently (the bias of a dense product does, so not always)."""
    with jax.numpy_rank_promotion("raise"):
        yield


@pytest.fixture
def untyped():
    """Switch the signature checks off, to reach the library's own error messages."""
    before = config.jaxtyping_disable
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", before)
