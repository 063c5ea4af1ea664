"""What is compiled for an ensemble: its start, and a chunk of updates for each length."""

from __future__ import annotations

import functools
from functools import partial

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from dalejax.training import ensemble, step
from dalejax.types import Array, PyTree


class Programs:
    """The compiled programs of one ensemble, for waves of any size.

    Args:
        net: the network.
        make_tx: makes a member's optimiser of its hyper-parameters.
        task: the task; its data are placed on the devices.
        mesh: the devices.
        member_map: see :func:`dalejax.training.ensemble.over_members`.
        members: (keys, hyperparams, params or None) of all members, for their shapes.
    """

    def __init__(self, net, make_tx, task, mesh: Mesh, member_map: str | None, members: PyTree):
        member_map = ensemble.choose_member_map(mesh, member_map)
        self.mesh, self.members = mesh, members
        self.data = ensemble.replicate(task.data, mesh)
        self._of_member = (net, make_tx, task)
        self._over_members = partial(ensemble.over_members, mesh=mesh, member_map=member_map)
        # Starts are mapped on a CPU, whatever the updates are: LAPACK's batched factorisations
        # (an orthogonal start is one) wait for each other for ever on several host devices.
        self._start = jax.jit(
            ensemble.over_members(partial(step.start, *self._of_member), mesh=mesh)
        )
        self.chunk = functools.cache(lambda *shape: self.lowered(*shape).compile())

    def start(self, members: PyTree, num: int) -> step.State:
        """Make the state of a padded wave, (keys, hyperparams, params or None)."""
        return self._start(members, self.scalar(num))

    def scalar(self, number: int) -> Array:
        """Place a number that all members share."""
        return ensemble.replicate(jnp.int32(number), self.mesh)

    def state_of(self, num: int) -> step.State:
        """Describe the state of so many members: shapes and types."""
        of_one = jax.eval_shape(self._start, self._described(self.members, self.mesh.size), 0)
        return self._described(of_one, num)

    def lowered(self, length: int, size: int) -> jax.stages.Lowered:
        """Lower ``(state, keys, hyperparams, num, data, first) -> (state, metrics)``.

        ``chunk(length, size)`` is the same compiled, once.

        Args:
            length: updates.
            size: places in a wave, a multiple of the device count.

        Returns:
            The program of updates ``first`` to ``first + length - 1`` of the first ``num`` members,
            with an evaluation after them; the state is donated.
        """
        function = self._over_members(partial(step.chunk, *self._of_member, length))

        def chunk(state, keys, hyperparams, num, data, first):
            return function(step.Member(state, keys, hyperparams), num, data, first)

        members = NamedSharding(self.mesh, PartitionSpec(ensemble.AXIS))
        everywhere = NamedSharding(self.mesh, PartitionSpec())
        state = self._described(self.state_of(size), size, members)
        keys, hyperparams = self._described(self.members[:2], size, members)
        number = jax.ShapeDtypeStruct((), jnp.int32, sharding=everywhere)
        jitted = jax.jit(chunk, donate_argnums=0)
        return jitted.lower(state, keys, hyperparams, number, self.data, number)

    def bytes_needed(self, length: int, size: int) -> int:
        """Count the bytes that a chunk of a wave needs on each device."""
        memory = self.chunk(length, size).memory_analysis()
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
