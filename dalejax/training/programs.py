"""The compiled programs of an ensemble: initial states, and chunks of updates of any length."""

from __future__ import annotations

import functools
from functools import partial

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from dalejax.training import ensemble, step
from dalejax.training.run_spec import RunSpec, Start
from dalejax.types import Array, PyTree


class Programs:
    """The compiled programs of one ensemble, for waves of members of any size.

    Args:
        spec: what the ensemble is trained from; the task's data are placed on the devices.
        mesh: the devices.
        member_map: see :func:`dalejax.training.ensemble.over_members`.

    Attributes:
        mesh: the devices.
        data: the task's data, on every device.
    """

    def __init__(self, spec: RunSpec, mesh: Mesh, member_map: str | None):
        member_map = ensemble.choose_member_map(mesh, member_map)
        self._spec, self.mesh = spec, mesh
        self.data = ensemble.replicate(spec.task.data, mesh)
        self._over_members = partial(ensemble.over_members, mesh=mesh, member_map=member_map)
        # Initial states are always mapped on a CPU: vectorised, LAPACK's batched factorisations
        # (for an orthogonal initialisation) block each other for ever on several host devices.
        self._start = jax.jit(ensemble.over_members(partial(step.initial_state, spec), mesh=mesh))
        self.chunk = functools.cache(lambda *shape: self.lowered(*shape).compile())

    def start(self, starts: Start, num: int) -> step.State:
        """Make the initial states of a padded wave.

        Args:
            starts: what its members start from, with leading axes [size, ...].
            num: how many of them are real; the others are padding.
        """
        return self._start(starts, self.scalar(num))

    def scalar(self, number: int) -> Array:
        """Place a whole number on every device."""
        return ensemble.replicate(jnp.int32(number), self.mesh)

    def state_of(self, num: int) -> step.State:
        """Describe the states of ``num`` members by shapes and types, as ShapeDtypeStructs."""
        starts = self._described(self._spec.starts, self.mesh.size)
        return self._described(jax.eval_shape(self._start, starts, 0), num)

    def lowered(self, length: int, size: int) -> jax.stages.Lowered:
        """Lower ``(state, keys, hyperparams, num, data, first) -> (state, metrics)``.

        ``chunk(length, size)`` is the same program, compiled at the first call and kept.

        Args:
            length: number of updates.
            size: members in a wave, padding included: a multiple of the device count.

        Returns:
            A program that gives the first ``num`` members the updates ``first`` to
            ``first + length - 1`` and then evaluates them; its argument ``state`` is donated.
        """
        function = self._over_members(partial(step.chunk, self._spec, length))

        def chunk(state, keys, hyperparams, num, data, first):
            return function(step.Member(state, keys, hyperparams), num, data, first)

        members = NamedSharding(self.mesh, PartitionSpec(ensemble.AXIS))
        everywhere = NamedSharding(self.mesh, PartitionSpec())
        state = self._described(self.state_of(size), size, members)
        fixed = (self._spec.keys, self._spec.hyperparams)
        keys, hyperparams = self._described(fixed, size, members)
        number = jax.ShapeDtypeStruct((), jnp.int32, sharding=everywhere)
        jitted = jax.jit(chunk, donate_argnums=0)
        return jitted.lower(state, keys, hyperparams, number, self.data, number)

    def bytes_needed(self, length: int, size: int) -> int:
        """Count the bytes of memory that a chunk needs on each device.

        Args:
            length: number of updates.
            size: members in a wave, padding included.
        """
        memory = self.chunk(length, size).memory_analysis()
        assert memory is not None  # CPUs and accelerators all give one
        return (
            memory.argument_size_in_bytes
            + memory.output_size_in_bytes
            + memory.temp_size_in_bytes
            - memory.alias_size_in_bytes
        )

    @staticmethod
    def _described(members: PyTree, num: int, sharding: NamedSharding | None = None) -> PyTree:
        return jax.tree.map(
            lambda x: jax.ShapeDtypeStruct((num, *x.shape[1:]), x.dtype, sharding=sharding), members
        )
