"""The README's Python examples run, and what it names exists."""

import re
from pathlib import Path

import pytest

import dalejax as dj

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.S)


def test_there_are_examples():
    assert len(BLOCKS) >= 2


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[-1][:30])
def test_example_runs(block, capsys):
    exec(compile(block, "README.md", "exec"), {})


def test_pictures_exist():
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", README):
        assert (ROOT / picture).is_file(), picture


def test_changelog_names_the_version():
    assert f"## {dj.__version__}" in (ROOT / "dalejax" / "CHANGELOG.md").read_text()
