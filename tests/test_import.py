"""What importing dalejax brings with it."""

import subprocess
import sys

import pytest

import dalejax as dj


def test_training_does_without_scipys_statistics_and_matplotlib():
    late = "('scipy.stats', 'matplotlib')"
    code = f"import sys, dalejax; print(*(m for m in {late} if m in sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == ""


def test_every_public_name_is_there():
    assert dir(dj) == list(dj.__all__)
    for name in dj.__all__:
        assert getattr(dj, name) is not None
    with pytest.raises(AttributeError, match="module 'dalejax' has no attribute 'lstm'"):
        _ = dj.lstm
