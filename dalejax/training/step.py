"""One member's training: its initial state, its updates and its evaluation, as pure functions.

Everything random is a function of the member's key and the update number: the key is folded with
the numbers of :class:`dalejax.streams.Stream` (``INIT``; ``EPOCH`` and the epoch; ``UPDATE`` and
the update), so that no random state has to be saved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
import optax

from dalejax.runtime import host_devices
from dalejax.streams import Stream
from dalejax.tasks.base import Batch, Task
from dalejax.training.chunked_loss import loss_in_parts
from dalejax.training.diagonal_fisher import diagonal_fisher
from dalejax.training.evaluation import evaluate
from dalejax.training.forward import Network, run_network
from dalejax.training.run_spec import RunSpec, Start
from dalejax.transforms.projection import apply_updates
from dalejax.types import Array, Float, Int, Key, Params, PyTree


class State(NamedTuple):
    """What an update changes in a member; axis 0 of every leaf is the member in an ensemble.

    Attributes:
        params: the network's parameters.
        opt_state: the optimiser's state.
        diverged_at: number of the first update that gave parameters that are not finite (the
            member stays as it was before that update), -1 if there was none.
    """

    params: Params
    opt_state: PyTree
    diverged_at: Int[Array, "*s"]


class Member(NamedTuple):
    """A member in training: its state, and what no update changes.

    Attributes:
        state: what every update changes.
        key: a typed PRNG key; every random number of the member is a function of it.
        hyperparams: name -> array; the keyword arguments that make the member's optimiser.
    """

    state: State
    key: Key[Array, "*s"]
    hyperparams: Mapping[str, PyTree]


def initial_params(net: Network, task: Task, *, keys: Key[Array, " s"]) -> Params:
    """Draw the parameters that :func:`dalejax.train` starts from, to look at them or change them.

    Args:
        net: the network.
        task: the task, which says what inputs the network gets.
        keys: one typed PRNG key a member [s].

    Returns:
        Parameters with leading member axes [s, ...].

    Example:
        >>> import dalejax as dj
        >>> net = dj.RecurrentNetwork([dj.RNNCell(5)], dj.Dense(1))
        >>> params = initial_params(net, dj.tasks.AddingProblem(), keys=dj.seed_keys(0, 3))
        >>> net.effective(params)[0].W.shape
        (3, 5, 5)
    """
    host_devices.use_all_cores()
    return jax.jit(jax.vmap(lambda key: _initial(net, task, key)))(keys)


def _initial(net: Network, task: Task, key: Key[Array, ""]) -> Params:
    return net.init(jax.random.fold_in(key, Stream.INIT), task.example())["params"]


def initial_state(spec: RunSpec, start: Start) -> State:
    """Make the state of one member before its first update.

    Args:
        spec: what the ensemble is trained from.
        start: the member's key and hyper-parameters, and its parameters if they are not drawn.
    """
    params = _initial(spec.net, spec.task, start.key) if start.params is None else start.params
    return State(params, spec.make_tx(**start.hyperparams).init(params), jnp.int32(-1))


def chunk(
    spec: RunSpec, length: int, member: Member, data: PyTree, first: Int[Array, ""]
) -> tuple[State, dict[str, Array]]:
    """Update one member ``length`` times, then evaluate it.

    Args:
        spec: what the ensemble is trained from.
        length: number of updates.
        member: the member before them.
        data: the task's data, on the device.
        first: number of the first update, counted from 0.

    Returns:
        The new state, and the metrics by name: the mean training loss, and what :func:`evaluate`
        gives. The metrics of a member that has diverged are NaN.
    """
    state, losses = advance(spec, length, member, data, first)
    metrics = {
        "train_loss": losses.mean(),
        **evaluate(spec.net, spec.task, state.params, data),
    }
    healthy = state.diverged_at < 0
    return state, {name: jnp.where(healthy, value, jnp.nan) for name, value in metrics.items()}


def advance(
    spec: RunSpec, length: int, member: Member, data: PyTree, first: Int[Array, ""]
) -> tuple[State, Float[Array, " u"]]:
    """Update one member ``length`` times.

    Args:
        spec: what the ensemble is trained from.
        length: number of updates u.
        member: the member before them.
        data: the task's data, on the device.
        first: number of the first update, counted from 0.

    Returns:
        The new state, and the training loss of each update [u].
    """
    net, task = spec.net, spec.task
    tx = spec.make_tx(**member.hyperparams)
    orders, first_epoch = orders_of(task, data, member.key, first, length)

    def one_update(state: State, u):
        order = orders[u // task.updates_per_epoch - first_epoch]
        key = jax.random.fold_in(jax.random.fold_in(member.key, Stream.UPDATE), u)
        batch = task.batch(data, order, u % task.updates_per_epoch, key=key)

        def fisher():
            return diagonal_fisher(
                net, task, state.params, batch.inputs, key=jax.random.fold_in(key, Stream.FISHER)
            )

        noise = jax.random.fold_in(key, Stream.NOISE)
        loss, gradient = jax.value_and_grad(lambda p: loss_of(net, task, p, batch, noise))(
            state.params
        )
        updates, opt_state = update_of(tx, gradient, state, fisher)
        params = apply_updates(state.params, updates, opt_state)
        return _keep_finite(state, State(params, opt_state, state.diverged_at), u + 1), loss

    steps = first + jnp.arange(length, dtype=jnp.int32)
    return jax.lax.scan(one_update, member.state, steps)


def loss_of(
    net: Network, task: Task, params: Params, batch: Batch, key: Key[Array, ""]
) -> Float[Array, ""]:
    """Compute the training loss of a batch: the task's loss, and its penalties.

    Args:
        net: the network.
        task: the task.
        params: the parameters of one member.
        batch: trials.
        key: a typed PRNG key, of the recurrent noise.
    """
    steps, at_once = task.time.steps, task.time.steps_at_once
    variables = {"params": params}
    if at_once is None:
        outputs = run_network(net, variables, batch.inputs, steps, key=key)
        loss = task.loss(outputs, batch.targets)
    else:
        states = run_network(net, variables, batch.inputs, steps, key=key, method="states")
        weights = net.readout.effective(params["readout"])
        part_by_part = loss_in_parts(task.loss, at_once, weights, states, batch.targets)
        loss = cast(Array, part_by_part)  # pyright does not know what a custom_vjp returns
    for penalty in task.penalties:
        loss = loss + penalty(net, task, params, batch, key)
    return loss


def update_of(
    tx: optax.GradientTransformation,
    gradient: PyTree,
    state: State,
    fisher_fn: Callable[[], PyTree],
) -> tuple[PyTree, PyTree]:
    """Turn a gradient into the optimiser's updates and its next state.

    Args:
        tx: the optimiser.
        gradient: a tree like the parameters.
        state: the member before the update.
        fisher_fn: measures the diagonal Fisher information of the batch, for an optimiser that
            asks for it.
    """
    # An optimiser of dalejax is told that apply_updates will project the parameters. A
    # transformation that takes no extra arguments gets none.
    return optax.with_extra_args_support(tx).update(
        gradient, state.opt_state, state.params, project_later=True, fisher_fn=fisher_fn
    )


def _keep_finite(old: State, new: State, number: Int[Array, ""]) -> State:
    """Take the new state if its parameters are finite; if not, keep the old one and note when."""
    # The loss is not looked at: an optimiser may know what to do with a batch whose loss is not
    # finite (optax.apply_if_finite).
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


def orders_of(
    task: Task, data: PyTree, key: Key[Array, ""], first: Int[Array, ""], length: int
) -> tuple[PyTree, Int[Array, ""]]:
    """Draw the order of the trials for each epoch that a chunk of updates reaches.

    Args:
        task: the task.
        data: its data.
        key: the member's typed PRNG key.
        first: number of the first update, counted from 0.
        length: number of updates.

    Returns:
        The orders [epochs, ...], and the number of the first of these epochs.
    """
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
