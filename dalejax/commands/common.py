"""Helpers of several commands: checks of options, cells by name, JSON and tables on stdout."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from dalejax import checks

if TYPE_CHECKING:
    from dalejax.nn.cells.base import Cell

CellName = Literal["rnn", "colei", "dann"]
Distribution = Literal["exponential", "gamma", "uniform", "lognormal"]


def check_counts(**counts: int) -> None:
    """Raise ValueError unless each option is a whole number, 1 or more.

    Args:
        counts: name of the option -> value.

    Raises:
        ValueError: a value is below 1.
    """
    for name, value in counts.items():
        checks.whole(flag(name), value)


def check_positive(**numbers: float | None) -> None:
    """Raise ValueError unless each option that was given is a finite number above 0.

    Args:
        numbers: name of the option -> value; None for an option that was not given.

    Raises:
        ValueError: a value is 0, negative or not finite.
    """
    for name, value in numbers.items():
        if value is not None:
            checks.positive(flag(name), value)


def flag(name: str) -> str:
    """Write the name of a field as the option on the command line.

    Args:
        name: name of a field of a command.

    Example:
        >>> flag("eval_every")
        '--eval-every'
    """
    return "--" + name.replace("_", "-")


def default_n_i(n: int) -> int:
    """Give the number of inhibitory units in the papers' networks: 10 % of n, at least 1.

    Args:
        n: number of units.
    """
    from dalejax import signs

    return signs.num_inhibitory(n, 0.1)


def make_cell(
    kind: CellName, n: int, n_i: int, rho: float | None, distribution: Distribution = "exponential"
) -> Cell:
    """Make a cell by its name; arguments that its kind does not have are ignored.

    Args:
        kind: rnn, colei or dann.
        n: number of units.
        n_i: number of inhibitory units among the n (colei), or on top of them (dann).
        rho: spectral radius that the initial recurrent weights are scaled to (colei); None does not
            scale them.
        distribution: distribution of the magnitudes of the initial weights (colei, dann).

    Raises:
        ValueError: a number is out of its range for the cell.
    """
    import dalejax as dj

    if kind == "colei":
        return dj.ColEICell(n, n_i=n_i, rho=rho, distribution=distribution)
    if kind == "dann":
        return dj.DANNCell(n, n_i=n_i, distribution=distribution)
    return dj.RNNCell(n)


def print_json(content: Mapping[str, Any]) -> None:
    """Print one JSON object; numbers that are not finite become null.

    Args:
        content: numbers, strings, lists and dictionaries.
    """
    print(json.dumps(_plain(content), indent=2, allow_nan=False))


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print a table with aligned columns.

    Args:
        rows: rows of cells; all rows have the same length.

    Example:
        >>> print_table([["a", "bc"], ["def", "g"]])
        a    bc
        def  g
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(f"{c:<{w}}" for c, w in zip(row, widths, strict=True)).rstrip())


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, bool | int | float | None) else str(value)
