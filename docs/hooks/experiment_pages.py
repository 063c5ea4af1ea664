"""The pages of the experiments, made of their files and kept runs, and the gallery."""

import inspect
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # the experiments are not installed

from dalejax.analysis import ledger  # noqa: E402
from experiments import all_experiments, all_modules  # noqa: E402
from experiments.engine.archive import RESULTS  # noqa: E402

GALLERY = "experiments/index.md"
PAPERS = {
    "Li et al. 2023": "Learning better with Dale's Law",
    "Cornford et al. 2021": "Learning to live with Dale's principle",
    "Jarne & Caruso 2023": "EI constraint and eigenvalues",
    "Song et al. 2016": "Cognitive tasks",
    "beyond the papers": "An E/I network whose spectrum is right from the start",
}


def navigation() -> list:
    """List the experiments by paper."""
    found = in_order().items()
    return [
        {title: [{name: f"experiments/{name}.md"} for name, e in found if paper in e.source]}
        for paper, title in PAPERS.items()
    ]


def pages() -> dict[str, str]:
    """Write all of them: page -> Markdown."""
    entries = ledger.counted_once(ledger.read([RESULTS]))
    experiments = all_experiments()
    made = {f"experiments/{name}.md": page_of(e, entries) for name, e in experiments.items()}
    return made | {GALLERY: gallery(entries)}


def kept(experiment) -> list[Path]:
    """Find an experiment's kept runs: laptop before paper, code before text."""
    return sorted(RESULTS.glob(f"{experiment.name}-*"), key=lambda path: path.name.split("-")[1:])


def pictures_of(folder: Path) -> list[Path]:
    """List a run's pictures, the one that the README's table shows first."""
    shown = set(
        re.findall(r"\((experiments/results/[\w/-]+\.png)\)", (ROOT / "README.md").read_text())
    )
    first = lambda path: path.relative_to(ROOT).as_posix() not in shown  # noqa: E731
    return sorted(folder.glob("*.png"), key=lambda path: (first(path), path.name))


def in_order():
    """Give all experiments, figure 2 before figure 10."""
    number = lambda name: [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", name)]  # noqa: E731
    found = all_experiments()
    return {name: found[name] for name in sorted(found, key=number)}


def summary(experiment) -> tuple[str, str]:
    """Give the first line of an experiment's file, and the rest of what it says of itself."""
    doc = inspect.getdoc(all_modules()[experiment.name]) or ""
    first, _, rest = doc.partition("\n")
    return first.rstrip("."), rest.strip("\n")


def page_of(experiment, entries) -> str:
    """Write an experiment's page: what it is, pictures, claims, source."""
    title, about = summary(experiment)
    minutes = experiment.expected_minutes["laptop"]
    where = f"{experiment.source}; {minutes:g} minutes at `laptop`."
    parts = [f"# {experiment.name}\n\n**{title}.** {where}", about]
    own = [entry for entry in entries if entry.experiment == experiment.name]
    if not kept(experiment):
        parts.append("It was not run at `laptop` yet.")
    for folder in kept(experiment):
        _, preset, variant = folder.name.rsplit("-", 2)
        pictures = pictures_of(folder)
        if pictures:
            parts.append(f"## Pictures ({preset}, variant {variant})")
        parts += [f"![{words(p)}](../{copy_of(p)})\n\n*{words(p)}*" for p in pictures]
    if own:
        table = ledger.markdown(own).split("\n## ", 1)[1].split("\n", 1)[1]
        parts.append(f"## Claims\n{table}")
    path = Path(str(all_modules()[experiment.name].__file__)).relative_to(ROOT)
    parts.append(f'## Source\n\n```python title="{path}"\n{(ROOT / path).read_text()}```')
    return "\n\n".join(parts)


def gallery(entries) -> str:
    """Write the page of all pictures, by paper."""
    parts = [
        "# Gallery",
        "Each leads to its command, pictures, claims and source; all claims are in the "
        "[ledger](ledger.md).",
    ]
    for paper, title in PAPERS.items():
        own = [e for e in in_order().values() if paper in e.source]
        cards = "\n".join(card(experiment, entries) for experiment in own)
        parts.append(f"## {title}\n\n*{paper}*")
        parts.append(f'<div class="gallery" markdown>\n{cards}\n</div>')
    return "\n\n".join(parts)


def card(experiment, entries) -> str:
    """Write an experiment's place in the gallery."""
    name = experiment.name
    pictures = [p for folder in kept(experiment) for p in pictures_of(folder)]
    shown = f"[![{name}](../{copy_of(pictures[0])})]({name}.md)\n\n" if pictures else ""
    own = [entry.claim.holds for entry in entries if entry.experiment == name]
    held = f" {sum(own)} of {len(own)} claims hold." if own else ""
    about = f"[`{name}`]({name}.md)\n\n{summary(experiment)[0]}.{held}"
    return f"<div markdown>\n{shown}{about}\n</div>"


def words(path: Path) -> str:
    """Read a picture's name."""
    return path.stem.replace("_", " ")


def copy_of(path: Path) -> str:
    """Say where in the site a file of the repository is."""
    return f"files/{path.relative_to(ROOT).as_posix()}"
