"""The delayed match-to-sample task: are the stimuli before and after a delay the same?"""

from __future__ import annotations

from typing import Unpack

import jax

from dalejax import checks
from dalejax.tasks.trials import pieces
from dalejax.tasks.trials.base import Common, Trial, TrialTask, Wanted
from dalejax.types import Array, Float, Key


class DelayedMatch(TrialTask):
    r"""Delayed match to sample: is the test stimulus the one that was shown before the delay?

    Each stimulus has an input, which is 1 while it is shown. All stimuli are equally likely as the
    sample. In half of the trials the test is the sample; in the others it is one of the other
    stimuli, with equal probabilities. ::

        |-- start --|-- sample --|---- delay ----|-- test --|----- answer -----|
                     input 1                      input 1    output 1: a match
                     input 1                      input 2    output 0

    The target is 0 before the answer. All steps have weight 1, except those of ``grace`` at the
    beginning of the answer, which have weight 0. The decision is the mean output over the last half
    of the answer (whole steps, rounded up; or over the answer after grace, if that is shorter);
    above 1/2 it means a match.

    Args:
        stimuli: number of stimuli, at least 2.
        start: ms before the sample.
        sample: ms that the sample is shown.
        delay: ms from the end of the sample to the test.
        test: ms that the test is shown.
        answer: ms from the end of the test to the end of the trial.
        grace: ms at the beginning of the answer with weight 0, less than ``answer``.
        noise: standard deviation of the noise added to every input at every time step.
        common: dt (1 ms), batch_size, num_test, seed: see :class:`dalejax.tasks.TrialTask`.

    Raises:
        ValueError: a number is out of its range, or an epoch is not one or more whole time steps.

    Example:
        >>> task = DelayedMatch()
        >>> task.n_in, task.length
        (2, 400)
        >>> trial = task.trial(key=jax.random.key(2))
        >>> {name: int(value) for name, value in trial.condition.items()}
        {'sample': 1, 'test': 1, 'choice': 1}
        >>> float(trial.targets.sum()), float(trial.weights.sum())
        (100.0, 380.0)

    Reference:
        Miller, Erickson & Desimone 1996.
    """

    name = "delayed_match"
    n_out = 1

    def __init__(
        self,
        stimuli: int = 2,
        *,
        start: float = 50.0,
        sample: float = 50.0,
        delay: float = 150.0,
        test: float = 50.0,
        answer: float = 100.0,
        grace: float = 20.0,
        noise: float = 0.1,
        **common: Unpack[Common],
    ):
        checks.whole("stimuli", stimuli, 2)
        checks.not_negative("noise", noise)
        super().__init__(**common)
        self.stimuli, self.n_in, self.noise = stimuli, stimuli, noise
        self._start, self._grace = self.steps_in("start", start), self.steps_in("grace", grace)
        self._sample = pieces.at_least_one(self, "sample", sample)
        self._test = pieces.at_least_one(self, "test", test)
        self._answer = pieces.at_least_one(self, "answer", answer)
        if self._grace >= self._answer:
            raise ValueError(f"grace is {grace:g} ms; it must be less than answer, {answer:g} ms.")
        self._tested_at = self._start + self._sample + self.steps_in("delay", delay)
        self._answers_at = self._tested_at + self._test
        self.length = self._answers_at + self._answer

    def trial(self, *, key: Key[Array, ""]) -> Trial:
        """Draw one trial; its condition has sample and test (input numbers), choice (1: match)."""
        of_condition, of_noise = jax.random.split(key)
        others = self.stimuli - 1
        drawn = jax.random.randint(of_condition, (), 0, 2 * others * self.stimuli)
        sample, drawn = drawn // (2 * others), drawn % (2 * others)
        choice, further = drawn % 2, 1 + drawn // 2
        test = (sample + (1 - choice) * further) % self.stimuli
        first = pieces.during(self.length, self._start, self._sample)
        second = pieces.during(self.length, self._tested_at, self._test)
        answer = pieces.during(self.length, self._answers_at, self._answer)
        inputs = first[:, None] * jax.nn.one_hot(sample, self.stimuli)
        inputs += second[:, None] * jax.nn.one_hot(test, self.stimuli)
        return Trial(
            pieces.noisy(inputs, self.noise, key=of_noise),
            (choice * answer)[:, None],
            1 - pieces.during(self.length, self._answers_at, self._grace),
            {"sample": sample, "test": test, "choice": choice},
        )

    def wrong(
        self, outputs: Float[Array, "t b 1"], wanted: Wanted
    ) -> tuple[Float[Array, " b"], Float[Array, " b"]]:
        """Count wrong decisions; each trial has one."""
        last = min((self._answer + 1) // 2, self._answer - self._grace)
        window = slice(self.length - last, None)
        return pieces.missed(outputs, window, 0.5, wanted.condition["choice"])
