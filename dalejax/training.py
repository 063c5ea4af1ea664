"""Training: the loop over chunks of updates, with tables, checkpoints and a progress bar.

A chunk (see ``member.py``) is one program on the devices; between chunks the loop only reads the
metrics. Run by several processes, each has its share of the members, and all return the same Run.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pandas as pd
from tqdm import tqdm

from dalejax import checkpoint, ensemble, processes, results, runs, waves
from dalejax.history import History
from dalejax.networks import RecurrentNetwork
from dalejax.programs import Programs
from dalejax.tasks.base import Task
from dalejax.types import Any, Array, Key, PyTree


@dataclass(frozen=True)
class Run:
    """A trained ensemble, on the host: it may be larger than a device.

    Attributes:
        params: parameters, leading axis the members [s, ...].
        opt_state: the optimiser's states [s, ...].
        diverged_at: update at which a member stopped being finite [s], -1 if it never did.
        table: metrics, a tidy DataFrame (member, update, metric, value).
        update: updates done.
    """

    params: PyTree
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
    params: PyTree | None = None,
    eval_every: int = 500,
    checkpoint_dir: str | Path | None = None,
    checkpoint_every: int | None = None,
    resume: bool = False,
    progress: bool = True,
    member_map: str | None = None,
    members_per_wave: int | None = None,
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
        members_per_wave: members on the devices at once; the others wait in the host's memory.
            None for as many as the devices' memory holds.
        devices: devices to use; None for all, those of other processes included.

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
    if members_per_wave is not None and members_per_wave < 1:
        raise ValueError(f"members_per_wave is {members_per_wave}; it must be at least 1.")
    make_tx = (lambda: tx) if isinstance(tx, optax.GradientTransformation) else tx
    mesh, num = ensemble.member_mesh(devices), len(keys)
    programs = Programs(net, make_tx, task, mesh, member_map, (keys, hyperparams, params))
    template = programs.state_of(num)

    with contextlib.ExitStack() as stack:
        store, history, update, saved = None, History(), 0, None
        if checkpoint_dir is not None:
            folder = Path(checkpoint_dir)
            this = runs.identity(net, task, keys, eval_every, hyperparams, params)
            processes.agree(lambda: runs.claim_folder(folder, this, resume))
            store = stack.enter_context(checkpoint.Store(folder))
            if store.latest is not None:
                update = store.latest
                arrays = store.load()
                history = History.restore(arrays)
                saved = checkpoint.unflatten(template, arrays)
                # A crash between the checkpoint and its table leaves an older table behind.
                results.write_table(history.table(), folder / "metrics.parquet")
        if update >= num_updates and saved is not None:
            return Run(*saved, history.table(), update)

        def next_evaluation() -> int:
            return min(num_updates, (update // eval_every + 1) * eval_every)

        length = next_evaluation() - update
        plan = waves.plan(
            num, mesh, lambda size: programs.bytes_needed(length, size), size=members_per_wave
        )
        counts = [programs.scalar(size) for size in plan.sizes]
        fixed = plan.split((keys, hyperparams))
        if saved is not None:
            states = plan.split(saved)
        else:
            given = [None] * len(plan.sizes) if params is None else plan.split(params)
            states = [
                plan.park(programs.start((*plan.fetch(own), plan.fetch(start)), size))
                for own, start, size in zip(fixed, given, plan.sizes, strict=True)
            ]
            del given  # waves of parameters beside the states made of them

        bar = stack.enter_context(
            tqdm(
                total=num_updates,
                initial=update,
                unit="update",
                disable=not progress or not processes.is_first(),
            )
        )
        while update < num_updates:
            end = next_evaluation()
            chunk, first = programs.chunk(end - update, plan.size), programs.scalar(update)
            measured, done = [], 0
            for i, size in enumerate(plan.sizes):
                state, metrics = chunk(
                    plan.fetch(states[i]), *plan.fetch(fixed[i]), counts[i], programs.data, first
                )
                states[i] = plan.park(state)
                # The call returns before it is done; this waits.
                measured.append(ensemble.unpad(metrics, size))
                done += size
                bar.update(update + (end - update) * done // num - bar.n)
            update = end
            history.add(update, jax.tree.map(lambda *parts: np.concatenate(parts), *measured))
            bar.set_postfix_str(history.describe(task.score))
            if store and (update % checkpoint_every == 0 or update == num_updates):
                store.save(update, {**checkpoint.flatten(states, plan.sizes), **history.arrays()})
                results.write_table(history.table(), folder / "metrics.parquet")
        return Run(*plan.join(states), history.table(), update)


# --- around the program ---------------------------------------------------------------------------


def _shapes(params: PyTree) -> dict[str, list[int]]:
    leaves = jax.tree_util.tree_leaves_with_path(params)
    return {jax.tree_util.keystr(path): list(leaf.shape) for path, leaf in leaves}


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
    if params is not None:
        example = jnp.zeros((1, 1, task.n_in))
        fresh = jax.eval_shape(lambda key: net.init(key, example)["params"], keys[0])
        given = jax.tree.map(lambda leaf: leaf[0], params)
        if _shapes(given) != _shapes(fresh):
            raise ValueError(
                f"params have shapes {_shapes(given)} for each member; this network needs "
                f"{_shapes(fresh)}."
            )
