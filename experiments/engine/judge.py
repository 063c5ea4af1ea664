"""Judge kept runs again: ``python -m experiments judge [NAME…]``.

Every claim is computed anew, by today's rules, from the tables that were kept of a run, and set
beside the verdict that was kept. With ``--out DIR`` the pictures are drawn anew, too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from dalejax.analysis.claims import read_claims
from experiments.engine import archive
from experiments.engine.base import Experiment
from experiments.engine.context import CLAIMS, NotKept


@dataclass(frozen=True)
class Verdict:
    """One claim of a kept run, judged again.

    Attributes:
        run: name of the kept folder.
        claim: the claim's id.
        kept: whether it held when the run was kept; None if it was not made then.
        today: whether it holds by today's rules; None if it cannot be judged, or is not made.
        measured: what is measured today.
        why: what is lacking, where it cannot be judged.
    """

    run: str
    claim: str
    kept: bool | None
    today: bool | None
    measured: float | None = None
    why: str = ""

    @property
    def differs(self) -> bool:
        """Whether the verdict of today is another one than the kept one."""
        return not self.why and self.today != self.kept


def judge(folder: Path, experiments: Mapping[str, Experiment]) -> list[Verdict]:
    """Judge every claim of one kept run.

    Args:
        folder: the kept run's folder.
        experiments: all experiments by name.

    Returns:
        A verdict a claim, kept or of today; all of them say why, if a table is lacking.
    """
    kept = {claim.id: claim for claim in read_claims(folder / CLAIMS)}
    try:
        experiment, context = archive.kept_run(folder, experiments)
        today = {claim.id: claim for claim in experiment.judged(context)}
    except NotKept as lacking:
        why = f"not kept: {lacking.args[0]}"
        return [
            Verdict(folder.name, id, claim.holds, None, None, why) for id, claim in kept.items()
        ]
    return [
        Verdict(
            folder.name,
            id,
            kept[id].holds if id in kept else None,
            today[id].holds if id in today else None,
            today[id].measured if id in today else None,
        )
        for id in dict.fromkeys([*kept, *today])
    ]


def kept_folders(names: Sequence[str], results: Path = archive.RESULTS) -> list[Path]:
    """List the kept runs, of all experiments or of those named.

    Raises:
        ValueError: nothing is kept of one that is named.
    """
    folders = sorted(path.parent for path in results.glob(f"*/{CLAIMS}"))
    if not names:
        return folders
    chosen = []
    for name in names:
        own = [f for f in folders if name in (f.name, f.name.rsplit("-", 2)[0])]
        if not own:
            raise ValueError(f"nothing is kept of {name!r}; `judge` without a name judges all.")
        chosen += own
    return chosen


def main(
    names: Sequence[str], out: Path | None, as_json: bool, experiments: Mapping[str, Experiment]
) -> int:
    """Judge kept runs and print what differs; draw their pictures into ``out``, if it is given.

    Returns:
        0 if every verdict that can be judged is the kept one, else 1.
    """
    folders = kept_folders(names)
    verdicts = [verdict for folder in folders for verdict in judge(folder, experiments)]
    differing = [verdict for verdict in verdicts if verdict.differs]
    if as_json:
        print(json.dumps([asdict(verdict) for verdict in verdicts], indent=2, ensure_ascii=False))
    else:
        _print(verdicts, differing)
    if out is not None:
        for folder in folders:
            _draw(folder, out / folder.name, experiments)
    return 1 if differing else 0


def _print(verdicts: Sequence[Verdict], differing: Sequence[Verdict]) -> None:
    words = {True: "holds", False: "fails", None: "is not made"}
    for v in differing:
        measured = "" if v.measured is None else f" (measured {v.measured:.4g})"
        print(f"{v.run} {v.claim}: {words[v.today]} today{measured}, {words[v.kept]} as kept")
    for run, why in dict.fromkeys((v.run, v.why) for v in verdicts if v.why):
        print(f"{run} cannot be judged, {why}")
    judged = [v for v in verdicts if not v.why]
    print(
        f"{len(judged)} of {len(verdicts)} verdicts judged: {len(judged) - len(differing)} as "
        f"kept, {len(differing)} differ"
    )


def _draw(folder: Path, out: Path, experiments: Mapping[str, Experiment]) -> None:
    experiment, context = archive.kept_run(folder, experiments, out)
    if experiment.draw is None:
        return
    try:
        experiment.draw(context)
    except NotKept as lacking:
        print(f"{folder.name}: a picture cannot be drawn, not kept: {lacking.args[0]}")
