"""Pages that are made, not written: experiments, the API, the notebook; and where links lead.

The guide's pages link to files of the repository, so that they can be read there, too. In the site
such a link leads to the page that shows the file; where there is none, to a copy of it.
"""

import posixpath
import re
import sys
from pathlib import Path

from mkdocs.structure.files import File
from nbconvert import MarkdownExporter

sys.path.insert(0, str(Path(__file__).parent))  # MkDocs loads hooks by their paths

import api_pages
import experiment_pages
from experiment_pages import GALLERY, RESULTS, ROOT, copy_of

# Written elsewhere in the repository: file -> page.
ELSEWHERE = {
    "README.md": "index.md",
    "benchmarks/README.md": "speed.md",
    "dalejax/CHANGELOG.md": "changelog.md",
    "experiments/results/ledger.md": "experiments/ledger.md",
}
TOUR = "tour.md"
_LINK = re.compile(r'(\]\(|(?:src|href)=")(?![a-z]+:|#)([^)"#]+)(#[^)"]*)?')


def on_config(config):
    """Fill in the parts of the navigation that are made."""
    made = {
        "Experiments": [
            {"Gallery": GALLERY},
            {"Ledger": "experiments/ledger.md"},
            *experiment_pages.navigation(),
        ],
        "API": api_pages.navigation(),
    }
    config.nav = [{name: made.get(name, pages) for name, pages in e.items()} for e in config.nav]
    return config


def on_files(files, config):
    """Add the pages that are made."""
    elsewhere = {page: (ROOT / path).read_text() for path, page in ELSEWHERE.items()}
    elsewhere["index.md"] = front(elsewhere["index.md"])
    tour, pictures = notebook()
    made = api_pages.pages() | experiment_pages.pages() | elsewhere | {TOUR: tour} | pictures
    for uri, content in made.items():
        files.append(File.generated(config, uri, content=content))
    for path in sorted(RESULTS.glob("*/*.png")):
        add_copy(files, config, path)
    return files


def on_page_markdown(markdown, page, config, files):
    """Lead links to files of the repository to where the site shows them."""
    sources = {page: path for path, page in ELSEWHERE.items()}
    here = sources.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    if here.startswith(("docs/api/", "docs/experiments/", f"docs/{TOUR}")):
        return markdown  # made here, with the site's own links

    def lead(match):
        opening, target, anchor = match.groups()
        path = posixpath.normpath(posixpath.join(posixpath.dirname(here), target))
        there = page_for(path)
        if there is None:
            there = add_copy(files, config, ROOT / path).src_uri
        url = posixpath.relpath(there, posixpath.dirname(page.file.src_uri) or ".")
        if opening.startswith(("src", "href")):  # HTML is left as it is by MkDocs
            url = files.get_file_from_path(there).url_relative_to(page.file)
        return f"{opening}{url}{anchor or ''}"

    return _LINK.sub(lead, markdown)


def page_for(path: str) -> str | None:
    """Give the page that shows a file of the repository."""
    if path in ELSEWHERE:
        return ELSEWHERE[path]
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if path == "experiments/tour.ipynb":
        return TOUR
    if path == "experiments/results":
        return GALLERY
    found = re.fullmatch(
        r"experiments/(\w+)\.py|experiments/results/(\w+)-\w+-\w+/.*(?<!png)", path
    )
    return f"experiments/{found[1] or found[2]}.md" if found else None


def add_copy(files, config, path: Path) -> File:
    """Put a copy of a file of the repository into the site."""
    uri = copy_of(path)
    known = files.get_file_from_path(uri)
    if known is None:
        known = File.generated(config, uri, abs_src_path=str(path))
        files.append(known)
    return known


def front(readme: str) -> str:
    """Take the README up to the table of experiments, and what comes after the gallery."""
    instead = "## Experiments\n\nEvery figure and table: [the gallery](experiments/results).\n"
    return re.sub(r"## Experiments\n.*?\n## Gallery\n.*?\n(?=## )", instead, readme, flags=re.S)


def notebook() -> tuple[str, dict[str, bytes]]:
    """Turn the notebook, as it was run, into a page and its pictures."""
    body, resources = MarkdownExporter().from_filename(str(ROOT / "experiments" / "tour.ipynb"))
    return body, resources["outputs"]
