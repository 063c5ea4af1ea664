"""The flip-flop task: keep one to three bits, each until a pulse sets or resets it."""

from __future__ import annotations

from typing import Unpack

import jax
import jax.numpy as jnp

from dalejax import checks
from dalejax.tasks.trials import pieces
from dalejax.tasks.trials.base import Common, Trial, TrialTask, Wanted
from dalejax.types import Array, Float, Key


class FlipFlop(TrialTask):
    r"""Flip-flop: each output keeps a bit, 0 at first, until an input pulse sets or resets it.

    In each turn i one input c_i, drawn with equal probabilities, has a pulse. Input 2k resets bit k
    to 0, input 2k + 1 sets it to 1:

    .. math:: x_c(t) = [\,c = c_i\,] \; [\,0 \le t - t_i < \mathrm{pulse}\,], \qquad
              t_i = \mathrm{wait} + i \, (\mathrm{pulse} + \mathrm{quiet})

    and from t_i + pulse + gap on the output of the bit has the new value. ::

        |-- wait --|- pulse -|------ quiet ------|- pulse -|------ quiet ------|  …
                              |- gap -|-- as the first pulse says --|-- as the second says …

    All steps have weight 1. A trial has turns × bits decisions: for each turn and bit, the mean
    output over the last (quiet - gap) / 2 of the turn (whole steps, rounded up), before the next
    pulse; above 1/2 it means 1. Bits that no pulse has set yet are decided too.

    The published generator has one bit. With several bits one input has a pulse in each turn, so
    that one bit may change and the others must be kept. (In Sussillo & Barak 2013 each bit has one
    input, whose pulses of ±1 come at random times.)

    Args:
        bits: number of bits, from 1 to 3.
        turns: number of pulses in a trial.
        wait: ms before the first pulse.
        pulse: ms that a pulse lasts.
        quiet: ms from the end of a pulse to the next pulse.
        noise: standard deviation of the noise added to every input at every time step.
        gap: ms from the end of a pulse to the change of the output, less than ``quiet``.
        common: dt (1 ms), batch_size, num_test, seed: see :class:`dalejax.tasks.TrialTask`.

    Raises:
        ValueError: a number is out of its range, or an epoch is not one or more whole time steps.

    Example:
        >>> task = FlipFlop(turns=3, noise=0.0)
        >>> task.n_in, task.n_out, task.length
        (2, 1, 410)
        >>> trial = task.trial(key=jax.random.key(1))
        >>> [int(channel) for channel in trial.condition.values()]
        [1, 1, 0]
        >>> int(trial.targets.argmax()), float(trial.targets.sum())  # for two turns
        (90, 240.0)

    Reference:
        Jarne & Laje 2019; Sussillo & Barak 2013.
    """

    name = "flipflop"

    def __init__(
        self,
        bits: int = 1,
        *,
        turns: int = 8,
        wait: float = 50.0,
        pulse: float = 20.0,
        quiet: float = 100.0,
        noise: float = 0.1,
        gap: float = 20.0,
        **common: Unpack[Common],
    ):
        checks.whole("bits", bits, 1, 3)
        checks.whole("turns", turns)
        checks.not_negative("noise", noise)
        super().__init__(**common)
        self.bits, self.turns, self.noise = bits, turns, noise
        self.n_in, self.n_out = 2 * bits, bits
        self._wait, self._gap = self.steps_in("wait", wait), self.steps_in("gap", gap)
        self._pulse = pieces.at_least_one(self, "pulse", pulse)
        quiet_steps = pieces.at_least_one(self, "quiet", quiet)
        if self._gap >= quiet_steps:
            raise ValueError(f"gap is {gap:g} ms; it must be less than quiet, {quiet:g} ms.")
        self._turn, self._held = self._pulse + quiet_steps, quiet_steps - self._gap
        self.length = self._wait + turns * self._turn

    def trial(self, *, key: Key[Array, ""]) -> Trial:
        """Draw one trial; its condition has for each turn the number of the input with a pulse."""
        of_turns, of_noise = jax.random.split(key)
        channel = jax.random.randint(of_turns, (self.turns,), 0, 2 * self.bits)
        pulses = jax.nn.one_hot(channel, 2 * self.bits)
        told = channel[:, None] // 2 == jnp.arange(self.bits)
        # Turn i tells 2 (i + 1) + its bit, later turns more than earlier ones: the largest so far
        # is the last one, and the bit its parity.
        number = 2 * jnp.arange(1, self.turns + 1) + channel % 2
        state = jax.lax.cummax(jnp.where(told, number[:, None], 0)) % 2
        before = self._wait + self._pulse + self._gap
        on = pieces.during(self._turn, 0, self._pulse)
        shown = (pulses[:, None] * on[:, None]).reshape(-1, 2 * self.bits)
        kept = jnp.repeat(state.astype(pulses.dtype), self._turn, axis=0)
        inputs = jnp.concatenate([jnp.zeros((self._wait, 2 * self.bits)), shown])
        targets = jnp.concatenate([jnp.zeros((before, self.bits)), kept])[: self.length]
        return Trial(
            pieces.noisy(inputs, self.noise, key=of_noise),
            targets,
            jnp.ones(self.length),
            {f"turn_{i + 1}": channel[i] for i in range(self.turns)},
        )

    def wrong(
        self, outputs: Float[Array, "t b bits"], wanted: Wanted
    ) -> tuple[Float[Array, " b"], Float[Array, " b"]]:
        """Count wrong decisions; each turn has one for each bit."""

        def turn_ends(values):
            by_turn = values[self._wait :].reshape(self.turns, self._turn, *values.shape[1:])
            return by_turn[:, self._turn - (self._held + 1) // 2 :].mean(1) > 0.5

        wrong = turn_ends(outputs) != turn_ends(wanted.targets)
        counted = wrong.sum((0, 2)).astype(outputs.dtype)
        return counted, jnp.full_like(counted, self.turns * self.bits)
