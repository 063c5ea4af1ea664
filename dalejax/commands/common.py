"""What several commands share: checks of options, cells by name, JSON on stdout."""

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
    """Refuse options below 1.

    Args:
        counts: option -> value.

    Raises:
        ValueError: one is below 1.
    """
    for name, value in counts.items():
        checks.whole(flag(name), value)


def check_positive(**numbers: float | None) -> None:
    """Refuse options that are not finite numbers above 0.

    Args:
        numbers: option -> value; None is none given.

    Raises:
        ValueError: one is 0, negative or not finite.
    """
    for name, value in numbers.items():
        if value is not None:
            checks.positive(flag(name), value)


def flag(name: str) -> str:
    """Spell a field's name as the option is typed: ``eval_every`` is ``--eval-every``."""
    return "--" + name.replace("_", "-")


def default_n_i(n: int) -> int:
    """Count the inhibitory units of the papers' networks: 10 % of n, at least 1."""
    from dalejax import signs

    return signs.num_inhibitory(n, 0.1)


def make_cell(
    kind: CellName, n: int, n_i: int, rho: float | None, distribution: Distribution = "exponential"
) -> Cell:
    """Make a cell by its name; what does not concern its kind is ignored.

    Args:
        kind: rnn, colei or dann.
        n: its units.
        n_i: inhibitory units among them (colei), or interneurons on top of them (dann).
        rho: spectral radius of the recurrent weights at the start (colei); None leaves it.
        distribution: of the weights (colei, dann).

    Raises:
        ValueError: the numbers do not fit.
    """
    import dalejax as dj

    if kind == "colei":
        return dj.ColEICell(n, n_i=n_i, rho=rho, distribution=distribution)
    if kind == "dann":
        return dj.DANNCell(n, n_i=n_i, distribution=distribution)
    return dj.RNNCell(n)


def print_json(content: Mapping[str, Any]) -> None:
    """Print one JSON object; what is not finite becomes null.

    Args:
        content: numbers, strings, lists and dictionaries.
    """
    print(json.dumps(_plain(content), indent=2, allow_nan=False))


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print aligned columns.

    Args:
        rows: all equally long.

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
