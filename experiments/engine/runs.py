"""Begin a run of an experiment in a folder, continue one that is there, and carry it out."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import dalejax as dj
from dalejax.analysis.claims import format_claims, write_claims
from dalejax.runtime import messages, multihost, signals
from dalejax.storage import atomic
from dalejax.storage.provenance import provenance
from experiments.engine import settings as settings_
from experiments.engine.base import Experiment
from experiments.engine.context import CLAIMS, CONFIG, METRICS, Context
from experiments.engine.settings import Settings

# Data sets that come along, or are made: no folder has to be named for them.
_EMBEDDED = ("none", "generated", "digits", "shapes", "topics")


def context_of(
    experiment: Experiment,
    folder: Path,
    *,
    preset: str = "smoke",
    variant: str = "text",
    settings: Settings | None = None,
    data_dir: str | None = None,
    progress: bool = True,
    read_from: Path | None = None,
) -> Context:
    """Describe a run of an experiment in a folder; nothing is written yet.

    Args:
        experiment: the experiment.
        folder: the run's folder.
        preset: smoke, laptop or paper.
        variant: text or code.
        settings: the settings; None for those of the preset.
        data_dir: folder of the data sets.
        progress: whether progress bars are shown.
        read_from: folder of the finished run that it reads, if it reads one.
    """
    settings = experiment.presets[preset] if settings is None else settings
    source = experiment.reads
    context = Context(
        experiment=experiment.name,
        folder=folder,
        preset=preset,
        variant=variant,
        settings=settings,
        full_scale=(source or experiment).presets["paper"],
        data_dir=data_dir,
        progress=progress,
        read_from=read_from,
    )
    if source is not None and read_from is not None:
        saved = atomic.read_json(read_from / CONFIG)
        context.scale = settings_.restore(source, saved["preset"], saved["settings"])
        context.made_with["source_command"] = saved.get("command")
        if (read_from / METRICS).is_file():
            context.tables.append(dj.results.read_table(read_from / METRICS))
    return context


def new(experiment: Experiment, arguments: argparse.Namespace, folder: Path | None) -> Context:
    """Begin a run in a folder that is empty or not there; None for the next free one."""
    chosen = settings_.read(experiment, arguments)
    preset, variant = arguments.preset, arguments.variant
    if folder is None:
        folder = _free_folder(experiment.name, preset, variant, chosen.data)
    elif folder.exists() and any(not path.name.startswith(".") for path in folder.iterdir()):
        raise ValueError(f"{folder} is not empty; --resume {folder} continues the run in it.")
    return _context(experiment, arguments, folder, preset, variant, chosen)


def resumed(experiment: Experiment, arguments: argparse.Namespace) -> Context:
    """Continue the run in the folder of ``--resume``, with the settings it was begun with."""
    folder = arguments.resume
    path = folder / CONFIG
    if not path.is_file():
        raise ValueError(f"{folder} holds no run: there is no {CONFIG}.")
    saved = atomic.read_json(path)
    try:
        name, preset, variant = (saved[n] for n in ("experiment", "preset", "variant"))
        chosen = settings_.restore(experiment, preset, saved["settings"])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(
            f"{path} is broken ({error}); it must be the JSON that the run wrote."
        ) from error
    if name != experiment.name:
        raise ValueError(f"{folder} holds a run of {name}.")
    arguments.data_dir = arguments.data_dir or saved.get("data_dir")
    if arguments.read_from is None and saved.get("read_from"):
        arguments.read_from = Path(saved["read_from"])
    return _context(experiment, arguments, folder, preset, variant, chosen)


def execute(experiment: Experiment, context: Context, name: str, folder: Path | None = None) -> int:
    """Carry out a run and print its claims; say how to continue it if it is interrupted.

    Args:
        experiment: the experiment.
        context: its run.
        name: the word that the command line was given, for the sentence on resuming.
        folder: the folder to resume, where it is not the run's own.
    """
    try:
        claims = carry_out(experiment, context)
    except (KeyboardInterrupt, signals.Interrupted):
        resume = f"python -m experiments {name} --resume {folder or context.folder}"
        messages.say(f"interrupted; {resume} continues." if context.begun else "interrupted.")
        raise
    if multihost.is_first():
        print(format_claims(claims))
        print(context.folder)
    return 0


def carry_out(experiment: Experiment, context: Context) -> list[dj.claims.Claim]:
    """Train, judge and draw; leave config, tables, pictures and claims in the run's folder."""
    context.made_with |= {
        "command": command(experiment, context.preset, context.variant, context.settings),
        **provenance(),
    }
    with context.stack:
        experiment.train(context)
        context.begin()
        if context.tables:
            table = context.table
            dj.results.write_table(table, context.folder / METRICS)
        claims = experiment.judged(context)
        if experiment.draw is not None:
            experiment.draw(context)
        write_claims(context.folder / CLAIMS, claims)
    return claims


