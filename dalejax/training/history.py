"""What a run has measured so far, kept beside its state and turned into the tidy table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

DIVERGED = "diverged"


class History:
    """Metrics so far: update numbers [k] and, for each metric, values [k, s].

    Example:
        >>> history = History()
        >>> history.add(10, {"loss": np.array([0.5, 0.25])})
        >>> history.table().value.tolist()
        [0.5, 0.25]
    """

    PREFIX = "history."

    def __init__(self, updates: Sequence[int] = (), values: Mapping[str, Any] | None = None):
        self.updates = list(updates)
        self.values = {name: list(rows) for name, rows in (values or {}).items()}

    def add(self, update: int, metrics: Mapping[str, np.ndarray]) -> None:
        """Append the values [s] of each metric after so many updates."""
        self.updates.append(update)
        for name, row in metrics.items():
            self.values.setdefault(name, []).append(np.asarray(row))

    def arrays(self) -> dict[str, np.ndarray]:
        """Lay everything out as arrays, for a checkpoint."""
        stacked = {self.PREFIX + name: np.stack(rows) for name, rows in self.values.items()}
        return {"updates": np.asarray(self.updates), **stacked}

    @classmethod
    def restore(cls, arrays: Mapping[str, np.ndarray]) -> History:
        """Read back what :meth:`arrays` laid out."""
        values = {
            n.removeprefix(cls.PREFIX): a for n, a in arrays.items() if n.startswith(cls.PREFIX)
        }
        return cls(arrays["updates"].tolist(), values)

    def score(self, name: str) -> float:
        """Give the ensemble's newest score: the median over its finite members, NaN without any."""
        row = self.values[name][-1]
        finite = row[np.isfinite(row)]
        return float(np.median(finite)) if len(finite) else float("nan")

    def table(self, diverged_at: Sequence[int] | np.ndarray = ()) -> pd.DataFrame:
        """Make the tidy table: member, update, metric, value.

        Args:
            diverged_at: update at which a member stopped being finite [s], -1 if it never did; each
                makes a row with metric ``"diverged"`` and value 1.
        """
        lost = np.asarray(diverged_at, int)
        members = np.flatnonzero(lost >= 0)
        rows_of_lost = {
            "member": members,
            "update": lost[members],
            "metric": DIVERGED,
            "value": 1.0,
        }
        columns = [pd.DataFrame(rows_of_lost)] if len(members) else []
        for name in sorted(self.values):
            rows = np.stack(self.values[name])
            updates, members = np.meshgrid(self.updates, np.arange(rows.shape[1]), indexing="ij")
            columns.append(
                pd.DataFrame(
                    {
                        "member": members.ravel(),
                        "update": updates.ravel(),
                        "metric": name,
                        "value": rows.ravel().astype(float),
                    }
                )
            )
        table = pd.concat(columns, ignore_index=True)
        return table.sort_values(["member", "update", "metric"], ignore_index=True)

    def describe(self, score: str) -> str:
        """Say how the members stand, for the progress bar: the median score of the finite ones."""
        row = self.values[score][-1]
        finite = int(np.isfinite(row).sum())
        median = f"{self.score(score):.3g}" if finite else "–"
        lost = f", {len(row) - finite} diverged" if finite < len(row) else ""
        return f"{score} {median} (median of {finite}{lost})"
