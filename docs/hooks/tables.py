"""Write the tables of results: ``experiments/README.md``, and places in the README and the guide.

``python docs/hooks/tables.py --write`` writes ``experiments/README.md`` from the experiments and
their kept runs, and fills what stands in ``README.md`` and ``docs/*.md`` between
``<!-- generated: KIND [EXPERIMENT] -->`` and ``<!-- end -->``; the kinds are in ``blocks.py``.
Without ``--write`` it names the files that are out of date and returns 1.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # as MkDocs loads its hooks

import kept
from blocks import BLOCKS, metric_of, rendered, scores_text

import dalejax as dj

PAGE = kept.ROOT / "experiments" / "README.md"
_BLOCK = re.compile(r"(<!-- generated: ([\w -]+?) -->\n).*?(<!-- end -->)", re.S)
_MOST_SHOWN = 9  # networks whose scores stand in the page of all experiments


def filled(text: str) -> str:
    """Fill the marked places of a page."""

    def fill(match: re.Match[str]) -> str:
        opening, name, end = match.groups()
        kind = next((kind for kind in BLOCKS if name == kind or name.startswith(f"{kind} ")), None)
        if kind is None:
            raise ValueError(f"a marker asks for {name!r}; it must begin with one of {[*BLOCKS]}.")
        return f"{opening}\n{BLOCKS[kind](name.removeprefix(kind).strip())}\n\n{end}"

    return _BLOCK.sub(fill, text)


def without_blocks(text: str) -> str:
    """Give a page without its generated parts."""
    return _BLOCK.sub("", text)


def experiments_page() -> str:
    """Write ``experiments/README.md``: every experiment by paper, with what came out."""
    held, total = dj.ledger.count(kept.entries())
    parts = [
        "# Experiments",
        "<!-- Written by `python docs/hooks/tables.py --write`; edit the experiments instead. -->",
        f"{len(kept.experiments())} experiments by paper. Each one trains networks or analyses "
        "them, draws its pictures, and checks sentences of the paper as *claims*, which hold or "
        f"do not; {held} of {total} hold in the runs that are kept in [`results`](results). "
        "[The ledger](results/ledger.md) lists them all, with what was measured and why a claim "
        "fails. Results are means ± standard deviations over seeds; minutes are for two CPU cores "
        "with AVX-512.",
        "```\npython -m experiments list\n"
        "python -m experiments NAME --preset smoke|laptop|paper [--data-dir DIR]\n```",
        "`smoke` is a test of the program and takes a minute; `laptop` is reduced where a note of "
        "the claim says so; `paper` is the full scale. `DIR` is a folder with the data "
        "([which files](../docs/data.md)).",
    ]
    for folder, (paper, title) in kept.PAPERS.items():
        parts.append(f"## {paper}\n\n{title}.")
        parts.append(
            rendered(
                [experiment_row(e) for e in kept.of_paper(folder)],
                ["picture", "experiment", "what, and what came out", "claims that hold"],
            )
        )
    return "\n\n".join(parts) + "\n"


def experiment_row(experiment) -> list[str]:
    """Write an experiment's row of the page of all experiments."""
    file = kept.source_file(experiment).relative_to(PAGE.parent).as_posix()
    runs = kept.kept_runs(experiment)
    pictures = [picture for run in runs for picture in kept.pictures(run)]
    shown = ""
    if pictures:
        path = pictures[0].relative_to(PAGE.parent).as_posix()
        shown = (
            f'<a href="{path}"><img src="{path}" width="160" alt="{kept.caption(pictures[0])}"></a>'
        )
    minutes = experiment.expected_minutes
    times = "<br>".join(f"`{p}` {minutes[p]:g} min" for p in ("laptop", "paper"))
    about = [f"{kept.summary(experiment)[0]}.", f"`{command(experiment)}`"]
    claims = []
    for run in runs:
        preset, variant = run.name.rsplit("-", 2)[1:]
        scale = preset if variant == "text" else f"{preset}, {variant}"
        path = run.relative_to(PAGE.parent).as_posix()
        scores = kept.final_scores(run)
        if scores is not None and scores.configuration.nunique() <= _MOST_SHOWN:
            values = scores_text(scores, list(dict.fromkeys(scores.configuration)))
            about.append(f"`{scale}`, {metric_of(scores)[1]}: {values}.")
        elif scores is not None:
            about.append(f"`{scale}`: [final scores]({path}/final.csv).")
        held, total = kept.claims_held(run)
        if total:
            claims.append(f"[{held} of {total}]({path}/claims.json) (`{scale}`)")
        elif (run / "trials.csv").is_file():
            claims.append(f"a search: [trials]({path}/trials.csv) (`{scale}`)")
    about.append("" if runs else "Not run at `laptop` yet.")
    name = f"[`{experiment.name}`]({file})"
    return [
        shown,
        f"{name}<br>{experiment.source}<br>{times}",
        "<br>".join(filter(None, about)),
        "<br>".join(claims) or "–",
    ]


def command(experiment) -> str:
    """Give the command that made the kept run, or that would make it."""
    for run in kept.kept_runs(experiment):
        made = json.loads((run / "config.json").read_text(encoding="utf-8")).get("command")
        if made:
            return str(made)
    return f"python -m experiments {experiment.name} --preset laptop"


def pages() -> dict[Path, str]:
    """Give every page with generated parts, as it must be."""
    guide = [kept.ROOT / "README.md", *sorted(kept.ROOT.glob("docs/*.md"))]
    made = {path: filled(path.read_text(encoding="utf-8")) for path in guide}
    return made | {PAGE: experiments_page()}


def stale() -> list[Path]:
    """List the pages whose generated parts are out of date."""
    return [
        path
        for path, text in pages().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or name those that are out of date."""
    found = stale()
    if "--write" in arguments:
        made = pages()
        for path in found:
            path.write_text(made[path], encoding="utf-8")
            print(f"wrote {path.relative_to(kept.ROOT)}")
        return 0
    for path in found:
        print(f"{path.relative_to(kept.ROOT)} is out of date: python docs/hooks/tables.py --write")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
