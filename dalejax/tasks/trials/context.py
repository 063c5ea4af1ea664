"""Context-dependent integration: of two kinds of evidence only the one that is asked for counts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Unpack

import numpy as np

from dalejax.tasks.trials.choices import ChoiceTask
from dalejax.tasks.trials.conditions import Common
from dalejax.tasks.trials.tuned import evidence, levels

_GAIN = 5.0  # percent of coherence a unit


class ContextIntegration(ChoiceTask):
    r"""Context-dependent integration: decide by the motion or by the colour of the dots.

    During the stimulus a cue says which of the two counts; both show evidence, each of its own
    coherence and direction. Six inputs: the cues of the contexts 0 (motion) and 1 (colour), motion
    for choices 0 and 1, colour for choices 0 and 1.

    .. math:: s = \big(1_{\text{motion}},\, 1_{\text{colour}},\, e(c_m),\, e(c_c)\big), \qquad
              e(c) = \tfrac12 \Big(1 - \frac{5 c}{100},\; 1 + \frac{5 c}{100}\Big)

    Coherences are signed: positive is evidence for choice 1 (the published code counts the choices
    the other way round). 5 c is the coherence in percent.

    Conditions: ``context`` (0 or 1), ``motion`` and ``colour`` (signed coherences), ``choice``,
    ``catch``; all are as likely.

    Args:
        fixation: duration in ms.
        stimulus: duration in ms.
        decision: duration in ms.
        coherences: c without its sign; one of 0 is shown with either choice as the right one.
        common: dt (20 ms), tau (100 ms), noise (0.01), baseline (0.2), batch_size, num_test, seed:
            see :class:`dalejax.tasks.trials.conditions.ConditionTask`.

    Raises:
        ValueError: a number does not fit, or an epoch is not a whole number of time steps.

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
