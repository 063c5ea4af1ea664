"""The flip-flop: one to three bits, each kept until a pulse sets or resets it."""

from __future__ import annotations

from typing import Unpack

import jax
import jax.numpy as jnp

from dalejax import checks
from dalejax.tasks.trials import pieces
from dalejax.tasks.trials.base import Common, Trial, TrialTask, Wanted
from dalejax.types import Array, Float, Key


class FlipFlop(TrialTask):
    r"""Flip-flop: the output of each bit is what it was last told to be, 0 before the first time.

    In every turn one of the inputs pulses, all of them alike often. Input 2k resets bit k, input
    2k + 1 sets it:

    .. math:: x_c(t) = [\,c = c_i\,] \; [\,0 \le t - t_i < \mathrm{pulse}\,], \qquad
              t_i = \mathrm{wait} + i \, (\mathrm{pulse} + \mathrm{quiet})

    and from t_i + pulse + gap on the bit's output is 0 or 1. ::

        |-- wait --|- pulse -|------ quiet ------|- pulse -|------ quiet ------|  …
                              |- gap -|-- as the first pulse says --|-- as the second says …

    All time steps count. A decision is the mean of one bit's output over the last (quiet - gap) / 2
    (whole steps, rounded up) of a turn, before the next pulse: turns × bits of them, of bits too
    that no pulse has told yet. Above 1/2 means 1.

    One bit is the published generator's. With several bits, still just one input pulses in a turn,
    so that a turn changes one bit and the others are to be kept; in Sussillo & Barak 2013 there is
    one input a bit, whose pulses of ±1 come at random times.

    Args:
        bits: from 1 to 3.
        turns: pulses in a trial.
        wait: ms before the first one.
        pulse: ms that a pulse lasts.
        quiet: ms from its end to the next one.
        noise: standard deviation of what is added to every input at every step.
        gap: ms from a pulse's end to the output's change, less than ``quiet``.
        common: dt (1 ms), batch_size, num_test, seed: see :class:`dalejax.tasks.TrialTask`.

    Raises:
        ValueError: a number does not fit, or an epoch has no time step or not whole ones.

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
        """Make one trial; its condition is the number of the input that pulses, turn by turn."""
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
        """Count wrong decisions, one a turn and bit."""

        def turn_ends(values):
            by_turn = values[self._wait :].reshape(self.turns, self._turn, *values.shape[1:])
            return by_turn[:, self._turn - (self._held + 1) // 2 :].mean(1) > 0.5

        wrong = turn_ends(outputs) != turn_ends(wanted.targets)
        counted = wrong.sum((0, 2)).astype(outputs.dtype)
        return counted, jnp.full_like(counted, self.turns * self.bits)
