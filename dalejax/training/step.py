"""One member: its start, and a chunk of its updates with an evaluation, in one program.

Everything random is a function of (member key, update number): the key of a member's start is
``fold_in(key, 0)``, of its e-th epoch ``fold_in(fold_in(key, 1), e)``, of its u-th update
``fold_in(fold_in(key, 2), u)``. So there is no random stream to save.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from dalejax.nn.cells.base import NOISE
from dalejax.nn.norms import BATCH_STATISTICS
from dalejax.runtime import host_devices
from dalejax.streams import EVALUATION_NOISE, Stream
from dalejax.training.chunked_loss import loss_in_parts
from dalejax.training.diagonal_fisher import diagonal_fisher
from dalejax.transforms.projection import apply_updates
from dalejax.types import Array, Float, Int, Key, Params, PyTree


class State(NamedTuple):
    """What must persist of a member; axis 0 of every leaf is the member in an ensemble.

    Attributes:
        params: the network's parameters.
        opt_state: the optimiser's state.
        diverged_at: number of the first update that was not finite (the member stays as it was
            before it), -1 if there was none.
    """

    params: Params
    opt_state: PyTree
    diverged_at: Int[Array, "*s"]


class Member(NamedTuple):
    """A member in training: its state, and what is its own but never changes.

    Attributes:
        state: what changes.
        key: of everything random.
        hyperparams: name -> array, what its optimiser is made of.
    """

    state: State
    key: Key[Array, "*s"]
    hyperparams: dict[str, PyTree]


def initial_params(net, task, *, keys: Key[Array, " s"]) -> Params:
    """Draw the parameters that :func:`dalejax.train` starts with: for a look before the training.

    Args:
        net: the network.
        task: the task, which says what the network sees.
        keys: one typed key a member [s].

    Returns:
        Parameters with leading member axes [s, ...].

    Example:
        >>> import dalejax as dj
        >>> net = dj.RecurrentNetwork([dj.RNNCell(5)], dj.Dense(1))
        >>> start = initial_params(net, dj.tasks.AddingProblem(), keys=dj.seed_keys(0, 3))
        >>> net.effective(start)[0].W.shape
        (3, 5, 5)
    """
    host_devices.use_all_cores()
    return jax.jit(jax.vmap(lambda key: _initial(net, task, key)))(keys)


def _initial(net, task, key) -> Params:
    return net.init(jax.random.fold_in(key, Stream.INIT), task.example())["params"]


def start(net, make_tx, task, member) -> State:
    """Draw the parameters of a member (key, hyperparams, params), unless they are given."""
    key, hyperparams, params = member
    if params is None:
        params = _initial(net, task, key)
    return State(params, make_tx(**hyperparams).init(params), jnp.int32(-1))


def chunk(
    net, make_tx, task, length: int, member: Member, data, first
) -> tuple[State, dict[str, Array]]:
    """Do ``length`` updates from number ``first`` on, and evaluate; a lost member is NaN."""
    state, losses = advance(net, make_tx, task, length, member, data, first)
    metrics = {"train_loss": losses.mean(), **evaluate(net, task, state.params, data)}
    healthy = state.diverged_at < 0
    return state, {name: jnp.where(healthy, value, jnp.nan) for name, value in metrics.items()}


def advance(
    net, make_tx, task, length: int, member: Member, data, first
) -> tuple[State, Float[Array, " u"]]:
    """Do ``length`` updates; returns the new state and the loss of each."""
    tx = make_tx(**member.hyperparams)
    orders, first_epoch = orders_of(task, data, member.key, first, length)

    def one_update(state: State, u):
        order = orders[u // task.updates_per_epoch - first_epoch]
        key = jax.random.fold_in(jax.random.fold_in(member.key, Stream.UPDATE), u)
        batch = task.batch(data, order, u % task.updates_per_epoch, key=key)

        def fisher():
            return diagonal_fisher(
                net, task, state.params, batch.inputs, key=jax.random.fold_in(key, Stream.FISHER)
            )

        kicks = jax.random.fold_in(key, Stream.NOISE)
        loss, gradient = jax.value_and_grad(lambda p: loss_of(net, task, p, batch, kicks))(
            state.params
        )
        updates, opt_state = update_of(tx, gradient, state, fisher)
        params = apply_updates(state.params, updates, opt_state)
        return _keep_finite(state, State(params, opt_state, state.diverged_at), u + 1), loss

    steps = first + jnp.arange(length, dtype=jnp.int32)
    return jax.lax.scan(one_update, member.state, steps)


def loss_of(net, task, params, batch, key) -> Float[Array, ""]:
    """Run the network over a batch (its noise drawn by key), and average the task's loss."""
    rngs, at_once = {NOISE: key}, task.steps_at_once
    if at_once is None:
        outputs = net.apply({"params": params}, batch.inputs, task.steps, rngs=rngs)
        loss = task.loss(outputs, batch.targets)
    else:
        states = net.apply({"params": params}, batch.inputs, task.steps, method="states", rngs=rngs)
        weights = net.readout.effective(params["readout"])
        loss = loss_in_parts(task.loss, at_once, weights, states, batch.targets)
    for penalty in task.penalties:
        loss = loss + penalty(net, task, params, batch, key)
    return loss


