"""dalejax's side: the three networks, compiled for so many seeds."""

from __future__ import annotations

import time
from functools import partial

import jax
import numpy as np

import dalejax as dj
from dalejax.training import ensemble, evaluation, step
from dalejax.training.programs import Programs
from dalejax.training.run_spec import RunSpec
from experiments.shared import networks

STEPS, BATCH, N_IN, N_OUT = 28, 32, 28, 10
LEARNING_RATE, CLIP = 0.01, 10.0
KINDS = ("rnn", "colei", "dann")
TRAIN, TEST = 60_000, 10_000  # MNIST's sizes


def digits() -> dj.tasks.SequentialMNIST:
    """Sequential MNIST in size: the 5,000 embedded digits, repeated (times do not see them)."""
    task = dj.tasks.SequentialMNIST("digits", batch_size=BATCH)

    def repeat(arrays, num):
        return tuple(a[np.arange(num) % len(a)] for a in arrays)

    task.data = {
        "train": repeat(task.data["train"], TRAIN),
        "test": repeat(task.data["test"], TEST),
    }
    task.updates_per_epoch = TRAIN // BATCH
    task.test_batch_size = 1000
    return task


def make(kind: str, layers: int, n: int):
    """The network of a kind and its optimiser."""
    net = {
        "rnn": partial(networks.rnn, layers, n),
        "colei": partial(networks.colei, layers, n, n // 10),
        "dann": partial(networks.dann, layers, n, n // 10),
        "divisive": partial(networks.divisive, layers, n, n // 10),
    }[kind](N_OUT)
    tx = {
        "rnn": dj.rnn_sgd(LEARNING_RATE),
        "colei": dj.colei_sgd(LEARNING_RATE, CLIP),
        "dann": dj.dann_sgd(LEARNING_RATE),
        "divisive": dj.dann_sgd(LEARNING_RATE),
    }[kind]
    return net, tx


class Ensemble:
    """Seeds of one network, on all devices."""

    def __init__(
        self,
        kind: str,
        layers: int,
        n: int,
        seeds: int,
        member_map: str | None = None,
        devices=None,
    ):
        net, tx = make(kind, layers, n)
        self.task, self.seeds = digits(), seeds
        self.mesh = ensemble.member_mesh(devices)
        self._spec = RunSpec.checked(net, tx, self.task, keys=dj.seed_keys(0, seeds))
        self.programs = Programs(self._spec, self.mesh, member_map)
        self._map = partial(ensemble.over_members, mesh=self.mesh, member_map=member_map)
        self._num = self.programs.scalar(seeds)
        starts = ensemble.pad(self._spec.starts, self.mesh)
        state = self.programs.start(starts, seeds)
        self._members = step.Member(state, starts.key, {})
        self._arguments = (self._members, self._num, self.programs.data, self.programs.scalar(0))

    def updates(self, num: int):
        """Compile so many updates without evaluation; returns what runs them."""
        program = self.lowered(num).compile()
        return lambda: jax.block_until_ready(program(*self._arguments))

    def lowered(self, num: int) -> jax.stages.Lowered:
        """Lower so many updates."""
        advance = self._map(partial(step.advance, self._spec, num))
        return jax.jit(advance).lower(*self._arguments)

    def evaluation(self):
        """Compile an evaluation on the whole test set; returns what runs it."""
        net, task = self._spec.net, self._spec.task

        def evaluate(one, data):
            return evaluation.evaluate(net, task, one.state.params, data)

        mapped = jax.jit(self._map(evaluate))
        return lambda: jax.block_until_ready(mapped(self._members, self._num, self.programs.data))

    def compile_seconds(self, length: int = 500) -> float:
        """Lower and compile a chunk of updates with its evaluation."""
        places = -(-self.seeds // self.mesh.size) * self.mesh.size
        began = time.perf_counter()
        self.programs.chunk(length, places)
        return time.perf_counter() - began
