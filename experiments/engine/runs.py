"""Begin a run of an experiment in a folder, or continue the one that is there."""

from __future__ import annotations

from pathlib import Path

from dalejax.analysis.claims import format_claims
from dalejax.runtime import messages, multihost, signals
from dalejax.storage import atomic
from experiments.engine import base, settings
from experiments.engine.base import Context


def new(experiment, arguments, folder: Path | None) -> Context:
    """Begin a run in a folder that is empty or not there; without one, in the next free one."""
    chosen = settings.read(experiment, arguments)
    preset, variant = arguments.preset, arguments.variant
    if folder is None:
        folder = _free_folder(experiment.name, preset, variant, chosen["data"])
    elif folder.exists() and any(not path.name.startswith(".") for path in folder.iterdir()):
        raise ValueError(f"{folder} is not empty; --resume {folder} continues the run in it.")
    return _context(
        experiment, arguments, folder=folder, preset=preset, variant=variant, settings=chosen
    )


def resumed(experiment, arguments) -> Context:
    """Continue the run in the folder of ``--resume``, with the settings it was begun with."""
    path = arguments.resume / "config.json"
    if not path.is_file():
        raise ValueError(f"{arguments.resume} holds no run: there is no config.json.")
    saved = atomic.read_json(path)
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


def execute(context: Context, name: str, folder: Path | None = None) -> int:
    """Make the run and print its claims; say how to continue it if it is interrupted."""
    try:
        claims = base.execute(context)
    except (KeyboardInterrupt, signals.Interrupted):
        resume = f"python -m experiments {name} --resume {folder or context.folder}"
        messages.say(f"interrupted; {resume} continues." if context.begun else "interrupted.")
        raise
    if multihost.is_first():
        print(format_claims(claims))
        print(context.folder)
    return 0


def _context(experiment, arguments, **about) -> Context:
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
    wanted = {"experiment": experiment.reads.name} | {n: about[n] for n in ("preset", "variant")}
    data = about["settings"]["data"]

    def fits(run: Path) -> bool:
        if not (run / "claims.json").is_file():
            return False
        config = atomic.read_json(run / "config.json")
        try:
            its_data, changed = config["settings"]["data"], "--set" in config.get("command", "")
        except (KeyError, TypeError, AttributeError):  # of another program, or older
            return False
        # A changed preset is read only if it is asked for.
        return (
            its_data == data
            and all(config.get(name) == value for name, value in wanted.items())
            and not (changed and arguments.read_from is None)
        )

    kept = Path("checkpoints") / experiment.reads.name
    runs = [arguments.read_from] if arguments.read_from else kept.glob("*")
    finished = sorted(filter(fits, runs), key=lambda run: (run / "claims.json").stat().st_mtime)
    if not finished:
        kind = f"{wanted['preset']} run of {experiment.reads.name} ({wanted['variant']}, {data})"
        raise ValueError(
            f"{arguments.read_from or kept} holds no finished {kind}, which {experiment.name} "
            f"reads; run `python -m experiments {experiment.reads.name} --preset "
            f"{wanted['preset']}` first, or name its folder with --from."
        )
    return finished[-1]


def _free_folder(name: str, preset: str, variant: str, data: str) -> Path:
    parent = Path("checkpoints") / name
    stem = f"{preset}-{variant}-{data}"
    number = 1
    while (parent / f"{stem}-{number}").exists():
        number += 1
    return parent / f"{stem}-{number}"
