"""The parametric working memory task: was the first of two frequencies the higher one?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

import numpy as np

from dalejax.tasks.trials.choices import ChoiceTask
from dalejax.tasks.trials.conditions import Common
from dalejax.tasks.trials.tuned import levels, tuned

_PAIRS = ((18, 10), (22, 14), (26, 18), (30, 22), (34, 26))


class ParametricWorkingMemory(ChoiceTask):
    r"""Parametric working memory: compare two frequencies that are shown seconds apart.

    In the epochs ``f1`` and ``f2`` one input grows and the other one falls with the frequency (of
    vibrations, originally); in the delay between them both are at the baseline.

    .. math:: s = \big(0.2 + 0.8\, x,\; 0.2 + 0.8\, (1 - x)\big), \qquad
              x = \frac{f - f_{min}}{f_{max} - f_{min}}

    Choice 1 is right if the first frequency was the higher one, choice 0 if it was the lower one
    (in the published code the choices are exchanged).

    Conditions: ``f1`` and ``f2`` (Hz), ``choice``, ``catch``; all conditions are equally likely.

    Args:
        fixation: duration in ms.
        f1: duration of the first stimulus in ms.
        delay: duration in ms.
        f2: duration of the second stimulus in ms.
        decision: duration in ms.
        pairs: pairs of frequencies in Hz; each is shown in both orders.
        common: dt (20 ms), tau (100 ms), noise (0.01), baseline (0.2), batch_size, num_test, seed:
            see :class:`dalejax.tasks.trials.conditions.ConditionTask`.

    Raises:
        ValueError: a number is out of its range, an epoch is not a whole number of time steps,
            there is no pair, or the two frequencies of a pair are equal.

    Example:
        >>> task = ParametricWorkingMemory()
        >>> task.n_in, task.n_out, task.length
        (2, 2, 220)

    Reference:
        Romo et al. 1999; Barak et al. 2010; Song et al. 2016, section "Parametric working memory
        task".
    """

    name = "working_memory"
    n_in = 2

    def __init__(
        self,
        *,
        fixation: float = 100.0,
        f1: float = 500.0,
        delay: float = 3000.0,
        f2: float = 500.0,
        decision: float = 300.0,
        pairs: Sequence[tuple[float, float]] = _PAIRS,
        **common: Unpack[Common],
    ):
        if len(pairs) == 0 or any(len(pair) != 2 for pair in pairs):
            raise ValueError(f"pairs are {pairs}; they must be one or more pairs of frequencies.")
        both = levels("pairs", [f for pair in pairs for f in pair]).reshape(-1, 2)
        if (both[:, 0] == both[:, 1]).any():
            raise ValueError(f"pairs are {pairs}; the two of a pair must be different.")
        first, second = np.concatenate([both, both[:, ::-1]]).T
        conditions = {"f1": first, "f2": second, "choice": (first > second).astype(int)}
        span = {"lowest": both.min(), "highest": both.max(), "offset": 0.2, "range_": 0.8}
        super().__init__(
            {"fixation": fixation, "f1": f1, "delay": delay, "f2": f2},
            decision,
            conditions,
            {"f1": tuned(first, **span), "f2": tuned(second, **span)},
            **common,
        )
