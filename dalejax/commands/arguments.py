"""The arguments of ``dalejax``: which commands there are, and how a command line becomes one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import tyro
from tyro.conf import subcommand

from dalejax.commands.config import CONFIG
from dalejax.commands.data import PackObjects, Prepare, Status, Verify
from dalejax.commands.report import Report
from dalejax.commands.spectrum import Spectrum
from dalejax.commands.train import Resume, Train

Command = (
    Annotated[Train, subcommand("train")]
    | Annotated[Resume, subcommand("resume")]
    | Annotated[Spectrum, subcommand("spectrum")]
    | Annotated[Report, subcommand("report")]
    | Annotated[
        Annotated[Status, subcommand("status")]
        | Annotated[Prepare, subcommand("prepare")]
        | Annotated[Verify, subcommand("verify")]
        | Annotated[PackObjects, subcommand("pack-objects")],
        subcommand("data", description="Show, prepare and verify the data sets."),
    ]
)


def parse(argv: Sequence[str] | None) -> Command:
    """Parse a command line into the command that it names, with its options as fields.

    Args:
        argv: the arguments; None for those of the process.

    Raises:
        SystemExit: the arguments do not parse, or ask for help; tyro has printed what to say.
    """
    return tyro.cli(
        Command,
        prog="dalejax",
        description="Ensembles of neural networks under Dale's law.",
        args=argv,
        config=(tyro.conf.FlagCreatePairsOff,),
    )


def after_interruption(command: Command) -> str:
    """Say what an interrupted command has left on disk, and how to go on.

    Args:
        command: the command that was interrupted.
    """
    if isinstance(command, Prepare):
        return "what was downloaded so far is kept, and the next time continues it."
    folder = command.out if isinstance(command, Train | Resume) else None
    if folder is None or not (folder / CONFIG).exists():
        return "nothing was written."
    return f"dalejax resume {folder} continues from the last checkpoint."
