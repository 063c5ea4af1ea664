"""The metrics of a run so far: kept in its checkpoints, and turned into its tidy table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

DIVERGED = "diverged"  # metric in the table that marks the update at which a member diverged


class History:
    """Metrics so far: the numbers of updates [k] and, for each metric, the values [k, s].

    Args:
        updates: the numbers of updates after which metrics were measured [k].
        values: metric -> values [k, s].

    Attributes:
        updates: as above.
        values: metric -> for each number of updates the values of all members [s].

    Example:
        >>> history = History()
        >>> history.add(10, {"loss": np.array([0.5, 0.25])})
        >>> history.table().value.tolist()
        [0.5, 0.25]
    """

    PREFIX = "history."

    def __init__(
        self, updates: Sequence[int] = (), values: Mapping[str, Iterable[np.ndarray]] | None = None
    ):
        self.updates = list(updates)
        self.values = {name: list(rows) for name, rows in (values or {}).items()}

    def add(self, update: int, metrics: Mapping[str, np.ndarray]) -> None:
        """Append the metrics after ``update`` updates.

        Args:
            update: updates done.
            metrics: metric -> values of all members [s].
        """
        self.updates.append(update)
        for name, row in metrics.items():
            self.values.setdefault(name, []).append(np.asarray(row))

    def arrays(self) -> dict[str, np.ndarray]:
        """Stack everything into named arrays, for a checkpoint."""
        stacked = {self.PREFIX + name: np.stack(rows) for name, rows in self.values.items()}
        return {"updates": np.asarray(self.updates), **stacked}

    @classmethod
    def restore(cls, arrays: Mapping[str, np.ndarray]) -> History:
        """Make a history again out of a checkpoint's arrays.

        Args:
            arrays: those of :meth:`arrays`; others are ignored.
        """
        values = {
            n.removeprefix(cls.PREFIX): a for n, a in arrays.items() if n.startswith(cls.PREFIX)
        }
        return cls(arrays["updates"].tolist(), values)

    def score(self, name: str) -> float:
        """Give the newest median of a metric over the members; NaN if it is finite for none.

        Args:
            name: the metric; members whose value is not finite do not count.
        """
        row = self.values[name][-1]
        finite = row[np.isfinite(row)]
        return float(np.median(finite)) if len(finite) else float("nan")

    def table(self, diverged_at: Sequence[int] | np.ndarray = ()) -> pd.DataFrame:
        """Make the tidy table: member, update, metric, value.

        Args:
            diverged_at: for each member the update at which it diverged [s], -1 if it did not;
                each update of these makes a row with metric ``"diverged"`` and value 1.
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
        """Describe the newest median of a metric in a few words, for the progress bar.

        Args:
            score: the metric.
        """
        row = self.values[score][-1]
        finite = int(np.isfinite(row).sum())
        median = f"{self.score(score):.3g}" if finite else "–"
        lost = f", {len(row) - finite} diverged" if finite < len(row) else ""
        return f"{score} {median} (median of {finite}{lost})"
