"""The experiments and what is kept of their runs: papers, pictures with captions, final scores."""

from __future__ import annotations

import csv
import inspect
import re
import sys
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[2]))  # the experiments are not installed

import dalejax as dj
from dalejax.analysis import ledger
from experiments import all_experiments, all_modules

if TYPE_CHECKING:
    from experiments.engine.base import Experiment

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "experiments" / "results"
CAPTIONS = Path(__file__).with_name("captions.csv")
# Folder of experiments -> paper and its title, in the order of the pages.
PAPERS = {
    "li2023": ("Li et al. 2023", "Learning better with Dale's Law: a spectral perspective"),
    "cornford2021": ("Cornford et al. 2021", "Learning to live with Dale's principle"),
    "jarne2023": ("Jarne & Caruso 2023", "Eigenvalues and dynamics under E/I constraints"),
    "song2016": ("Song, Yang & Wang 2016", "Training E/I networks for cognitive tasks"),
    "repaired": ("Repaired ColEI", "Beyond the papers: a better start for column-signed networks"),
    "extensions": ("Extensions", "Beyond the papers: kinds of inhibition, homeostasis, time"),
}


@cache
def experiments() -> dict[str, Experiment]:
    """Give all experiments by name, figure 2 before figure 10."""
    found = all_experiments()
    return {name: found[name] for name in sorted(found, key=_natural)}


def of_paper(folder: str) -> list[Experiment]:
    """List the experiments of one folder below ``experiments/``."""
    return [e for e in experiments().values() if source_file(e).parent.name == folder]


def source_file(experiment: Experiment) -> Path:
    """Give the file that defines an experiment."""
    return Path(str(all_modules()[experiment.name].__file__))


def summary(experiment: Experiment) -> tuple[str, str]:
    """Give the first line of an experiment's docstring, and the rest of it."""
    doc = inspect.getdoc(all_modules()[experiment.name]) or ""
    first, _, rest = doc.partition("\n")
    return first.rstrip("."), rest.strip("\n")


def kept_runs(experiment: Experiment) -> list[Path]:
    """List the folders of an experiment's kept runs: ``laptop`` before ``paper``."""
    return sorted(RESULTS.glob(f"{experiment.name}-*"), key=lambda path: path.name.split("-")[1:])


@cache
def entries() -> list[ledger.Entry]:
    """Read the claims of all kept runs, each counted once."""
    return ledger.counted_once(ledger.read([RESULTS]))


def claims_held(folder: Path) -> tuple[int, int]:
    """Count the claims of one kept run: (those that hold, all)."""
    claims = dj.claims.read_claims(folder / "claims.json")
    return sum(claim.holds for claim in claims), len(claims)


def final_scores(folder: Path) -> pd.DataFrame | None:
    """Read a run's final scores [configuration, member, metrics], if it trained anything."""
    path = folder / "final.csv"
    return pd.read_csv(path) if path.is_file() else None


@cache
def _captions() -> list[tuple[str, str]]:
    with CAPTIONS.open(newline="", encoding="utf-8") as file:
        return [(row["picture"], row["caption"]) for row in csv.DictReader(file)]


def caption(picture: Path) -> str:
    """Say what a kept picture shows, from the first pattern in ``captions.csv`` that fits it."""
    return _captions()[_pattern(picture)][1]


def _pattern(picture: Path) -> int:
    name = f"{picture.parent.name.rsplit('-', 2)[0]}/{picture.stem}"
    for number, (pattern, _) in enumerate(_captions()):
        if fnmatch(name, pattern):
            return number
    raise ValueError(f"{CAPTIONS.name} has no caption for {name}; it must have one.")


def pictures(folder: Path) -> list[Path]:
    """List a run's pictures in the order of ``captions.csv``: the most telling one first."""
    return sorted(folder.glob("*.png"), key=lambda path: (_pattern(path), path.name))


def _natural(name: str) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdigit() else (0, part) for part in parts]
