"""Experiments by paper, one file a figure or table; ``python -m experiments list`` shows them."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from experiments.engine.base import Experiment


def all_modules() -> dict[str, ModuleType]:
    """Import the module of every experiment; return the modules by experiment name, sorted."""
    modules = {}
    for found in pkgutil.walk_packages(__path__, "experiments."):
        name = found.name.rpartition(".")[2]
        if not found.ispkg and not name.startswith("_"):
            module = importlib.import_module(found.name)
            if hasattr(module, "EXPERIMENT"):
                modules[module.EXPERIMENT.name] = module
    return dict(sorted(modules.items()))


def all_experiments() -> dict[str, Experiment]:
    """List every experiment by its name."""
    return {name: module.EXPERIMENT for name, module in all_modules().items()}
