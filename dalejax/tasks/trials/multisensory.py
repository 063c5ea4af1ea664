"""The multisensory integration task: is a rate of events, seen or heard or both, high or low?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

import numpy as np

from dalejax.tasks.trials.choices import ChoiceTask
from dalejax.tasks.trials.conditions import Common
from dalejax.tasks.trials.tuned import levels, tuned

_SEEN = np.array([True, False, True])  # for the modalities visual, auditory, both
_HEARD = np.array([False, True, True])


class MultisensoryIntegration(ChoiceTask):
    r"""Multisensory integration: is the frequency of events above a boundary?

    The events are seen, heard, or both. The four inputs are a visual and an auditory one that grow
    with the frequency (s+), and a visual and an auditory one that fall with it (s-). During the
    stimulus those of the trial's modality have these strengths; the others stay at the baseline.

    .. math:: s^+ = 0.5 + 0.6\, x, \qquad s^- = 0.5 + 0.6\, (1 - x), \qquad
              x = \frac{f - f_{min}}{f_{max} - f_{min}}

    Choice 1 is right for frequencies above the boundary, choice 0 below it (in the published code
    the choices are exchanged).

    Conditions: ``modality`` (0 visual, 1 auditory, 2 both), ``frequency`` (Hz), ``choice``,
    ``catch``; all conditions are equally likely.

    Args:
        fixation: duration in ms.
        stimulus: duration in ms.
        decision: duration in ms.
        frequencies: frequencies f of events in Hz.
        boundary: frequency in Hz that separates the choices.
        common: dt (20 ms), tau (100 ms), noise (0.01), baseline (0.2), batch_size, num_test, seed:
            see :class:`dalejax.tasks.trials.conditions.ConditionTask`.

    Raises:
        ValueError: a number is out of its range, an epoch is not a whole number of time steps, all
            frequencies are the same, or one is on the boundary.

    Example:
        >>> task = MultisensoryIntegration()
        >>> task.n_in, task.n_out, task.length
        (4, 2, 70)

    Reference:
        Raposo et al. 2014; Song et al. 2016, section "Multisensory integration task".
    """

    name = "multisensory"
    n_in = 4

    def __init__(
        self,
        *,
        fixation: float = 100.0,
        stimulus: float = 1000.0,
        decision: float = 300.0,
        frequencies: Sequence[float] = tuple(range(6, 20)),
        boundary: float = 12.5,
        **common: Unpack[Common],
    ):
        rates = levels("frequencies", frequencies)
        lowest, highest = rates.min(), rates.max()
        if lowest == highest:
            raise ValueError(f"frequencies are {frequencies}; at least two must be different.")
        if not lowest < boundary < highest:
            raise ValueError(
                f"boundary is {boundary:g}; it must be between {lowest:g} and {highest:g}."
            )
        if boundary in rates:
            raise ValueError(f"boundary is {boundary:g}; it must be none of the frequencies.")
        modality = np.repeat([0, 1, 2], len(rates))
        frequency = np.tile(rates, 3)
        conditions = {
            "modality": modality,
            "frequency": frequency,
            "choice": (frequency > boundary).astype(int),
        }
        on = np.stack([_SEEN[modality], _HEARD[modality]], axis=1)
        both = tuned(frequency, lowest, highest, offset=0.5, range_=0.6)  # growing, falling
        shown = np.concatenate([on * both[:, :1], on * both[:, 1:]], axis=1)
        super().__init__(
            {"fixation": fixation, "stimulus": stimulus},
            decision,
            conditions,
            {"stimulus": shown},
            **common,
        )