def update_of(tx, gradient, state: State, fisher_fn) -> tuple[PyTree, PyTree]:
    """Let an optimiser turn a gradient into updates and its next state."""
    # Ours must know that apply_updates projects later, and one of them asks for the Fisher
    # information; a transformation without extra arguments gets none.
    return optax.with_extra_args_support(tx).update(
        gradient, state.opt_state, state.params, project_later=True, fisher_fn=fisher_fn
    )


def _keep_finite(old: State, new: State, number) -> State:
    """Freeze a member at its last finite state, and note the update at which it left it."""
    # Not by the loss: an optimiser may know what to do (optax.apply_if_finite).
    finite = jnp.bool_(True)
    for leaf in jax.tree.leaves(new.params):
        finite &= jnp.isfinite(leaf).all()
    healthy = old.diverged_at < 0
    diverged_at = jnp.where(healthy & ~finite, number, old.diverged_at)
    params, opt_state = jax.tree.map(
        lambda a, b: jnp.where(healthy & finite, a, b),
        (new.params, new.opt_state),
        (old.params, old.opt_state),
    )
    return State(params, opt_state, diverged_at.astype(jnp.int32))


def orders_of(task, data, key, first, length):
    """Draw the orders of the epochs that a chunk touches, as a table [epochs, ...]."""
    first_epoch = first // task.updates_per_epoch
    last_epoch = (first + length - 1) // task.updates_per_epoch

    def order(epoch):
        return task.order(
            data, key=jax.random.fold_in(jax.random.fold_in(key, Stream.EPOCH), epoch)
        )

    def order_if_needed(epoch):
        empty = jax.eval_shape(order, epoch)
        return jax.lax.cond(
            epoch <= last_epoch, order, lambda _: jnp.zeros(empty.shape, empty.dtype), epoch
        )

    most = (length - 2) // task.updates_per_epoch + 2 if length > 1 else 1
    return jax.lax.map(order_if_needed, first_epoch + jnp.arange(most)), first_epoch


def evaluate(net, task, params, data) -> dict[str, Float[Array, ""]]:
    """Average the scores over each whole set, batch by batch."""
    variables = {"params": params}
    if net.has_batch_statistics:
        variables |= batch_statistics(net, task, params, data)

    def metrics_of(name, trials, weights):
        def one_batch(trials_and_weights):
            trials, weights = trials_and_weights
            inputs, targets = task.evaluation_batch(data, name, trials)
            rngs = {NOISE: jax.random.fold_in(jax.random.key(EVALUATION_NOISE), trials[0])}
            scores = task.scores(net.apply(variables, inputs, task.steps, rngs=rngs), targets)
            return {score: (value * weights).sum() for score, value in scores.items()}

        sums = jax.lax.map(one_batch, (jnp.asarray(trials), jnp.asarray(weights)))
        averages = {score: total.sum() / weights.sum() for score, total in sums.items()}
        return {f"{name}_{score}": v for score, v in task.summaries(averages).items()}

    metrics = {}
    for name, (trials, weights) in task.evaluations(data).items():
        metrics |= metrics_of(name, trials, weights)
    return metrics


def batch_statistics(net, task, params, data) -> dict[str, PyTree]:
    """Average the statistics of batch normalisation over the scored part of the training set."""

    def one_batch(trials):
        inputs, _ = task.evaluation_batch(data, "training", trials)
        _, found = net.apply({"params": params}, inputs, task.steps, mutable=[BATCH_STATISTICS])
        return found

    trials, weights = task.evaluations(data)["training"]
    trials = trials[np.asarray(weights).all(-1)]  # a batch that is filled up has other statistics
    batches = jax.lax.map(one_batch, jnp.asarray(trials))
    return jax.tree.map(lambda leaf: leaf.mean(0), dict(batches))
