"""What an experiment is: settings by preset, trained ensembles, pictures, and claims with evidence.

A run lives in one folder. Everything trained goes through :meth:`Context.train`, which resumes by
itself: an experiment of many ensembles skips the finished ones.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import dalejax as dj
from dalejax.runtime import multihost
from dalejax.storage import atomic
from dalejax.storage.provenance import provenance
from dalejax.training import run_folder
from dalejax.training.fingerprint import differences

PRESETS = ("smoke", "laptop", "paper")
VARIANTS = ("text", "code")


@dataclass(frozen=True)
class Experiment:
    """A figure or table: where it comes from, its settings by preset, and how it runs.

    Attributes:
        name: the module's name, and what the command line calls it.
        source: the figure or table, with its paper.
        presets: settings by preset; all presets have the same keys.
        expected_minutes: time by preset, measured on two AVX-512 cores.
        claims: how many claims it checks.
        run: trains, draws and returns the claims.
        variants: which of ``text`` and ``code`` exist.
        reads: the experiment whose finished run it reads instead of training, if it does.
        fixed: settings whose number of values is what the figure has.
    """

    name: str
    source: str
    presets: Mapping[str, Mapping[str, Any]]
    expected_minutes: Mapping[str, float]
    claims: int
    run: Callable[[Context], list[dj.claims.Claim]]
    variants: tuple[str, ...] = ("text",)
    reads: Experiment | None = None
    fixed: tuple[str, ...] = ()


def slug(name: str) -> str:
    """Make a name of folders and claims from a network's or a task's."""
    return re.sub(r"[^a-z0-9.]+", "_", name.lower()).strip("_")


@dataclass
class Context:
    """One run of an experiment: its folder, its settings, and the tables it has gathered."""

    experiment: Experiment
    folder: Path
    preset: str
    variant: str
    settings: dict[str, Any]
    data_dir: str | None
    progress: bool = True
    tables: list[pd.DataFrame] = field(default_factory=list)
    stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    begun: bool = False
    read_from: Path | None = None
    scale: dict[str, Any] = field(init=False)  # the settings that trained what is looked at

    def __post_init__(self):
        self.scale = self.settings

    def begin(self) -> None:
        """Make the run's folder and keep others out of it: as late as the first thing to keep."""
        if self.begun:
            return
        self.stack.enter_context(run_folder.lock(self.folder))
        multihost.agree(self._claim)
        self.begun = True

    def _claim(self) -> None:
        path = self.folder / "config.json"
        atomic.clear_unfinished(self.folder)
        if path.exists():
            _check_same(self, path)
        else:
            atomic.write_json(path, config(self))

    def train(self, name: str, net, tx, task, **options) -> dj.Run:
        """Train an ensemble in the run's folder, or continue it there."""
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

    def train_one(self, name: str, net, tx, task, **options) -> dj.Run:
        """Train one configuration as the settings say, and add its metrics to the run's table."""
        s = self.settings
        options = {"num_updates": s["updates"], "eval_every": s["eval_every"]} | options
        run = self.train(slug(name), net, tx, task, **options)
        self.record(name, run.table)
        return run

    def record(self, configuration: str, table: pd.DataFrame) -> None:
        """Add a configuration's metrics to the run's table."""
        self.tables.append(table.assign(configuration=configuration))

    def record_groups(self, names: Iterable[str], table: pd.DataFrame, seeds: int) -> None:
        """Add an ensemble of configurations with the same seeds, one after the other."""
        for group, name in enumerate(names):
            rows = table[table.member // seeds == group]
            self.record(name, rows.assign(member=rows.member % seeds))

    @property
    def table(self) -> pd.DataFrame:
        """All metrics so far, with their column ``configuration``."""
        return pd.concat(self.tables, ignore_index=True)

    def final(self, configuration: str, metric: str) -> pd.Series:
        """A configuration's final values by member: the mean of the last evaluations."""
        table = self.table
        rows = table[table.configuration == configuration]
        return dj.results.final_values(rows, metric, last=self.scale["last"])

    def take_over(self) -> dict[str, Any]:
        """Make the table of the run that is read one's own; give that run's settings."""
        self.scale = atomic.read_json(self.read_from / "config.json")["settings"]
        self.tables.append(dj.results.read_table(self.read_from / "metrics.parquet"))
        return self.scale

    def claim(self, *, note: str = "", **about) -> dj.claims.Claim:
        """Make a claim that knows the run's preset and variant, and says what is reduced."""
        note = "; ".join(filter(None, [note, self._reductions()]))
        return dj.claims.Claim(preset=self.preset, variant=self.variant, note=note, **about)

    def _reductions(self) -> str:
        """Say in which settings the run differs from the full scale."""
        full = (self.experiment.reads or self.experiment).presets["paper"]
        parts = []
        for name, whole in full.items():
            value = self.scale.get(name, whole)
            if name in _NOT_SCALE or _plain(value) == _plain(whole):
                continue
            now = ", ".join(_short(v) for v in _plain(value)) if isinstance(whole, tuple) else value
            before = f"{len(whole)} values" if isinstance(whole, tuple) else whole
            parts.append(f"{name} {now} (full scale: {before})")
        return ", ".join(parts)

    def write_csv(
        self, name: str, table: pd.DataFrame, digits: int = 6, index: bool = False
    ) -> None:
        """Write a small table into the run's folder."""
        self.begin()
        text = table.to_csv(index=index, float_format=f"%.{digits}g")
        if multihost.is_first():
            atomic.replace_atomically(self.folder / name, lambda path: path.write_text(text))

    def draw(self, name: str, figure) -> None:
        """Save a picture as PNG and SVG."""
        self.begin()
        if multihost.is_first():
            dj.plots.save(figure, self.folder / name)

    def smnist(self, **options) -> dj.tasks.SequentialMNIST:
        """Sequential MNIST on the data set that the settings name."""
        return dj.tasks.SequentialMNIST(self.settings["data"], data_dir=self.data_dir, **options)


_NOT_SCALE = ("eval_every", "last")


def finite(values: pd.Series) -> pd.Series:
    """Drop the members that diverged."""
    return values[np.isfinite(values)]


def rank_test(a: pd.Series, b: pd.Series) -> dj.statistics.RankTest:
    """Test final values against each other; where one has no finite one, p is 1."""
    a, b = finite(a), finite(b)
    if len(a) and len(b):
        return dj.statistics.mann_whitney(a, b)
    return dj.statistics.RankTest(float("nan"), 1.0, len(a), len(b), "none: all diverged")


def stand_in(source: str) -> str:
    """What a picture's label says besides, if its data only stand in for real ones."""
    return ", stand-in data" if "stand-in" in source else ""


def config(context: Context) -> dict[str, Any]:
    """What made the run: the experiment, its settings, and its surroundings."""
    return {
        "experiment": context.experiment.name,
        "preset": context.preset,
        "variant": context.variant,
        "settings": context.settings,
        "command": command(context.experiment, context.preset, context.variant, context.settings),
        "data_dir": context.data_dir and str(Path(context.data_dir).expanduser().absolute()),
        "read_from": context.read_from and str(context.read_from.absolute()),
        "source_command": context.read_from
        and atomic.read_json(context.read_from / "config.json").get("command"),
        **provenance(),
    }


def command(experiment: Experiment, preset: str, variant: str, settings) -> str:
    """Write the command that makes such a run."""
    parts = ["python -m experiments", experiment.name, f"--preset {preset}"]
    parts += [f"--variant {variant}"] if variant != "text" else []
    for name, usual in experiment.presets[preset].items():
        if _plain(settings[name]) != _plain(usual):
            value = settings[name]
            text = ",".join(map(str, value)) if isinstance(value, list | tuple) else value
            parts.append(f"--set {name}={text}")
    embedded = settings["data"] in ("none", "generated", "digits", "shapes", "topics")
    return " ".join(parts if embedded or experiment.reads else [*parts, "--data-dir DIR"])


def _short(value) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _plain(value):
    return list(value) if isinstance(value, tuple) else value


def execute(context: Context) -> list[dj.claims.Claim]:
    """Run an experiment in its folder: config, tables, pictures, claims."""
    with context.stack:
        claims = context.experiment.run(context)
        if len(claims) != context.experiment.claims:
            raise AssertionError(
                f"{context.experiment.name} announces {context.experiment.claims} claims and made "
                f"{len(claims)}."
            )
        context.begin()
        if context.tables:
            dj.results.write_table(context.table, context.folder / "metrics.parquet")
        dj.claims.write_claims(context.folder / "claims.json", claims)
    return claims


def _check_same(context: Context, path: Path) -> None:
    names = ("experiment", "preset", "variant", "settings")
    try:
        saved = atomic.read_json(path)
        before, now = ({name: made[name] for name in names} for made in (saved, config(context)))
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} is broken; it must be the JSON that the run wrote.") from error
    different = differences(before, json.loads(json.dumps(now)))
    if different:
        raise ValueError(f"{context.folder} holds another run: {'; '.join(different)}.")
