"""One run of an experiment: its folder, its settings, and the tables that it has gathered.

Everything trained goes through :meth:`Context.train`, which resumes by itself: an experiment of
many ensembles skips the finished ones.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib.figure
import numpy as np
import pandas as pd

import dalejax as dj
from dalejax.runtime import multihost
from dalejax.storage import atomic
from dalejax.training import fingerprint, run_folder
from dalejax.types import Array, Key
from experiments.engine import exact_csv
from experiments.engine import settings as settings_
from experiments.engine.settings import Settings

CONFIG, METRICS, CLAIMS, FACTS = "config.json", "metrics.parquet", "claims.json", "facts.json"
_SAME = ("experiment", "preset", "variant", "settings")  # what a resumed run must agree in


class NotKept(LookupError):
    """A kept run lacks a table that a claim or a picture is made from."""


@dataclass
class Context:
    """One run of an experiment.

    Attributes:
        experiment: name of the experiment.
        folder: the run's folder.
        preset: smoke, laptop or paper.
        variant: text or code.
        settings: the run's settings.
        full_scale: settings of the preset ``paper``, that claims are compared with in size.
        data_dir: folder of the data sets; None for the usual places.
        progress: whether progress bars are shown.
        read_from: folder of the finished run that this one reads, if it reads one.
        made_with: what config.json says besides: command, versions, devices, revision.
        finals_only: whether the tables hold final values alone, without curves (older kept runs).
        pictures: folder of the pictures; None for the run's own folder.
        tables: metrics by configuration, one table each.
    """

    experiment: str
    folder: Path
    preset: str
    variant: str
    settings: Any  # the experiment's own record: its train, judge and draw know its class
    full_scale: Settings
    data_dir: str | None = None
    progress: bool = True
    read_from: Path | None = None
    made_with: dict[str, Any] = field(default_factory=dict)
    finals_only: bool = False
    pictures: Path | None = None
    tables: list[pd.DataFrame] = field(default_factory=list)
    stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    begun: bool = False
    scale: Any = field(init=False)  # settings that trained what is looked at

    def __post_init__(self):
        self.scale = self.settings

    # --- the folder ---

    def begin(self) -> None:
        """Make the run's folder and lock it, as late as there is something to write."""
        if self.begun:
            return
        self.stack.enter_context(run_folder.lock(self.folder))
        multihost.agree(self._claim_folder)
        self.begun = True

    def _claim_folder(self) -> None:
        path = self.folder / CONFIG
        atomic.clear_unfinished(self.folder)
        if path.exists():
            self._check_same(path)
        else:
            atomic.write_json(path, self.config())

    def config(self) -> dict[str, Any]:
        """Describe the run for config.json: the experiment, its settings, its surroundings."""
        return {
            "experiment": self.experiment,
            "preset": self.preset,
            "variant": self.variant,
            "settings": settings_.as_json(self.settings),
            "data_dir": self.data_dir and str(Path(self.data_dir).expanduser().absolute()),
            "read_from": self.read_from and str(self.read_from.absolute()),
            **self.made_with,
        }

    def _check_same(self, path: Path) -> None:
        now = {name: self.config()[name] for name in _SAME}
        try:
            saved = atomic.read_json(path)
            before = {name: saved[name] for name in _SAME}
        except (KeyError, TypeError) as error:
            raise ValueError(
                f"{path} is broken; it must be the JSON that the run wrote."
            ) from error
        different = fingerprint.differences(before, json.loads(json.dumps(now)))
        if different:
            raise ValueError(f"{self.folder} holds another run: {'; '.join(different)}.")

    # --- training ---

    def keys(self, num: int | None = None, *, apart: int = 0) -> Key[Array, " s"]:
        """Make one key a seed: ``seed_keys(root + apart, num)``.

        Args:
            num: seeds; None for the setting ``seeds``.
            apart: added to the root, for seeds that no other part of the experiment uses.
        """
        return dj.seed_keys(self.settings.root + apart, num or self.settings.seeds)

    def train(self, name: str, net, tx, task, **options) -> dj.Run:
        """Train an ensemble in the folder ``name`` of the run, or continue it there.

        Args:
            name: of the ensemble's folder.
            net: the network.
            tx: its optimiser, see :func:`dalejax.train`.
            task: the task.
            options: further arguments of :func:`dalejax.train`; ``num_updates`` and ``eval_every``
                are those of the settings where they are not given.
        """
        s = self.settings
        options.setdefault("num_updates", getattr(s, "updates", None))
        options.setdefault("eval_every", getattr(s, "eval_every", None))
        self.begin()
        if self.progress and multihost.is_first():
            print(f"{name}: {len(options['keys'])} networks", flush=True)
        return dj.train(
            net,
            tx,
            task,
            checkpoint_dir=self.folder / name,
            resume=True,
            progress=self.progress,
            checkpoint_every=2 * options["eval_every"],
            **options,
        )

    # --- tables ---

    def record(self, configuration: str, table: pd.DataFrame) -> None:
        """Add a configuration's metrics (member, update, metric, value) to the run's table."""
        self.tables.append(table.assign(configuration=configuration))

    @property
    def table(self) -> pd.DataFrame:
        """All metrics of the run, with their column ``configuration``.

        Raises:
            NotKept: only final values were kept.
        """
        if self.finals_only:
            raise NotKept("learning curves, of which the final values alone were kept")
        return self._table

    @property
    def _table(self) -> pd.DataFrame:
        if not self.tables:
            raise NotKept("metrics of trained networks")
        return pd.concat(self.tables, ignore_index=True)

    def rows(self, configurations: Iterable[str]) -> pd.DataFrame:
        """Give the metrics of some configurations, in their order."""
        table = self.table
        return pd.concat([table[table.configuration == name] for name in configurations])

    def final(self, configuration: str, metric: str) -> pd.Series:
        """Give a configuration's final values by member: the mean of the last evaluations [s]."""
        table = self._table
        rows = table[table.configuration == configuration]
        if metric not in set(rows.metric):
            raise NotKept(f"{metric} of {configuration!r}")
        last = 1 if self.finals_only else self.scale.last
        return dj.results.final_values(rows, metric, last=last)

    def curves(self, configuration: str, metric: str) -> pd.DataFrame:
        """Give one metric of a configuration: a row an evaluation, a column a member."""
        return dj.results.by_member(self.rows([configuration]), metric)

    def write_csv(
        self, name: str, table: pd.DataFrame, digits: int = 9, index: bool = False
    ) -> None:
        """Write a small table into the run's folder; ``keep`` keeps it.

        Args:
            name: of the file.
            table: the table.
            digits: significant digits; nine give every float32 back exactly.
            index: whether the index is a column.
        """
        self.begin()
        text = table.to_csv(index=index, float_format=f"%.{digits}g")
        if multihost.is_first():
            atomic.replace_atomically(self.folder / name, lambda path: path.write_text(text))

    def read_csv(self, name: str) -> pd.DataFrame:
        """Read a table that the run has written.

        Raises:
            NotKept: it is not there.
        """
        path = self.folder / name
        if not path.is_file():
            raise NotKept(name)
        return exact_csv.read(path)

    def write_parquet(self, name: str, table: pd.DataFrame) -> None:
        """Write a table that is too long for CSV, with its floats as float32; ``keep`` keeps it."""
        self.begin()
        floats = {column: np.float32 for column in table.select_dtypes("float64")}
        dj.results.write_table(table.astype(floats), self.folder / name)

    def read_parquet(self, name: str) -> pd.DataFrame:
        """Read a table that :meth:`write_parquet` has written.

        Raises:
            NotKept: it is not there.
        """
        path = self.folder / name
        if not path.is_file():
            raise NotKept(name)
        return dj.results.read_table(path)

    def write_facts(self, **facts: str | float) -> None:
        """Write single numbers and words that claims need, as ``facts.json``; ``keep`` keeps it."""
        self.begin()
        atomic.write_json(self.folder / FACTS, facts)

    def fact(self, name: str, default: str | float | None = None) -> Any:
        """Read one of the run's facts.

        Args:
            name: of the fact.
            default: what it is where the run has none; None for no default.

        Raises:
            NotKept: it is not there, and there is no default.
        """
        path = self.folder / FACTS
        facts = atomic.read_json(path) if path.is_file() else {}
        if name not in facts and default is None:
            raise NotKept(f"{name!r} in {FACTS}")
        return facts.get(name, default)

    # --- what comes of them ---

    def draw(self, name: str, figure: matplotlib.figure.Figure) -> None:
        """Save a picture in the run's folder, or in ``pictures``."""
        if self.pictures is None:
            self.begin()
        if multihost.is_first():
            dj.plots.save(figure, (self.pictures or self.folder) / name)

    def claim(self, *, note: str = "", **about) -> dj.claims.Claim:
        """Make a claim that knows preset and variant, and notes what is smaller than full scale."""
        reduced = settings_.reductions(self.full_scale, self.scale)
        note = "; ".join(filter(None, [note, reduced]))
        return dj.claims.Claim(preset=self.preset, variant=self.variant, note=note, **about)


def finite(values: pd.Series) -> pd.Series:
    """Drop the members that diverged (NaN or infinite values)."""
    return values[np.isfinite(values)]


def rank_test(a: pd.Series, b: pd.Series) -> dj.statistics.RankTest:
    """Test final values against each other (Mann–Whitney); where one has no finite one, p is 1."""
    a, b = finite(a), finite(b)
    if len(a) and len(b):
        return dj.statistics.mann_whitney(a, b)
    return dj.statistics.RankTest(float("nan"), 1.0, len(a), len(b), "none: all diverged")


def stand_in(source: str) -> str:
    """Add to a picture's label that its data only stand in for real ones, if they do."""
    return ", stand-in data" if "stand-in" in source else ""
