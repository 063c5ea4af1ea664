"""The README's and the guide's Python examples run, and what they name exists."""

import re
from pathlib import Path

import pytest

import dalejax as dj
from dalejax.storage import atomic
from experiments import all_experiments

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = {path: path.read_text() for path in [ROOT / "README.md", *ROOT.glob("docs/*.md")]}
BLOCKS = [
    pytest.param(block, id=f"{path.stem}-{i}")
    for path, text in sorted(PAGES.items())
    for i, block in enumerate(re.findall(r"```python\n(.*?)```", text, flags=re.S))
]


def test_there_are_examples():
    assert len(BLOCKS) >= 5


@pytest.mark.parametrize("block", BLOCKS)
def test_example_runs(block, capsys):
    exec(compile(block, "README.md", "exec"), {})


def test_pictures_exist():
    shown = re.findall(r"!\[.*?\]\((.*?)\)", README) + re.findall(r'<img src="(.*?)"', README)
    assert len(shown) > 10
    for picture in shown + re.findall(r'<a href="(.*?)"', README):
        assert (ROOT / picture).is_file(), picture


def test_changelog_and_citation_name_the_version():
    assert f"## {dj.__version__}" in (ROOT / "dalejax" / "CHANGELOG.md").read_text()
    assert f"\nversion: {dj.__version__}\n" in (ROOT / "CITATION.cff").read_text()


def rows():
    """The lines of the table of experiments, by experiment."""
    lines = (line for line in README.splitlines() if "](experiments/" in line and line[0] == "|")
    return {re.search(r"`(\w+)`", line)[1]: line for line in lines}


def test_the_table_has_every_experiment():
    assert set(rows()) == set(all_experiments())


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_the_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([\w./-]+)(?:#[\w-]+)?\)", PAGES[page]):
        assert (page.parent / target).exists(), target


def test_the_counts_of_claims_are_those_of_the_kept_runs():
    counted = 0
    for name, line in rows().items():
        only_code = "-laptop-code/" in line and "-laptop-text/" not in line
        variant = "code" if only_code else "text"
        claims = ROOT / "experiments" / "results" / f"{name}-laptop-{variant}" / "claims.json"
        if "not run yet" in line:
            assert not claims.exists(), name
            continue
        kept = dj.claims.read_claims(claims)
        assert len(kept) == all_experiments()[name].claims, name
        if kept:
            counted += 1
            assert f"[{sum(c.holds for c in kept)} of {len(kept)}](" in line, name
    assert counted > 5


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
