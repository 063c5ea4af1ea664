"""How strong should repaired ColEI's first synapses be? Errors early and at the end.

    python -m experiments repaired_strength --preset laptop --data-dir DIR

Sequential MNIST, 1 x 100 units, 10 of them inhibitory; learning rates fall linearly to 0. No
singular value of W is above 1.62 times the strength at the start. Expect networks with strong
synapses to learn faster at first, and those with weaker ones to end ahead, by little. `laptop` has
half of the seeds.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

import dalejax as dj
from experiments.engine import comparison, evidence
from experiments.engine.base import Experiment
from experiments.engine.comparison import Arm
from experiments.engine.context import Context
from experiments.engine.settings import Training
from experiments.repaired import _compared, _gap, repaired_decay
from experiments.shared import tasks


@dataclass(frozen=True, kw_only=True)
class Settings(Training):
    """Settings of the experiment.

    Attributes:
        n: units.
        n_i: inhibitory units, among the n.
        clip: largest gradient norm of a tensor.
        rate: learning rate at the start.
        num_valid: training digits kept back for validation.
        strengths: factors of the first synapses of W that are compared.
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
    updates=46_860,  # 30 epochs
    eval_every=4686,
    seeds=10,
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
DEFAULT, STRONG = 0.8, 1.0  # strengths that are compared with each other


def train(context: Context) -> None:
    """Train the networks of all strengths as one ensemble; they differ in where they start."""
    s = context.settings
    task = tasks.smnist(context, num_valid=s.num_valid)
    # Other seeds than those of the comparisons, of which the choice of a strength must not know.
    keys = context.keys(apart=_compared.OTHER_SEEDS)
    nets = {strength: _net(s, task.n_out, strength) for strength in s.strengths}
    arms = {
        _name(strength): Arm(keys, dj.initial_params(net, task, keys=keys))
        for strength, net in nets.items()
    }
    trained = comparison.train(
        context,
        "all",
        nets[s.strengths[0]],  # the strength matters for the start alone
        repaired_decay.falling(dj.colei_sgd, s.updates),
        task,
        arms,
        comparison.grid(learning_rate=[s.rate], clip=[s.clip]),
    )
    comparison.record(context, trained, lambda arm, _: arm)


def judge(context: Context) -> list[dj.claims.Claim]:
    """Test whether weak synapses end ahead, and whether strong ones are ahead at first."""
    first, final = _first(context), _final(context)
    strong, default = _name(STRONG), _name(DEFAULT)
    return evidence.above(
        context,
        [
            evidence.Above(
                "weaker_ends_ahead",
                f"Synapses of {DEFAULT:g} end with a smaller error than those of {STRONG:g}.",
                final[STRONG],
                final[DEFAULT],
                (strong, default),
            ),
            evidence.Above(
                "stronger_starts_ahead",
                f"Synapses of {STRONG:g} are ahead after a tenth of the updates.",
                first[DEFAULT],
                first[STRONG],
                (default, strong),
            ),
        ],
        _gap.SOURCE,
    )


def draw(context: Context) -> None:
    """Draw the test errors over the strength, after a tenth of the updates and at the end."""
    stages = {"a tenth of the updates": _first(context), "the end": _final(context)}
    figure = dj.plots.sweep(
        {stage: list(errors.values()) for stage, errors in stages.items()},
        {stage: list(errors) for stage, errors in stages.items()},
        xlabel="strength of the first synapses",
        ylabel="test error (%)",
        log=True,
    )
    context.draw("final_error", figure)


def _name(strength: float) -> str:
    return f"strength {strength:g}"


def _net(s: Settings, n_out: int, strength: float) -> dj.RecurrentNetwork:
    cell = dj.RepairedColEICell(s.n, n_i=s.n_i, strength=strength)
    return dj.RecurrentNetwork([cell], dj.RepairedColEIDense(n_out))


def _first(context: Context) -> dict[float, pd.Series]:
    """Give the test errors (%) by member at the first evaluation, by strength."""
    s = context.settings
    curves = {x: context.curves(_name(x), "test_error") for x in s.strengths}
    return {strength: curve.loc[s.eval_every] for strength, curve in curves.items()}


def _final(context: Context) -> dict[float, pd.Series]:
    """Give the final test errors (%) by member, by strength."""
    return {x: context.final(_name(x), "test_error") for x in context.settings.strengths}


EXPERIMENT = Experiment(
    name="repaired_strength",
    source=_gap.SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 18, "paper": 30},
    claims=("weaker_ends_ahead", "stronger_starts_ahead"),
    train=train,
    judge=judge,
    draw=draw,
)
