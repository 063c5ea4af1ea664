"""Optional packages: import one where it is first needed, or say how to install it."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Literal

# The optional-dependencies of pyproject.toml that code in dalejax or in experiments asks for.
Extra = Literal["data", "analysis", "cli", "demo", "search"]


def import_extra(module: str, *, extra: Extra) -> ModuleType:
    """Import a module of an optional package, or raise an error that says how to install it.

    Call it inside the function that needs the module, so that importing dalejax works without the
    optional packages.

    Args:
        module: name of the module to import, for example ``"PIL.Image"``.
        extra: name of the group of optional dependencies that brings the module.

    Returns:
        The module.

    Raises:
        ModuleNotFoundError: the module, or a module that it imports itself, cannot be imported.

    Example:
        >>> import_extra("json", extra="data").dumps([1])
        '[1]'
        >>> import_extra("absent", extra="data")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ModuleNotFoundError: absent cannot be imported (...'data': pip install "dalejax[data]"
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ModuleNotFoundError(
            f"{module} cannot be imported ({error}); it comes with the extra {extra!r}: "
            f'pip install "dalejax[{extra}]"',
            name=module,
        ) from error
