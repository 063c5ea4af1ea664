"""Training: from networks, optimisers and a task to a trained ensemble and its table of metrics.

The updates up to the next evaluation, and that evaluation, are one program on the devices, a chunk
(see ``step.py``); the host reads metrics and writes checkpoints between chunks. In a program of
several processes each trains its share of the members, and all of them return the same Run.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import optax
from tqdm import tqdm

from dalejax import checks
from dalejax.runtime import host_devices, messages, multihost, signals
from dalejax.storage import checkpoint
from dalejax.tasks.base import Task
from dalejax.training import chunks, ensemble
from dalejax.training.fingerprint import identity
from dalejax.training.forward import Network
from dalejax.training.programs import Programs
from dalejax.training.run import Diverged, Run
from dalejax.training.run_folder import RunFolder, Saved
from dalejax.training.run_spec import MakeOptimizer, RunSpec
from dalejax.training.schedule import Schedule
from dalejax.types import Array, Int, Key, PyTree

ON_DIVERGENCE = ("freeze", "stop")


def train(
    net: Network,
    tx: optax.GradientTransformation | MakeOptimizer,
    task: Task,
    *,
    keys: Key[Array, " s"],
    num_updates: int,
    hyperparams: Mapping[str, PyTree] | None = None,
    params: PyTree | None = None,
    eval_every: int = 500,
    checkpoint_dir: str | Path | None = None,
    checkpoint_every: int | None = None,
    keep_checkpoints: int = checkpoint.KEEP,
    resume: bool = False,
    on_divergence: str = "freeze",
    progress: bool = True,
    member_map: str | None = None,
    members_per_wave: int | None = None,
    devices: Sequence[ensemble.Device] | None = None,
) -> Run:
    r"""Train an ensemble: one network a key, all in one program.

    .. math:: \theta^{(i)}_{u+1} = \Pi\left(\theta^{(i)}_u + \mathrm{tx}(\nabla L_i)\right)
              \quad \text{for every member } i

    Args:
        net: the network that all members share.
        tx: an Optax transformation, or a function that makes one from ``hyperparams``.
        task: makes the batches, and defines loss and scores.
        keys: one typed PRNG key a member [s], see :func:`dalejax.seed_keys`.
        num_updates: updates of each member.
        hyperparams: name -> array (or tree of arrays) with leading axis s; member i's entries are
            the keyword arguments of ``tx``, for example its learning rate.
        params: initial parameters with leading axis s; None draws them with ``keys``.
        eval_every: updates between evaluations on the whole test set, and on the validation set if
            there is one (on sequential MNIST they cost as much as about 100 updates).
        checkpoint_dir: the run's folder (train.json, metrics.parquet, checkpoints); None writes
            nothing to disk. With a folder, SIGINT and SIGTERM save and stop the run at the next
            evaluation.
        checkpoint_every: updates between checkpoints, a multiple of ``eval_every``; None for ten
            times ``eval_every``.
        keep_checkpoints: how many of the newest checkpoints to keep, beside the one with the lowest
            score (median over the members).
        resume: continue the run in ``checkpoint_dir``, if there is one.
        on_divergence: what to do when a member's parameters are not finite: ``"freeze"`` keeps the
            member as it was before that update and trains the others on; ``"stop"`` saves the run
            at the next evaluation and raises Diverged.
        progress: show a progress bar on stderr.
        member_map: how the members on one device run: ``"map"`` one after the other, ``"vmap"``
            vectorised; None for the faster one on this kind of device.
        members_per_wave: how many members are on the devices at once, while the others wait in the
            host's memory; None for as many as fit into the devices' memory.
        devices: devices to use; None for all, those of other processes included.

    Returns:
        The trained ensemble and its table of metrics.

    Raises:
        ValueError: an argument is out of its range, or does not fit the others; nothing has been
            written then.
        FileExistsError: ``checkpoint_dir`` holds a run already and ``resume`` is False.
        OSError: the folder cannot be written; earlier checkpoints are still there.
        Diverged: a member diverged, and ``on_divergence`` is ``"stop"``.
        Interrupted: SIGINT or SIGTERM arrived and the run was saved; uncaught, it ends the process
            with code 128 + signal.

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
    host_devices.use_all_cores()
    spec = RunSpec.checked(net, tx, task, keys=keys, hyperparams=hyperparams, params=params)
    schedule = Schedule.checked(num_updates, eval_every, checkpoint_every)
    keep_checkpoints = checks.whole("keep_checkpoints", keep_checkpoints)
    checks.choice("on_divergence", on_divergence, ON_DIVERGENCE)
    if members_per_wave is not None:
        checks.whole("members_per_wave", members_per_wave)
    programs = Programs(spec, ensemble.member_mesh(devices), member_map)

    with contextlib.ExitStack() as stack:
        folder = saved = watch = None
        if checkpoint_dir is not None:
            description = identity(spec, schedule.eval_every)
            folder = RunFolder(Path(checkpoint_dir), description, resume, keep_checkpoints)
            saved = stack.enter_context(folder).restore(programs.state_of(spec.num))
            if saved is not None and (run := _finished(saved, schedule, on_divergence, folder)):
                return run
            watch = stack.enter_context(signals.Watch())
        members = chunks.begin(spec, programs, schedule, saved, members_per_wave)
        del saved  # the host's copy of what is on the devices now
        bar = stack.enter_context(_progress_bar(schedule, members.update, shown=progress))

        ends = False
        while not ends:
            members.run_chunk(programs, schedule.next_evaluation(members.update), bar)
            bar.set_postfix_str(members.history.describe(task.score))
            ends = members.update == schedule.num_updates
            ends = ends or _must_stop(members.diverged_at, on_divergence)
            ends = ends or bool(watch and watch.stop_signal())
            if folder and (ends or members.update % schedule.checkpoint_every == 0):
                members.save(folder, task.score)
        bar.close()

        run = members.result()
        if watch and (signal := watch.stop_signal()):  # it may have come during the last save
            messages.say(
                f"stopped after {run.update} of {num_updates} updates; {folder} was saved."
            )
            raise signals.Interrupted(signal)
        if _must_stop(run.diverged_at, on_divergence):
            raise Diverged(run, folder)
        return run


def _finished(
    saved: Saved, schedule: Schedule, on_divergence: str, folder: RunFolder
) -> Run | None:
    """Make the result out of a checkpoint, if it has all updates; None if there are more to do.

    Raises:
        Diverged: a member has diverged, and ``on_divergence`` is ``"stop"``.
    """
    update, history, (params, opt_state, diverged_at) = saved
    diverged_at = np.asarray(diverged_at)
    stops = _must_stop(diverged_at, on_divergence)
    if update < schedule.num_updates and not stops:
        return None
    table = history.table(diverged_at)
    run = Run(params, opt_state, diverged_at, table, update, began=update)
    if stops:
        raise Diverged(run, folder)
    return run


def _must_stop(diverged_at: Int[Array, " s"], on_divergence: str) -> bool:
    return on_divergence == "stop" and bool((diverged_at >= 0).any())


def _progress_bar(schedule: Schedule, update: int, *, shown: bool) -> tqdm:
    """Make a progress bar of updates on stderr; of several processes only the first shows it."""
    return tqdm(
        total=schedule.num_updates,
        initial=update,
        unit="update",
        disable=not shown or not multihost.is_first(),
    )
