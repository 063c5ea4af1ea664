"""The pages of the experiments, made of their files and kept runs, and the gallery."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import kept

from dalejax.analysis import ledger

if TYPE_CHECKING:
    from experiments.engine.base import Experiment

GALLERY = "experiments/index.md"


def navigation() -> list:
    """List the experiments by paper."""
    return [
        {paper: [{e.name: f"experiments/{e.name}.md"} for e in kept.of_paper(folder)]}
        for folder, (paper, _) in kept.PAPERS.items()
    ]


def pages() -> dict[str, str]:
    """Write all of them: page -> Markdown."""
    made = {f"experiments/{name}.md": page_of(e) for name, e in kept.experiments().items()}
    return made | {GALLERY: gallery()}


def page_of(experiment: Experiment) -> str:
    """Write an experiment's page: what it is, its pictures, its claims, its source."""
    title, about = kept.summary(experiment)
    times = ", ".join(f"`{p}` {m:g} min" for p, m in experiment.expected_minutes.items())
    parts = [f"# {experiment.name}\n\n**{title}.** {experiment.source}; {times}.", about]
    if not kept.kept_runs(experiment):
        parts.append("It has not been run at `laptop` yet.")
    for folder in kept.kept_runs(experiment):
        _, preset, variant = folder.name.rsplit("-", 2)
        pictures = kept.pictures(folder)
        if pictures:
            parts.append(f"## Pictures ({preset}, variant {variant})")
        for picture in pictures:
            said = kept.caption(picture)
            parts.append(f"![{said}](../{copy_of(picture)})\n\n*{said}*")
    own = [entry for entry in kept.entries() if entry.experiment == experiment.name]
    if own:
        table = ledger.markdown(own).split("\n## ", 1)[1].split("\n", 1)[1]
        parts.append(f'## Claims\n\n<div class="ledger" markdown>\n{table}\n</div>')
    path = kept.source_file(experiment).relative_to(kept.ROOT)
    code = (kept.ROOT / path).read_text(encoding="utf-8")
    parts.append(f'## Source\n\n```python title="{path.as_posix()}"\n{code}```')
    return "\n\n".join(parts)


def gallery() -> str:
    """Write the page of all pictures, by paper."""
    parts = [
        "# Gallery",
        "Each picture leads to its experiment: command, all pictures, claims and source. "
        "[All results in tables](results.md); [all claims](ledger.md).",
    ]
    for folder, (paper, title) in kept.PAPERS.items():
        cards = "\n".join(card(experiment) for experiment in kept.of_paper(folder))
        parts.append(f"## {paper}\n\n{title}.")
        parts.append(f'<div class="gallery" markdown>\n{cards}\n</div>')
    return "\n\n".join(parts)


def card(experiment: Experiment) -> str:
    """Write an experiment's place in the gallery."""
    name = experiment.name
    pictures = [p for folder in kept.kept_runs(experiment) for p in kept.pictures(folder)]
    shown = ""
    if pictures:
        said = kept.caption(pictures[0])
        shown = f"[![{said}](../{copy_of(pictures[0])})]({name}.md)\n\n"
    own = [entry.claim.holds for entry in kept.entries() if entry.experiment == name]
    held = f" {sum(own)} of {len(own)} claims hold." if own else ""
    about = f"[`{name}`]({name}.md)\n\n{kept.summary(experiment)[0]}.{held}"
    return f"<div markdown>\n{shown}{about}\n</div>"


def ledger_page(text: str) -> str:
    """Make the ledger filterable: tell its script which paper each experiment belongs to.

    Args:
        text: of ``experiments/results/ledger.md``.
    """
    papers = {e.name: paper for f, (paper, _) in kept.PAPERS.items() for e in kept.of_paper(f)}
    data = json.dumps(papers, ensure_ascii=False)
    places = (
        '<div id="ledger-filters"></div>\n'
        f'<script type="application/json" id="ledger-papers">{data}</script>'
    )
    # Each experiment's heading leads to its page.
    text = re.sub(r"^## (\w+)$", r"## [\1](\1.md) {: #\1 }", text, flags=re.M)
    first, rest = text.split("\n## ", 1)
    return f'{first}\n{places}\n\n<div class="ledger" markdown>\n\n## {rest}\n</div>\n'


def copy_of(path: Path) -> str:
    """Give the place in the site where a file of the repository is copied."""
    return f"files/{path.relative_to(kept.ROOT).as_posix()}"
