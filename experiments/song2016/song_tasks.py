"""Cognitive tasks learned by leaky, noisy networks under Dale's law (Song, Yang & Wang 2016).

    python -m experiments song_tasks --preset laptop

`paper` descends as the published code (plain steps of 0.01, gradients clipped at 1, the penalty on
vanishing gradients); `laptop` by Adam, which needs a tenth of the updates. All networks have 100
units, all noise but the sequences' is alike, and all units are connected: the published code takes
more units, other noise and sparse masks in some tasks. Parametric working memory and the sequences
may show how far they got.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import numpy as np
import optax
import pandas as pd

import dalejax as dj
from experiments.engine import evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.engine.settings import Training
from experiments.shared import task_learning


@dataclass(frozen=True, kw_only=True)
class Settings(Training):
    """Settings of the experiment.

    Attributes:
        dt: time step, in ms.
        n: units.
        inhibitory: DESCRIBE ME.
        optimizer: DESCRIBE ME.
        rate: learning rate.
        clip: largest gradient norm.
        omega: DESCRIBE ME.
        noise: standard deviation of the recurrent noise.
        num_test: test trials.
        trials: trials measured.
    """

    dt: float
    n: int
    inhibitory: float
    optimizer: str
    rate: float
    clip: float
    omega: float
    noise: float
    num_test: int
    trials: int


FULL = Settings(
    data="none",
    dt=20.0,
    n=100,
    seeds=5,
    inhibitory=0.2,
    updates=20_000,
    eval_every=250,
    batch_size=20,
    optimizer="sgd",
    rate=0.01,
    clip=1.0,
    omega=2.0,
    noise=0.15,
    num_test=500,
    last=1,
    trials=2000,
)
PRESETS = {
    "smoke": FULL.replaced(
        dt=50.0,
        n=10,
        seeds=2,
        updates=4,
        eval_every=2,
        batch_size=8,
        optimizer="adam",
        num_test=16,
        trials=64,
    ),
    "laptop": FULL.replaced(updates=2000, batch_size=64, optimizer="adam", rate=0.002, omega=0.0),
    "paper": FULL,
}
SOURCE = "Song et al. 2016"
FIXED, FREE, CONTEXT, SENSES = (
    "perceptual decision",
    "reaction time",
    "context integration",
    "multisensory integration",
)
MEMORY, SEQUENCES = "parametric working memory", "sequences"
TIMES = {FREE: 2, MEMORY: 3, SEQUENCES: 3}  # how many times as many updates as the others
QUIET = 0.01  # the sequences' recurrent noise, as published


def tasks(s) -> dict[str, dj.tasks.TrialTask]:
    """Make every task; the sequences' networks have half the time constant, and half the step."""
    common = {"dt": s.dt, "batch_size": s.batch_size, "num_test": s.num_test}
    return {
        FIXED: dj.tasks.PerceptualDecision(**common),
        FREE: dj.tasks.PerceptualDecision(reaction_time=True, **common),
        CONTEXT: dj.tasks.ContextIntegration(**common),
        SENSES: dj.tasks.MultisensoryIntegration(**common),
        MEMORY: dj.tasks.ParametricWorkingMemory(**common),
        SEQUENCES: dj.tasks.SequenceExecution(**common | {"dt": s.dt / 2}),
    }


def network(s, task) -> dj.RecurrentNetwork:
    """Make the published network: rectified, leaky, noisy, its read-out of excitation alone."""
    signed = isinstance(task, dj.tasks.SequenceExecution)  # eye positions are negative, too
    cell = dj.RectifiedCell(
        s.n,
        n_i=dj.signs.num_inhibitory(s.n, s.inhibitory),
        tau=task.tau,
        dt=task.dt,
        noise=QUIET if signed else s.noise,
    )
    readout = dj.ColEIDense(task.n_out) if signed else dj.RectifiedDense(task.n_out)
    return dj.RecurrentNetwork([cell], readout, every_step=True)


