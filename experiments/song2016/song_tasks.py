"""Cognitive tasks learned by leaky, noisy networks under Dale's law (Song, Yang & Wang 2016).

    python -m experiments song_tasks --preset laptop

`paper` trains as the published code does: gradient descent at a rate of 0.01, gradients clipped at
a norm of 1, with the penalty on vanishing gradients. `laptop` trains by Adam, which needs a tenth
of the updates. All networks have 100 units that are all connected, and the same noise except for
the sequences; the published code has more units, other noise or sparse connections in some tasks.
Of parametric working memory and the sequences, only how far they are learned is to be shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax
import numpy as np
import optax

import dalejax as dj
from dalejax.tasks.trials.conditions import Common, ConditionTask
from experiments.engine import evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.engine.settings import Training
from experiments.shared import task_learning
from experiments.song2016 import _choices, _psychometrics
from experiments.song2016._psychometrics import (
    CONTEXT,
    DECISION,
    MEMORY,
    REACTION,
    SENSES,
    SEQUENCES,
    in_context,
)


@dataclass(frozen=True, kw_only=True)
class Settings(Training):
    """Settings of the experiment.

    Attributes:
        dt: time step, in ms; the sequences' is half of it.
        n: units.
        inhibitory: share of inhibitory units.
        optimizer: "sgd" or "adam".
        rate: learning rate.
        clip: largest norm of all gradients together; larger ones are scaled down to it.
        omega: weight of the penalty on vanishing gradients; 0 for no penalty.
        noise: noise of the recurrent units, see `RectifiedCell`; the sequences' is 0.01.
        num_test: test trials.
        trials: new trials on which choices and reaction times are measured.
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
TIMES = {REACTION: 2, MEMORY: 3, SEQUENCES: 3}  # factor on the updates of the settings
QUIET = 0.01  # recurrent noise of the networks that learn sequences, as published


def tasks(s: Settings) -> dict[str, ConditionTask]:
    """Make every task by name; the sequences have half the time constant and half the time step.

    Args:
        s: settings, for the time step, the batch size and the number of test trials.
    """
    common = Common(dt=s.dt, batch_size=s.batch_size, num_test=s.num_test)
    return {
        DECISION: dj.tasks.PerceptualDecision(**common),
        REACTION: dj.tasks.PerceptualDecision(reaction_time=True, **common),
        CONTEXT: dj.tasks.ContextIntegration(**common),
        SENSES: dj.tasks.MultisensoryIntegration(**common),
        MEMORY: dj.tasks.ParametricWorkingMemory(**common),
        SEQUENCES: dj.tasks.SequenceExecution(**common | Common(dt=s.dt / 2)),
    }


def network(s: Settings, task: ConditionTask) -> dj.RecurrentNetwork:
    """Make the published network: rectified, leaky, noisy; only excitatory units are read out.

    The read-out of a network that learns sequences has inhibitory units too, because some of its
    targets, positions of the eye, are negative.

    Args:
        s: settings, for the number of units, the share of inhibitory ones and the noise.
        task: the task, for its outputs, time constant and time step.
    """
    negative = isinstance(task, dj.tasks.SequenceExecution)
    cell = dj.RectifiedCell(
        s.n,
        n_i=dj.signs.num_inhibitory(s.n, s.inhibitory),
        tau=task.tau,
        dt=task.dt,
        noise=QUIET if negative else s.noise,
    )
    readout = dj.ColEIDense(task.n_out) if negative else dj.RectifiedDense(task.n_out)
    return dj.RecurrentNetwork([cell], readout, every_step=True)


def train(context: Context) -> None:
    """Train networks under Dale's law on each task; measure how choices depend on the stimuli."""
    s = context.settings
    steps = [optax.clip_by_global_norm(s.clip)]
    steps.append(optax.sgd(s.rate) if s.optimizer == "sgd" else optax.adam(s.rate))
    assignments = {}
    for name, task in tasks(s).items():
        net = network(s, task)
        # Rectified weights keep their signs by themselves; the others are projected.
        dale = [dj.dale_projection()] if isinstance(net.readout, dj.ColEIDense) else []
        if s.omega:
            task = task.penalised(dj.penalties.VanishingGradient(s.omega, squared=True))
            assert isinstance(task, ConditionTask)
        tx = optax.chain(*steps, *dale)
        assignments[name] = task_learning.Assignment(task, net, tx, times=TIMES.get(name, 1))
    runs = task_learning.train(context, assignments)
    key = jax.random.key(7 + s.root)
    answers = {
        name: dj.run_trials(a.net, a.task, runs[name].params, s.trials, key=key)
        for name, a in assignments.items()
        if name != SEQUENCES
    }
    found = {name: _choices.choices(a) for name, a in answers.items()}
    reaction = assignments[REACTION].task
    assert isinstance(reaction, dj.tasks.PerceptualDecision)
    times = _choices.reaction_times(reaction, answers[REACTION])
    _psychometrics.write(context, found, times)


def draw(context: Context) -> None:
    """Draw how well tasks are learned, psychometric functions, and reaction times."""
    task_learning.draw(context)
    _psychometrics.draw(context)


def judge(context: Context) -> list[dj.claims.Claim]:
    """Claim that each task is learned, and how choices and times depend on the stimuli."""
    learned = task_learning.claims(context, SOURCE, optional=(MEMORY, SEQUENCES))
    return learned + _claims(context)


def _over(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Divide; NaN where the denominator is 0."""
    return np.divide(a, b, out=np.full_like(a, np.nan), where=b != 0)


def _claims(context: Context) -> list[dj.claims.Claim]:
    def claim(
        id: str,
        statement: str,
        source: str,
        values: np.ndarray,
        holds: Callable[[dj.statistics.Interval], bool],
        reference: str,
    ) -> dj.claims.Claim:
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

    right, times = _psychometrics.correct(context), _psychometrics.times(context)
    slope = _psychometrics.slopes(context)
    motion, colour = _psychometrics.RELEVANT.values()
    relevant = slope[in_context(motion, motion)] + slope[in_context(colour, colour)]
    # Absolute values: a stimulus that raises choice 1 in one network and lowers it in another is
    # not ignored, though the mean of the signed slopes could be 0.
    irrelevant = abs(slope[in_context(colour, motion)]) + abs(slope[in_context(motion, colour)])
    single = np.maximum(slope["visual"], slope["auditory"])
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
            (times.iloc[0] - times.iloc[-1]).to_numpy(),
            lambda b: b.low > 0,
            "positive",
        ),
        claim(
            "context",
            "The network integrates what the context says and ignores the other (the "
            "slope's modulus for what is irrelevant, over that for what counts).",
            "Fig. 5",
            _over(irrelevant / 2, relevant / 2),
            lambda b: b.high < 0.33,
            "near 0 (here: below 1/3)",
        ),
        claim(
            "senses",
            "Decisions are better with both senses than with the better of them (ratio "
            "of the psychometric slopes).",
            "Fig. 6B",
            _over(slope["both"], single),
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
