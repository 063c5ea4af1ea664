"""Typed, strict and reproducible: signatures are checked, ranks don't promote, draws repeat."""

import sys
from pathlib import Path

import jax
import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

hook = install_import_hook("dalejax", "beartype.beartype")
sys.path.insert(0, str(Path(__file__).parent))
jax.config.update("jax_numpy_rank_promotion", "allow")
settings.register_profile("dalejax", derandomize=True, deadline=None, max_examples=25)
settings.load_profile("dalejax")


@pytest.fixture
def x64():
    """Run a test in float64."""
    with jax.enable_x64(True):
        yield
