"""Pages that are made, not written: experiments, the API, the notebook; and where links lead.

The guide's pages link to files of the repository, so that they can be read there, too. In the site
such a link leads to the page that shows the file; where there is none, to a copy of it.
"""

from __future__ import annotations

import posixpath
import re
import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from nbconvert import MarkdownExporter

sys.path.insert(0, str(Path(__file__).parent))  # MkDocs loads hooks by their paths

import api_pages
import experiment_pages
from experiment_pages import GALLERY, copy_of
from kept import RESULTS, ROOT

LEDGER, TABLES = "experiments/ledger.md", "experiments/results.md"
TOUR = "tour.md"
# Written elsewhere in the repository: file -> page.
ELSEWHERE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "benchmarks/README.md": "speed.md",
    "dalejax/CHANGELOG.md": "changelog.md",
    "experiments/README.md": TABLES,
    "experiments/results/ledger.md": LEDGER,
}
_LINK = re.compile(r'(\]\(|(?:src|href)=")(?![a-z]+:|#)([^)"#]+)(#[^)"]*)?')


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill in the parts of the navigation that are made."""
    made = {
        "Experiments": [
            {"Gallery": GALLERY},
            {"Results": TABLES},
            {"Ledger": LEDGER},
            *experiment_pages.navigation(),
        ],
        "API": api_pages.navigation(),
    }
    nav = config.nav or []
    config.nav = [{name: made.get(name, pages) for name, pages in e.items()} for e in nav]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made."""
    elsewhere = {page: (ROOT / path).read_text("utf-8") for path, page in ELSEWHERE.items()}
    tour, pictures = notebook()
    made = api_pages.pages() | experiment_pages.pages() | elsewhere | {TOUR: tour}
    for uri, content in made.items():
        files.append(File.generated(config, uri, content=content))
    for uri, picture in pictures.items():
        files.append(File.generated(config, uri, content=picture))
    for path in sorted(RESULTS.glob("*/*.png")):
        add_copy(files, config, path)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links to files of the repository to where the site shows them."""
    if page.file.src_uri in (LEDGER, TABLES):
        page.meta["hide"] = ["toc"]  # wide tables
    if page.file.src_uri == LEDGER:
        return experiment_pages.ledger_page(markdown)
    sources = {page: path for path, page in ELSEWHERE.items()}
    here = sources.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    made = ("docs/api/", "docs/experiments/", f"docs/{TOUR}")
    if here.startswith(made):  # with the site's own links already
        return with_notebook_link(markdown, files, config) if here == f"docs/{TOUR}" else markdown

    def lead(match: re.Match[str]) -> str:
        opening, target, anchor = match.groups()
        path = posixpath.normpath(posixpath.join(posixpath.dirname(here), target))
        there = page_for(path)
        if there is None:
            there = add_copy(files, config, ROOT / path).src_uri
        url = posixpath.relpath(there, posixpath.dirname(page.file.src_uri) or ".")
        if opening.startswith(("src", "href")):  # MkDocs leaves links in HTML as they are
            file = files.get_file_from_path(there)
            assert file is not None, there
            url = file.url_relative_to(page.file)
        return f"{opening}{url}{anchor or ''}"

    led = _LINK.sub(lead, markdown)
    if page.file.src_uri == TABLES:
        return f'<div class="results" markdown>\n\n{led}\n\n</div>\n'
    return led


def page_for(path: str) -> str | None:
    """Give the page that shows a file of the repository; None where there is none."""
    if path in ELSEWHERE:
        return ELSEWHERE[path]
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if path == "experiments/tour.ipynb":
        return TOUR
    if path == "experiments/results":
        return GALLERY
    found = re.fullmatch(
        r"experiments/\w+/(\w+)\.py|experiments/results/(\w+)-\w+-\w+/claims\.json", path
    )
    return f"experiments/{found[1] or found[2]}.md" if found else None


def add_copy(files: Files, config: MkDocsConfig, path: Path) -> File:
    """Put a copy of a file of the repository into the site."""
    uri = copy_of(path)
    known = files.get_file_from_path(uri)
    if known is None:
        known = File.generated(config, uri, abs_src_path=str(path))
        files.append(known)
    return known


def notebook() -> tuple[str, dict[str, bytes]]:
    """Turn the notebook, as it was run, into a page and its pictures."""
    body, resources = MarkdownExporter().from_filename(str(ROOT / "experiments" / "tour.ipynb"))
    return body, resources["outputs"]


def with_notebook_link(markdown: str, files: Files, config: MkDocsConfig) -> str:
    """Add a link to the notebook itself below the page's heading."""
    uri = add_copy(files, config, ROOT / "experiments" / "tour.ipynb").src_uri
    heading, rest = markdown.lstrip().split("\n", 1)
    return f"{heading}\n\n[The notebook of this page]({uri})\n{rest}"
