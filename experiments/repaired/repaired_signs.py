"""What is left between repaired ColEI and the RNN: the signs of which matrix cost learning?

    python -m experiments repaired_signs --preset laptop --data-dir DIR

All networks but the RNN start alike, as repaired ColEI does; they differ in which of U, W and the
read-out have to keep their signs. Sequential MNIST, 1 x 100 units, 10 of them inhibitory; learning
rates fall linearly to 0, the best is chosen by validation. Expect each matrix's signs to cost
little, and those of all matrices as much as the repaired start gains on the RNN's. `laptop` makes
12 of 30 epochs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dalejax as dj
from experiments.engine import evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.engine.settings import Training
from experiments.repaired import _compared, _gap, repaired_decay
from experiments.shared import at_best, networks, tasks


@dataclass(frozen=True, kw_only=True)
class Settings(Training):
    """Settings of the experiment.

    Attributes:
        n: units.
        n_i: inhibitory units, among the n.
        clips: largest gradient norms of a tensor tried.
        rates: learning rates tried.
        num_valid: training digits kept back for validation.
    """

    n: int
    n_i: int
    clips: tuple[float, ...]
    rates: tuple[float, ...]
    num_valid: int


FULL = Settings(
    data="mnist",
    n=100,
    n_i=10,
    updates=46_860,  # 30 epochs
    eval_every=1562,
    seeds=10,
    last=5,
    clips=(10.0,),
    rates=(0.01, 0.02, 0.04),
    num_valid=10_000,
)
PRESETS = {
    "smoke": FULL.replaced(
        data="digits",
        n=20,
        n_i=2,
        updates=20,
        eval_every=10,
        seeds=3,
        last=1,
        rates=(0.01, 0.02),
        num_valid=500,
    ),
    "laptop": FULL.replaced(updates=18_744, seeds=5, last=1, rates=(0.02, 0.04)),
    "paper": FULL,
}
RNN, ALL, NONE = "RNN", "all signs", "no signs"
FREE_U, FREE_W, FREE_READOUT = "free U", "free W", "free read-out"
FREE = {FREE_U: "U", FREE_W: "W", FREE_READOUT: "readout"}
NAMES = (RNN, ALL, *FREE, NONE)
EQUIVALENT = 0.3  # points of test error within which two networks count as equally good; our choice


def signs(n: int, n_i: int, free: tuple[str, ...]) -> dict[str, Any]:
    """Make the sign tree of the repaired network.

    Args:
        n: units.
        n_i: inhibitory units, among the n.
        free: those of the matrices "U", "W" and "readout" that may change their signs.
    """
    columns = dj.signs.column_signs(n, n_i)
    kept = {
        name: None if name in free else sign
        for name, sign in (("U", 1), ("W", columns), ("readout", columns))
    }
    rest = {"b": None, dj.signs.KEY: None}
    return {
        "cells_0": {"U": kept["U"], "W": kept["W"], **rest},
        "readout": {"W": kept["readout"], **rest},
    }


def train(context: Context) -> None:
    """Train the networks on sequential MNIST, at rates that fall."""
    task = tasks.smnist(context, num_valid=context.settings.num_valid)
    train_on(context, task, repaired_decay.falling)


def train_on(
    context: Context,
    task: dj.tasks.Task,
    schedule: Callable[[_compared.MakeTx, int], _compared.MakeTx] = _compared.constant,
) -> None:
    """Train the RNN, and the repaired network with the signs of all, some or no matrices.

    Args:
        context: the run.
        task: the task, with a validation set.
        schedule: how the learning rate changes, see :func:`_compared.train`.
    """
    s = context.settings
    n, n_i = s.n, s.n_i
    net = dj.RecurrentNetwork([dj.RepairedColEICell(n, n_i=n_i)], dj.RepairedColEIDense(task.n_out))

    def descent(*free: str) -> _compared.MakeTx:
        tree = signs(n, n_i, free)

        def make_tx(learning_rate, clip):
            return networks.signed_sgd(clip)(tree, learning_rate)

        return schedule(make_tx, s.updates)

    pairs = {
        RNN: (networks.rnn(1, n, task.n_out), schedule(dj.rnn_sgd, s.updates)),
        ALL: (net, descent()),
        **{name: (net, descent(matrix)) for name, matrix in FREE.items()},
        NONE: (net, descent(*FREE.values())),
    }
    at_best.train(
        context, {name: at_best.Contestant(*pair, task, s.rates) for name, pair in pairs.items()}
    )


def choose(context: Context) -> dict[str, at_best.Best]:
    """Choose each network's learning rate by validation, from the tables."""
    rates: tuple[float, ...] = context.settings.rates
    return at_best.choose(context, dict.fromkeys(NAMES, rates))


def judge(context: Context) -> list[dj.claims.Claim]:
    """Test what the repaired start without signs, the signs of W and those of the read-out cost."""
    found = choose(context)
    test = {name: best.test for name, best in found.items()}
    note = at_best.note(found)
    difference = dj.results.paired_differences(test[NONE], test[RNN])
    signs_of_w = evidence.Above(
        "signs_of_w_cost",
        "The signs of W cost learning (error with all signs, and with those of W free).",
        test[ALL],
        test[FREE_W],
        (ALL, FREE_W),
    )
    return [
        evidence.mean(
            context,
            "start_is_as_good",
            "The repaired start, without any signs to keep, learns as "
            "well as an RNN's (error minus the RNN's).",
            _gap.SOURCE,
            difference.values,
            lambda bounds: bounds.high < EQUIVALENT,
            f"interval below +{EQUIVALENT:g}",
            note=note,
        ),
        *evidence.above(context, [signs_of_w], _gap.SOURCE, note),
        evidence.gap_within(
            context,
            "signs_of_readout_are_free",
            "The signs of the read-out cost nothing (error "
            "with all signs minus that with a free read-out).",
            _gap.SOURCE,
            test[ALL],
            test[FREE_READOUT],
            EQUIVALENT,
            note,
        ),
    ]


def draw(context: Context) -> None:
    """Draw learning curves and final errors of the networks, each at its best rate."""
    at_best.draw(context, choose(context))


EXPERIMENT = Experiment(
    name="repaired_signs",
    source=_gap.SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 12, "paper": 90},
    claims=("start_is_as_good", "signs_of_w_cost", "signs_of_readout_are_free"),
    train=train,
    judge=judge,
    draw=draw,
)
