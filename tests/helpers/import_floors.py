"""The floors of dalejax and experiments: which folder may import which, and a walk of all imports.

A module may import from lower floors and from its own folder. The walk sees ``import``,
``from … import``, ``importlib.import_module`` with a literal name, and the lazy names of
``dalejax/__init__.pyi``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

# From the ground up; folders on one floor do not import each other.
LIBRARY = (
    ("types",),
    ("checks", "streams", "_version"),
    ("runtime",),
    ("signs", "storage", "spectrum"),
    ("datasets", "initializers", "analysis"),
    ("nn", "tasks", "plots"),
    ("dynamics", "transforms"),
    ("training",),
    ("",),  # dalejax/__init__.py and its stub
    ("commands",),
)
EXPERIMENTS = (
    ("engine",),
    ("shared",),
    ("li2023", "cornford2021", "jarne2023", "song2016", "repaired", "extensions"),
    ("",),
)


def violations(root: Path, package: str, floors: tuple[tuple[str, ...], ...]) -> list[str]:
    """Name each line of a package that imports from a higher floor, or sideways.

    Args:
        root: folder that holds the package.
        package: ``"dalejax"`` or ``"experiments"``.
        floors: wings by floor, the ground first.
    """
    floor_of = {wing: number for number, wings in enumerate(floors) for wing in wings}
    wrong = []
    for path in sorted((root / package).rglob("*.py*")):
        if path.suffix not in (".py", ".pyi"):
            continue
        own = wing_of(path.relative_to(root / package))
        for line, name in imported(path, root, package):
            wing = name.split(".")[1] if "." in name else ""
            upward = floor_of[wing] > floor_of[own]
            sideways = floor_of[wing] == floor_of[own] and wing != own
            if upward or sideways:
                wrong.append(
                    f"{path.relative_to(root)}:{line} imports {name}, "
                    f"{'a higher floor' if upward else 'another folder of its own floor'}"
                )
    return wrong


def wing_of(path: Path) -> str:
    """Name the folder, or top-level module, that a file of a package belongs to."""
    if len(path.parts) > 1:
        return path.parts[0]
    return "" if path.stem in ("__init__", "__main__") else path.stem


def imported(path: Path, root: Path, package: str) -> Iterator[tuple[int, str]]:
    """List (line, module of the package) for every import of a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative imports are not used here"
            names = [
                f"{node.module}.{alias.name}"
                if _is_module(root, f"{node.module}.{alias.name}")
                else str(node.module)
                for alias in node.names
            ]
        elif (
            isinstance(node, ast.Call)
            and ast.unparse(node.func).endswith("import_module")
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            names = [node.args[0].value]
        for name in names:
            if name.split(".")[0] == package:
                yield node.lineno, name


def _is_module(root: Path, name: str) -> bool:
    path = root / name.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").is_file()


def circles(root: Path, package: str) -> list[str]:
    """Name the circles of modules that import each other, imports inside functions included."""
    graph: dict[str, set[str]] = {}
    for path in (root / package).rglob("*.py"):
        name = ".".join(path.relative_to(root).with_suffix("").parts)
        graph[name] = {n for _, n in imported(path, root, package)}
    found, done = [], set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        if module in trail:
            found.append(" -> ".join((*trail[trail.index(module) :], module)))
        elif module not in done:
            for other in sorted(graph.get(module, ())):
                visit(other, (*trail, module))
            done.add(module)

    for module in sorted(graph):
        visit(module, ())
    return found
