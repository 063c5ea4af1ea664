"""The base of tasks whose trials are in one of a few conditions, on a noisy baseline input."""

from __future__ import annotations

import abc
import math

import jax
import jax.numpy as jnp
import numpy as np

from dalejax import checks
from dalejax.tasks.trials import base
from dalejax.tasks.trials.base import Trial, TrialTask
from dalejax.types import Array, Bool, Float, Key, Num


class Common(base.Common, total=False):
    """The keyword arguments that all tasks with conditions take; see :class:`ConditionTask`."""

    tau: float
    noise: float
    baseline: float


class ConditionTask(TrialTask):
    r"""Base of tasks whose trials are in one of a few equally likely conditions.

    In epoch e a trial of condition c has the stimulus s_ec on top of a baseline u_0 and noise:

    .. math:: u_t = \Big[ u_0 + \sum_{e \ni t} s_{ec} + \sqrt{2 / \alpha}\, \sigma\, \xi_t \Big]_+,
              \qquad \alpha = \Delta t / \tau, \quad \xi_t \sim \mathcal N(0, 1)

    A subclass gives the epochs, the conditions and their stimuli, and defines the targets
    (:meth:`answer`). The ``condition`` of a trial determines all of it except the noise.

    Args:
        durations: name of an epoch -> its duration in ms, in the order of the epochs.
        conditions: name of a number that describes a condition -> its value in each of them [c].
        shown: name of an epoch -> stimulus s of each condition in it [c, n_in].
        dt: time step in ms.
        tau: time constant of the network in ms; the task uses it only to scale the noise.
        noise: standard deviation sigma of the noise, independent for each input and time step.
        baseline: input u_0 without a stimulus.
        batch_size: number of trials in an update.
        num_test: number of test trials.
        seed: seed of the test trials, 0 to 2^32 - 1.

    Raises:
        ValueError: a number is out of its range, or an epoch is not a whole number of time steps.

    Attributes:
        epochs: name of an epoch -> (its first time step, the first one after it).
        length: number of time steps of a trial.

    Reference:
        Song et al. 2016: noisy, rectified inputs on a baseline.
    """

    n_in: int
    epochs: dict[str, tuple[int, int]]
    length: int

    def __init__(
        self,
        durations: dict[str, float],
        conditions: dict[str, Num[np.ndarray, " c"] | Bool[np.ndarray, " c"]],
        shown: dict[str, Float[np.ndarray, "c n_in"]],
        *,
        dt: float = 20.0,
        tau: float = 100.0,
        noise: float = 0.01,
        baseline: float = 0.2,
        batch_size: int = 64,
        num_test: int = 500,
        seed: int = 0,
    ):
        super().__init__(dt=dt, batch_size=batch_size, num_test=num_test, seed=seed)
        checks.positive("tau", tau)
        checks.not_negative("noise", noise)
        checks.not_negative("baseline", baseline)
        self.tau, self.noise, self.baseline = tau, noise, baseline
        self.conditions, self.shown = conditions, shown
        self.epochs, self.length = {}, 0
        for name, duration in durations.items():
            start, self.length = self.length, self.length + self.steps_in(name, duration)
            self.epochs[name] = (start, self.length)

    @abc.abstractmethod
    def answer(
        self, condition: dict[str, Array]
    ) -> tuple[Float[Array, "t n_out"], Float[Array, " t"]]:
        """Return the targets of a trial and the weights of its time steps in the loss."""

    def during(self, name: str) -> Bool[np.ndarray, " t"]:
        """Return the mask of the time steps that are in an epoch.

        Args:
            name: name of the epoch.
        """
        start, stop = self.epochs[name]
        step = np.arange(self.length)
        return (start <= step) & (step < stop)

    def trial(self, *, key: Key[Array, ""]) -> Trial:
        """Draw one trial: its condition, and its noise."""
        drawn, of_noise = jax.random.split(key)
        num = len(next(iter(self.conditions.values())))
        c = jax.random.randint(drawn, (), 0, num)
        condition: dict[str, Array] = {
            name: jnp.asarray(values)[c] for name, values in self.conditions.items()
        }
        u = jnp.full((self.length, self.n_in), float(self.baseline))
        for name, table in self.shown.items():
            u = u + self.during(name)[:, None] * jnp.asarray(table)[c]
        u = u + math.sqrt(2 * self.tau / self.dt) * self.noise * jax.random.normal(
            of_noise, u.shape
        )
        return Trial(jnp.maximum(u, 0.0), *self.answer(condition), condition)
