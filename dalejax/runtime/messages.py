"""What a run says on stderr that is neither progress nor an error; of several processes, once."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator

from dalejax.runtime import multihost


class RunWarning(UserWarning):
    """Something about a run's folder that its owner should know; the run goes on."""


def warn(text: str) -> None:
    """Warn the owner of a run.

    Args:
        text: a sentence.

    Example:
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     warn("a checkpoint is damaged")
        ...     caught[0].category.__name__
        'RunWarning'
    """
    if multihost.is_first():
        warnings.warn(text, RunWarning, stacklevel=3)


def say(text: str) -> None:
    """Say something to whoever watches.

    Args:
        text: a sentence.
    """
    if multihost.is_first():
        print(f"dalejax: {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def plainly() -> Iterator[None]:
    """Show a RunWarning as a sentence, without the line of code: for commands.

    Example:
        >>> with plainly():
        ...     warnings.showwarning.__name__
        'show'
    """
    usual = warnings.showwarning

    def show(message, category, *where, **more):
        if issubclass(category, RunWarning):
            say(str(message))
        else:
            usual(message, category, *where, **more)

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield
