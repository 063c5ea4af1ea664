"""config.json: a command's options, frozen beside the run that they made."""

from __future__ import annotations

import contextlib
import dataclasses
import io
from pathlib import Path
from typing import Any, TypeVar

import tyro

from dalejax.commands.common import flag

CONFIG = "config.json"
# Where a run is and how it is shown make no difference to it, so config.json leaves them out.
NOT_FROZEN = ("out", "progress", "json", "members_per_wave", "distributed")

Options = TypeVar("Options")


def write(folder: Path, command: str, options: Any) -> None:
    """Write a command's options, a dataclass, into the run's folder.

    Args:
        folder: the run's; it is made.
        command: the command's name.
        options: resolved ones.

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
    """Read a command's options back, for the run in the folder.

    Args:
        folder: the run's.
        kind: the command's dataclass.

    Raises:
        FileNotFoundError: there is no config.json.
        ValueError: it does not hold such options.
    """
    from dalejax.storage import atomic

    path = folder / CONFIG
    if not path.is_file():
        raise FileNotFoundError(
            f"{folder} is not a run's folder: it has no {CONFIG}; dalejax train makes one."
        )
    try:
        options = atomic.read_json(path)["options"]
        # Typed again, as it were: so tyro checks every name, type and choice.
        with contextlib.redirect_stderr(io.StringIO()):
            return tyro.cli(
                kind,
                args=["--out", str(folder), *_typed(options)],
                config=(tyro.conf.FlagCreatePairsOff,),
            )
    except (ValueError, KeyError, TypeError, AttributeError, SystemExit) as error:
        raise ValueError(
            f"{path} is broken: it must hold the options that dalejax train wrote."
        ) from error


def _typed(options: dict[str, Any]) -> list[str]:
    named = {flag(name): value for name, value in options.items()}
    return [
        text for name, value in named.items() if value is not None for text in (name, str(value))
    ]