def run(context: Context) -> list[dj.claims.Claim]:
    """Train a Dale network on each task; draw how choices depend on what was shown."""
    s = context.settings
    chain = [optax.clip_by_global_norm(s.clip)]
    chain += [optax.sgd(s.rate)] if s.optimizer == "sgd" else [optax.adam(s.rate)]
    assignments = {}
    for name, task in tasks(s).items():
        net = network(s, task)
        dale = [dj.dale_projection()] if isinstance(net.readout, dj.ColEIDense) else []
        if s.omega:
            task = task.penalised(dj.penalties.VanishingGradient(s.omega, squared=True))
        assignments[name] = task_learning.Assignment(
            task,
            net,
            optax.chain(*chain, *dale),
            times=TIMES.get(name, 1),
            must=name not in (MEMORY, SEQUENCES),
        )
    runs = task_learning.train(context, assignments)
    answers = {
        name: dj.run_trials(a.net, a.task, runs[name].params, s.trials, key=jax.random.key(7))
        for name, a in assignments.items()
        if name in (FIXED, FREE, CONTEXT, SENSES, MEMORY)
    }
    found = {name: choices(a) for name, a in answers.items()}
    times = reaction_times(assignments[FREE].task, answers[FREE])
    _draw(context, found, times)
    return task_learning.claims(context, assignments, SOURCE) + _claims(context, found, times)


def choices(answers: dj.Answers) -> pd.DataFrame:
    """Tell what each member chose in each trial that asked for a choice, beside its condition."""
    chosen = np.asarray(answers.outputs[:, -1].argmax(-1))
    condition = {k: np.asarray(v) for k, v in answers.trials.condition.items()}
    table = pd.concat(
        [pd.DataFrame(condition | {"chosen": row}).assign(member=i) for i, row in enumerate(chosen)]
    )
    return table[~table["catch"]]


def reaction_times(task, answers: dj.Answers) -> pd.DataFrame:
    """Tell how long each member took to decide rightly, trial by trial (ms)."""
    wanted, rows = answers.wanted, []
    for member, outputs in enumerate(answers.outputs):
        found = task.reaction_times(outputs, wanted)
        right = np.asarray(found.choice == wanted.condition["choice"])
        rows.append(
            pd.DataFrame(
                {
                    "coherence": np.asarray(wanted.condition["coherence"]),
                    "time": np.asarray(found.time),
                }
            )[right].assign(member=member)
        )
    table = pd.concat(rows)
    return table[table.coherence != 0]


def _shares(table: pd.DataFrame, by: str) -> pd.DataFrame:
    """Share of choice 1 in percent: a row a level, a column a member."""
    return 100 * table.pivot_table(index=by, columns="member", values="chosen", aggfunc="mean")


def _slopes(table: pd.DataFrame, by: str) -> np.ndarray:
    """Fit each member's psychometric function; its slope, per unit of what is shown.

    Always the same choice has slope 0: it does not depend on what is shown.
    """
    return np.array(
        [
            dj.dynamics.fit_psychometric(rows[by].to_numpy(), rows.chosen.to_numpy()).slope
            if rows.chosen.nunique() > 1
            else 0.0
            for _, rows in table.groupby("member")
        ]
    )


