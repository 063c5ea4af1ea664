"""Which errors are the user's to mend, and the one sentence that a command line gives for them."""

from __future__ import annotations

import sys

# Numbers that do not fit; files that are missing or damaged, folders that cannot be written, no
# connection (OSError is all of those); a package that is not installed.
BAD_INPUT = (ValueError, OSError, ModuleNotFoundError)
NO_MEMORY = "RESOURCE_EXHAUSTED"  # JAX raises a RuntimeError of its own, which says it so


def sentence(error: Exception, smaller: str = "a smaller run") -> str | None:
    """Say in one sentence what was wrong; None for an error that is the program's own.

    Args:
        error: what was raised.
        smaller: what needs less memory.

    Returns:
        The sentence on one line, or None.

    Example:
        >>> sentence(ValueError("n is 0; it must be 1 or more."))
        'n is 0; it must be 1 or more.'
        >>> sentence(RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 8 bytes."))
        'Out of memory allocating 8 bytes; a smaller run needs less.'
        >>> sentence(KeyError("n")) is None
        True
    """
    if isinstance(error, RuntimeError) and NO_MEMORY in str(error):
        text = _one_line(error).split(f"{NO_MEMORY}: ")[-1].rstrip(".")
        return f"{text}; {smaller} needs less."
    if isinstance(error, MemoryError):  # NumPy's, of the host
        return f"{_one_line(error).rstrip('.') or 'Out of memory'}; {smaller} needs less."
    if not isinstance(error, BAD_INPUT):
        return None
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}."
    return _one_line(error)


def refuse(error: Exception, program: str, smaller: str) -> int:
    """Print the sentence for an error on stderr, or raise the error again if it is the program's.

    Args:
        error: what was raised.
        program: who says it.
        smaller: what needs less memory.

    Returns:
        The exit code, 2.

    Example:
        >>> refuse(ValueError("n is 0."), "dalejax", "a smaller run")
        2
    """
    text = sentence(error, smaller)
    if text is None:
        raise error
    print(f"{program}: {text}", file=sys.stderr)
    return 2


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
