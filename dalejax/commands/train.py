"""``dalejax train`` and ``dalejax resume``: an ensemble on a task, kept in a folder of its own."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from dalejax import checks
from dalejax.commands import config
from dalejax.commands.common import (
    CellName,
    check_counts,
    check_positive,
    default_n_i,
    make_cell,
    print_json,
)
from dalejax.runtime import compile_cache, multihost

if TYPE_CHECKING:
    import optax

    from dalejax.nn.recurrent_network import RecurrentNetwork
    from dalejax.tasks import Task
    from dalejax.training.run import Run

OnDivergence = Literal["freeze", "stop"]


@dataclass(frozen=True)
class Train:
    """Train an ensemble, one network a seed, and keep it in a folder.

    What is left out is the papers' value for the task and the cell. The last line on stdout is the
    run's folder: config.json, metrics.parquet (member, update, metric, value) and checkpoints.
    """

    task: Literal["adding", "smnist"]
    """the adding problem, or sequential MNIST"""
    cell: CellName
    """standard, column-signed E/I (ColEI) or Dale's ANN"""
    seeds: int
    """members of the ensemble"""
    updates: int
    """updates of each member"""
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """the run's folder; it is made, and must not hold a run yet"""
    n: int | None = None
    """units a layer; None: 100 for smnist, 10 for adding"""
    layers: int = 1
    """recurrent layers"""
    n_i: int | None = None
    """inhibitory units, among the n (colei), on top (dann) or ignored (rnn); None: 10 % of n"""
    rho: float = 1.5
    """spectral radius of the recurrent weights at the start (colei; otherwise ignored)"""
    lr: float | None = None
    """learning rate; None: 0.01 for smnist, 0.1 for adding"""
    clip: float | None = None
    """largest gradient norm of a tensor (colei) or cell (rnn, dann); None: colei 10, adding 7;
    else none"""
    batch_size: int | None = None
    """trials an update; None: 32 for smnist, 64 for adding"""
    eval_every: int = 500
    """updates between evaluations on the whole test set"""
    checkpoint_every: int | None = None
    """updates between checkpoints, a multiple of --eval-every; None: ten evaluations"""
    keep_checkpoints: int = 3
    """how many of the newest checkpoints stay, beside the one with the lowest score"""
    data: Literal["mnist", "digits", "fashion_mnist", "kmnist"] = "mnist"
    """smnist's images; digits are 5,000 of MNIST's, embedded in a package"""
    data_dir: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """where the images are; None: $TFDS_DATA_DIR, else ~/tensorflow_datasets"""
    scan: Literal["rows", "pixels", "permuted"] = "rows"
    """how smnist's images arrive: row by row, pixel by pixel, or the pixels in a random order"""
    seed: int = 0
    """the root of all members' random keys"""
    progress: bool = True
    """show no progress bar on stderr"""
    members_per_wave: int | None = None
    """members on the devices at once; None: as many as their memory holds"""
    on_divergence: OnDivergence = "freeze"
    """of a member that is not finite any more: freeze it, or stop the run"""
    distributed: bool = False
    """one of several processes that share the members, all started alike (srun, mpirun)"""
    json: bool = False
    """print one JSON object instead of lines"""

    def run(self) -> None:
        """Check everything, claim the folder, train, and say how it went."""
        from dalejax.training import run_folder

        compile_cache.keep()
        if self.distributed:
            multihost.connect()
        options = self.resolved()
        parts = multihost.together(lambda: build(options))
        multihost.agree(lambda: _refuse_used(options.out))
        with run_folder.lock(options.out):
            multihost.agree(lambda: _claim(options))
            try:
                run = _train(options, *parts)
            except Exception:
                _unclaim(options)
                raise
            _report(options, run)

    def resolved(self) -> Train:
        """Put the defaults in that depend on other options.

        Raises:
            ValueError: a size, a rate or the seed is out of its range.
        """
        smnist = self.task == "smnist"
        n = _default(self.n, 100 if smnist else 10)
        clip = (10.0 if smnist else 7.0) if self.cell == "colei" else None
        options = dataclasses.replace(
            self,
            n=n,
            n_i=_default(self.n_i, default_n_i(n)),
            lr=_default(self.lr, 0.01 if smnist else 0.1),
            clip=_default(self.clip, clip),
            batch_size=_default(self.batch_size, 32 if smnist else 64),
            checkpoint_every=_default(self.checkpoint_every, 10 * self.eval_every),
        )
        options._check()
        return options

    def _check(self) -> None:
        counts = (
            "seeds",
            "updates",
            "n",
            "layers",
            "batch_size",
            "eval_every",
            "checkpoint_every",
            "keep_checkpoints",
        )
        check_counts(**{name: getattr(self, name) for name in counts})
        if self.members_per_wave is not None:
            check_counts(members_per_wave=self.members_per_wave)
        check_positive(lr=self.lr, rho=self.rho, clip=self.clip)
        checks.seed("--seed", self.seed)
        checks.multiple(
            "--checkpoint-every", self.checkpoint_every, "--eval-every", self.eval_every
        )


