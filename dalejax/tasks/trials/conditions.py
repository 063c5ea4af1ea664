"""Trials in one of a few conditions, shown in epochs on top of a noisy baseline."""

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
    """What all tasks with conditions may be given by name; see :class:`ConditionTask`."""

    tau: float
    noise: float
    baseline: float


class ConditionTask(TrialTask):
    r"""Base of tasks whose trials are in one of a few conditions, all as likely, shown in epochs.

    In the epochs e that say so, the trial's condition c shows something on top of a baseline:

    .. math:: u_t = \Big[ u_0 + \sum_{e \ni t} s_{ec} + \sqrt{2 / \alpha}\, \sigma\, \xi_t \Big]_+,
              \qquad \alpha = \Delta t / \tau, \quad \xi_t \sim \mathcal N(0, 1)

    A subclass lays out epochs, conditions and what they show, and says what is wanted
    (:meth:`answer`). A trial's ``condition`` tells everything of it but the noise.

    Args:
        durations: name of an epoch -> ms, one after the other.
        conditions: name -> a number for each condition [c].
        shown: name of an epoch -> what each condition shows in it, s [c, n_in].
        dt: time step in ms.
        tau: time constant of the network in ms; here it only scales the noise.
        noise: sigma of the input noise, which every input has its own of at every time step.
        baseline: input without a stimulus, u_0.
        batch_size: trials an update.
        num_test: trials of the test set.
        seed: of the test set.

    Raises:
        ValueError: a number does not fit, or an epoch is not a whole number of time steps.

    Attributes:
        epochs: name -> (its first time step, the one after its last).
        length: time steps of a trial.

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
        """Say what is wanted in a condition: (targets, weights of the time steps)."""

    def during(self, name: str) -> Bool[np.ndarray, " t"]:
        """Tell which time steps of a trial are in an epoch.

        Args:
            name: of the epoch.
        """
        start, stop = self.epochs[name]
        step = np.arange(self.length)
        return (start <= step) & (step < stop)

    def trial(self, *, key: Key[Array, ""]) -> Trial:
        """Make one trial, of any condition."""
        drawn, kicks = jax.random.split(key)
        num = len(next(iter(self.conditions.values())))
        c = jax.random.randint(drawn, (), 0, num)
        condition: dict[str, Array] = {
            name: jnp.asarray(values)[c] for name, values in self.conditions.items()
        }
        u = jnp.full((self.length, self.n_in), float(self.baseline))
        for name, table in self.shown.items():
            u = u + self.during(name)[:, None] * jnp.asarray(table)[c]
        u = u + math.sqrt(2 * self.tau / self.dt) * self.noise * jax.random.normal(kicks, u.shape)
        return Trial(jnp.maximum(u, 0.0), *self.answer(condition), condition)
