"""Outputs and activity of trained ensembles on new trials of a task."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from dalejax import checks
from dalejax.nn.recurrent_network import RecurrentNetwork
from dalejax.tasks.trials.base import Trial, TrialTask, Wanted
from dalejax.training.forward import run_network
from dalejax.types import Array, Float, Key, Params


class Answers(NamedTuple):
    """What the members of an ensemble answer to the same trials.

    Attributes:
        trials: inputs and targets of the trials; ``trials.condition`` is the kind of each one [b].
        outputs: [s, t, b, n_out].
        activities: of each cell [s, t, b, n], the first cell first.
    """

    trials: Trial
    outputs: Float[Array, "s t b n_out"]
    activities: list[Float[Array, "s t b n"]]

    @property
    def wanted(self) -> Wanted:
        """The targets that the task's scores compare the outputs with."""
        return Wanted(*self.trials[1:])


def run_trials(
    net: RecurrentNetwork, task: TrialTask, params: Params, num: int, *, key: Key[Array, ""]
) -> Answers:
    """Run all members of an ensemble on the same new trials, each with recurrent noise of its own.

    Args:
        net: a recurrent network with ``every_step``.
        task: draws the trials.
        params: parameters with leading member axis [s, ...].
        num: number of trials b.
        key: a typed PRNG key, of the trials and of the noise.

    Returns:
        :class:`Answers`. All of it is on one device at once: ``s t b n`` numbers a cell.

    Raises:
        ValueError: the network reads out at the last step only, or ``num`` is below 1.

    Example:
        >>> import dalejax as dj
        >>> net = dj.RecurrentNetwork([dj.RNNCell(5)], dj.Dense(1), every_step=True)
        >>> task = dj.tasks.LogicTask("and", dt=10)
        >>> params = dj.initial_params(net, task, keys=dj.seed_keys(0, 3))
        >>> run_trials(net, task, params, 7, key=jax.random.key(0)).outputs.shape
        (3, 29, 7, 1)
    """
    if not net.every_step:
        raise ValueError(
            "the network's every_step is False; it must be True to give outputs at every time step."
        )
    checks.whole("num", num)
    of_trials, of_noise = jax.random.split(key)
    members = len(jax.tree.leaves(params)[0])

    def run(module, x, steps):
        activities = module.activities(x, steps)
        return module.readout(module.head(activities[-1])), activities

    @jax.jit
    def answer(params, noise):
        trials = task.make(jax.random.split(of_trials, num))
        outputs, activities = jax.vmap(
            lambda p, k: run_network(net, {"params": p}, trials.inputs, key=k, method=run)
        )(params, noise)
        return trials, outputs, activities

    noise = jax.vmap(lambda i: jax.random.fold_in(of_noise, i))(jnp.arange(members))
    return Answers(*answer(params, noise))
