"""The ledger: every claim of many runs in one table, each counted once."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dalejax.analysis.claims import Claim, read_claims
from dalejax.analysis.results import number_text
from dalejax.storage.atomic import read_json

# Of the same claim checked several times, the one at the largest scale stands in the ledger; a run
# whose settings were changed (--set) stands behind all that were not.
EXAMINED = "examined.json"
_SCALE = {"paper": 3, "laptop": 2, "smoke": 1}


class Entry(NamedTuple):
    """One claim of one run.

    Attributes:
        experiment: its name.
        claim: statement, source, what was measured, whether it holds.
        command: that made the run, "" if the run does not say.
        revision: of the code that made it, likewise.
        folder: of the run.
        examined: why the claim fails, where somebody has looked.
    """

    experiment: str
    claim: Claim
    command: str
    revision: str
    folder: Path
    examined: str = ""


def read(folders: Iterable[str | os.PathLike[str]]) -> list[Entry]:
    """Collect the claims of all finished runs in and below the folders.

    A file ``examined.json`` in one of the folders says why claims fail: an object with the keys
    ``experiment/claim/preset/variant``.

    Args:
        folders: of runs, or of folders of runs.

    Raises:
        ValueError: a folder that is not there, holds no finished run, or one that is broken.

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
        found = sorted(folder.rglob("claims.json"), key=_natural)
        if not found:
            raise ValueError(f"{folder} holds no finished run: there is no claims.json in it.")
        why = read_json(folder / EXAMINED) if (folder / EXAMINED).is_file() else {}
        for path in found:
            try:
                config = read_json(path.parent / "config.json")
                # What an experiment read was made by a command, too.
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
    """Keep of each claim and variant the check at the largest scale; of equal ones the last.

    Args:
        entries: of any number of runs.

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


def _natural(path: Path) -> list[tuple[int, str]]:
    """Order folders by name, numbers in it by value: run 2 comes before run 10."""
    parts = re.split(r"(\d+)", str(path))
    return [(int(part), "") if part.isdigit() else (0, part) for part in parts]


def count(entries: Sequence[Entry]) -> tuple[int, int]:
    """Count claims and those that hold: a claim is one, whatever variants it was checked in.

    Where the variant ``text`` was checked, its outcome counts.

    Args:
        entries: see :func:`counted_once`.

    Returns:
        How many hold, of how many.

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
    """Write what was measured as one text: value, spread, interval.

    Args:
        claim: any.

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


def rows(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Turn entries into plain rows, as JSON and the report have them.

    Args:
        entries: in the order wanted.
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
    """Write the ledger as Markdown: the counts, then a table an experiment.

    Args:
        entries: see :func:`counted_once`.

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
        for row in rows(mine):
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
