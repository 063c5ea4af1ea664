"""Run an experiment, or list them: ``python -m experiments NAME --preset laptop``."""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import re
import sys
from pathlib import Path

import experiments


def all_experiments():
    """Every experiment by name: each module of this package that has one."""
    names = sorted(m.name for m in pkgutil.iter_modules(experiments.__path__))
    modules = {
        name: importlib.import_module(f"experiments.{name}") for name in names if name != "__main__"
    }
    return {name: m.EXPERIMENT for name, m in modules.items() if hasattr(m, "EXPERIMENT")}


def main(argv: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m experiments", description=__doc__)
    parser.add_argument("name", help="an experiment, `all`, `list`, `keep` or `ledger`")
    parser.add_argument("runs", nargs="*", type=Path,
                        help="folders of runs, for `keep` and `ledger`")  # fmt: skip
    parser.add_argument("--preset", default="smoke", help="smoke, laptop or paper")
    parser.add_argument("--variant", default="text", help="text (the paper's words) or code")
    parser.add_argument("--data", help="mnist or digits instead of the preset's")
    parser.add_argument("--data-dir", help="where the data are")
    parser.add_argument("--seeds", type=int, help="seeds of each network instead of the preset's")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE",
                        help="change one of the preset's settings")  # fmt: skip
    parser.add_argument("--out", type=Path, help="the run's folder")
    parser.add_argument("--resume", type=Path, metavar="DIR", help="continue the run in DIR")
    parser.add_argument("--from", dest="read_from", type=Path, metavar="DIR",
                        help="the run to read, for an experiment that reads another's")  # fmt: skip
    parser.add_argument("--part", metavar="I/N",
                        help="with `all`: part I of N, about equally long")  # fmt: skip
    parser.add_argument("--no-progress", action="store_true", help="no progress bars")
    parser.add_argument("--distributed", action="store_true",
                        help="one of several processes (srun, mpirun)")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="with `list` and `ledger`: as JSON")
    arguments = parser.parse_args(argv)
    from dalejax import interrupts, notes, processes
    from experiments import keep

    try:
        if arguments.name == "list":
            return _list(arguments.json)
        if arguments.name == "keep":
            return keep.main(arguments.runs, all_experiments())
        if arguments.name == "ledger":
            return keep.ledger(arguments.runs, arguments.out, arguments.json)
        if arguments.runs:
            raise ValueError(f"{arguments.name} takes no folders; --out and --resume name one.")
        with interrupts.raising(), notes.plainly():
            _prepare(arguments)
            return _run(arguments)
    except processes.OtherFailed:  # it says why
        return 2
    except (ValueError, OSError) as error:
        print(f"experiments: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, interrupts.Interrupted) as stop:
        return stop.code if isinstance(stop, interrupts.Interrupted) else 130


def _prepare(arguments) -> None:
    from dalejax import compiled, processes

    compiled.keep()
    if not arguments.distributed:
        return
    if arguments.out is None and arguments.resume is None:
        raise ValueError("--distributed needs --out or --resume: all processes share one folder.")
    processes.connect()


def _list(as_json: bool) -> int:
    rows = [
        {
            "name": e.name,
            "source": e.source,
            "presets": list(e.presets),
            "claims": e.claims,
            "expected_minutes": dict(e.expected_minutes),
        }
        for e in all_experiments().values()
    ]
    if as_json:
        print(json.dumps(rows, indent=2))
        return 0
    width = {key: max(len(row[key]) for row in rows) for key in ("name", "source")}
    for row in rows:
        minutes = ", ".join(f"{p} {m:g} min" for p, m in row["expected_minutes"].items())
        name, source = (row[k].ljust(width[k]) for k in ("name", "source"))
        print(f"{name}  {source}  {row['claims']:3} claims   {minutes}")
    return 0


def _run(arguments) -> int:
    known = all_experiments()
    if arguments.resume and arguments.name != "all":
        return _execute(_resumed(known[_known(arguments.name, known)], arguments), arguments.name)
    if arguments.part and arguments.name != "all":
        raise ValueError(f"--part divides all experiments; {arguments.name} is one.")
    if arguments.name != "all":
        context = _new(known[_known(arguments.name, known)], arguments, arguments.out)
        return _execute(context, arguments.name)
    return _all(known, arguments)


# What `all` was begun with, for the experiments that a resumed one begins.
OF_ALL = ("preset", "variant", "data", "data_dir", "seeds", "set", "part")


def _all(known, arguments) -> int:
    from dalejax import processes
    from dalejax.datasets import MissingData

    usual = f"all-{arguments.preset}"
    if arguments.part:
        usual += "-{}-of-{}".format(*_index(arguments.part))
    parent = arguments.resume or arguments.out or Path("checkpoints") / usual
    options = processes.agree(lambda: _options_of_all(known, arguments, parent / "all.json"))
    vars(arguments).update(options)

    # The longest last; a finished experiment is read back instead of trained again.
    # What reads another's run comes right after it.
    def minutes(experiment):
        source = known[experiment.reads] if experiment.reads else experiment
        return source.expected_minutes[arguments.preset], experiment.reads is not None

    order = sorted(_part(known, arguments), key=minutes)
    resume, skipped = arguments.resume, {}
    for experiment in order:
        print(f"== {experiment.name}", flush=True)
        if experiment.reads in skipped:
            skipped[experiment.name] = f"it reads {experiment.reads}."
            continue
        arguments.read_from = parent / experiment.reads if experiment.reads else None
        folder = parent / experiment.name
        if (folder / "config.json").is_file() and resume:
            arguments.resume = folder
            context = _resumed(experiment, arguments)
        else:
            context = _new(experiment, arguments, folder)
        try:
            _execute(context, "all", parent)
        except MissingData as missing:
            skipped[experiment.name] = str(missing)
    for name, why in skipped.items():
        print(f"{name} was skipped: {why}")
    return 1 if skipped else 0


def _part(known, arguments) -> list:
    """Deal the experiments out, the longest first, each to the part with the least to do."""
    if arguments.part is None:
        return list(known.values())
    which, number = _index(arguments.part)
    with_readers = [
        [e, *(r for r in known.values() if r.reads == e.name)]
        for e in known.values()
        if e.reads is None
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
    """Read what the run was begun with, or begin it; the first process does it for all."""
    from dalejax import files

    if arguments.resume:
        if not path.is_file():
            raise ValueError(f"{path.parent} holds no run of all experiments: no {path.name}.")
        saved = files.read_json(path)
        if not isinstance(saved, dict) or saved.keys() != set(OF_ALL):
            raise ValueError(f"{path} is broken; it must be the JSON that was written there.")
        return saved | ({"data_dir": arguments.data_dir} if arguments.data_dir else {})
    for experiment in _part(known, arguments):
        _settings(experiment, arguments)  # refused before anything is written
    if path.exists():
        raise ValueError(f"{path.parent} holds a run; --resume {path.parent} continues it.")
    data_dir = arguments.data_dir and str(Path(arguments.data_dir).absolute())
    options = {name: getattr(arguments, name) for name in OF_ALL} | {"data_dir": data_dir}
    files.write_json(path, options)
    return options


def _known(name: str, known) -> str:
    if name not in known:
        raise ValueError(f"experiment is {name!r}; it must be one of {', '.join(known)}, all.")
    return name


def _resumed(experiment, arguments):
    from dalejax import files

    path = arguments.resume / "config.json"
    if not path.is_file():
        raise ValueError(f"{arguments.resume} holds no run: there is no config.json.")
    saved = files.read_json(path)
    try:
        name, about = saved["experiment"], {n: saved[n] for n in ("preset", "variant", "settings")}
        known = experiment.presets[about["preset"]].keys() == about["settings"].keys()
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is broken; it must be the JSON that the run wrote.") from error
    if name != experiment.name:
        raise ValueError(f"{arguments.resume} holds a run of {name}.")
    if not known:
        raise ValueError(f"{path} is broken: its settings are not those of {name}.")
    arguments.data_dir = arguments.data_dir or saved.get("data_dir")
    if arguments.read_from is None and saved.get("read_from"):
        arguments.read_from = Path(saved["read_from"])
    return _context(experiment, arguments, folder=arguments.resume, **about)


def _new(experiment, arguments, folder: Path | None):
    settings = _settings(experiment, arguments)
    preset, variant = arguments.preset, arguments.variant
    if folder is None:
        folder = _free_folder(experiment.name, preset, variant, settings["data"])
    elif folder.exists() and any(not path.name.startswith(".") for path in folder.iterdir()):
        raise ValueError(f"{folder} is not empty; --resume {folder} continues the run in it.")
    return _context(
        experiment, arguments, folder=folder, preset=preset, variant=variant, settings=settings
    )


def _context(experiment, arguments, **about):
    from experiments.base import Context

    if experiment.reads:
        about["read_from"] = _read_from(experiment, arguments, about)
    return Context(
        experiment=experiment,
        data_dir=arguments.data_dir,
        progress=not arguments.no_progress,
        **about,
    )


def _read_from(experiment, arguments, about) -> Path:
    """Find the finished run that an experiment reads: the one given, or the newest that fits."""
    from dalejax import files

    wanted = {"experiment": experiment.reads} | {n: about[n] for n in ("preset", "variant")}
    data = about["settings"]["data"]

    def fits(run: Path) -> bool:
        if not (run / "claims.json").is_file():
            return False
        config = files.read_json(run / "config.json")
        return config["settings"]["data"] == data and all(
            config[name] == value for name, value in wanted.items()
        )

    kept = Path("checkpoints") / experiment.reads
    runs = [arguments.read_from] if arguments.read_from else kept.glob("*")
    finished = sorted(filter(fits, runs), key=lambda run: (run / "claims.json").stat().st_mtime)
    if not finished:
        kind = f"{wanted['preset']} run of {experiment.reads} ({wanted['variant']}, {data})"
        raise ValueError(
            f"{arguments.read_from or kept} holds no finished {kind}, which {experiment.name} "
            f"reads; run `python -m experiments {experiment.reads} --preset {wanted['preset']}` "
            "first, or name its folder with --from."
        )
    return finished[-1]


def _execute(context, name: str, folder: Path | None = None) -> int:
    from dalejax import interrupts, notes, processes
    from dalejax.claims import format_claims
    from experiments import base

    try:
        claims = base.execute(context)
    except (KeyboardInterrupt, interrupts.Interrupted):
        resume = f"python -m experiments {name} --resume {folder or context.folder}"
        notes.say(f"interrupted; {resume} continues." if context.begun else "interrupted.")
        raise
    if processes.is_first():
        print(format_claims(claims))
        print(context.folder)
    return 0


def _settings(experiment, arguments) -> dict:
    if arguments.preset not in experiment.presets:
        raise ValueError(
            f"preset is {arguments.preset!r}; it must be one of {', '.join(experiment.presets)}."
        )
    if arguments.variant not in experiment.variants:
        raise ValueError(
            f"variant is {arguments.variant!r}; {experiment.name} has "
            f"{', '.join(experiment.variants)}."
        )
    settings = dict(experiment.presets[arguments.preset])
    if arguments.data is not None:
        settings["data"] = arguments.data
    if arguments.seeds is not None:
        if arguments.seeds < 2:
            raise ValueError(f"--seeds is {arguments.seeds}; a spread needs at least 2.")
        for name in settings:
            if name.startswith("seeds"):
                settings[name] = arguments.seeds
    for change in arguments.set:
        name, _, value = change.partition("=")
        if name not in settings:
            raise ValueError(f"--set names {name!r}; it must be one of {', '.join(settings)}.")
        given = settings[name]
        none = any("none" in _values(preset[name]) for preset in experiment.presets.values())
        if isinstance(given, tuple):
            read = [_read(name, part, given[0], none) for part in value.split(",")]
            if name in experiment.fixed and len(read) != len(given):
                raise ValueError(f"--set {name} has {len(read)} values; it must have {len(given)}.")
            settings[name] = tuple(read)
        else:
            settings[name] = _read(name, value, given, none)
    return settings


def _values(setting) -> tuple:
    return tuple(setting) if isinstance(setting, list | tuple) else (setting,)


def _read(name: str, value: str, given, none: bool):
    from dalejax import checks

    kind = type(given)
    if value == "none" and none:
        return value
    try:
        read = kind(value)
    except ValueError:
        raise ValueError(f"--set {name} is {value!r}; it must be {kind.__name__}.") from None
    if kind is int:
        checks.whole(f"--set {name}", read)
    elif kind is float:
        checks.positive(f"--set {name}", read)
    return read


def _free_folder(name: str, preset: str, variant: str, data: str) -> Path:
    parent = Path("checkpoints") / name
    stem = f"{preset}-{variant}-{data}"
    number = 1
    while (parent / f"{stem}-{number}").exists():
        number += 1
    return parent / f"{stem}-{number}"


if __name__ == "__main__":
    sys.exit(main())
