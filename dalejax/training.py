"""Training: the update, a chunk of updates with its evaluation in one program, and the loop.

One member's chunk is a scan over updates followed by an evaluation on the whole test set; the
ensemble maps it over members. Everything random is a function of (member key, update number): the
key of a member's start is ``fold_in(key, 0)``, of its e-th epoch ``fold_in(fold_in(key, 1), e)``,
of its u-th update ``fold_in(fold_in(key, 2), u)``. So there is no random stream to save.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pandas as pd
from tqdm import tqdm

from dalejax import checkpoint, ensemble, results, runs
from dalejax.history import History
from dalejax.networks import RecurrentNetwork
from dalejax.tasks.base import Task
from dalejax.transforms import apply_updates
from dalejax.types import Any, Array, Float, Int, Key, Params, PyTree

INIT, EPOCH, UPDATE = 0, 1, 2  # the random streams of a member


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


class _Member(NamedTuple):
    state: State
    key: Key[Array, ""]
    hyperparams: dict[str, Array]


@dataclass(frozen=True)
class Run:
    """A trained ensemble.

    Attributes:
        params: parameters, leading axis the members [s, ...].
        opt_state: the optimiser's states [s, ...].
        diverged_at: update at which a member stopped being finite [s], -1 if it never did.
        table: metrics, a tidy DataFrame (member, update, metric, value).
        update: updates done.
    """

    params: Params
    opt_state: PyTree
    diverged_at: np.ndarray
    table: pd.DataFrame
    update: int


Optimizer = optax.GradientTransformation | Callable[..., optax.GradientTransformation]


def train(
    net: RecurrentNetwork,
    tx: Optimizer,
    task: Task,
    *,
    keys: Key[Array, " s"],
    num_updates: int,
    hyperparams: Mapping[str, Any] | None = None,
    params: Params | None = None,
    eval_every: int = 500,
    checkpoint_dir: str | Path | None = None,
    checkpoint_every: int | None = None,
    resume: bool = False,
    progress: bool = True,
    member_map: str | None = None,
    devices: Sequence[jax.Device] | None = None,
) -> Run:
    r"""Train an ensemble: one network a key, all in one program.

    .. math:: \theta^{(i)}_{u+1} = \Pi\left(\theta^{(i)}_u + \mathrm{tx}(\nabla L_i)\right)
              \quad \text{for every member } i

    Args:
        net: the network.
        tx: an Optax transformation, or a function that makes one of a member's ``hyperparams``.
        task: makes batches, owns loss and score.
        keys: one typed key a member [s], see :func:`dalejax.seed_keys`.
        num_updates: updates of each member.
        hyperparams: name -> array (or tree of arrays) with leading axis s, passed to ``tx`` by
            name: a learning rate or a clip of each member's own.
        params: parameters to start from, leading axis s; None draws them.
        eval_every: updates between evaluations on the whole test set (they cost as much as about
            100 updates of sequential MNIST).
        checkpoint_dir: the run's folder (config.json, metrics.parquet, checkpoints); None keeps
            nothing on disk.
        checkpoint_every: updates between checkpoints, a multiple of ``eval_every``; None for ten
            evaluations.
        resume: continue the run in ``checkpoint_dir``, if there is one.
        progress: show a progress bar on stderr.
        member_map: ``"map"`` or ``"vmap"`` inside a device; None for the measured default.
        devices: devices to use; None for all.

    Returns:
        The trained ensemble and its table of metrics.

    Raises:
        ValueError: an argument does not fit; nothing has been written then.
        FileExistsError: ``checkpoint_dir`` holds a run already and ``resume`` is False.

    Example:
        >>> import dalejax as dj
        >>> net = dj.RecurrentNetwork([dj.ColEICell(10, n_i=1)], dj.ColEIDense(1))
        >>> task = dj.tasks.AddingProblem(num_train=64, num_test=16)
        >>> run = dj.train(net, dj.colei_sgd(0.01, clip=7.0), task, keys=dj.seed_keys(0, 2),
        ...                num_updates=2, eval_every=1, progress=False)
        >>> run.table.metric.unique().tolist(), run.table.member.nunique()
        (['test_mse', 'train_loss'], 2)

    Reference:
        Li et al. 2023, section 2.1 (projected gradient descent).
    """
    hyperparams = {name: jax.tree.map(jnp.asarray, v) for name, v in (hyperparams or {}).items()}
    _check(net, task, keys, num_updates, hyperparams, params, eval_every)
    checkpoint_every = 10 * eval_every if checkpoint_every is None else checkpoint_every
    if checkpoint_every < 1 or checkpoint_every % eval_every:
        raise ValueError(
            f"checkpoint_every is {checkpoint_every}; it must be a multiple of eval_every = "
            f"{eval_every}."
        )
    make_tx = (lambda: tx) if isinstance(tx, optax.GradientTransformation) else tx
    mesh = ensemble.member_mesh(devices)
    over_members = partial(ensemble.over_members, mesh=mesh, member_map=member_map)
    num = len(keys)
    data = ensemble.replicate(task.data, mesh)
    padded_keys, padded_hyperparams = ensemble.pad((keys, hyperparams), mesh)
    given = None if params is None else ensemble.pad(params, mesh)

    start = jax.jit(over_members(partial(_start, net, make_tx, task)))
    if params is not None:
        fresh = jax.eval_shape(start, (padded_keys, padded_hyperparams, None)).params
        if _shapes(fresh) != _shapes(params):
            raise ValueError(
                f"params have shapes {_shapes(params)}; this network needs {_shapes(fresh)}."
            )
    template = jax.eval_shape(start, (padded_keys, padded_hyperparams, given))
    template = jax.tree.map(lambda x: jax.ShapeDtypeStruct((num, *x.shape[1:]), x.dtype), template)

    with contextlib.ExitStack() as stack:
        store, history, update, state = None, History(), 0, None
        if checkpoint_dir is not None:
            folder = Path(checkpoint_dir)
            this = runs.identity(net, task, keys, eval_every, hyperparams, params)
            runs.claim_folder(folder, this, resume)
            store = stack.enter_context(checkpoint.Store(folder))
            if store.latest is not None:
                update = store.latest
                arrays = store.load()
                history = History.restore(arrays)
                state = ensemble.pad(checkpoint.unflatten(template, arrays), mesh)
                # A crash between the checkpoint and its table leaves an older table behind.
                results.write_table(history.table(), folder / "metrics.parquet")
        if state is None:
            state = start((padded_keys, padded_hyperparams, given))

        @partial(jax.jit, static_argnames="length", donate_argnums=0)
        def chunk(state, keys, hyperparams, data, first, length):
            function = over_members(partial(_chunk, net, make_tx, task, length))
            return function(_Member(state, keys, hyperparams), data, first)

        bar = stack.enter_context(
            tqdm(total=num_updates, initial=update, unit="update", disable=not progress)
        )
        while update < num_updates:
            end = min(num_updates, (update // eval_every + 1) * eval_every)
            first = ensemble.replicate(jnp.int32(update), mesh)
            state, metrics = chunk(
                state, padded_keys, padded_hyperparams, data, first, length=end - update
            )
            history.add(end, ensemble.unpad(jax.device_get(metrics), num))
            bar.update(end - update)  # after device_get: the call above returns before it is done
            update = end
            bar.set_postfix_str(history.describe(task.score))
            if store and (update % checkpoint_every == 0 or update == num_updates):
                store.save(
                    update, {**checkpoint.flatten(ensemble.unpad(state, num)), **history.arrays()}
                )
                results.write_table(history.table(), folder / "metrics.parquet")
    state = ensemble.unpad(state, num)
    return Run(
        params=state.params,
        opt_state=state.opt_state,
        diverged_at=np.asarray(state.diverged_at),
        table=history.table(),
        update=update,
    )


# --- one member -----------------------------------------------------------------------------------


def _start(net, make_tx, task, member) -> State:
    key, hyperparams, params = member
    if params is None:
        example = jnp.zeros((1, 1, task.n_in))
        params = net.init(jax.random.fold_in(key, INIT), example)["params"]
    return State(params, make_tx(**hyperparams).init(params), jnp.int32(-1))


def _chunk(net, make_tx, task, length, member: _Member, data, first):
    tx = make_tx(**member.hyperparams)
    orders, first_epoch = _orders(task, data, member.key, first, length)

    def one_update(state: State, u):
        order = orders[u // task.updates_per_epoch - first_epoch]
        key = jax.random.fold_in(jax.random.fold_in(member.key, UPDATE), u)
        batch = task.batch(data, order, u % task.updates_per_epoch, key=key)

        def loss_of(params):
            return task.loss(net.apply({"params": params}, batch.inputs), batch.targets)

        loss, gradient = jax.value_and_grad(loss_of)(state.params)
        updates, opt_state = _update(tx, gradient, state)
        params = apply_updates(state.params, updates, opt_state)
        return _keep_finite(state, State(params, opt_state, state.diverged_at), loss, u + 1), loss

    steps = first + jnp.arange(length, dtype=jnp.int32)
    state, losses = jax.lax.scan(one_update, member.state, steps)
    metrics = {"train_loss": losses.mean(), **_evaluate(net, task, state.params, data)}
    healthy = state.diverged_at < 0
    return state, {name: jnp.where(healthy, value, jnp.nan) for name, value in metrics.items()}


def _update(tx, gradient, state):
    # Ours must know that apply_updates projects later; a transformation without extra
    # arguments gets none.
    return optax.with_extra_args_support(tx).update(
        gradient, state.opt_state, state.params, project_later=True
    )


def _keep_finite(old: State, new: State, loss, number) -> State:
    """Freeze a member at its last finite state, and note the update at which it left it."""
    finite = jnp.isfinite(loss)
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


def _orders(task, data, key, first, length):
    """Draw the orders of the epochs that a chunk touches, as a table [epochs, ...]."""
    first_epoch = first // task.updates_per_epoch
    last_epoch = (first + length - 1) // task.updates_per_epoch

    def order(epoch):
        return task.order(data, key=jax.random.fold_in(jax.random.fold_in(key, EPOCH), epoch))

    def order_if_needed(epoch):
        empty = jax.eval_shape(order, epoch)
        return jax.lax.cond(
            epoch <= last_epoch, order, lambda _: jnp.zeros(empty.shape, empty.dtype), epoch
        )

    most = (length - 2) // task.updates_per_epoch + 2 if length > 1 else 1
    return jax.lax.map(order_if_needed, first_epoch + jnp.arange(most)), first_epoch


def _evaluate(net, task, params, data) -> dict[str, Float[Array, ""]]:
    """Average the scores over the whole test set, batch by batch."""

    def one_batch(trials_and_weights):
        trials, weights = trials_and_weights
        inputs, targets = task.test_batch(data, trials)
        scores = task.scores(net.apply({"params": params}, inputs), targets)
        return {name: (score * weights).sum() for name, score in scores.items()}

    trials, weights = task.test_batches(data)
    sums = jax.lax.map(one_batch, (jnp.asarray(trials), jnp.asarray(weights)))
    return {name: total.sum() / weights.sum() for name, total in sums.items()}


# --- around the program ---------------------------------------------------------------------------


def _shapes(params: PyTree) -> dict[str, list[int]]:
    leaves = jax.tree_util.tree_leaves_with_path(params)
    return {jax.tree_util.keystr(path): list(leaf.shape[1:]) for path, leaf in leaves}


def _check(net, task, keys, num_updates, hyperparams, params, eval_every):
    if not jnp.issubdtype(keys.dtype, jax.dtypes.prng_key) or keys.ndim != 1:
        raise ValueError(
            f"keys are {keys.dtype}{list(keys.shape)}; they must be typed keys [s], "
            "such as dalejax.seed_keys(0, 30)."
        )
    if not len(keys):
        raise ValueError("the number of seeds is 0; it must be at least 1.")
    for name, value in (("num_updates", num_updates), ("eval_every", eval_every)):
        if value < 1:
            raise ValueError(f"{name} is {value}; it must be at least 1.")
    if net.readout.features != task.n_out:
        raise ValueError(
            f"the read-out has {net.readout.features} outputs; {task.name} needs {task.n_out}."
        )
    if net.every_step != task.every_step:
        raise ValueError(
            f"the network's every_step is {net.every_step}; {task.name} needs {task.every_step}."
        )
    for name, tree in (*hyperparams.items(), ("params", params)):
        for leaf in jax.tree.leaves(tree):
            if jnp.ndim(leaf) < 1 or leaf.shape[0] != len(keys):
                raise ValueError(
                    f"{name} has shape {jnp.shape(leaf)}; its leading axis must be the {len(keys)} "
                    "members."
                )
            wrong = np.isnan if name != "params" else lambda values: ~np.isfinite(values)
            if wrong(np.asarray(leaf)).any():  # an infinite clip is none
                raise ValueError(f"{name} hold non-finite numbers; all must be finite.")
