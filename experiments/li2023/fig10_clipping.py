"""Figure 10 of Li et al. 2023: gradient clipping helps ColEI more than the other networks.

    python -m experiments fig10_clipping --preset laptop --data-dir DIR

Sequential MNIST with 1 x 100 units, full scale, each network with and without clipping.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp

import dalejax as dj
from experiments.engine import evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.engine.settings import Training
from experiments.shared import networks, tasks


@dataclass(frozen=True, kw_only=True)
class Settings(Training):
    """Settings of the experiment.

    Attributes:
        n: units.
        n_i: inhibitory units, among the n (ColEI) or on top (DANN).
        bias: start of ColEI's bias: "zero" or "centred" (cancels the mean input).
        rate: learning rate.
        clip: largest gradient norm.
    """

    n: int
    n_i: int
    bias: str
    rate: float
    clip: float


FULL = Settings(
    data="mnist",
    n=100,
    n_i=10,
    updates=56_250,
    eval_every=1125,
    seeds=10,
    last=5,
    batch_size=32,
    bias="zero",
    rate=0.01,
    clip=10.0,
)
PRESETS = {
    "smoke": FULL.replaced(data="digits", n=20, n_i=2, updates=20, eval_every=5, seeds=3, last=1),
    "laptop": FULL,
    "paper": FULL,
}
SOURCE = "Li et al. 2023, Fig. 10"
KINDS = ("RNN", "DANN", "ColEI")
CHANCE = 90.0  # %, of ten digits


def run(context: Context) -> list[dj.claims.Claim]:
    """Train each network with and without clipping, from the same starts."""
    s = context.settings
    task = tasks.smnist(context)
    keys = context.keys()
    clips = jnp.repeat(jnp.array([s.clip, jnp.inf]), s.seeds)
    for kind, (net, optimizer) in contestants(context, task).items():
        table = context.train(
            kind.lower(),
            net,
            lambda clip, optimizer=optimizer: optimizer(s.rate, clip),
            task,
            keys=jnp.concatenate([keys, keys]),
            hyperparams={"clip": clips},
            num_updates=s.updates,
            eval_every=s.eval_every,
        ).table
        context.record_groups((f"{kind} (gc)", kind), table, s.seeds)
    names = [f"{kind}{how}" for kind in KINDS for how in (" (gc)", "")]
    errors = {name: context.final(name, "test_error") for name in names}
    look = {"ylabel": "test error (%)", "log": True}
    styles = {
        f"{kind}{how}": dj.plots.STYLES[kind]._replace(line=line)
        for kind in KINDS
        for how, line in ((" (gc)", "-"), ("", ":"))
    }
    context.draw(
        "learning_curves",
        dj.plots.learning_curves(context.table, "test_error", styles=styles, **look),
    )
    context.draw("final_error", dj.plots.final_dots(errors, styles=styles, **look))
    return _claims(context, errors)


def contestants(context: Context, task) -> dict:
    """Make the three networks, each with what makes its optimiser of a rate and a clip."""
    return networks.three(context.settings, task, context.settings.n, context.settings.n_i)


def _claims(context: Context, errors) -> list[dj.claims.Claim]:
    sentence = (
        "Gradient clipping benefited ColEI networks substantially more than the other networks"
    )
    # A network that diverged knows nothing: chance.
    gains = {
        kind: errors[kind].fillna(CHANCE) - errors[f"{kind} (gc)"].fillna(CHANCE) for kind in KINDS
    }
    out = evidence.above(
        context,
        [
            evidence.Above(
                f"benefits_colei_above_{other.lower()}",
                f"{sentence} (error without minus error with clipping; here: than {other}).",
                gains["ColEI"],
                gains[other],
                ("ColEI", other),
            )
            for other in ("RNN", "DANN")
        ],
        f"{SOURCE}; section 3.1",
    )
    unsteady = {name: unsteadiness(context, name) for name in ("ColEI", "ColEI (gc)", "RNN")}
    out += evidence.above(
        context,
        [
            evidence.Above(
                id,
                f"Without gradient clipping ColEI networks are highly unstable (change of the "
                f"test error between evaluations, lost networks count as "
                f"the most; here: more than {other}).",
                unsteady["ColEI"],
                unsteady[other],
                ("ColEI", other),
            )
            for id, other in (("unstable_without", "ColEI (gc)"), ("unstable_above_rnn", "RNN"))
        ],
        "Li et al. 2023, section 4",
    )
    return out


def unsteadiness(context: Context, name: str):
    """Give each member's mean absolute change between evaluations, the first half left out.

    A member that diverged or is no better than guessing at the end is steady in a way that is not
    meant: it counts as the most unsteady there can be.
    """
    table = context.table
    wide = dj.results.by_member(table[table.configuration == name], "test_error")
    changes = wide.iloc[len(wide) // 2 - 1 :].diff().abs().iloc[1:].mean(skipna=False)
    lost = ~(context.final(name, "test_error") < 0.9 * CHANCE)  # NaN is lost too
    return changes.mask(lost, CHANCE)


EXPERIMENT = Experiment(
    name="fig10_clipping",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.3, "laptop": 50, "paper": 50},
    claims=(
        "benefits_colei_above_rnn",
        "benefits_colei_above_dann",
        "unstable_without",
        "unstable_above_rnn",
    ),
    train=train,
    judge=judge,
    draw=draw,
)
