"""Entry point of the program ``dalejax``: run a command and turn errors into sentences.

Exit codes: 0 done; 1 stopped because a member diverged (with --on-divergence stop); 2 bad input or
a missing package (one sentence on stderr, nothing written); 128 + signal interrupted (130 SIGINT,
143 SIGTERM).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from dalejax.commands import errors
from dalejax.runtime import messages, multihost, signals
from dalejax.runtime.extras import import_extra

_SMALLER = "a run with a smaller --n or fewer --seeds"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that a command line names.

    Args:
        argv: the arguments; None for those of the process.

    Returns:
        The exit code, as in the heading of this file.

    Example:
        >>> main(["spectrum", "--cell", "rnn", "--n", "4", "--rho", "0"])
        2
    """
    try:
        import_extra("tyro", extra="cli")
    except ModuleNotFoundError as error:
        return errors.refuse(error, "dalejax", _SMALLER)
    from dalejax.commands import arguments  # late: the commands describe their options with tyro

    try:
        command = arguments.parse(argv)
    except SystemExit as exit_:  # --help, or arguments that do not parse
        return _exit_code(exit_, 2)
    try:
        with signals.raise_on_sigterm(), messages.show_warnings_as_lines():
            command.run()
    except (KeyboardInterrupt, signals.Interrupted) as stop:
        messages.say(f"interrupted; {arguments.after_interruption(command)}")
        return _exit_code(stop, 130)
    except ArithmeticError as error:
        from dalejax.training.run import Diverged

        if not isinstance(error, Diverged):
            raise
        messages.say(str(error))
        return 1
    except multihost.OtherProcessFailed:  # which prints the reason
        return 2
    except Exception as error:
        return errors.refuse(error, "dalejax", _SMALLER)
    return 0


def _exit_code(stop: BaseException, otherwise: int) -> int:
    code = stop.code if isinstance(stop, SystemExit) else None
    return code if isinstance(code, int) else otherwise


if __name__ == "__main__":
    sys.exit(main())
