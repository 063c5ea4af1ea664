"""Tasks with single pulses: repeat a pulse after a gap, or reproduce the time between two."""

from __future__ import annotations

from typing import Unpack

import jax
import jax.numpy as jnp

from dalejax import checks
from dalejax.tasks.trials import pieces
from dalejax.tasks.trials.base import Common, Trial, TrialTask, Wanted
from dalejax.types import Array, Float, Key


class PulseMemory(TrialTask):
    r"""Pulse memory: repeat the input pulse, which half of the trials have, after a gap.

    .. math:: x(t) = \mathrm{shown} \; [\,0 \le t - \mathrm{start} < \mathrm{pulse}\,], \qquad
              \hat y(t) = x(t - \mathrm{pulse} - \mathrm{gap})

    ::

        |-- start --|- pulse -|----- gap -----|- pulse -|-- tail --|
                     input                     output

    All steps have weight 1. The decision is the mean output over the output pulse's time; above
    1/2 it means that there was a pulse. In the published generator the gap is from 20 to 200 ms,
    the trial is 300 ms long, and the output pulses are smoothed; here they are rectangular.

    Args:
        start: ms before the pulse.
        pulse: ms that a pulse lasts.
        gap: ms from the end of the input pulse to the output pulse.
        tail: ms after the output pulse.
        noise: standard deviation of the noise added to the input at every time step.
        common: dt (1 ms), batch_size, num_test, seed: see :class:`dalejax.tasks.TrialTask`.

    Raises:
        ValueError: a number is out of its range, or an epoch is not one or more whole time steps.

    Example:
        >>> task = PulseMemory()
        >>> task.length
        300
        >>> trial = task.trial(key=jax.random.key(3))
        >>> int(trial.condition["choice"]), int(trial.targets.argmax()), float(trial.targets.sum())
        (1, 170, 20.0)

    Reference:
        Jarne & Laje 2019.
    """

    name = "pulse_memory"
    n_in = 1
    n_out = 1

    def __init__(
        self,
        *,
        start: float = 50.0,
        pulse: float = 20.0,
        gap: float = 100.0,
        tail: float = 110.0,
        noise: float = 0.03,
        **common: Unpack[Common],
    ):
        checks.not_negative("noise", noise)
        super().__init__(**common)
        self.noise = noise
        self._start = self.steps_in("start", start)
        self._pulse = pieces.at_least_one(self, "pulse", pulse)
        self._due = self._start + self._pulse + self.steps_in("gap", gap)
        self.length = self._due + self._pulse + self.steps_in("tail", tail)

    def trial(self, *, key: Key[Array, ""]) -> Trial:
        """Draw one trial; its condition has choice, 1 where a pulse is shown."""
        of_pulse, of_noise = jax.random.split(key)
        choice = jax.random.bernoulli(of_pulse).astype(int)
        shown = choice * pieces.during(self.length, self._start, self._pulse)
        due = choice * pieces.during(self.length, self._due, self._pulse)
        inputs = pieces.noisy(shown[:, None], self.noise, key=of_noise)
        return Trial(inputs, due[:, None], jnp.ones_like(due), {"choice": choice})

    def wrong(
        self, outputs: Float[Array, "t b 1"], wanted: Wanted
    ) -> tuple[Float[Array, " b"], Float[Array, " b"]]:
        """Count wrong decisions; each trial has one."""
        window = slice(self._due, self._due + self._pulse)
        return pieces.missed(outputs, window, 0.5, wanted.condition["choice"])


