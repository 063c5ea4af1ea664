"""Reading CSV files exactly."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

_EXACT_BY_DEFAULT = tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1)


def read(path: Path) -> pd.DataFrame:
    """Read a CSV file whose floats become, to the last bit, the numbers written in it.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "table.csv"
        ...     _ = path.write_text("x\\n1.2345678901234567\\n")
        ...     read(path)["x"].tolist()
        [1.2345678901234567]
    """
    if _EXACT_BY_DEFAULT:  # pandas warns of the argument that earlier versions need
        return pd.read_csv(path)
    return pd.read_csv(path, float_precision="round_trip")
