"""The pages of the API: every name that the package offers is on one of them."""

import dalejax as dj

# Theme -> modules of dalejax, in the order of the page; every public name is in one of them.
THEMES = {
    "Networks": [
        "networks",
        "feedforward",
        "cell",
        "cells",
        "projected",
        "rectified",
        "divisive",
        "mutual",
        "hybrid",
        "spectral",
        "dense",
        "conv",
        "norms",
        "embedding",
        "vgg",
        "recurrence",
        "exchange",
    ],
    "Signs and starts": ["signs", "sign_trees", "naming", "connectivity", "initializers"],
    "Transforms and optimisers": [
        "transforms",
        "optimizers",
        "fisher",
        "running_fisher",
        "angles",
        "exponentiated",
    ],
    "Training": ["training", "ensemble", "member", "answers", "interrupts", "notes", "penalties"],
    "Tasks": ["tasks"],
    "Data": ["datasets"],
    "Spectra and dynamics": ["spectrum", "dynamics", "currents"],
    "Results": ["results", "statistics", "claims", "ledger", "plots"],
}


def navigation() -> list:
    """List the pages."""
    return [{theme: f"api/{slug(theme)}.md"} for theme in THEMES]


def themes() -> dict[str, list[str]]:
    """Give the API's pages, after a look whether every public name is on one."""
    named = {name for modules in THEMES.values() for name in modules}
    missing = {module for _, module in public()} - named
    if missing:
        raise ValueError(
            f"no page of the API names {sorted(missing)}; docs/hooks/api_pages.py must."
        )
    return THEMES


def public() -> list[tuple[str, str]]:
    """List what ``import dalejax as dj`` offers: (name, module that defines it)."""
    out = []
    for name in dj.__all__:
        value = getattr(dj, name)
        module = getattr(value, "__module__", None) or value.__name__
        out.append((name, module.split(".")[1]))
    return out


def pages() -> dict[str, str]:
    """Write a page a theme: the names that the package offers, or whole modules."""
    pages = {}
    for theme, modules in themes().items():
        parts = [f"# {theme}"]
        for module in modules:
            names = [name for name, of in public() if of == module and name != module]
            whole = module in dj.__all__ or not names
            parts += [f"::: dalejax.{name}" for name in ([module] if whole else names)]
            parts += [f"::: {path}" for path in shadowed(module)]
        pages[f"api/{slug(theme)}.md"] = "\n\n".join(parts)
    return pages


def shadowed(module: str) -> list[str]:
    """List functions that are named as the file they are in: mkdocstrings takes them for it."""
    offered = getattr(dj, module, None)
    values = {name: getattr(offered, name) for name in getattr(offered, "__all__", ())}
    files = {name: f"dalejax.{module}.{name}" for name in values}
    homes = {name: getattr(value, "__module__", None) for name, value in values.items()}
    return [f"{files[name]}.{name}" for name in values if homes[name] == files[name]]


def slug(theme: str) -> str:
    """Make a theme's file name."""
    return theme.lower().replace(" ", "-")