@dataclass(frozen=True)
class Resume:
    """Continue a run that dalejax train began; the result is as if it had never stopped."""

    out: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(name="dir", metavar="DIR")]]
    """the run's folder"""
    progress: bool = True
    """show no progress bar on stderr"""
    members_per_wave: int | None = None
    """members on the devices at once; None: as many as their memory holds"""
    on_divergence: OnDivergence | None = None
    """of a member that is not finite any more: freeze it, or stop the run; None: as it was begun"""
    data_dir: Path | None = None
    """where the data are; None: as it was begun"""
    distributed: bool = False
    """one of several processes, whose number may be another one than before"""
    json: bool = False
    """print one JSON object instead of lines"""

    def run(self) -> None:
        """Read the frozen options back, train on, and say how it went."""
        from dalejax.training import run_folder

        compile_cache.keep()
        if self.distributed:
            multihost.connect()
        of_this_process = {name: getattr(self, name) for name in config.NOT_FROZEN}
        for name in ("on_divergence", "data_dir"):
            if getattr(self, name) is not None:
                of_this_process[name] = getattr(self, name)
        options = dataclasses.replace(config.read(self.out, Train), **of_this_process).resolved()
        parts = multihost.together(lambda: build(options))
        with run_folder.lock(self.out):
            run = _train(options, *parts)
            _report(options, run, finished=run.began >= options.updates)


def build(options: Train) -> tuple[RecurrentNetwork, optax.GradientTransformation, Task]:
    """Turn frozen options into the network, the optimiser and the task.

    Args:
        options: resolved ones, without a None where a number is needed.

    Returns:
        (net, tx, task), all validated; nothing has been written.

    Raises:
        ValueError: a number does not fit.
        dalejax.datasets.MissingData: the images are not on this machine.
    """
    import dalejax as dj

    readouts = {"rnn": dj.Dense, "colei": dj.ColEIDense, "dann": dj.DANNDense}
    n, n_i, lr, batch_size = options.n, options.n_i, options.lr, options.batch_size
    assert n is not None and n_i is not None and lr is not None and batch_size is not None
    optimizers = {"rnn": dj.rnn_sgd, "colei": dj.colei_sgd, "dann": dj.dann_sgd}
    cell = make_cell(options.cell, n, n_i, options.rho)
    tx = optimizers[options.cell](lr, math.inf if options.clip is None else options.clip)
    if options.task == "adding":
        task = dj.tasks.AddingProblem(batch_size=batch_size)
    else:
        task = dj.tasks.SequentialMNIST(
            options.data,
            scan=options.scan,
            data_dir=options.data_dir,
            batch_size=batch_size,
        )
    net = dj.RecurrentNetwork([cell] * options.layers, readouts[options.cell](task.n_out))
    return net, tx, task


def _train(options: Train, net, tx, task) -> Run:
    import dalejax as dj

    return dj.train(
        net,
        tx,
        task,
        keys=dj.seed_keys(options.seed, options.seeds),
        num_updates=options.updates,
        eval_every=options.eval_every,
        checkpoint_dir=options.out,
        checkpoint_every=options.checkpoint_every,
        resume=True,  # a new run's folder was empty
        progress=options.progress,
        members_per_wave=options.members_per_wave,
        keep_checkpoints=options.keep_checkpoints,
        on_divergence=options.on_divergence,
    )


def _report(options: Train, run: Run, *, finished: bool = False) -> None:
    from dalejax.analysis import results
    from dalejax.training import history

    if not multihost.is_first():
        return
    metrics = sorted(set(run.table["metric"]) - {history.DIVERGED})
    scores = {name: results.summary(results.final_values(run.table, name)) for name in metrics}
    diverged = {i: int(u) for i, u in enumerate(run.diverged_at) if u >= 0}
    if options.json:
        print_json(
            {
                "folder": str(options.out),
                "updates": run.update,
                "members": options.seeds,
                "diverged": [{"member": i, "update": u} for i, u in diverged.items()],
                "scores": scores,
                "finished_before": finished,
            }
        )
        return
    if finished:
        print(f"the run was finished already, after {run.update} updates; nothing was done")
    for name, score in scores.items():
        print(f"{name:<11} {score['text']}")
    if diverged:
        print(f"{options.seeds - len(diverged)} of {options.seeds}, {len(diverged)} diverged:")
        print("; ".join(f"member {i} at update {u}" for i, u in diverged.items()))
    print(options.out)


def _unclaim(options: Train) -> None:
    """Free the folder of a run that failed before its first step: nothing in it can be resumed."""
    if multihost.is_first() and not (options.out / "train.json").exists():
        (options.out / config.CONFIG).unlink(missing_ok=True)


def _claim(options: Train) -> None:
    _refuse_used(options.out)  # again: another process may have been faster
    config.write(options.out, "train", options)


def _refuse_used(out: Path) -> None:
    used = [name for name in (config.CONFIG, "train.json", "checkpoints") if (out / name).exists()]
    if used:
        raise FileExistsError(
            f"--out is {out}, which holds a run already ({used[0]}); "
            f"dalejax resume {out} continues it, another folder starts a new one."
        )


def _default(value, default):
    return default if value is None else value
