"""How strong should repaired ColEI's first synapses be? Errors early and at the end.

    python -m experiments repaired_strength --preset laptop --data-dir DIR

Sequential MNIST, 1 x 100 units, 10 of them inhibitory; rates fall linearly to 0. No singular value
of W is above 1.62 times the strength. Expect strong synapses to learn faster at first, and weaker
ones to end ahead, by little. `laptop` has half of the seeds.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import pandas as pd

import dalejax as dj
from experiments.engine import evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.engine.settings import Training
from experiments.repaired import _compared, _gap, repaired_decay
from experiments.shared import tasks


@dataclass(frozen=True, kw_only=True)
class Settings(Training):
    """Settings of the experiment.

    Attributes:
        n: units.
        n_i: inhibitory units, among the n (ColEI) or on top (DANN).
        clip: largest gradient norm.
        rate: learning rate.
        num_valid: training examples kept back for validation.
        strengths: strengths of the first synapses compared.
    """

    n: int
    n_i: int
    clip: float
    rate: float
    num_valid: int
    strengths: tuple[float, ...]


FULL = Settings(
    data="mnist",
    n=100,
    n_i=10,
    updates=46_860,
    eval_every=4686,
    seeds=10,
    last=1,
    batch_size=32,
    clip=10.0,
    rate=0.02,
    num_valid=10_000,
    strengths=(0.5, 0.65, 0.8, 1.0, 1.25),
)
PRESETS = {
    "smoke": FULL.replaced(
        data="digits",
        n=20,
        n_i=2,
        updates=20,
        eval_every=10,
        seeds=3,
        num_valid=500,
        strengths=(0.8, 1.0),
    ),
    "laptop": FULL.replaced(seeds=5),
    "paper": FULL,
}
DEFAULT, STRONG = 0.8, 1.0


def run(context: Context) -> list[dj.claims.Claim]:
    """Train all strengths as one ensemble; they are told apart by the first update alone."""
    s = context.settings
    task = tasks.smnist(context, num_valid=s.num_valid)
    # Not the seeds of the comparisons, which the choice of a strength must not know.
    keys = dj.seed_keys(s.root + _compared.OTHER_SEEDS, s.seeds)
    nets = [_net(s, task, strength) for strength in s.strengths]
    starts = [dj.initial_params(net, task, keys=keys) for net in nets]
    names = {strength: f"strength {strength:g}" for strength in s.strengths}
    trained = context.train(
        "all",
        nets[0],
        repaired_decay.falling(dj.colei_sgd, s.updates),
        task,
        keys=jnp.tile(keys, len(starts)),
        params=jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *starts),
        hyperparams={
            "learning_rate": jnp.full(len(starts) * len(keys), s.rate),
            "clip": jnp.full(len(starts) * len(keys), s.clip),
        },
        num_updates=s.updates,
        eval_every=s.eval_every,
    )
    context.record_groups(list(names.values()), trained.table, len(keys))
    first = {strength: _first(context, name, s.eval_every) for strength, name in names.items()}
    final = {strength: context.final(name, "test_error") for strength, name in names.items()}
    stages = {"a tenth of the updates": first, "the end": final}
    context.draw(
        "final_error",
        dj.plots.sweep(
            {stage: [values[strength] for strength in names] for stage, values in stages.items()},
            {stage: list(names) for stage in stages},
            xlabel="strength of the first synapses",
            ylabel="test error (%)",
            log=True,
        ),
    )
    pair = (names[STRONG], names[DEFAULT])
    return evidence.above(
        context,
        [
            evidence.Above(
                "weaker_ends_ahead",
                f"Synapses of {DEFAULT:g} end with a smaller error than those of {STRONG:g}.",
                final[STRONG],
                final[DEFAULT],
                pair,
            ),
            evidence.Above(
                "stronger_starts_ahead",
                f"Synapses of {STRONG:g} are ahead after a tenth of the updates.",
                first[DEFAULT],
                first[STRONG],
                pair[::-1],
            ),
        ],
        _gap.SOURCE,
    )


def _net(s, task, strength):
    cell = dj.RepairedColEICell(s.n, n_i=s.n_i, strength=strength)
    return dj.RecurrentNetwork([cell], dj.RepairedColEIDense(task.n_out))


def _first(context: Context, name: str, update: int) -> pd.Series:
    """Give the test error of each member at its first evaluation."""
    table = context.table
    at = (table.configuration == name) & (table["update"] == update)
    return table[at & (table.metric == "test_error")].set_index("member").value


EXPERIMENT = Experiment(
    name="repaired_strength",
    source=_gap.SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 18, "paper": 30},
    claims=(
        "weaker_ends_ahead",
        "stronger_starts_ahead",
    ),
    train=train,
    judge=judge,
    draw=draw,
)
