"""The ledger: the claims of many runs in one table, each counted once."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dalejax.analysis.claims import Claim, read_claims
from dalejax.analysis.results import number_text
from dalejax.storage.atomic import read_json

EXAMINED = "examined.json"
BEYOND = "beyond the papers"
# A claim that was checked at several scales stands in the ledger at the largest of them.
_SCALE = {"paper": 3, "laptop": 2, "smoke": 1}


class Row(NamedTuple):
    """One claim as a row of text, to show, filter and page in a table.

    Attributes:
        paper: paper that the claim is from, such as "Li et al. 2023", or "beyond the papers".
        experiment: name of the experiment.
        verdict: "holds" or "fails".
        claim: the sentence that is tested.
        measured: measured value with its spread and interval; "–" if there is none.
        reference: value that the paper reports; "" if it reports none.
        source: where the sentence stands, such as "Li et al. 2023, Fig. 2".
    """

    paper: str
    experiment: str
    verdict: str
    claim: str
    measured: str
    reference: str
    source: str


class Entry(NamedTuple):
    """One claim of one run.

    Attributes:
        experiment: name of the experiment.
        claim: the claim, with its measurement.
        command: command that made the run; "" if the run does not record it.
        revision: git revision of the code that made the run; "" if the run does not record it.
        folder: folder of the run.
        examined: explanation of why the claim fails, from examined.json; "" if there is none.
    """

    experiment: str
    claim: Claim
    command: str
    revision: str
    folder: Path
    examined: str = ""


def read(folders: Iterable[str | os.PathLike[str]]) -> list[Entry]:
    """Collect the claims of all finished runs in the folders and the folders below them.

    A file ``examined.json`` in one of the folders explains why claims fail: a JSON object whose
    keys are ``experiment/claim/preset/variant``.

    Args:
        folders: folders of runs, or folders that hold such folders.

    Raises:
        ValueError: a folder is not there or holds no finished run, or a run in it is broken.

    Example:
        >>> import tempfile
        >>> from dalejax.storage.atomic import write_json
        >>> from dalejax.analysis.claims import write_claims
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_claims(f"{folder}/claims.json", [Claim(id="a", statement="S.", source="N23",
        ...                                                  holds=True, preset="laptop")])
        ...     write_json(f"{folder}/config.json", {"experiment": "fig2"})
        ...     [(entry.experiment, entry.claim.id) for entry in read([folder])]
        [('fig2', 'a')]
    """
    out = []
    for folder in map(Path, folders):
        found = sorted(folder.rglob("claims.json"), key=_number_key)
        if not found:
            raise ValueError(
                f"{folder} holds no finished run; there must be a claims.json in it or below it."
            )
        why = read_json(folder / EXAMINED) if (folder / EXAMINED).is_file() else {}
        for path in found:
            try:
                config = read_json(path.parent / "config.json")
                # An experiment that reads another one's run needs the command of that run, too.
                made_by = [config.get(name) for name in ("source_command", "command")]
                command = " && ".join(filter(None, made_by))
                about = (command, config.get("git") or "", path.parent)
                name = config["experiment"]
                entries = [
                    Entry(name, c, *about, why.get(f"{name}/{c.id}/{c.preset}/{c.variant}", ""))
                    for c in read_claims(path)
                ]
            except (OSError, KeyError, TypeError, AttributeError) as error:
                raise ValueError(f"{path.parent} is broken as a run: {error!r}.") from error
            out += entries
    return out


def counted_once(entries: Sequence[Entry]) -> list[Entry]:
    """Keep one entry for each claim and variant: that at the largest scale.

    Of entries at the same scale the last one stays. A run whose settings were changed (--set)
    counts less than any run that has those of a preset.

    Args:
        entries: entries of any number of runs.

    Example:
        >>> def entry(preset, holds):
        ...     claim = Claim(id="a", statement="S.", source="N23", holds=holds, preset=preset)
        ...     return Entry("fig2", claim, "", "", Path())
        >>> [e.claim.preset for e in counted_once([entry("laptop", True), entry("smoke", False)])]
        ['laptop']
    """
    best: dict[tuple[str, str, str], Entry] = {}
    for entry in entries:
        key = (entry.experiment, entry.claim.id, entry.claim.variant)
        if key not in best or _scale(entry) >= _scale(best[key]):
            best[key] = entry
    return list(best.values())


def _scale(entry: Entry) -> tuple[bool, int]:
    return "--set" not in entry.command, _SCALE.get(entry.claim.preset, 0)


def _number_key(path: Path) -> list[tuple[int, str]]:
    """Give a key that sorts paths by name, with the numbers in it by value: run 2 before run 10."""
    parts = re.split(r"(\d+)", str(path))
    return [(int(part), "") if part.isdigit() else (0, part) for part in parts]


def count(entries: Sequence[Entry]) -> tuple[int, int]:
    """Count the claims that hold, and all claims.

    A claim that was checked in both variants counts once, by the outcome of the variant ``text``.

    Args:
        entries: entries of any number of runs, such as those of :func:`counted_once`.

    Returns:
        (number of claims that hold, number of claims).

    Example:
        >>> claim = Claim(id="a", statement="S.", source="N23", holds=True)
        >>> count([Entry("fig2", claim, "", "", Path())])
        (1, 1)
    """
    holds: dict[tuple[str, str], bool] = {}
    for entry in sorted(counted_once(entries), key=lambda e: e.claim.variant == "text"):
        holds[entry.experiment, entry.claim.id] = entry.claim.holds
    return sum(holds.values()), len(holds)


def measured_text(claim: Claim) -> str:
    """Format the measurement of a claim: value ± spread [interval], or "–" if there is none.

    Args:
        claim: the claim.

    Example:
        >>> measured_text(Claim(id="a", statement="S.", source="N23", holds=True, measured=2.31,
        ...                     spread=0.12))
        '2.31 ± 0.12'
    """
    if claim.measured is None:
        return "–"
    spread = float("nan") if claim.spread is None else claim.spread
    text = number_text(claim.measured, spread)
    if claim.spread is not None:
        text += f" ± {number_text(spread, spread)}"
    if claim.interval is not None:
        text += " [{:.3g}, {:.3g}]".format(*claim.interval)
    return text


def paper_of(source: str) -> str:
    """Name the paper that a source is from; "beyond the papers" if it is from none.

    Args:
        source: a claim's source.

    Example:
        >>> paper_of("Li et al. 2023, Fig. 2A; section 3.1"), paper_of("beyond the papers")
        ('Li et al. 2023', 'beyond the papers')
    """
    found = re.search(r"[A-Z]\w+ (?:et al\.|& [A-Z]\w+) \d{4}", source)
    return found[0] if found else BEYOND


def rows(entries: Sequence[Entry]) -> list[Row]:
    """Turn entries into rows of text that can be filtered by paper, experiment and verdict.

    Args:
        entries: entries in the order wanted, such as those of :func:`counted_once`.

    Example:
        >>> claim = Claim(id="a", statement="S.", source="Li et al. 2023, Fig. 2", holds=True)
        >>> row = rows([Entry("fig2", claim, "", "", Path())])[0]
        >>> row.paper, row.experiment, row.verdict, row.claim, row.measured
        ('Li et al. 2023', 'fig2', 'holds', 'S.', '–')
    """
    return [
        Row(
            paper=paper_of(e.claim.source),
            experiment=e.experiment,
            verdict="holds" if e.claim.holds else "fails",
            claim=e.claim.statement,
            measured=measured_text(e.claim),
            reference=str(e.claim.reference),
            source=e.claim.source,
        )
        for e in entries
    ]


def records(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Turn entries into dictionaries with all that a claim and its run have, for JSON and reports.

    Args:
        entries: entries in the order wanted, such as those of :func:`counted_once`.
    """
    return [
        {
            "experiment": e.experiment,
            "id": e.claim.id,
            "statement": e.claim.statement,
            "source": e.claim.source,
            "holds": e.claim.holds,
            "measured": measured_text(e.claim),
            "test": e.claim.test,
            "p": e.claim.p,
            "reference": str(e.claim.reference),
            "variant": e.claim.variant,
            "preset": e.claim.preset,
            "note": e.claim.note,
            "examined": e.examined,
            "command": e.command,
            "revision": e.revision,
        }
        for e in entries
    ]


