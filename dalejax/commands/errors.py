"""One-sentence messages for errors that the user can mend, such as bad input or a missing file."""

from __future__ import annotations

import sys

# ValueError: a number out of its range. OSError: a missing or damaged file, a folder that cannot be
# written, no connection. ModuleNotFoundError: an optional package that is not installed.
BAD_INPUT = (ValueError, OSError, ModuleNotFoundError)
# JAX raises a RuntimeError with this text when a device has too little memory.
NO_MEMORY = "RESOURCE_EXHAUSTED"


def sentence(error: Exception, smaller: str = "a smaller run") -> str | None:
    """Turn an error that the user can mend into one sentence.

    Args:
        error: the error that was raised.
        smaller: what to try if memory ran out, such as "a smaller run".

    Returns:
        The sentence on one line; None for an error that is a bug of the program.

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
    if isinstance(error, MemoryError):  # raised by NumPy when the host has too little memory
        return f"{_one_line(error).rstrip('.') or 'Out of memory'}; {smaller} needs less."
    if not isinstance(error, BAD_INPUT):
        return None
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}."
    return _one_line(error)


def refuse(error: Exception, program: str, smaller: str) -> int:
    """Print the sentence for an error on stderr, or raise the error again if it is a bug.

    Args:
        error: the error that was raised.
        program: name of the program, printed before the sentence.
        smaller: what to try if memory ran out, such as "a smaller run".

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
