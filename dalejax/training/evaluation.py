"""Evaluate a member on the whole test, validation and training sets of its task."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from dalejax.nn.norms import BATCH_STATISTICS
from dalejax.streams import EVALUATION_NOISE
from dalejax.tasks.base import Task
from dalejax.training.forward import Network, run_network
from dalejax.types import Array, Float, Params, PyTree


def evaluate(net: Network, task: Task, params: Params, data: PyTree) -> dict[str, Float[Array, ""]]:
    """Average the task's scores over all trials of each of its evaluation sets.

    Args:
        net: the network.
        task: the task.
        params: the parameters of one member.
        data: the task's data, on the device.

    Returns:
        Metrics by name, the set's name before the score's: ``test_error``.
    """
    variables = {"params": params}
    if net.has_batch_statistics:
        variables |= batch_statistics(net, task, params, data)

    def metrics_of(name, trials, weights):
        def one_batch(trials_and_weights):
            trials, weights = trials_and_weights
            inputs, targets = task.evaluation_batch(data, name, trials)
            noise = jax.random.fold_in(jax.random.key(EVALUATION_NOISE), trials[0])
            outputs = run_network(net, variables, inputs, task.time.steps, key=noise)
            scores = task.scores(outputs, targets)
            return {score: (value * weights).sum() for score, value in scores.items()}

        sums = jax.lax.map(one_batch, (jnp.asarray(trials), jnp.asarray(weights)))
        averages = {score: total.sum() / weights.sum() for score, total in sums.items()}
        return {f"{name}_{score}": v for score, v in task.summaries(averages).items()}

    metrics = {}
    for name, (trials, weights) in task.evaluations(data).items():
        metrics |= metrics_of(name, trials, weights)
    return metrics


def batch_statistics(net: Network, task: Task, params: Params, data: PyTree) -> dict[str, PyTree]:
    """Average batch normalisation's mean and variance over the task's ``"training"`` set.

    Args:
        net: a network with batch normalisation.
        task: a task that evaluates a set ``"training"``.
        params: the parameters of one member.
        data: the task's data, on the device.

    Returns:
        Flax variables, which ``net.apply`` takes beside the parameters.
    """

    def one_batch(trials):
        inputs, _ = task.evaluation_batch(data, "training", trials)
        _, found = net.apply(
            {"params": params}, inputs, task.time.steps, mutable=[BATCH_STATISTICS]
        )
        return found

    trials, weights = task.evaluations(data)["training"]
    # The last batch may hold a trial several times, which would change its statistics.
    trials = trials[np.asarray(weights).all(-1)]
    batches = jax.lax.map(one_batch, jnp.asarray(trials))
    return jax.tree.map(lambda leaf: leaf.mean(0), dict(batches))
