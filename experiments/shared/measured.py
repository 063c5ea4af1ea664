"""Numbers measured on many networks, written as one long table and read back in groups."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from experiments.engine.context import Context

_FILE = "measured.csv"


def write(context: Context, found: Mapping[object, Mapping[str, np.ndarray | float]]) -> None:
    """Write ``measured.csv``: a row a group, quantity and network.

    Args:
        context: the run.
        found: group (a network's name, a size) -> quantity -> values [networks], or one number.
    """
    parts = [
        pd.DataFrame({"group": str(group), "quantity": quantity, "value": np.atleast_1d(values)})
        for group, quantities in found.items()
        for quantity, values in quantities.items()
    ]
    context.write_csv(_FILE, pd.concat(parts, ignore_index=True))


def read(context: Context) -> dict[str, dict[str, np.ndarray]]:
    """Read what :func:`write` wrote: group -> quantity -> values [networks].

    Raises:
        NotKept: the table is not there.
    """
    table = context.read_csv(_FILE)
    out: dict[str, dict[str, np.ndarray]] = {}
    for (group, quantity), rows in table.groupby(["group", "quantity"], sort=False):
        out.setdefault(str(group), {})[str(quantity)] = rows.value.to_numpy(float)
    return out
