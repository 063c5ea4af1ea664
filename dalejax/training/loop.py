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

from dalejax import checks, signs
from dalejax.nn.feedforward_network import FeedforwardNetwork
from dalejax.nn.recurrent_network import RecurrentNetwork
from dalejax.runtime import host_devices, messages, multihost, signals
from dalejax.storage import checkpoint
from dalejax.tasks.base import Task
from dalejax.training import ensemble, run_folder, waves
from dalejax.training.fingerprint import identity
from dalejax.training.history import History
from dalejax.training.programs import Programs
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
        began: updates done when this call of train began: above 0 if it continued a run.
    """

    params: PyTree
    opt_state: PyTree
    diverged_at: np.ndarray
    table: pd.DataFrame
    update: int
    began: int = 0


class Diverged(ArithmeticError):
    """Members were not finite any more, and the run was to stop then.

    Attributes:
        run: the run so far, every member as it was when it was last finite.
    """

    def __init__(self, run: Run, folder: object = None):
        lost = np.flatnonzero(run.diverged_at >= 0)
        named = ", ".join(f"member {i} at update {run.diverged_at[i]}" for i in lost[:5])
        more = f" and {len(lost) - 5} more" if len(lost) > 5 else ""
        super().__init__(
            f"{len(lost)} of {len(run.diverged_at)} members diverged ({named}{more}); training "
            f"stopped after {run.update} updates" + (f"; {folder} was saved." if folder else ".")
        )
        self.run = run


ON_DIVERGENCE = ("freeze", "stop")
Optimizer = optax.GradientTransformation | Callable[..., optax.GradientTransformation]


def train(
    net: RecurrentNetwork | FeedforwardNetwork,
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
    keep_checkpoints: int = checkpoint.KEEP,
    resume: bool = False,
    on_divergence: str = "freeze",
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
        eval_every: updates between evaluations on the whole test set, and on the validation set if
            there is one (on sequential MNIST they cost as much as about 100 updates).
        checkpoint_dir: the run's folder (train.json, metrics.parquet, checkpoints); None keeps
            nothing on disk. With a folder, SIGINT and SIGTERM stop the run after the updates in
            hand, saved.
        checkpoint_every: updates between checkpoints, a multiple of ``eval_every``; None for ten
            evaluations.
        keep_checkpoints: how many of the newest checkpoints stay, beside the one with the lowest
            score (median over the members).
        resume: continue the run in ``checkpoint_dir``, if there is one.
        on_divergence: ``"freeze"`` leaves a member that is not finite any more as it last was and
            trains the others on; ``"stop"`` saves and raises Diverged after the updates in hand.
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
        OSError: the folder cannot be written; earlier checkpoints are still there.
        Diverged: a member diverged, and ``on_divergence`` is ``"stop"``.
        Interrupted: SIGINT or SIGTERM; the run was saved (an exit with code 128 + signal).

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
    hyperparams = {name: jax.tree.map(jnp.asarray, v) for name, v in (hyperparams or {}).items()}
    checkpoint_every = 10 * eval_every if checkpoint_every is None else checkpoint_every
    _check(net, tx, task, keys, hyperparams, params)
    num_updates = checks.whole("num_updates", num_updates)
    eval_every = checks.whole("eval_every", eval_every)
    checkpoint_every = checks.multiple(
        "checkpoint_every", checkpoint_every, "eval_every", eval_every
    )
    keep_checkpoints = checks.whole("keep_checkpoints", keep_checkpoints)
    checks.choice("on_divergence", on_divergence, ON_DIVERGENCE)
    if members_per_wave is not None:
        checks.whole("members_per_wave", members_per_wave)
    make_tx = (lambda: tx) if isinstance(tx, optax.GradientTransformation) else tx
    mesh, num = ensemble.member_mesh(devices), len(keys)
    programs = Programs(net, make_tx, task, mesh, member_map, (keys, hyperparams, params))

    with contextlib.ExitStack() as stack:
        folder, history, update, saved = None, History(), 0, None
        if checkpoint_dir is not None:
            this = identity(net, make_tx, task, keys, eval_every, hyperparams, params)
            folder = stack.enter_context(
                run_folder.RunFolder(Path(checkpoint_dir), this, resume, keep_checkpoints)
            )
            if found := folder.restore(programs.state_of(num)):
                update, history, saved = found
        began, stop = update, on_divergence == "stop"
        if saved is not None:
            run = Run(*saved, history.table(saved.diverged_at), update, began)
            if stop and (run.diverged_at >= 0).any():
                raise Diverged(run, folder)
            if update >= num_updates:
                return run
        watch = stack.enter_context(signals.Watch()) if folder else None

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
                disable=not progress or not multihost.is_first(),
            )
        )
        diverged_at = np.full(num, -1)
        while update < num_updates:
            end = next_evaluation()
            chunk, first = programs.chunk(end - update, plan.size), programs.scalar(update)
            measured, done = [], 0
            for i, size in enumerate(plan.sizes):
                state, metrics = chunk(
                    plan.fetch(states[i]), *plan.fetch(fixed[i]), counts[i], programs.data, first
                )
                # The call returns before it is done; this waits.
                measured.append(ensemble.unpad((metrics, state.diverged_at), size))
                states[i] = plan.park(state)
                done += size
                bar.update(update + (end - update) * done // num - bar.n)
            update = end
            metrics, diverged_at = jax.tree.map(lambda *parts: np.concatenate(parts), *measured)
            history.add(update, metrics)
            bar.set_postfix_str(history.describe(task.score))
            ends = update == num_updates or (stop and (diverged_at >= 0).any())
            ends = ends or bool(watch and watch.stop_signal())
            if folder and (update % checkpoint_every == 0 or ends):
                score = history.score(task.score)
                folder.save(update, states, plan.sizes, history, diverged_at, score)
            if ends:
                break
        bar.close()
        run = Run(*plan.join(states), history.table(diverged_at), update, began)
        if watch and (signal := watch.stop_signal()):  # it may have come while the end was saved
            messages.say(f"stopped after {update} of {num_updates} updates; {folder} was saved.")
            raise signals.Interrupted(signal)
        if stop and (diverged_at >= 0).any():
            raise Diverged(run, folder)
        return run


# --- around the program ---------------------------------------------------------------------------


def _check(net, tx, task, keys, hyperparams, params):
    checks.typed_keys("keys", keys)
    if net.readout.features != task.n_out:
        raise ValueError(
            f"the read-out has {net.readout.features} outputs; {task.name} needs {task.n_out}."
        )
    if net.every_step != task.every_step:
        raise ValueError(
            f"the network's every_step is {net.every_step}; {task.name} needs {task.every_step}."
        )
    if task.steps_at_once is not None and task.weighs_steps:
        raise ValueError(
            f"steps_at_once is {task.steps_at_once}; it must be None for {task.name}, whose loss "
            "weighs time steps."
        )
    if task.steps_at_once is not None and not net.readout.linear:
        raise ValueError(
            f"the read-out is a {type(net.readout).__name__}; {task.name} reads out some steps "
            "at a time and needs one that is no more than its effective weights."
        )
    if (task.n_in is None) != (net.embedding is not None):
        wanted = "an embedding, as its inputs are numbers" if task.n_in is None else "no embedding"
        raise ValueError(f"the network does not fit: {task.name} needs {wanted}.")
    if net.embedding is not None and net.embedding.words < (task.num_words or 0):
        raise ValueError(
            f"the embedding has {net.embedding.words} words; {task.name} needs {task.num_words}."
        )
    sets = task.evaluations(task.data)
    if not task.score.startswith(tuple(f"{name}_" for name in sets)):
        raise ValueError(
            f"the score of {task.name} is {task.score!r}; it must be a score of one of its sets: "
            f"{', '.join(f'{name}_…' for name in sets)}."
        )
    if net.has_batch_statistics and "training" not in sets:
        raise ValueError(
            f"batch normalisation is evaluated with statistics of the set 'training'; {task.name} "
            f"has {', '.join(sets)}."
        )
    if net.has_batch_statistics and (scored := int(np.sum(sets["training"][1]))) < 2:
        raise ValueError(
            f"the set 'training' has {scored} trial; batch normalisation needs at least 2."
        )
    if isinstance(tx, optax.MultiSteps):
        raise ValueError("tx is an optax.MultiSteps; pass its .gradient_transformation().")
    if hyperparams and isinstance(tx, optax.GradientTransformation):
        raise ValueError(
            f"hyperparams has {', '.join(hyperparams)}, but tx is a transformation; it must be a "
            "function of them that makes one."
        )
    for name, tree in hyperparams.items():
        checks.of_members(name, tree, len(keys), infinite=True)
    if params is not None:
        checks.of_members("params", params, len(keys))
        fresh = jax.eval_shape(lambda key: net.init(key, task.example())["params"], keys[0])
        checks.same_shapes("params", jax.tree.map(lambda leaf: leaf[0], params), fresh)
        signs.check_same("params", params, fresh)
