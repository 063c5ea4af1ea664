"""Beyond memory: the members in waves, one after the other through every chunk of updates.

All waves have one size, so one program serves them. A wave that is not on its turn waits in the
host's memory, and all of them are at the same update: a checkpoint, a table and a progress bar see
one ensemble. The size may change when a run is resumed.
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

USABLE = 0.8  # of a device's memory; the rest is for what the compiler does not count


@dataclass(frozen=True)
class Waves:
    """Members in waves of equal size.

    Attributes:
        num: members in all.
        size: places in a wave, a multiple of the device count.
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
        """Count the real members of each wave."""
        return [min(self.size, self.num - i) for i in range(0, self.num, self.size)]

    def split(self, members: PyTree) -> list[PyTree]:
        """Place a host tree's members [num, ...] as padded waves."""
        starts = range(0, self.num, self.size)
        slices = [jax.tree.map(lambda x: x[i : i + self.size], members) for i in starts]  # noqa: B023
        return [self.park(ensemble.pad(part, self.mesh, self.size)) for part in slices]

    def join(self, waves: list[PyTree]) -> PyTree:
        """Bring all waves to the host, as one tree [num, ...]."""
        parts = [ensemble.unpad(wave, n) for wave, n in zip(waves, self.sizes, strict=True)]
        return jax.tree.map(ensemble.concatenate, *parts)

    def park(self, wave: PyTree) -> PyTree:
        """Move a wave out of the devices' memory; a single one stays."""
        return wave if len(self.sizes) == 1 else self._move(wave, "pinned_host")

    def fetch(self, wave: PyTree) -> PyTree:
        """Move a wave into the devices' memory."""
        return wave if len(self.sizes) == 1 else self._move(wave, "device")

    def _move(self, wave, kind):
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
    """Size the waves to the devices' memory.

    Args:
        num: members.
        mesh: the devices.
        needed: bytes that a wave of some size needs on each device.
        size: members of a wave, at least 1, if that is settled.
        limit: bytes that each device may use; None for what it has.

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
            # In proportion, but smaller by one device row at least.
            size = max(devices, min(int(size * limit / bytes_), size - devices))
    waves = -(-num // min(size, num))  # of equal size: no short last one
    return Waves(num, _multiple(-(-num // waves), devices), mesh)


def memory(mesh: Mesh) -> int:
    """Count the bytes that each device may use; of several hosts, the least.

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
    """Count the bytes of the host's memory; where the system does not say, there is no bound."""
    if not hasattr(os, "sysconf"):  # Windows
        return 2**50
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _multiple(size, of):
    return -(-size // of) * of