def command(experiment: Experiment, preset: str, variant: str, settings: Settings) -> str:
    """Write the command that makes a run with these settings."""
    parts = ["python -m experiments", experiment.name, f"--preset {preset}"]
    parts += [f"--variant {variant}"] if variant != "text" else []
    for name, (value, _) in settings_.differences(settings, experiment.presets[preset]).items():
        text = ",".join(map(str, value)) if isinstance(value, list) else value
        parts.append(f"--set {name}={text}")
    embedded = settings.data in _EMBEDDED
    return " ".join(parts if embedded or experiment.reads else [*parts, "--data-dir DIR"])


def _context(
    experiment: Experiment,
    arguments: argparse.Namespace,
    folder: Path,
    preset: str,
    variant: str,
    settings: Settings,
) -> Context:
    read_from = None
    if experiment.reads:
        read_from = _run_to_read(experiment, arguments, preset, variant, settings.data)
    return context_of(
        experiment,
        folder,
        preset=preset,
        variant=variant,
        settings=settings,
        data_dir=arguments.data_dir,
        progress=not arguments.no_progress,
        read_from=read_from,
    )


def _run_to_read(
    experiment: Experiment, arguments: argparse.Namespace, preset: str, variant: str, data: str
) -> Path:
    """Find the finished run that an experiment reads: the one given, or the newest that fits."""
    source = experiment.reads
    assert source is not None
    wanted = {"experiment": source.name, "preset": preset, "variant": variant}

    def fits(run: Path) -> bool:
        if not (run / CLAIMS).is_file():
            return False
        config: dict[str, Any] = atomic.read_json(run / CONFIG)
        try:
            its_data, changed = config["settings"]["data"], "--set" in config.get("command", "")
        except (KeyError, TypeError, AttributeError):  # written by another program
            return False
        # A run with changed settings is read only if its folder is named.
        return (
            its_data == data
            and all(config.get(name) == value for name, value in wanted.items())
            and not (changed and arguments.read_from is None)
        )

    kept = Path("checkpoints") / source.name
    runs = [arguments.read_from] if arguments.read_from else kept.glob("*")
    finished = sorted(filter(fits, runs), key=lambda run: (run / CLAIMS).stat().st_mtime)
    if not finished:
        kind = f"{preset} run of {source.name} ({variant}, {data})"
        raise ValueError(
            f"{arguments.read_from or kept} holds no finished {kind}, which {experiment.name} "
            f"reads; run `python -m experiments {source.name} --preset {preset}` first, or name "
            "its folder with --from."
        )
    return finished[-1]


def _free_folder(name: str, preset: str, variant: str, data: str) -> Path:
    parent = Path("checkpoints") / name
    stem = f"{preset}-{variant}-{data}"
    number = 1
    while (parent / f"{stem}-{number}").exists():
        number += 1
    return parent / f"{stem}-{number}"
