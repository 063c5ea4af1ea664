"""The pages of the API: every name that the package offers is on one of them."""

from __future__ import annotations

from types import ModuleType

import dalejax as dj

# Page -> modules of dalejax, in the order of the page; a folder stands for all modules in it.
THEMES = {
    "Networks": [
        "nn.recurrent_network",
        "nn.feedforward_network",
        "nn.cells.base",
        "nn.cells.basic",
        "nn.cells",
        "nn.dense",
        "nn.conv",
        "nn.norms",
        "nn.embedding",
        "nn.vgg",
        "nn.connectivity",
        "nn.recurrence",
        "nn.exchange",
        "nn",
    ],
    "Signs and initialisers": ["signs", "initializers"],
    "Transforms and optimisers": ["transforms"],
    "Training": ["training", "runtime"],
    "Tasks": ["tasks"],
    "Data": ["datasets"],
    "Spectra and dynamics": ["spectrum", "dynamics"],
    "Results": ["analysis", "plots"],
}


def navigation() -> list:
    """List the pages."""
    return [{theme: f"api/{slug(theme)}.md"} for theme in THEMES]


def public() -> dict[str, str]:
    """List what ``import dalejax as dj`` offers: name -> path of the module, below dalejax."""
    out = {}
    for name in dir(dj):
        value = getattr(dj, name)
        home = value.__name__ if isinstance(value, ModuleType) else value.__module__
        out[name] = home.removeprefix("dalejax.")
    return out


def by_theme() -> dict[str, list[str]]:
    """Give the public names of each page, in the page's order.

    Raises:
        ValueError: a name is on no page.
    """
    left, out = public(), {}
    for theme, modules in THEMES.items():
        out[theme] = []
        for module in modules:
            found = [n for n, home in left.items() if f"{home}.".startswith(f"{module}.")]
            # A whole folder comes before the single names that are offered besides.
            found.sort(key=lambda name: not isinstance(getattr(dj, name), ModuleType))
            out[theme] += found
            left = {name: home for name, home in left.items() if name not in found}
    if left:
        raise ValueError(f"no page of the API has {left}; THEMES in api_pages.py must name them.")
    return out


def pages() -> dict[str, str]:
    """Write a page a theme: page -> Markdown."""
    out = {}
    for theme, names in by_theme().items():
        parts = [f"# {theme}"]
        for name in names:
            parts.append(f"::: dalejax.{name}")
            parts += [f"::: {path}" for path in shadowed(name)]
        out[f"api/{slug(theme)}.md"] = "\n\n".join(parts)
    return out


def shadowed(name: str) -> list[str]:
    """List the functions of a folder that are named as their file: mkdocstrings sees the file."""
    offered = getattr(dj, name)
    values = {n: getattr(offered, n) for n in getattr(offered, "__all__", ())}
    files = {n: f"dalejax.{name}.{n}" for n in values}
    homes = {n: getattr(value, "__module__", None) for n, value in values.items()}
    return [f"{files[n]}.{n}" for n in values if homes[n] == files[n]]


def slug(theme: str) -> str:
    """Make a page's file name of its title."""
    return theme.lower().replace(" ", "-")
