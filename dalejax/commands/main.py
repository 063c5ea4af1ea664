"""The command line ``dalejax``: parse the arguments, run the command, turn errors into sentences.

Exit codes: 0 done, 1 stopped because a member diverged (only if that was asked for), 2 bad input
(one sentence on stderr, nothing written), 128 + signal interrupted (130 SIGINT, 143 SIGTERM).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import tyro
from tyro.conf import subcommand

from dalejax.commands import errors
from dalejax.commands.config import CONFIG
from dalejax.commands.data import PackObjects, Prepare, Status, Verify
from dalejax.commands.report import Report
from dalejax.commands.spectrum import Spectrum
from dalejax.commands.train import Resume, Train
from dalejax.runtime import messages, multihost, signals

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


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the arguments; None for the process's own.

    Returns:
        The exit code: 0 done, 1 diverged, 2 bad input, 128 + signal interrupted.

    Example:
        >>> main(["spectrum", "--cell", "rnn", "--n", "4", "--rho", "0"])
        2
    """
    try:
        command = tyro.cli(
            Command,
            prog="dalejax",
            description="Ensembles of neural networks under Dale's law.",
            args=argv,
            config=(tyro.conf.FlagCreatePairsOff,),
        )
    except SystemExit as exit_:  # --help, or arguments that do not parse
        return exit_.code if isinstance(exit_.code, int) else 2
    try:
        with signals.raise_on_sigterm(), messages.show_warnings_as_lines():
            command.run()
    except (KeyboardInterrupt, signals.Interrupted) as stop:
        messages.say(f"interrupted; {_what_is_left(command)}")
        return stop.code if isinstance(stop, signals.Interrupted) else 130
    except ArithmeticError as error:
        from dalejax.training.run import Diverged

        if not isinstance(error, Diverged):
            raise
        messages.say(str(error))
        return 1
    except multihost.OtherProcessFailed:  # which prints the reason
        return 2
    except Exception as error:
        return errors.refuse(error, "dalejax", "a run with a smaller --n or fewer --seeds")
    return 0


def _what_is_left(command) -> str:
    if isinstance(command, Prepare):
        return "what was downloaded so far is kept, and the next time continues it."
    folder = command.out if isinstance(command, Train | Resume) else None
    if folder is None or not (folder / CONFIG).exists():
        return "nothing was written."
    return f"dalejax resume {folder} continues from the last checkpoint."


if __name__ == "__main__":
    sys.exit(main())
