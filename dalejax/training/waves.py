"""Waves: ensembles too large for the devices' memory, trained one group of members at a time.

A chunk of updates is done for the first wave of members, then for the next, so that after it all
members are at the same update; a wave that is not being trained waits in the host's memory. All
waves have one size, padding included, so that one compiled program serves all of them. The size may
change when a run is resumed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import jax
from jax.sharding import Mesh

from dalejax.runtime import multihost
from dalejax.training import ensemble
from dalejax.types import PyTree

USABLE = 0.8  # share of a device's memory that waves may use; the compiler does not count all


@dataclass(frozen=True)
class Waves:
    """The division of an ensemble's members into waves of equal size.

    Attributes:
        num: members in all.
        size: members in a wave, padding included: a multiple of the device count.
        mesh: the devices.

    Example:
        >>> waves = Waves(5, 2 * ensemble.member_mesh().size, ensemble.member_mesh())
        >>> waves.join(waves.split(jax.numpy.arange(5))).tolist()
        [0, 1, 2, 3, 4]
    """

    num: int
    size: int
    mesh: Mesh

    @property
    def sizes(self) -> list[int]:
        """How many members of each wave are real, not padding."""
        return [min(self.size, self.num - i) for i in range(0, self.num, self.size)]

    def split(self, members: PyTree) -> list[PyTree]:
        """Divide a tree of members [num, ...] in the host's memory into padded, parked waves.

        Args:
            members: a tree with leading member axes.
        """

        def part(first: int) -> PyTree:
            return jax.tree.map(lambda leaf: leaf[first : first + self.size], members)

        parts = [part(first) for first in range(0, self.num, self.size)]
        return [self.park(ensemble.pad(part, self.mesh, self.size)) for part in parts]

    def join(self, waves: list[PyTree]) -> PyTree:
        """Join all waves into one tree of members [num, ...] in the host's memory.

        Args:
            waves: as :meth:`split` returned them, or after training.
        """
        parts = [ensemble.unpad(wave, n) for wave, n in zip(waves, self.sizes, strict=True)]
        return jax.tree.map(ensemble.concatenate, *parts)

    def park(self, wave: PyTree) -> PyTree:
        """Move a wave from the devices' memory to the host's, unless it is the only one.

        Args:
            wave: a tree of members on the devices.
        """
        return wave if len(self.sizes) == 1 else self._move(wave, "pinned_host")

    def fetch(self, wave: PyTree) -> PyTree:
        """Move a wave that :meth:`park` moved back into the devices' memory.

        Args:
            wave: a tree of members.
        """
        return wave if len(self.sizes) == 1 else self._move(wave, "device")

    def _move(self, wave: PyTree, kind: str) -> PyTree:
        return jax.tree.map(
            lambda leaf: jax.device_put(leaf, leaf.sharding.with_memory_kind(kind)), wave
        )


def plan(
    num: int,
    mesh: Mesh,
    needed: Callable[[int], int],
    size: int | None = None,
    limit: int | None = None,
) -> Waves:
    """Choose the largest waves that fit into the devices' memory.

    Args:
        num: members in all.
        mesh: the devices.
        needed: gives the bytes that a wave of so many members needs on each device.
        size: members in a wave, at least 1, if the user has chosen; ``needed`` is not called then.
        limit: bytes that each device may use; None for a share of those that it has.

    Example:
        >>> one = ensemble.member_mesh(jax.devices()[:1])
        >>> plan(1000, one, lambda size: 50 + 10 * size, limit=4050).sizes
        [334, 334, 332]
    """
    devices = mesh.size
    if size is None:
        limit = memory(mesh) if limit is None else limit
        size = num
        while size > devices and (bytes_ := needed(_multiple(size, devices))) > limit:
            # Smaller in proportion, and by at least one member on each device.
            size = max(devices, min(int(size * limit / bytes_), size - devices))
    waves = -(-num // min(size, num))
    # All waves of (nearly) equal size, instead of a last one that is mostly padding.
    return Waves(num, _multiple(-(-num // waves), devices), mesh)


def memory(mesh: Mesh) -> int:
    """Count the bytes that waves may use on each device: the smallest number of all hosts.

    Args:
        mesh: the devices.

    Example:
        >>> memory(ensemble.member_mesh()) > 2**20
        True
    """
    device = mesh.local_devices[0]
    total = (device.memory_stats() or {}).get("bytes_limit")
    if total is None:  # a CPU: its devices share the host's memory
        total = _host_memory() // len(mesh.local_devices)
    return int(USABLE * multihost.gather(total // 2**20).min()) * 2**20


def _host_memory() -> int:
    """Count the bytes of the host's memory; 2^50 where the system cannot tell."""
    if not hasattr(os, "sysconf"):  # Windows
        return 2**50
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _multiple(size: int, of: int) -> int:
    """Round a size up to a multiple."""
    return -(-size // of) * of
