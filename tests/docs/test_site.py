"""The site builds without a warning, has everything, fetches nothing, and fits a phone."""

import html
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
from helpers.browser_sizes import PHONE

import dalejax as dj
from experiments import all_experiments

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [
            sys.executable,
            "-m",
            "mkdocs",
            "build",
            "--strict",
            "--no-directory-urls",
            "--site-dir",
            folder,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
    )
    assert built.returncode == 0, built.stderr
    assert "WARNING" not in built.stderr
    return folder


@pytest.mark.long
def test_every_experiment_has_a_page_with_its_pictures(site):
    for name in all_experiments():
        page = (site / "experiments" / f"{name}.html").read_text()
        assert f"python -m experiments {name}" in page
        for folder in (ROOT / "experiments" / "results").glob(f"{name}-*"):
            for picture in folder.glob("*.png"):
                assert f"{folder.name}/{picture.name}" in page


def test_every_public_name_is_in_the_api(site):
    pages = "".join(page.read_text() for page in (site / "api").glob("*.html"))
    documented = set(re.findall(r'id="(dalejax[\w.]*)"', pages))
    assert {f"dalejax.{name}" for name in dj.__all__} <= documented
    below = {
        (f"dalejax.{module}.{name}", f"{value.__module__}.{name}")
        for module in dj.__all__
        for name in getattr(getattr(dj, module), "__all__", ())
        if callable(value := getattr(getattr(dj, module), name))
    }
    assert len(below) > 50
    assert not [paths for paths in below if not documented & {*paths}]


def test_formulas_are_drawn_and_nothing_is_fetched(site):
    maths = 0
    for page in site.rglob("*.html"):
        text = page.read_text()
        maths += text.count("<math")
        prose = re.sub(r"<pre\b.*?</pre>", "", text, flags=re.S)  # source code is shown as it is
        assert "arithmatex" not in text and ".. math" not in prose, page
        fetched = re.findall(r'(?:src|href)="(https?:[^"]*)"', text)
        assert not [url for url in fetched if not url.startswith("https://github.com/")], page
    assert maths > 100


@pytest.mark.long
@pytest.mark.parametrize("width", [1280, PHONE["width"]])
def test_pages_are_whole_in_a_browser(site, browser, width):
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE | {"width": width})
    for name in (
        "index",
        "which",
        "tour",
        "spectrum",
        "contributing",
        "experiments/index",
        "experiments/results",
        "experiments/fig5_ei_ratio",
        "experiments/ledger",
        "api/networks",
    ):
        browser.get((site / f"{name}.html").as_uri())
        assert browser.get_log("browser") == [], name
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width, name
        broken = "return [...document.images].filter(i => i.complete && !i.naturalWidth).length"
        assert browser.execute_script(broken) == 0, name


def test_every_link_leads_to_a_file_and_a_place_in_it(site):
    texts = {page.resolve(): page.read_text() for page in site.rglob("*.html")}
    ids = {page: set(re.findall(r'(?:id|name)="([^"]+)"', text)) for page, text in texts.items()}
    for page, text in texts.items():
        for target in re.findall(r'(?:src|href)="([^":]+)"', text):
            path, _, anchor = html.unescape(target).partition("#")
            there = (page.parent / unquote(path)).resolve() if path else page
            if page.name == "404.html" or there.is_dir():
                continue
            assert there.is_file(), (page.name, target)
            if anchor and there in ids:
                assert unquote(anchor) in ids[there], (page.name, target)


@pytest.mark.long
def test_the_ledger_is_filtered_and_paged(site, browser):
    def choose(label, value):
        browser.execute_script(
            "const box = [...document.querySelectorAll('#ledger-filters label')]"
            f".find(box => box.textContent.startsWith({label!r})).querySelector('select');"
            f"box.value = {value!r}; box.dispatchEvent(new Event('change'));"
        )

    def shown():
        return browser.execute_script(
            "return [...document.querySelectorAll('tbody tr')].filter(row => row.offsetParent)"
            ".map(row => row.cells[0].textContent)"
        )

    browser.get((site / "experiments" / "ledger.html").as_uri())
    assert len(shown()) == 25
    choose("Verdict", "fails")
    assert set(shown()) == {"no"}
    choose("Experiment", "fig5_ei_ratio")
    choose("Verdict", "all")
    entries = dj.ledger.counted_once(dj.ledger.read([ROOT / "experiments" / "results"]))
    assert len(shown()) == sum(entry.experiment == "fig5_ei_ratio" for entry in entries)
    choose("Paper", "Song, Yang & Wang 2016")
    assert not shown()
