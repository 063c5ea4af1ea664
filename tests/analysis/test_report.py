"""The ledger and the report: counts, what is refused, and the page in a browser."""

import json
import re
import sys

import pytest
from helpers.browser_sizes import PHONE
from matplotlib.figure import Figure

import dalejax as dj
from dalejax.analysis import ledger
from dalejax.analysis.report import write_report
from dalejax.commands import main
from dalejax.storage import atomic
from experiments.engine import archive


def claim(id="a", holds=True, preset="laptop", variant="text", **more):
    about = {"statement": f"Sentence {id}.", "source": "Li et al. 2023, Fig. 2"} | more
    return dj.claims.Claim(id=id, holds=holds, preset=preset, variant=variant, **about)


def make_run(folder, claims, name="fig2", picture=True):
    dj.claims.write_claims(folder / "claims.json", claims)
    about = {
        "experiment": name,
        "preset": "laptop",
        "variant": "text",
        "git": "abc",
        "settings": {"n": 10},
        "command": f"python -m experiments {name}",
    }
    atomic.write_json(folder / "config.json", about)
    if picture:
        figure = Figure()
        figure.subplots().plot([1, 2])
        dj.plots.save(figure, folder / "curve")
    return folder


def test_a_claim_is_counted_once(tmp_path):
    make_run(tmp_path / "1", [claim(holds=False, preset="smoke"), claim("b")], picture=False)
    make_run(tmp_path / "2", [claim(), claim("b", holds=False, variant="code")], picture=False)
    entries = ledger.read([tmp_path])
    assert len(entries) == 4
    assert [(e.claim.id, e.claim.variant) for e in ledger.counted_once(entries)] == [
        ("a", "text"),
        ("b", "text"),
        ("b", "code"),
    ]
    assert ledger.count(entries) == (2, 2)


def test_a_later_check_at_the_same_scale_replaces_the_earlier(tmp_path):
    make_run(tmp_path / "1", [claim()], picture=False)
    make_run(tmp_path / "2", [claim(holds=False)], picture=False)
    assert ledger.count(ledger.read([tmp_path])) == (0, 1)


def test_the_code_variant_alone_counts(tmp_path):
    make_run(tmp_path, [claim(variant="code")], picture=False)
    assert ledger.count(ledger.read([tmp_path])) == (1, 1)


def test_changed_settings_stand_behind_those_of_a_preset(tmp_path):
    make_run(tmp_path / "1", [claim()], picture=False)
    changed = make_run(tmp_path / "2", [claim(holds=False, preset="paper")], picture=False)
    config = json.loads((changed / "config.json").read_text())
    atomic.write_json(changed / "config.json", config | {"command": "… --set updates=2"})
    assert ledger.count(ledger.read([tmp_path])) == (1, 1)


def test_the_tenth_run_is_later_than_the_second(tmp_path):
    make_run(tmp_path / "run-10", [claim(holds=False)], picture=False)
    make_run(tmp_path / "run-2", [claim()], picture=False)
    assert ledger.count(ledger.read([tmp_path])) == (0, 1)


def test_markdown_keeps_its_columns(tmp_path):
    text = "‖a‖ | b\nc"
    make_run(tmp_path, [claim(statement=text, holds=False, p=0.012, measured=1.5)], picture=False)
    table = ledger.markdown(ledger.read([tmp_path]))
    assert "0 of 1 claims hold." in table and "`python -m experiments fig2`" in table
    row = next(line for line in table.splitlines() if line.startswith("| **no**"))
    assert row.replace("\\|", "").count("|") == 8 and "p = 0.012" in row


def test_rows_can_be_filtered_by_paper_experiment_and_verdict(tmp_path):
    make_run(
        tmp_path,
        [
            claim(measured=2.31, spread=0.12, reference=2.3),
            claim("b", holds=False, source="own; Jarne & Caruso 2023, abstract"),
            claim("c", source="beyond the papers"),
        ],
        picture=False,
    )
    first, second, third = ledger.rows(ledger.read([tmp_path]))
    assert first == (
        "Li et al. 2023",
        "fig2",
        "holds",
        "Sentence a.",
        "2.31 ± 0.12",
        "2.3",
        "Li et al. 2023, Fig. 2",
    )
    assert (second.paper, second.verdict) == ("Jarne & Caruso 2023", "fails")
    assert third.paper == "beyond the papers"


