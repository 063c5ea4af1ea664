"""Run all experiments, or one of N parts of them: ``python -m experiments all [--part I/N]``."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from dalejax.datasets import MissingData
from dalejax.runtime import multihost
from dalejax.storage import atomic
from experiments.engine import runs, settings

# Options that a run of all experiments is begun with; a resumed run uses them for the rest.
OF_ALL = ("preset", "variant", "data", "data_dir", "seeds", "set", "part")


def run(known, arguments) -> int:
    """Run experiments one by one, in folders below one; skip those whose data are missing."""
    usual = f"all-{arguments.preset}"
    if arguments.part:
        usual += "-{}-of-{}".format(*_index(arguments.part))
    parent = arguments.resume or arguments.out or Path("checkpoints") / usual
    options = multihost.agree(lambda: _options_of_all(known, arguments, parent / "all.json"))
    vars(arguments).update(options)
    known = _with_variant(known, arguments.variant)

    # The longest experiment comes last, and one that reads another's run right after that one. A
    # finished experiment is read back instead of trained again.
    def minutes(experiment):
        source = experiment.reads or experiment
        return source.expected_minutes[arguments.preset], experiment.reads is not None

    order = sorted(_part(known, arguments), key=minutes)
    resume, skipped = arguments.resume, {}
    for experiment in order:
        print(f"== {experiment.name}", flush=True)
        source = experiment.reads
        if source and source.name in skipped:
            skipped[experiment.name] = f"it reads {source.name}."
            continue
        arguments.read_from = parent / source.name if source else None
        folder = parent / experiment.name
        if (folder / "config.json").is_file() and resume:
            arguments.resume = folder
            context = runs.resumed(experiment, arguments)
        else:
            context = runs.new(experiment, arguments, folder)
        try:
            runs.execute(experiment, context, "all", parent)
        except MissingData as missing:
            skipped[experiment.name] = str(missing)
    for name, why in skipped.items():
        print(f"{name} was skipped: {why}")
    return 1 if skipped else 0


def _with_variant(known, variant: str) -> dict:
    found = {name: e for name, e in known.items() if variant in e.variants}
    if not found:
        raise ValueError(f"variant is {variant!r}; no experiment has it, but text and code.")
    return found


def _part(known, arguments) -> list:
    """Assign experiments, the longest first, each to the part that has the least to do so far."""
    if arguments.part is None:
        return list(known.values())
    which, number = _index(arguments.part)
    with_readers = [
        [e, *(r for r in known.values() if r.reads is e)] for e in known.values() if e.reads is None
    ]

    def minutes(chain) -> float:
        return sum(e.expected_minutes[arguments.preset] for e in chain)

    load, mine = [0.0] * number, []
    for chain in sorted(with_readers, key=minutes, reverse=True):
        least = load.index(min(load))
        load[least] += minutes(chain)
        if least == which - 1:
            mine += chain
    return mine


def _index(part: str) -> tuple[int, int]:
    """Read "2/3": the second of three parts."""
    match = re.fullmatch(r"([1-9][0-9]*)/([1-9][0-9]*)", part)
    if match is None or int(match[1]) > int(match[2]):
        raise ValueError(f"--part is {part!r}; it must be I/N, with I from 1 to N.")
    return int(match[1]), int(match[2])


def _options_of_all(known, arguments, path: Path) -> dict:
    """Read the options that the run was begun with, or write them down; called in one process."""
    if arguments.resume:
        if not path.is_file():
            raise ValueError(f"{path.parent} holds no run of all experiments: no {path.name}.")
        saved = atomic.read_json(path)
        if not isinstance(saved, dict) or saved.keys() != set(OF_ALL):
            raise ValueError(f"{path} is broken; it must be the JSON that was written there.")
        begun = argparse.Namespace(**(vars(arguments) | saved))
        for experiment in _with_variant(known, begun.variant).values():
            settings.read(experiment, begun)
        return saved | ({"data_dir": arguments.data_dir} if arguments.data_dir else {})
    for experiment in _with_variant(known, arguments.variant).values():
        settings.read(experiment, arguments)  # refused before anything is written
    if path.exists():
        raise ValueError(f"{path.parent} holds a run; --resume {path.parent} continues it.")
    data_dir = arguments.data_dir and str(Path(arguments.data_dir).expanduser().absolute())
    options = {name: getattr(arguments, name) for name in OF_ALL} | {"data_dir": data_dir}
    atomic.write_json(path, options)
    return options