class TimeReproduction(TrialTask):
    r"""Time reproduction: after two pulses an interval D apart, answer D after the second one.

    All intervals of whole time steps from ``shortest`` to ``longest`` are equally likely. Both
    pulses, ready and set, are on the same input:

    .. math:: x(t) = [\,0 \le t - t_0 < \mathrm{pulse}\,]
                   + [\,0 \le t - t_0 - D < \mathrm{pulse}\,], \qquad
              \hat y(t) = e^{-(t - t_0 - 2 D)^2 / 2 w^2}, \qquad t_0 = \mathrm{start}

    ::

        |-- start --|- ready ------- D -------|- set ------- D -------|- go, and tail

    The target is a Gaussian pulse of standard deviation w with its peak at go (w = 10 ms is a full
    width at half maximum of 24 ms). It is smooth so that the squared error falls steadily as the
    answer comes nearer to go; with a narrow rectangle it would only tell a hit from a miss. All
    time steps have weight 1, and the score is the squared error in percent of the targets'
    variance. A network whose output does not depend on D has at best the mean target over all D,
    whose score is 75 percent with the default arguments, and more if w is smaller relative to the
    range of D.

    Args:
        start: ms before the first pulse.
        pulse: ms that each input pulse lasts.
        shortest: shortest interval D in ms, between the onsets of the pulses.
        longest: longest interval D in ms.
        width: standard deviation w of the target pulse in ms.
        tail: ms from the latest go to the end of the trial.
        noise: standard deviation of the noise added to the input at every time step.
        common: dt (1 ms), batch_size, num_test, seed: see :class:`dalejax.tasks.TrialTask`.

    Raises:
        ValueError: a number is out of its range, the shortest interval is not longer than a pulse,
            the longest one is shorter than it, or an epoch is not a whole number of time steps.

    Example:
        >>> task = TimeReproduction()
        >>> task.length
        420
        >>> trial = task.trial(key=jax.random.key(2))
        >>> float(trial.condition["interval"]), int(trial.targets.argmax())  # 50 + 2 × 94
        (94.0, 238)

    Reference:
        Jazayeri & Shadlen 2010; smooth pulses: Jarne & Laje 2019.
    """

    name = "time_reproduction"
    n_in = 1
    n_out = 1
    decides = False
    score = "test_unexplained"

    def __init__(
        self,
        *,
        start: float = 50.0,
        pulse: float = 20.0,
        shortest: float = 60.0,
        longest: float = 160.0,
        width: float = 10.0,
        tail: float = 50.0,
        noise: float = 0.03,
        **common: Unpack[Common],
    ):
        checks.positive("width", width)
        checks.not_negative("noise", noise)
        super().__init__(**common)
        self.noise, self.width = noise, width
        self._start = self.steps_in("start", start)
        self._pulse = pieces.at_least_one(self, "pulse", pulse)
        self._shortest = self.steps_in("shortest", shortest)
        self._longest = self.steps_in("longest", longest)
        if self._shortest <= self._pulse:
            raise ValueError(
                f"shortest is {shortest:g} ms; it must be longer than a pulse, {pulse:g} ms."
            )
        if self._longest < self._shortest:
            raise ValueError(
                f"longest is {longest:g} ms; it must be at least shortest, {shortest:g} ms."
            )
        tail_steps = pieces.at_least_one(self, "tail", tail)
        self.length = self._start + 2 * self._longest + tail_steps

    def trial(self, *, key: Key[Array, ""]) -> Trial:
        """Draw one trial; its condition has interval (ms)."""
        of_interval, of_noise = jax.random.split(key)
        interval = jax.random.randint(of_interval, (), self._shortest, self._longest + 1)
        ready = pieces.during(self.length, self._start, self._pulse)
        set_ = pieces.during(self.length, self._start + interval, self._pulse)
        since_go = self.dt * (jnp.arange(self.length) - self._start - 2 * interval)
        go = jnp.exp(-0.5 * (since_go / self.width) ** 2)
        inputs = pieces.noisy((ready + set_)[:, None], self.noise, key=of_noise)
        return Trial(inputs, go[:, None], jnp.ones_like(go), {"interval": self.dt * interval})

    def reproduced(
        self, outputs: Float[Array, "t b 1"], condition: dict[str, Array]
    ) -> Float[Array, " b"]:
        """Measure the intervals that a network has reproduced.

        Args:
            outputs: outputs of the network [t, b, 1].
            condition: condition of the trials, with ``interval`` in ms [b].

        Returns:
            Time in ms [b] from the onset of the second pulse to the centre of mass of the part of
            the output that is above half of its maximum after that onset. NaN where no output is
            above 0.
        """
        interval = jnp.asarray(condition["interval"])
        since_set = self.dt * (jnp.arange(len(outputs)) - self._start)[:, None] - interval
        answer = jnp.where(since_set >= 0, outputs[..., 0], 0.0)
        above = jnp.maximum(answer - 0.5 * answer.max(0), 0.0)
        return (since_set * above).sum(0) / above.sum(0)