def markdown(entries: Sequence[Entry]) -> str:
    """Format the ledger as Markdown: the counts, then one table for each experiment.

    Args:
        entries: entries in the order wanted, such as those of :func:`counted_once`.

    Example:
        >>> claim = Claim(id="a", statement="ColEI is worse.", source="N23", holds=True)
        >>> print(markdown([Entry("fig2", claim, "make fig2", "", Path())]).splitlines()[2])
        1 of 1 claims hold.
    """
    held, total = count(entries)
    lines = ["# Ledger of claims", "", f"{held} of {total} claims hold."]
    for name in dict.fromkeys(e.experiment for e in entries):
        mine = [e for e in entries if e.experiment == name]
        commands = dict.fromkeys((e.command, e.revision) for e in mine)
        lines += ["", f"## {name}", ""]
        lines += [f"`{c}`" + (f" (revision {r[:10]})" if r else "") for c, r in commands if c]
        lines += [
            "",
            "| holds | statement | source | measured | test | paper | variant, preset |",
            "| --- | --- | --- | --- | --- | --- | --- |",
        ]
        for row in records(mine):
            p = "" if row["p"] is None else f"; p = {row['p']:.2g}"
            note = f" ({row['note']})" if row["note"] else ""
            note += f" **Examined:** {row['examined']}" if row["examined"] else ""
            cells = (
                "yes" if row["holds"] else "**no**",
                row["statement"] + note,
                row["source"],
                row["measured"],
                row["test"] + p,
                row["reference"],
                f"{row['variant']}, {row['preset']}",
            )
            lines.append("| " + " | ".join(_cell(c) for c in cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
