"""The floors of dalejax and experiments, and a walk of the source that finds imports against them.

A module may import from lower floors and from its own folder. Nothing is imported to find out: the
files are parsed. What counts as an import is said at :func:`find_imports`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

COMPUTED = "a module whose name is computed"
IMPORTERS = ("import_module", "__import__", "resolve_name", "exec", "eval")


class Package(NamedTuple):
    """A package whose imports have rules.

    Attributes:
        name: of the package.
        floors: folders and top-level modules, the ground floor first; ``""`` is the package's
            own ``__init__`` and ``__main__``. Folders on one floor do not import each other.
        above: top-level packages that it must not import.
        computes: path, from the folder that holds the package, of files that may import a module
            by a computed name, and why that is no way around the floors.
    """

    name: str
    floors: tuple[tuple[str, ...], ...]
    above: tuple[str, ...] = ()
    computes: Mapping[str, str] = {}


LIBRARY = Package(
    "dalejax",
    floors=(
        ("types",),
        ("checks", "streams", "_version"),
        ("runtime",),
        ("signs", "storage", "spectrum"),
        ("datasets", "initializers", "analysis"),
        ("nn", "tasks", "plots"),
        ("dynamics", "transforms"),
        ("training",),
        ("",),
        ("commands",),
    ),
    above=("experiments", "benchmarks", "tests", "helpers"),
    computes={
        "dalejax/__init__.py": "the lazy names, which stand in __init__.pyi, where they are found",
        "dalejax/runtime/extras.py": "import_extra, whose callers give the name",
        "dalejax/tasks/neurogym/environments.py": "two modules of NeuroGym's environment",
    },
)
EXPERIMENTS = Package(
    "experiments",
    floors=(
        ("engine",),
        ("shared",),
        ("li2023", "cornford2021", "jarne2023", "song2016"),
        ("repaired", "extensions"),
        ("",),
    ),
    above=("benchmarks", "tests", "helpers"),
    computes={"experiments/__init__.py": "all_modules, which imports every experiment"},
)


def find_violations(root: Path, package: Package) -> list[str]:
    """Name each line of a package that imports from a higher floor, or sideways.

    Args:
        root: folder that holds the package's folder.
        package: the package with its floors.

    Returns:
        One sentence for each such line, with its file and number.
    """
    floor_of = {wing: number for number, wings in enumerate(package.floors) for wing in wings}
    wrong = []
    for path in source_files(root, package.name):
        where = path.relative_to(root).as_posix()
        own = _wing(_module_name(root, path))
        if own not in floor_of:
            wrong.append(f"{where}: {own} has no floor")
            continue
        for line, name in find_imports(root, path):
            top = name.partition(".")[0]
            if top in package.above:
                wrong.append(f"{where}:{line} imports {name}, which is above {package.name}")
            elif name == COMPUTED and where not in package.computes:
                wrong.append(f"{where}:{line} imports {name}; name it in a literal")
            elif top == package.name and _wing(name) in floor_of:
                wing = _wing(name)
                if floor_of[wing] > floor_of[own]:
                    wrong.append(f"{where}:{line} imports {name}, of a higher floor")
                elif floor_of[wing] == floor_of[own] and wing != own:
                    wrong.append(f"{where}:{line} imports {name}, of another folder of its floor")
            elif top == package.name:
                wrong.append(f"{where}:{line} imports {name}, which has no floor")
    return wrong


def find_circles(root: Path, package: Package) -> list[str]:
    """Name the circles of modules that import each other, imports inside functions included."""
    graph: dict[str, set[str]] = {}
    for path in source_files(root, package.name):
        graph.setdefault(_module_name(root, path), set()).update(
            name for _, name in find_imports(root, path)
        )
    circles, done = [], set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        if module in trail:
            circles.append(" -> ".join((*trail[trail.index(module) :], module)))
        elif module not in done:
            for other in sorted(graph.get(module, ())):
                visit(other, (*trail, module))
            done.add(module)

    for module in sorted(graph):
        visit(module, ())
    return circles


def source_files(root: Path, package: str) -> list[Path]:
    """List the Python files and stubs of a package."""
    return sorted(p for p in (root / package).rglob("*.py*") if p.suffix in (".py", ".pyi"))


def find_imports(root: Path, path: Path) -> list[tuple[int, str]]:
    """Find what a file imports, anywhere in it: in functions and under ``TYPE_CHECKING`` too.

    These count: ``import`` and ``from … import``, relative ones too; a string that is the dotted
    name of a module below ``root``, wherever it stands, since ``importlib.import_module``,
    ``sys.modules`` or ``python -m`` would take it; and, as :data:`COMPUTED`, a call of a function
    in :data:`IMPORTERS` with anything but a string, every ``exec`` and ``eval``, and such a
    function under another name.

    Returns:
        Line and module of each import: ``a.b`` for ``from a import b`` where ``b`` is a module,
        ``a`` where it is not.
    """
    return sorted(set(_walk(root, path)))


def _walk(root: Path, path: Path) -> Iterator[tuple[int, str]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = set(_docstrings(tree))
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
                if not alias.asname:  # `import a.b` binds a, whose lazy names are at hand then
                    yield node.lineno, alias.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, name) for name in _from(root, path, node))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            name = node.value.partition(":")[0]
            if node not in docstrings and "." in name and _is_module(root, name):
                yield node.lineno, name
            elif node.value in IMPORTERS[:2]:  # getattr(importlib, "import_module")
                yield node.lineno, COMPUTED
        elif isinstance(node, ast.Call) and _is_importer(node.func):
            given = [*node.args[:1], *(k.value for k in node.keywords if k.arg == "name")]
            runs = ast.unparse(node.func) in ("exec", "eval")
            if len(given) == 1 and isinstance(given[0], ast.Constant) and not runs:
                yield node.lineno, _absolute(root, path, str(given[0].value))
            else:
                yield node.lineno, COMPUTED
        elif _is_importer(node) and id(node) not in called:
            yield node.lineno, COMPUTED


def _from(root: Path, path: Path, node: ast.ImportFrom) -> Iterator[str]:
    """List the modules of a ``from … import …``."""
    parent = _absolute(root, path, "." * node.level + (node.module or ""))
    for alias in node.names:
        name = f"{parent}.{alias.name}"
        yield name if _is_module(root, name) else parent
        if alias.name in IMPORTERS and alias.asname:
            yield COMPUTED


def _is_importer(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr in IMPORTERS[:3]  # not the eval of an object
    return isinstance(node, ast.Name) and node.id in IMPORTERS


def _absolute(root: Path, path: Path, name: str) -> str:
    """Resolve a module's name as written in a file: one dot is the file's package."""
    level = len(name) - len(name.lstrip("."))
    if not level:
        return name
    parents = path.relative_to(root).parent.parts
    return ".".join([*parents[: len(parents) - level + 1], *filter(None, [name[level:]])])


def _module_name(root: Path, path: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _wing(module: str) -> str:
    """Name the folder or top-level module that a module of a package belongs to."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] != "__main__" else ""


def _is_module(root: Path, name: str) -> bool:
    if not all(part.isidentifier() for part in name.split(".")):
        return False
    path = root / name.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").is_file()


def _docstrings(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            yield body[0].value