def test_a_missing_jinja2_is_one_sentence(tmp_path, monkeypatch, capsys):
    make_run(tmp_path / "1", [claim()], picture=False)
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert main.main(["report", str(tmp_path / "1"), "--out", str(tmp_path / "r.html")]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and 'pip install "dalejax[analysis]"' in err
    assert not (tmp_path / "r.html").exists()


@pytest.mark.parametrize("broken", ["{}", "[]", "nonsense"])
def test_broken_runs_are_named(tmp_path, broken):
    make_run(tmp_path, [claim()], picture=False)
    (tmp_path / "config.json").write_text(broken)
    with pytest.raises(ValueError, match=str(tmp_path)):
        ledger.read([tmp_path])


def test_bad_input_writes_nothing(tmp_path, capsys):
    assert main.main(["report", str(tmp_path / "none"), "--out", str(tmp_path / "r.html")]) == 2
    assert "no finished run" in capsys.readouterr().err
    assert main.main(["report", "--out", str(tmp_path / "r.html")]) == 2
    assert list(tmp_path.iterdir()) == []


def test_the_page_needs_nothing_else(tmp_path):
    make_run(tmp_path / "1", [claim(statement="<script>alert(1)</script>")])
    page = write_report([tmp_path], tmp_path / "report.html").read_text()
    assert "<script>alert" not in page and "&lt;script&gt;" in page
    assert page.count("data:image/svg+xml") == 1 and "data:image/png" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert "Advances in Neural" in page and "Cornford" in page


# --- in a browser ---------------------------------------------------------------------------------


@pytest.fixture
def page(tmp_path, browser):
    runs = [claim("a", measured=10.0), claim("b", holds=False, measured=9.0)]
    make_run(tmp_path / "1", runs)
    make_run(tmp_path / "2", [claim("c", statement="Long " * 60)], name="fig3")
    browser.set_window_size(1200, 800)
    browser.get(write_report([tmp_path], tmp_path / "report.html").as_uri())
    return browser


def test_the_page_is_whole(page):
    assert page.get_log("browser") == []
    images = page.find_elements("css selector", "figure img")
    assert len(images) == 2
    for image in images:
        assert page.execute_script("return arguments[0].naturalWidth", image) > 100
    assert "2 of 3 claims hold" in page.find_element("tag name", "body").text


def column(page, name):
    cells = page.find_elements("css selector", f"#ledger td[data-label={name}]")
    return [cell.text for cell in cells]


def test_the_ledger_sorts(page):
    buttons = {b.text: b for b in page.find_elements("css selector", "#ledger th button")}
    buttons["measured"].click()
    assert [text.split()[0] for text in column(page, "measured")] == ["–", "9", "10"]
    buttons["measured"].click()
    assert [text.split()[0] for text in column(page, "measured")] == ["10", "9", "–"]
    buttons["holds"].click()
    assert column(page, "holds") == ["no", "yes", "yes"]
    head = page.find_element("css selector", "#ledger th[aria-sort=ascending]")
    assert head.text.startswith("holds")


def test_the_page_fits_a_phone_and_prints(page):
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    page.refresh()
    width = "return document.documentElement.scrollWidth"
    assert page.execute_script(width) <= 390
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    printed = page.execute_cdp_cmd("Page.printToPDF", {})
    assert len(json.dumps(printed)) > 10_000
    assert page.get_log("browser") == []


def test_every_paper_whose_claims_are_kept_is_cited(tmp_path):
    kept = ledger.read([archive.RESULTS])
    paper = re.compile(r"([A-Z]\w+) (?:et al\.|& \w+) (\d{4})")
    named = {match.groups() for e in kept if (match := paper.search(e.claim.source))}
    assert len(named) >= 4
    page = write_report([archive.RESULTS], tmp_path / "report.html").read_text()
    cited = page[page.index("Please cite") :]
    for author, year in named:
        assert re.search(rf"{author}, .*\({year}\)", cited)
    for title in ("Learning better", "Learning to live", "Effect in the spectra", "Training"):
        assert title in cited
