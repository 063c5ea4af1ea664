"""Which start repairs a column-signed network? Candidates side by side, on sequential MNIST.

    python -m experiments spectral_designs --preset laptop --data-dir DIR

1 x 100 units, 10 of them inhibitory. A candidate says how W, U and the read-out start: W alone
differs from ColEI's, or W and U, or all three. All candidates are trained as one ensemble, each at
several learning rates, of which the best is chosen by digits kept back. `laptop` makes 8 of 30
epochs.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import pandas as pd

import dalejax as dj
from dalejax.types import Array, Key, PyTree
from experiments.engine import comparison, evidence
from experiments.engine.base import Experiment
from experiments.engine.comparison import Arm
from experiments.engine.context import Context
from experiments.engine.settings import Training
from experiments.repaired._designs import COLEI, REPAIRED_ALL, REPAIRED_W, Design, designs
from experiments.shared import networks, tasks


@dataclass(frozen=True, kw_only=True)
class Settings(Training):
    """Settings of the experiment.

    Attributes:
        n: units.
        n_i: inhibitory units, among the n.
        clip: largest gradient norm of a tensor.
        rates: learning rates tried.
        valid: training digits kept back for validation.
    """

    n: int
    n_i: int
    clip: float
    rates: tuple[float, ...]
    valid: int


FULL = Settings(
    data="mnist",
    n=100,
    n_i=10,
    updates=46_860,  # 30 epochs
    eval_every=1562,
    seeds=10,
    last=5,
    clip=10.0,
    rates=(0.005, 0.01, 0.02, 0.04),
    valid=10_000,
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
        valid=500,
    ),
    "laptop": FULL.replaced(updates=12_496, seeds=4, last=2, rates=(0.01, 0.02)),
    "paper": FULL,
}
SOURCE = "beyond the papers"
_MEASURES = ("nse", "sigma_max", "sigma_rms", "participation")  # of W at the start


def train(context: Context) -> None:
    """Train all candidates at all rates; choose each one's best rate by validation.

    Writes ``starts.csv`` (a row a network: measures of the singular values of W at the start) and
    ``designs.csv`` (a row a candidate: its rate, the means of these measures, and its test error).
    """
    s = context.settings
    task = tasks.smnist(context, num_valid=s.valid)
    candidates = designs(s.n, s.n_i)
    arms = {n: _arm(s, task, design, context.keys()) for n, design in candidates.items()}
    measured = starts(arms, candidates)
    context.write_csv("starts.csv", measured)
    trained = comparison.train(
        context,
        "ensemble",
        networks.rnn(1, s.n, task.n_out),
        networks.signed_sgd(s.clip),
        task,
        arms,
        comparison.grid(learning_rate=s.rates),
    )
    rows = []
    best = comparison.best_points(trained.finals(task.score, s.last), task.score)
    for name, point in best.items():
        context.record(name, trained.table(name, point))
        test, own = context.final(name, "test_error"), measured[measured.candidate == name]
        means = [own[measure].mean() for measure in _MEASURES]
        rows.append((name, point["learning_rate"], *means, test.mean(), test.std()))
    columns = ["candidate", "rate", *_MEASURES, "test_error", "sd"]
    context.write_csv("designs.csv", pd.DataFrame(rows, columns=columns), digits=4)


def starts(arms: dict[str, Arm], candidates: dict[str, Design]) -> pd.DataFrame:
    """Measure the singular values of each W before training.

    Returns:
        A row a network: candidate, member, whether columns keep their signs, normalised entropy of
        the singular values, the largest one, their root mean square, and the participation of the
        columns of W.
    """
    parts = []
    for name, arm in arms.items():
        assert arm.params is not None
        W = arm.params["cells_0"]["W"]
        sigma = dj.spectrum.singular_values(W)
        rms = jnp.sqrt(jnp.square(sigma).mean(1))
        measures = (dj.spectrum.nse(W), sigma[:, 0], rms, dj.spectrum.participation(W))
        columns = {measure: x.tolist() for measure, x in zip(_MEASURES, measures, strict=True)}
        about = {"candidate": name, "signed": candidates[name].signed, "member": range(len(W))}
        parts.append(pd.DataFrame(about | columns))
    return pd.concat(parts, ignore_index=True)


def _arm(s: Settings, task: dj.tasks.Task, design: Design, keys: Key[Array, " s"]) -> Arm:
    """Draw where the networks of a candidate start, and list which signs they keep."""
    n_in = task.n_in
    assert n_in is not None

    def start(key: Key[Array, ""]) -> PyTree:
        key_W, key_U, key_readout = jax.random.split(key, 3)
        W, U = design.W((s.n, s.n), key=key_W), design.U((s.n, n_in), key=key_U)
        readout = design.readout((task.n_out, s.n), key=key_readout)
        return {
            "cells_0": {"U": U, "W": W, "b": jnp.zeros(s.n)},
            "readout": {"W": readout, "b": jnp.zeros(task.n_out)},
        }

    params = jax.jit(jax.vmap(start))(keys)
    # Of all entries, since the sign trees of an ensemble must be alike; 0 is a free sign.
    signs = jax.tree.map(lambda p: jnp.zeros(p.shape, jnp.int8), params)
    if design.signed:
        columns = dj.signs.column_signs(s.n, s.n_i).astype(jnp.int8)
        signs["cells_0"]["U"] += 1
        signs["cells_0"]["W"] += columns
        signs["readout"]["W"] += columns
    return Arm(keys, params, {"signs": signs})


def judge(context: Context) -> list[dj.claims.Claim]:
    """Test whether repairing W helps, whether U and the read-out do, and the bound of sigma_1."""
    treated = (COLEI, REPAIRED_W, REPAIRED_ALL)
    errors = {name: context.final(name, "test_error") for name in treated}
    measured = context.read_csv("starts.csv")
    signed = measured[measured.signed]
    # At least 1: the largest singular value over the least that column signs allow.
    slack = signed.sigma_max / signed.sigma_rms / signed.participation**0.5
    bound = context.claim(
        id="bound",
        statement="No column-signed start has a largest singular value, over their root mean "
        "square, below the root of its columns' participation.",
        source=SOURCE,
        measured=float(slack.min()),
        reference="at least 1",
        holds=bool(slack.min() >= 1 - 1e-5),
        test=f"least quotient of {slack.size} matrices",
    )
    helps = [
        evidence.Above(
            "repaired_spectrum_helps",
            "A column-signed network whose W starts with few strong "
            "synapses, and no large singular value, learns better than ColEI.",
            errors[COLEI],
            errors[REPAIRED_W],
            (COLEI, REPAIRED_W),
        ),
        evidence.Above(
            "inputs_help",
            "What is wrong with W is wrong with U and the read-out, too: "
            "treating all is better than W alone.",
            errors[REPAIRED_W],
            errors[REPAIRED_ALL],
            (REPAIRED_W, REPAIRED_ALL),
        ),
    ]
    return [*evidence.above(context, helps, SOURCE), bound]


def draw(context: Context) -> None:
    """Draw the final test errors of all candidates, each at its best rate."""
    names = context.read_csv("designs.csv").candidate
    errors = {name: context.final(name, "test_error") for name in names}
    context.draw("final_error", dj.plots.final_dots(errors, ylabel="test error (%)", log=True))


EXPERIMENT = Experiment(
    name="spectral_designs",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 20, "paper": 400},
    claims=("repaired_spectrum_helps", "inputs_help", "bound"),
    train=train,
    judge=judge,
    draw=draw,
)
