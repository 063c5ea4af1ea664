"""Warnings and status lines on stderr; of several processes only the first one writes them."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator

from dalejax.runtime import multihost


class RunWarning(UserWarning):
    """A problem with a run's folder that does not stop the run, such as a damaged checkpoint."""


def warn(text: str) -> None:
    """Issue a RunWarning (first process only).

    Args:
        text: the warning, a sentence.

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
    """Print a status line to stderr (first process only).

    Args:
        text: the line, a sentence.
    """
    if multihost.is_first():
        print(f"dalejax: {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def show_warnings_as_lines() -> Iterator[None]:
    """Print a RunWarning as a status line, without the line of code that issued it.

    For command lines; other warnings are shown as usual.

    Example:
        >>> with show_warnings_as_lines():
        ...     warnings.showwarning.__name__
        'show'
    """
    usual = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *where, **more):
        if issubclass(category, RunWarning):
            say(str(message))
        else:
            usual(message, category, *where, **more)

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield
