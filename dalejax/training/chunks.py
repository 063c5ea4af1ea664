"""All members of an ensemble in training, advanced together by chunks of updates."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import numpy as np
from tqdm import tqdm

from dalejax.training import ensemble, waves
from dalejax.training.history import History
from dalejax.training.programs import Programs
from dalejax.training.run import Run
from dalejax.training.run_folder import RunFolder, Saved
from dalejax.training.run_spec import RunSpec, Start
from dalejax.training.schedule import Schedule
from dalejax.training.step import State
from dalejax.types import Array, PyTree


@dataclass
class Members:
    """All members of an ensemble after some updates, in waves, and all metrics up to then.

    Attributes:
        plan: how the members are divided into waves.
        counts: how many members of each wave are real, on the devices.
        fixed: (keys, hyperparams) of each wave.
        states: the state of each wave.
        history: all metrics so far.
        diverged_at: for each member the update at which it diverged [s], -1 if it did not.
        update: updates done.
        began: updates already done when this call of ``train`` began.
    """

    plan: waves.Waves
    counts: list[Array]
    fixed: list[tuple[Array, PyTree]]
    states: list[State]
    history: History
    diverged_at: np.ndarray
    update: int
    began: int

    def run_chunk(self, programs: Programs, end: int, bar: tqdm) -> None:
        """Train all members, wave by wave, up to an evaluation, and evaluate them.

        Args:
            programs: their compiled programs.
            end: number of updates at the evaluation.
            bar: a progress bar of updates; it moves after every wave.
        """
        plan, length, done, measured = self.plan, end - self.update, 0, []
        chunk, first = programs.chunk(length, plan.size), programs.scalar(self.update)
        for i, size in enumerate(plan.sizes):
            keys, hyperparams = plan.fetch(self.fixed[i])
            state, metrics = chunk(
                plan.fetch(self.states[i]), keys, hyperparams, self.counts[i], programs.data, first
            )
            # The call returns before the devices are done; this waits for them.
            measured.append(ensemble.unpad((metrics, state.diverged_at), size))
            self.states[i] = plan.park(state)
            done += size
            bar.update(self.update + length * done // plan.num - bar.n)
        metrics, self.diverged_at = jax.tree.map(lambda *parts: np.concatenate(parts), *measured)
        self.update = end
        self.history.add(end, metrics)

    def save(self, folder: RunFolder, score: str) -> None:
        """Write a checkpoint, and the table of all metrics so far.

        Args:
            folder: the run's folder.
            score: name of the metric whose lowest value marks the best checkpoint.
        """
        folder.save(
            self.update,
            self.states,
            self.plan.sizes,
            self.history,
            self.diverged_at,
            self.history.score(score),
        )

    def result(self) -> Run:
        """Bring all members to the host's memory, with the table of their metrics."""
        params, opt_state, diverged_at = self.plan.join(self.states)
        table = self.history.table(diverged_at)
        return Run(params, opt_state, diverged_at, table, self.update, self.began)


def begin(
    spec: RunSpec,
    programs: Programs,
    schedule: Schedule,
    saved: Saved | None,
    members_per_wave: int | None,
) -> Members:
    """Place all members on the devices.

    Args:
        spec: what the ensemble is trained from.
        programs: its compiled programs.
        schedule: the numbers of updates.
        saved: the checkpoint to continue from; None for members before their first update.
        members_per_wave: how many members are on the devices at once; None for as many as fit.
    """
    update = 0 if saved is None else saved.update
    length = schedule.next_evaluation(update) - update
    plan = waves.plan(
        spec.num,
        programs.mesh,
        lambda size: programs.bytes_needed(length, size),
        size=members_per_wave,
    )
    counts = [programs.scalar(size) for size in plan.sizes]
    fixed = plan.split((spec.keys, spec.hyperparams))
    if saved is None:
        states = _initial_states(spec, programs, plan, fixed)
    else:
        states = plan.split(saved.state)
    history = History() if saved is None else saved.history
    return Members(plan, counts, fixed, states, history, np.full(spec.num, -1), update, update)


def _initial_states(
    spec: RunSpec, programs: Programs, plan: waves.Waves, fixed: list[tuple[Array, PyTree]]
) -> list[State]:
    given = [None] * len(plan.sizes) if spec.params is None else plan.split(spec.params)
    return [
        plan.park(programs.start(plan.fetch(Start(keys, hyperparams, params)), size))
        for (keys, hyperparams), params, size in zip(fixed, given, plan.sizes, strict=True)
    ]
