"""The pages' Python examples run, their links lead somewhere, and the README stays short."""

import itertools
import re
from pathlib import Path

import pytest
from helpers import import_floors

import dalejax as dj
from dalejax.storage import atomic

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
WRITTEN = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md")]
PAGES = {path: path.read_text() for path in [*WRITTEN, ROOT / "experiments" / "README.md"]}
BLOCKS = [
    pytest.param(block, id=f"{path.stem}-{i}")
    for path, text in sorted(PAGES.items())
    for i, block in enumerate(re.findall(r"```python\n(.*?)```", text, flags=re.S))
]
MOST_LINES, MOST_BYTES = 150, 12 * 1024


def test_there_are_examples():
    assert len(BLOCKS) >= 10


@pytest.mark.parametrize("block", BLOCKS)
def test_example_runs(block, capsys):
    exec(compile(block, "example", "exec"), {"__name__": "example"})


def test_the_readme_is_short():
    assert len(README.splitlines()) <= MOST_LINES
    assert len(README.encode()) <= MOST_BYTES


def test_the_readme_begins_with_what_to_run():
    first_screen = "\n".join(README.splitlines()[:20])
    for command in ("git clone <address> && cd dalejax", "make demo", "make test"):
        assert command in first_screen


def test_one_placeholder_stands_for_the_address():
    assert set(re.findall(r"git clone (\S+)|git\+([^\"\s]+)", README)) == {
        ("<address>", ""),
        ("", "<address>"),
    }


def test_the_readme_needs_no_extra_that_it_does_not_name():
    code = "\n".join(re.findall(r"```python\n(.*?)```", README, flags=re.S))
    assert "digits" not in code and "plots" not in code


def test_pictures_exist():
    shown = [
        (path, picture)
        for path, text in PAGES.items()
        for picture in re.findall(r"!\[.*?\]\((.*?)\)|<img src=\"(.*?)\"", text)
    ]
    assert len(shown) > 10
    for path, names in shown:
        picture = path.parent / (names[0] or names[1])
        assert picture.is_file(), (path.name, picture)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_links_lead_somewhere(page):
    headings = {path: anchors(text) for path, text in PAGES.items()}
    for target, anchor in re.findall(r"\]\(([\w./-]*)(?:#([\w-]+))?\)", PAGES[page]):
        there = (page.parent / target).resolve() if target else page
        assert there.exists(), target
        if anchor and there in headings:
            assert anchor in headings[there], (target, anchor)


def anchors(text):
    """Give the anchors that GitHub and the site make of a page's headings."""
    found = re.findall(r"^#+ (.*)$", text, flags=re.M)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in found}


def test_changelog_and_citation_name_the_version():
    assert f"## {dj.__version__}" in (ROOT / "dalejax" / "CHANGELOG.md").read_text()
    assert f"\nversion: {dj.__version__}\n" in (ROOT / "CITATION.cff").read_text()


@pytest.mark.parametrize("package", [import_floors.LIBRARY, import_floors.EXPERIMENTS])
def test_the_design_draws_every_folder_on_its_floor(package):
    text = PAGES[ROOT / "docs" / "design.md"]
    drawn = re.findall(r"((?:^\|.*\n)+)", text[text.index("## Folders") :], flags=re.M)
    lines = drawn[package is import_floors.EXPERIMENTS].splitlines()
    line_of = {word: i for i, line in enumerate(lines) for word in line.split("|")[1].split("`")}
    floors = [[line_of[wing] for wing in floor if wing] for floor in package.floors]
    for lower, higher in itertools.pairwise(floors):
        assert not lower or not higher or min(lower) > max(higher)


def test_every_claim_that_fails_is_examined_and_no_other():
    entries = dj.ledger.read([ROOT / "experiments" / "results"])
    for entry in entries:
        assert bool(entry.examined) is not entry.claim.holds, (entry.experiment, entry.claim.id)
    examined = atomic.read_json(ROOT / "experiments" / "results" / "examined.json")
    assert len(examined) == sum(not entry.claim.holds for entry in entries)


def test_the_ledger_is_that_of_the_kept_runs():
    entries = dj.ledger.counted_once(dj.ledger.read([ROOT / "experiments" / "results"]))
    ledger = ROOT / "experiments" / "results" / "ledger.md"
    assert ledger.read_text() == dj.ledger.markdown(entries)
