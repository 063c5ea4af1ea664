"""What trained networks do on new trials: outputs and activity, of all members at once."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from dalejax import checks
from dalejax.nn.cells.base import NOISE
from dalejax.tasks.trials.base import Trial, TrialTask, Wanted
from dalejax.types import Array, Float, Key, Params


class Answers(NamedTuple):
    """Members' answers to the same trials.

    Attributes:
        trials: what was shown and wanted; its ``condition`` says what kind each trial was [b].
        outputs: [s, t, b, n_out].
        activities: of every cell, the first one first, [s, t, b, n].
    """

    trials: Trial
    outputs: Float[Array, "s t b n_out"]
    activities: list[Float[Array, "s t b n"]]

    @property
    def wanted(self) -> Wanted:
        """What the task's scores compare the outputs with."""
        return Wanted(*self.trials[1:])


def run_trials(net, task: TrialTask, params: Params, num: int, *, key: Key[Array, ""]) -> Answers:
    """Run an ensemble on new trials, the same for all members, its noise each member's own.

    Args:
        net: a recurrent network with ``every_step``.
        task: makes the trials.
        params: parameters with leading member axis [s].
        num: trials.
        key: of the trials and the noise.

    Returns:
        :class:`Answers`; what a device holds at once is all of it, so mind ``s t b n``.

    Raises:
        ValueError: the network reads out at the last step only, or there is no trial.

    Example:
        >>> import dalejax as dj
        >>> net = dj.RecurrentNetwork([dj.RNNCell(5)], dj.Dense(1), every_step=True)
        >>> task = dj.tasks.LogicTask("and", dt=10)
        >>> params = dj.initial_params(net, task, keys=dj.seed_keys(0, 3))
        >>> run_trials(net, task, params, 7, key=jax.random.key(0)).outputs.shape
        (3, 29, 7, 1)
    """
    if not net.every_step:
        raise ValueError("every_step is False; to answer trials a network must have it True.")
    checks.whole("num", num)
    of_trials, of_noise = jax.random.split(key)
    members = len(jax.tree.leaves(params)[0])

    def run(module, x):
        activities = module.activities(x)
        return module.readout(module.head(activities[-1])), activities

    @jax.jit
    def answer(params, noise):
        trials = task.make(jax.random.split(of_trials, num))
        outputs, activities = jax.vmap(
            lambda p, k: net.apply({"params": p}, trials.inputs, method=run, rngs={NOISE: k})
        )(params, noise)
        return trials, outputs, activities

    noise = jax.vmap(lambda i: jax.random.fold_in(of_noise, i))(jnp.arange(members))
    return Answers(*answer(params, noise))
