"""The context-dependent integration task: a cue says which of two kinds of evidence counts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Unpack

import numpy as np

from dalejax.tasks.trials.choices import ChoiceTask
from dalejax.tasks.trials.conditions import Common
from dalejax.tasks.trials.tuned import evidence, levels

_GAIN = 5.0  # coherence in percent, per unit of c


class ContextIntegration(ChoiceTask):
    r"""Context-dependent integration: decide by the motion or by the colour of the dots.

    During the stimulus a cue says which of the two determines the right choice. Motion and colour
    both show evidence, with coherences that are independent of each other. The six inputs are the
    cues of contexts 0 (motion) and 1 (colour), motion for choices 0 and 1, and colour for choices
    0 and 1.

    .. math:: s = \big(1_{\text{motion}},\, 1_{\text{colour}},\, e(c_m),\, e(c_c)\big), \qquad
              e(c) = \tfrac12 \Big(1 - \frac{5 c}{100},\; 1 + \frac{5 c}{100}\Big)

    Coherences are signed: positive is evidence for choice 1 (in the published code for choice 0).
    5 c is the coherence in percent.

    Conditions: ``context`` (0 or 1), ``motion`` and ``colour`` (signed coherences), ``choice``,
    ``catch``; all conditions are equally likely.

    Args:
        fixation: duration in ms.
        stimulus: duration in ms.
        decision: duration in ms.
        coherences: absolute values of c, each shown with both signs; 0 is shown with choice 0 and
            with choice 1 as the right one.
        common: dt (20 ms), tau (100 ms), noise (0.01), baseline (0.2), batch_size, num_test, seed:
            see :class:`dalejax.tasks.trials.conditions.ConditionTask`.

    Raises:
        ValueError: a number is out of its range, or an epoch is not a whole number of time steps.

    Example:
        >>> task = ContextIntegration()
        >>> task.n_in, task.n_out, task.length
        (6, 2, 60)

    Reference:
        Mante et al. 2013; Song et al. 2016, section "Context-dependent integration task".
    """

    name = "context"
    n_in = 6

    def __init__(
        self,
        *,
        fixation: float = 100.0,
        stimulus: float = 800.0,
        decision: float = 300.0,
        coherences: Sequence[float] = (1, 3, 10),
        **common: Unpack[Common],
    ):
        strengths = levels("coherences", coherences)
        directed = [(sign * c, sign > 0) for sign in (-1, 1) for c in strengths]
        rows = [
            (context, motion, colour, choices[context])
            for context, (motion, m), (colour, c) in product((0, 1), directed, directed)
            for choices in [(m, c)]
        ]
        context, motion, colour, choice = map(np.array, zip(*rows, strict=True))
        conditions = {
            "context": context,
            "motion": motion,
            "colour": colour,
            "choice": choice.astype(int),
        }
        parts = np.eye(2)[context], evidence(motion, _GAIN), evidence(colour, _GAIN)
        super().__init__(
            {"fixation": fixation, "stimulus": stimulus},
            decision,
            conditions,
            {"stimulus": np.concatenate(parts, axis=1)},
            **common,
        )
