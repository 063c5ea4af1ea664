"""What training returns: the trained ensemble, or an error that holds it where members diverged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dalejax.types import PyTree


@dataclass(frozen=True)
class Run:
    """A trained ensemble, in the host's memory: it may be larger than a device's.

    Attributes:
        params: parameters, with leading member axis [s, ...].
        opt_state: the optimiser's states [s, ...].
        diverged_at: for each member the update that gave parameters that are not finite [s], -1 if
            none did.
        table: metrics, a tidy DataFrame (member, update, metric, value).
        update: updates done.
        began: updates already done when this call of ``train`` began: above 0 if it resumed a run.
    """

    params: PyTree
    opt_state: PyTree
    diverged_at: np.ndarray
    table: pd.DataFrame
    update: int
    began: int = 0


class Diverged(ArithmeticError):
    """Raised when members' parameters are not finite and ``on_divergence`` is ``"stop"``.

    Args:
        run: the run so far, every member as it was when it was last finite.
        folder: where the run was saved; None if it was not.

    Attributes:
        run: as above.
    """

    def __init__(self, run: Run, folder: object = None):
        lost = np.flatnonzero(run.diverged_at >= 0)
        named = ", ".join(f"member {i} at update {run.diverged_at[i]}" for i in lost[:5])
        more = f" and {len(lost) - 5} more" if len(lost) > 5 else ""
        super().__init__(
            f"{len(lost)} of {len(run.diverged_at)} members diverged ({named}{more}); training "
            f"stopped after {run.update} updates" + (f"; {folder} was saved." if folder else ".")
        )
        self.run = run
