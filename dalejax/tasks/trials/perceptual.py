"""The perceptual decision task: which of two noisy inputs is the larger one?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Unpack

import jax.numpy as jnp
import numpy as np

from dalejax import checks
from dalejax.tasks.trials.base import Wanted
from dalejax.tasks.trials.choices import ChoiceTask
from dalejax.tasks.trials.conditions import Common
from dalejax.tasks.trials.tuned import evidence, levels
from dalejax.types import Array, Float, Int

_GAIN = 3.2  # motion coherence in percent, per unit of c
_NO_REWARD = 300.0  # ms from the stimulus's onset to the decision, in the reaction-time version


class Reactions(NamedTuple):
    """Reaction times and choices of a batch of trials.

    Attributes:
        time: time from the onset of the stimulus to the choice in ms [b]; NaN without a choice.
        choice: 0 or 1 [b]; -1 without a choice.
    """

    time: Float[Array, " b"]
    choice: Int[Array, " b"]


class PerceptualDecision(ChoiceTask):
    r"""Perceptual decision: which of two inputs is the larger one? (Random-dot motion.)

    During the stimulus one input shows evidence for choice 0, the other one for choice 1; after it
    the output of the right choice must be high.

    .. math:: s = \tfrac12 \Big(1 - \frac{3.2\, c}{100},\; 1 + \frac{3.2\, c}{100}\Big)

    The coherence c is signed: positive is evidence for choice 1 (in the published code for choice
    0). 3.2 c is the motion coherence in percent.

    The reaction-time version has a third input, a cue of 1 while the stimulus is on. The stimulus
    goes on to the end of the trial, and the epoch of the decision is its last part, so that a
    network can decide while the stimulus is on.

    Conditions: ``coherence`` (signed), ``choice``, ``catch``; all conditions are equally likely.

    Args:
        fixation: duration in ms.
        stimulus: duration in ms; None for 800, or for 1000 in the reaction-time version.
        decision: duration in ms; None for 300, or in the reaction-time version for all of the
            stimulus except its first 300 ms.
        coherences: absolute values of c, each shown with both signs; 0 is shown with choice 0 and
            with choice 1 as the right one.
        reaction_time: whether to make the reaction-time version.
        common: dt (20 ms), tau (100 ms), noise (0.01), baseline (0.2), batch_size, num_test, seed:
            see :class:`dalejax.tasks.trials.conditions.ConditionTask`.

    Raises:
        ValueError: a number is out of its range, or an epoch is not a whole number of time steps.

    Example:
        >>> task = PerceptualDecision()
        >>> task.n_in, task.n_out, task.length
        (2, 2, 60)
        >>> PerceptualDecision(reaction_time=True).epochs
        {'fixation': (0, 5), 'stimulus': (5, 55), 'decision': (20, 55)}

    Reference:
        Roitman & Shadlen 2002; Song et al. 2016, section "Perceptual decision-making task", Fig. 2
        (durations are those of the published code with a fixed stimulus; in Fig. 2A its duration
        varies).
    """

    name = "perceptual"

    def __init__(
        self,
        *,
        fixation: float = 100.0,
        stimulus: float | None = None,
        decision: float | None = None,
        coherences: Sequence[float] = (1, 2, 4, 8, 16),
        reaction_time: bool = False,
        **common: Unpack[Common],
    ):
        if stimulus is None:
            stimulus = 1000.0 if reaction_time else 800.0
        if decision is None:
            decision = stimulus - _NO_REWARD if reaction_time else 300.0
            if decision <= 0:
                raise ValueError(
                    f"stimulus is {stimulus:g} ms; without a decision it must be longer than "
                    f"{_NO_REWARD:g} ms."
                )
        checks.positive("stimulus", stimulus)
        strengths = levels("coherences", coherences)
        coherence = np.concatenate([-strengths, strengths])
        conditions = {"coherence": coherence, "choice": np.repeat([0, 1], len(strengths))}
        shown = evidence(coherence, _GAIN)
        if reaction_time:
            shown = np.insert(shown, 2, 1.0, axis=1)
        self.n_in = shown.shape[1]
        super().__init__(
            {"fixation": fixation, "stimulus": stimulus},
            decision,
            conditions,
            {"stimulus": shown},
            early=reaction_time,
            **common,
        )

    def reaction_times(
        self, outputs: Float[Array, "t b n_out"], wanted: Wanted, threshold: float = 0.8
    ) -> Reactions:
        r"""Measure when an output first exceeds a threshold; the larger output then is the choice.

        .. math:: T = \Delta t \cdot \min \{k \ge 1 : \max_i y_{t_0 + k, i} > \theta\}

        The first time step of the stimulus is k = 1. Catch trials have no reactions. (The published
        analysis takes the output that is larger at the end of the trial, and measures when that one
        exceeds 0.8.)

        Args:
            outputs: outputs of the network [t, b, 2].
            wanted: targets of the same batch.
            threshold: threshold theta; the targets are 0.2 (low) and 1 (high).

        Example:
            >>> import jax
            >>> task = PerceptualDecision(dt=100, reaction_time=True)
            >>> trials = task.make(jax.random.split(jax.random.key(0), 1))
            >>> times, choices = task.reaction_times(trials.targets, Wanted(*trials[1:]))
            >>> times.tolist(), (choices == trials.condition["choice"]).tolist()
            ([400.0], [True])

        Reference:
            Song et al. 2016, Fig. 2B, F.
        """
        after = jnp.asarray(outputs[self.epochs["stimulus"][0] :])
        crossed = after.max(-1) > threshold
        first = crossed.argmax(0)
        choice = jnp.take_along_axis(after.argmax(-1), first[None], axis=0)[0]
        reacted = crossed.any(0) & ~wanted.condition["catch"]
        return Reactions(
            jnp.where(reacted, (first + 1) * self.dt, jnp.nan), jnp.where(reacted, choice, -1)
        )
