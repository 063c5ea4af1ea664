"""The logic task: AND, OR or XOR of two bits, shown as pulses, or NOT of one."""

from __future__ import annotations

from typing import Unpack

import jax
import jax.numpy as jnp

from dalejax import checks
from dalejax.tasks.trials import pieces
from dalejax.tasks.trials.base import Common, Trial, TrialTask, Wanted
from dalejax.types import Array, Float, Key

_TRUTH = {
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b,
    "not": lambda a: 1 - a,
}
_INPUTS = {"and": 2, "or": 2, "xor": 2, "not": 1}
# Published durations of start, delay and answer in ms, for two pulses and for NOT.
_PUBLISHED, _PUBLISHED_NOT = (60.0, 50.0, 140.0), (30.0, 0.0, 130.0)


class LogicTask(TrialTask):
    r"""Logic: output AND, OR or XOR of two bits whose pulses come together, or NOT of one bit.

    Bit k of a trial is 1 if input k has a pulse; all combinations of bits are equally likely. With
    a delay d that is drawn for each trial,

    .. math:: x_k(t) = \mathrm{bit}_k \; [\,0 \le t - \mathrm{start} - d < \mathrm{pulse}\,], \qquad
              \hat y(t) = \mathrm{high} \cdot \mathrm{truth} \;
                  [\,t \ge \mathrm{start} + d + \mathrm{pulse} + \mathrm{gap}\,]

    ::

        |-- start --|- d -|- pulse -|- gap -|------- answer -------|- delay - d -|
                           inputs            output is high if true, to the end

    All steps have weight 1. The decision is the mean output over the last answer / 2 of the
    trial (whole steps, rounded up), which is part of the answer for every d; above high / 2 is
    true.

    Without a pulse a network cannot know when the pulse would have come. That is why the published
    NOT has no delay; with a delay no network can be right at the beginning of the answer of NOT.

    Args:
        kind: ``"and"``, ``"or"``, ``"xor"`` (two inputs) or ``"not"`` (one).
        start: ms before the pulses; None for the published 60 (NOT: 30).
        pulse: ms that a pulse lasts.
        gap: ms from its end to the answer.
        delay: longest delay in ms: d is 1, 2, … time steps up to it, all equally likely; 0 for no
            delay, None for the published 50 (NOT: 0).
        answer: ms of the shortest answer; None for the published 140 (NOT: 130).
        high: the output that means true.
        noise: standard deviation of the noise added to every input at every time step.
            The published generators have 0.1, except for AND, which has none.
        common: dt (1 ms), batch_size, num_test, seed: see :class:`dalejax.tasks.TrialTask`.

    Raises:
        ValueError: kind is unknown, a number is out of its range, or an epoch is not one or more
            whole time steps.

    Example:
        >>> task = LogicTask("and")
        >>> task.name, task.n_in, task.length
        ('and', 2, 290)
        >>> trial = task.trial(key=jax.random.key(0))
        >>> {name: float(value) for name, value in trial.condition.items()}
        {'a': 1.0, 'b': 1.0, 'choice': 1.0, 'delay': 48.0}
        >>> float(trial.targets.sum())  # from 60 + 48 + 20 + 20 ms on
        142.0

    Reference:
        Jarne & Laje 2019; Jarne & Caruso 2023, *Effect in the spectra of eigenvalues and dynamics
        of RNNs trained with excitatory-inhibitory constraint*.
    """

    n_out = 1

    def __init__(
        self,
        kind: str,
        *,
        start: float | None = None,
        pulse: float = 20.0,
        gap: float = 20.0,
        delay: float | None = None,
        answer: float | None = None,
        high: float = 1.0,
        noise: float = 0.0,
        **common: Unpack[Common],
    ):
        checks.choice("kind", kind, _TRUTH)
        checks.positive("high", high)
        checks.not_negative("noise", noise)
        super().__init__(**common)
        published = _PUBLISHED_NOT if kind == "not" else _PUBLISHED
        given = zip((start, delay, answer), published, strict=True)
        start, delay, answer = (p if value is None else value for value, p in given)
        self.kind, self.high, self.noise = kind, high, noise
        self.name, self.n_in = kind, _INPUTS[kind]
        self._start, self._delay = self.steps_in("start", start), self.steps_in("delay", delay)
        self._pulse = pieces.at_least_one(self, "pulse", pulse)
        self._answer = pieces.at_least_one(self, "answer", answer)
        self._answers_at = self._start + self._pulse + self.steps_in("gap", gap)
        self.length = self._answers_at + self._delay + self._answer

    def trial(self, *, key: Key[Array, ""]) -> Trial:
        """Draw one trial; its condition has a, b (not for NOT), choice (1: true) and delay (ms)."""
        of_condition, of_noise = jax.random.split(key)
        num = _INPUTS[self.kind]
        drawn = jax.random.randint(of_condition, (), 0, 2**num * max(1, self._delay))
        bits = drawn >> jnp.arange(num) & 1
        choice = _TRUTH[self.kind](*bits)
        delay = (drawn >> num) + min(1, self._delay)
        shown = pieces.during(self.length, self._start + delay, self._pulse)
        answer = pieces.during(self.length, self._answers_at + delay, self.length)
        inputs = shown[:, None] * bits
        return Trial(
            pieces.noisy(inputs, self.noise, key=of_noise),
            (self.high * choice * answer)[:, None],
            jnp.ones_like(answer),
            dict(zip("ab", bits, strict=False)) | {"choice": choice, "delay": self.dt * delay},
        )

    def wrong(
        self, outputs: Float[Array, "t b 1"], wanted: Wanted
    ) -> tuple[Float[Array, " b"], Float[Array, " b"]]:
        """Count wrong decisions; each trial has one."""
        window = slice(self.length - (self._answer + 1) // 2, None)
        return pieces.missed(outputs, window, self.high / 2, wanted.condition["choice"])
