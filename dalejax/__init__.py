"""Ensembles of neural networks under Dale's law, in JAX.

The public names are listed in ``__init__.pyi``; each is imported when it is first used, so that
``import dalejax`` is fast. To read the code, start with ``nn/cells/basic.py``,
``nn/recurrence.py``, ``transforms/projection.py`` and ``training/ensemble.py``, in that order.
"""

import ast as _ast
import importlib as _importlib
from pathlib import Path as _Path


def _read_public_names() -> dict[str, str]:
    """Map each public name to the module that ``__init__.pyi`` imports it from."""
    stub = _ast.parse(_Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    return {
        alias.name: node.module or ""
        for node in stub.body
        if isinstance(node, _ast.ImportFrom)
        for alias in node.names
    }


_MODULE_OF = _read_public_names()
__all__ = sorted(set(_MODULE_OF) - {"__version__"})  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'dalejax' has no attribute {name!r}")
    module = _MODULE_OF[name]
    if module == __name__:  # the name is a sub-package
        return _importlib.import_module(f"{module}.{name}")
    parent = _importlib.import_module(module)
    if not hasattr(parent, name):  # the name is a module of a sub-package
        _importlib.import_module(f"{module}.{name}")
    value = globals()[name] = getattr(parent, name)
    return value


def __dir__() -> list[str]:
    return __all__
