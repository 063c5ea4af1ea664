"""``dalejax train`` and ``dalejax resume``: train an ensemble and keep it in a folder."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

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
from dalejax.runtime import compile_cache, host_devices, multihost

if TYPE_CHECKING:
    import optax

    from dalejax.nn.recurrent_network import RecurrentNetwork
    from dalejax.tasks import Task
    from dalejax.training.run import Run

T = TypeVar("T")
OnDivergence = Literal["freeze", "stop"]


@dataclass(frozen=True)
class Train:
    """Train an ensemble, one network a seed, and keep it in a folder.

    Options that are left out have the papers' values for the task and the cell. The last line on
    stdout is the folder of the run. It holds config.json, metrics.parquet (columns member, update,
    metric, value) and checkpoints.
    """

    task: Literal["adding", "smnist"]
    """the adding problem, or sequential MNIST"""
    cell: CellName
    """standard, column-signed E/I (ColEI) or Dale's ANN"""
    seeds: int
    """number of networks in the ensemble"""
    updates: int
    """number of updates of each network"""
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """folder of the run; it is made, and must not hold a run yet"""
    n: int | None = None
    """number of units in a layer; None: 100 for smnist, 10 for adding"""
    layers: int = 1
    """number of recurrent layers"""
    n_i: int | None = None
    """number of inhibitory units, among the n (colei) or on top of them (dann); ignored for rnn;
    None: 10 % of n"""
    rho: float = 1.5
    """spectral radius of the recurrent weights at the start (colei; ignored otherwise)"""
    lr: float | None = None
    """learning rate; None: 0.01 for smnist, 0.1 for adding"""
    clip: float | None = None
    """largest norm of the gradient of a tensor (colei) or a cell (rnn, dann); None: for colei 10 on
    smnist and 7 on adding, for rnn and dann no limit"""
    batch_size: int | None = None
    """number of trials in an update; None: 32 for smnist, 64 for adding"""
    eval_every: int = 500
    """number of updates between evaluations on the whole test set"""
    checkpoint_every: int | None = None
    """number of updates between checkpoints, a multiple of --eval-every; None: ten evaluations"""
    keep_checkpoints: int = 3
    """number of newest checkpoints to keep, besides the one with the lowest score"""
    data: Literal["mnist", "digits", "fashion_mnist", "kmnist"] = "mnist"
    """images of smnist; digits are 5,000 images of MNIST that come with the extra demo"""
    data_dir: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """folder with the images; None: $TFDS_DATA_DIR, else ~/tensorflow_datasets"""
    scan: Literal["rows", "pixels", "permuted"] = "rows"
    """order of smnist's inputs: rows, single pixels, or the pixels in a fixed random order"""
    seed: int = 0
    """root of the random keys of all members"""
    progress: bool = True
    """show no progress bar on stderr"""
    members_per_wave: int | None = None
    """number of members on the devices at once; None: as many as their memory holds"""
    on_divergence: OnDivergence = "freeze"
    """what happens when a member diverges: it is frozen, or the run stops"""
    distributed: bool = False
    """this is one of several processes that share the members (started by srun or mpirun)"""
    json: bool = False
    """print one JSON object instead of lines"""

    def run(self) -> None:
        """Check the options, write config.json, train, and print the final scores.

        Raises:
            ValueError: an option is out of its range, or the data are not on this machine.
            FileExistsError: the folder holds a run already.
        """
        from dalejax.training import run_folder

        host_devices.use_all_cores()
        compile_cache.keep()
        if self.distributed:
            multihost.connect()
        options = self.resolved()
        parts = multihost.together(lambda: build(options))
        multihost.agree(lambda: config.refuse_used(options.out))
        with run_folder.lock(options.out):
            multihost.agree(lambda: config.claim(options.out, "train", options))
            try:
                run = _train(options, *parts)
            except Exception:
                if multihost.is_first():
                    config.unclaim(options.out)
                raise
            _report(options, run)

    def resolved(self) -> Train:
        """Fill in the defaults that depend on other options, and check the ranges.

        Returns:
            The options without a None where a number is needed; `clip` may be None.

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
        sizes = ("seeds", "updates", "n", "layers", "batch_size")
        counts = (*sizes, "eval_every", "checkpoint_every", "keep_checkpoints")
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
    """Continue a run of dalejax train; the results are as if it had never stopped."""

    out: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(name="dir", metavar="DIR")]]
    """folder of the run"""
    progress: bool = True
    """show no progress bar on stderr"""
    members_per_wave: int | None = None
    """number of members on the devices at once; None: as many as their memory holds"""
    on_divergence: OnDivergence | None = None
    """what happens when a member diverges; None: as the run was begun"""
    data_dir: Path | None = None
    """folder with the images; None: as the run was begun"""
    distributed: bool = False
    """this is one of several processes; their number may differ from that at the start"""
    json: bool = False
    """print one JSON object instead of lines"""

    def run(self) -> None:
        """Read the options from config.json, train on, and print the final scores.

        Raises:
            ValueError: config.json does not fit the run.
            FileNotFoundError: the folder holds no run.
        """
        from dalejax.training import run_folder

        host_devices.use_all_cores()
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
    """Make the network, the optimiser and the task that the options describe.

    Args:
        options: options with their defaults filled in, see `Train.resolved`.

    Returns:
        (net, tx, task).

    Raises:
        ValueError: a number is out of its range.
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


def _train(
    options: Train, net: RecurrentNetwork, tx: optax.GradientTransformation, task: Task
) -> Run:
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


def _default(value: T | None, default: T) -> T:
    return default if value is None else value
