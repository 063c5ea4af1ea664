"""config.json: the options of ``dalejax train``, kept in the folder of the run that they made."""

from __future__ import annotations

import contextlib
import dataclasses
import io
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

import tyro

from dalejax.commands.common import flag

CONFIG = "config.json"
TRAIN = "train.json"  # written by train when it begins
# Where a run is, on how many devices it runs and how it is shown do not change its numbers.
NOT_FROZEN = ("out", "progress", "json", "members_per_wave", "distributed")

Options = TypeVar("Options")


@runtime_checkable
class Dataclass(Protocol):
    """Any instance of a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]


def refuse_used(folder: Path) -> None:
    """Raise FileExistsError if a folder holds a run already.

    Args:
        folder: folder for a new run.
    """
    used = [name for name in (CONFIG, TRAIN, "checkpoints") if (folder / name).exists()]
    if used:
        raise FileExistsError(
            f"--out is {folder}, which holds a run already ({used[0]}); it must be another folder, "
            f"or dalejax resume {folder} continues the run."
        )


def claim(folder: Path, command: str, options: Dataclass) -> None:
    """Write config.json into the folder of a new run, unless another process was faster.

    Args:
        folder: folder of the run, locked.
        command: name of the command.
        options: the command, a dataclass, with its defaults filled in.

    Raises:
        FileExistsError: another process has begun a run there meanwhile.
        OSError: the folder cannot be written.
    """
    refuse_used(folder)
    write(folder, command, options)


def unclaim(folder: Path) -> None:
    """Remove config.json of a run that failed before its first update, as it cannot be resumed.

    Args:
        folder: folder of the run.
    """
    if not (folder / TRAIN).exists():
        (folder / CONFIG).unlink(missing_ok=True)


def write(folder: Path, command: str, options: Dataclass) -> None:
    """Write the options of a command into the folder of its run.

    Args:
        folder: folder of the run; it is made.
        command: name of the command.
        options: the command, a dataclass, with its defaults filled in.

    Raises:
        OSError: the folder cannot be written.
    """
    from dalejax.storage import atomic
    from dalejax.storage.provenance import provenance

    frozen = dataclasses.asdict(options)
    frozen = {
        k: str(v.expanduser().absolute()) if isinstance(v, Path) else v for k, v in frozen.items()
    }
    content = {
        "command": command,
        "options": {name: value for name, value in frozen.items() if name not in NOT_FROZEN},
        **provenance(),
    }
    atomic.write_json(folder / CONFIG, content)


def read(folder: Path, kind: type[Options]) -> Options:
    """Read the options of the run in a folder.

    Args:
        folder: folder of the run.
        kind: dataclass of the command that wrote them.

    Returns:
        The command, with these options and this folder.

    Raises:
        FileNotFoundError: the folder has no config.json.
        ValueError: config.json does not hold options of this command.
    """
    from dalejax.storage import atomic

    path = folder / CONFIG
    if not path.is_file():
        raise FileNotFoundError(
            f"{folder} is not the folder of a run: it has no {CONFIG}; dalejax train makes one."
        )
    try:
        options = atomic.read_json(path)["options"]
        # Parsed like a command line, so that tyro checks every name, type and choice.
        with contextlib.redirect_stderr(io.StringIO()):
            return tyro.cli(
                kind,
                args=["--out", str(folder), *_as_arguments(options)],
                config=(tyro.conf.FlagCreatePairsOff,),
            )
    except (ValueError, KeyError, TypeError, AttributeError, SystemExit) as error:
        raise ValueError(
            f"{path} is broken: it must hold the options that dalejax train wrote."
        ) from error


def _as_arguments(options: dict[str, Any]) -> list[str]:
    named = {flag(name): value for name, value in options.items()}
    return [
        text for name, value in named.items() if value is not None for text in (name, str(value))
    ]
