"""What an experiment is: source, settings by preset, and how it trains, judges and draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import dalejax as dj
from experiments.engine.context import Context
from experiments.engine.settings import Settings

PRESETS = ("smoke", "laptop", "paper")


@dataclass(frozen=True)
class Experiment:
    """A figure or table of a paper, or a question beyond the papers.

    ``train`` leaves tables (metrics and CSV files) in the run's folder; ``judge`` and ``draw`` read
    nothing else, so that claims and pictures can be made again from what is kept of a run.

    Attributes:
        name: what the command line calls it, and the name of its file.
        source: the paper with the figure, table or section.
        presets: settings by preset (smoke, laptop, paper); all are records of one class.
        expected_minutes: duration by preset, measured on two AVX-512 cores.
        claims: ids of the claims that every run makes, in order.
        train: trains and measures, and writes the tables.
        judge: makes the claims from the tables.
        draw: draws the pictures from the tables; None where there are none, or where ``train``
            draws them because they show more than tables hold.
        variants: which of ``text`` (the paper's words) and ``code`` (its published code) exist.
        reads: the experiment whose finished run it reads instead of training, if it does.
        fixed: names of settings whose number of values the figure fixes.
    """

    name: str
    source: str
    presets: Mapping[str, Settings]
    expected_minutes: Mapping[str, float]
    claims: tuple[str, ...]
    train: Callable[[Context], None]
    judge: Callable[[Context], list[dj.claims.Claim]]
    draw: Callable[[Context], None] | None = None
    variants: tuple[str, ...] = ("text",)
    reads: Experiment | None = None
    fixed: tuple[str, ...] = ()

    def judged(self, context: Context) -> list[dj.claims.Claim]:
        """Make the claims, and see that they are those declared.

        Raises:
            AssertionError: the ids are not those of ``claims``.
        """
        claims = self.judge(context)
        made = tuple(claim.id for claim in claims)
        if made != self.claims:
            raise AssertionError(
                f"{self.name} declares the claims {', '.join(self.claims)} and made "
                f"{', '.join(made)}."
            )
        return claims
