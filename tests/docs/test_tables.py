"""The tables of results are those of the kept runs, and no result is typed by hand."""

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RESULT = re.compile(r"\d ± \d")


@pytest.fixture(scope="module")
def tables():
    sys.path.insert(0, str(ROOT / "docs" / "hooks"))
    try:
        import tables

        yield tables
    finally:
        sys.path.remove(str(ROOT / "docs" / "hooks"))


def test_no_table_is_out_of_date(tables):
    out_of_date = [path.relative_to(ROOT).as_posix() for path in tables.stale()]
    assert not out_of_date, "run `python docs/hooks/tables.py --write`"


def test_a_changed_number_is_out_of_date(tables):
    text = (ROOT / "README.md").read_text()
    number = RESULT.search(text)
    assert number
    changed = text.replace(number[0], "9 ± 9", 1)
    assert tables.filled(changed) == text


def test_an_unknown_marker_is_refused(tables):
    with pytest.raises(ValueError, match=r"asks for 'resluts'; it must begin with one of"):
        tables.filled("<!-- generated: resluts -->\n<!-- end -->")


def test_no_result_is_typed_by_hand(tables):
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md")]:
        assert not RESULT.findall(tables.without_blocks(path.read_text())), path.name


def test_every_experiment_is_on_the_page(tables):
    text = tables.PAGE.read_text()
    for name, experiment in tables.kept.experiments().items():
        file = tables.kept.source_file(experiment).relative_to(tables.PAGE.parent).as_posix()
        assert f"[`{name}`]({file})" in text


def test_every_caption_is_used_and_says_more_than_the_name(tables):
    kept = tables.kept
    pictures = sorted(kept.RESULTS.glob("*/*.png"))
    used = {kept.caption(picture) for picture in pictures}
    assert used == {said for _, said in kept._captions()}
    assert all(len(said.split()) > 4 and said.endswith(".") for said in used)