def _over(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Divide; NaN where there is nothing to divide by."""
    return np.divide(a, b, out=np.full_like(a, np.nan), where=b != 0)


def _lines(context: Context, name: str, lines, xlabel: str, ylabel="choice 1 (%)", **how) -> None:
    figure = dj.plots.sweep(
        {label: table.to_numpy() for label, table in lines.items()},
        {label: table.index.to_numpy(float) for label, table in lines.items()},
        xlabel=xlabel,
        ylabel=ylabel,
        **how,
    )
    context.draw(name, figure)


_IN = {0: "motion", 1: "colour"}
_SENSES = {0: "visual", 1: "auditory", 2: "both"}


def _draw(context: Context, found, times) -> None:
    half = {"hlines": {"chance": 50.0}}
    _lines(
        context,
        "psychometric_perceptual",
        {name: _shares(found[name], "coherence") for name in (FIXED, FREE)},
        "coherence (in 3.2 %; negative: choice 0)",
        **half,
    )
    _lines(
        context,
        "psychometric_context",
        {
            f"{shown} in {_IN[c]} context": _shares(
                found[CONTEXT][found[CONTEXT].context == c], shown
            )
            for c in _IN
            for shown in ("motion", "colour")
        },
        "coherence (in 5 %; negative: choice 0)",
        **half,
    )
    _lines(
        context,
        "psychometric_multisensory",
        {
            _SENSES[m]: _shares(found[SENSES][found[SENSES].modality == m], "frequency")
            for m in _SENSES
        },
        "frequency (events per s)",
        **half,
    )
    held = found[MEMORY]
    _lines(
        context,
        "psychometric_memory",
        {
            "f1 the lower one": _shares(held[held.f1 < held.f2], "f1"),
            "f1 the higher one": _shares(held[held.f1 > held.f2], "f1"),
        },
        "f1 (Hz)",
        **half,
    )
    speed = times.assign(strength=times.coherence.abs()).pivot_table(
        index="strength", columns="member", values="time", aggfunc="mean", dropna=False
    )
    _lines(context, "reaction_times", {FREE: speed}, "|coherence| (in 3.2 %)", "reaction time (ms)")


def _claims(context: Context, found, times) -> list[dj.claims.Claim]:
    def claim(id, statement, source, values, holds, reference):
        good = values[np.isfinite(values)]
        return evidence.mean(
            context,
            id,
            statement,
            f"{SOURCE}, {source}",
            good,
            holds,
            reference,
            test=f"bootstrap, n = {len(good)} of {len(values)}",
        )

    fixed = found[FIXED]
    strength = fixed.assign(strength=fixed.coherence.abs(), right=fixed.chosen == fixed.choice)
    right = 100 * strength.pivot_table(index="strength", columns="member", values="right")
    context_slopes = {
        (c, shown): _slopes(found[CONTEXT][found[CONTEXT].context == c], shown)
        for c in _IN
        for shown in ("motion", "colour")
    }
    relevant = (context_slopes[0, "motion"] + context_slopes[1, "colour"]) / 2
    # Moduli: what pulls one way in one context and the other way in the other is not ignored.
    irrelevant = (abs(context_slopes[0, "colour"]) + abs(context_slopes[1, "motion"])) / 2
    senses = {
        name: _slopes(found[SENSES][found[SENSES].modality == m], "frequency")
        for m, name in _SENSES.items()
    }
    by_strength = times.assign(strength=times.coherence.abs()).groupby(["member", "strength"])
    mean_times = by_strength.time.mean().unstack()
    return [
        claim(
            "coherence",
            "Decisions are better, the stronger the evidence (correct at the "
            "strongest minus the weakest coherence, points).",
            "Fig. 2C",
            (right.iloc[-1] - right.iloc[0]).to_numpy(),
            lambda b: b.low > 0,
            "positive",
        ),
        claim(
            "reaction",
            "Right reactions are faster, the stronger the evidence (ms at the weakest "
            "minus the strongest coherence).",
            "Fig. 2F",
            (mean_times.iloc[:, 0] - mean_times.iloc[:, -1]).to_numpy(),
            lambda b: b.low > 0,
            "positive",
        ),
        claim(
            "context",
            "The network integrates what the context says and ignores the other (the "
            "slope's modulus for what is irrelevant, over that for what counts).",
            "Fig. 5",
            _over(irrelevant, relevant),
            lambda b: b.high < 0.33,
            "near 0 (here: below 1/3)",
        ),
        claim(
            "senses",
            "Decisions are better with both senses than with the better of them (ratio "
            "of the psychometric slopes).",
            "Fig. 6B",
            _over(senses["both"], np.maximum(senses["visual"], senses["auditory"])),
            lambda b: b.low > 1,
            "above 1",
        ),
    ]


EXPERIMENT = Experiment(
    name="song_tasks",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 1, "laptop": 20, "paper": 1500},
    claims=(
        "learned_perceptual_decision",
        "learned_reaction_time",
        "learned_context_integration",
        "learned_multisensory_integration",
        "learned_parametric_working_memory",
        "learned_sequences",
        "coherence",
        "reaction",
        "context",
        "senses",
    ),
    train=train,
    judge=judge,
    draw=draw,
)
