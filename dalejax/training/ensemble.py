"""Functions of all members of an ensemble: axis 0 of every leaf is the member.

Members are sharded over all devices (on a CPU: one host device a core). On one device they run one
after the other (``"map"``, faster on a CPU, where one member fills a core) or vectorised
(``"vmap"``, faster on accelerators). No member depends on another: with ``"map"``, a member's
numbers are the same bits whichever members train beside it. The devices may belong to several
processes, on several hosts.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from dalejax import checks
from dalejax.runtime import host_devices
from dalejax.types import Any, Array, Key, PyTree

AXIS = "members"
MEMBER_MAPS = ("map", "vmap")


@runtime_checkable
class Device(Protocol):
    """A ``jax.Device``, of which type checkers know only the name.

    Attributes:
        platform: ``"cpu"``, ``"gpu"`` or ``"tpu"``.
    """

    platform: str


def seed_keys(root: int, num: int) -> Key[Array, " s"]:
    """Make one typed PRNG key for each member of an ensemble.

    The i-th key does not depend on ``num``, so that member i is the same network in a larger or
    smaller ensemble.

    Args:
        root: a seed from 0 to 2^32 - 1.
        num: number of members s, at least 1.

    Returns:
        Keys [s], the i-th being ``fold_in(key(root), i)``.

    Raises:
        ValueError: ``num`` or ``root`` is out of its range.

    Example:
        >>> three, five = (jax.random.key_data(seed_keys(0, num)) for num in (3, 5))
        >>> bool((three == five[:3]).all())
        True
    """
    host_devices.use_all_cores()  # this is often the first JAX computation of a program
    checks.whole("the number of seeds", num)
    checks.seed("the root seed", root)
    return jax.vmap(jax.random.fold_in, (None, 0))(jax.random.key(root), jnp.arange(num))


def member_mesh(devices: Sequence[Device] | None = None) -> Mesh:
    """Make a mesh with one axis, ``"members"``, of all devices.

    Args:
        devices: the devices to use; None for all.

    Example:
        >>> member_mesh().axis_names
        ('members',)
    """
    devices = jax.devices() if devices is None else devices
    return Mesh(np.asarray(devices), (AXIS,), axis_types=(AxisType.Auto,))


def choose_member_map(mesh: Mesh, member_map: str | None = None) -> str:
    """Choose how members run on one device: ``"map"`` on CPUs, ``"vmap"`` on accelerators.

    On two AVX-512 cores an update of 3 x 100 units takes 2.0 ms a member mapped and 2.9 ms
    vectorised (``python -m benchmarks seeds``): XLA runs batched small products more slowly there.

    Args:
        mesh: the devices.
        member_map: the user's choice; None for the faster one.

    Raises:
        ValueError: ``member_map`` is not one of the two.

    Example:
        >>> choose_member_map(member_mesh())
        'map'
    """
    if member_map is None:
        return "map" if mesh.devices.flat[0].platform == "cpu" else "vmap"
    checks.choice("member_map", member_map, MEMBER_MAPS)
    return member_map


def count(members: PyTree) -> int:
    """Count the members of a tree: the length of its leaves' leading axes.

    Args:
        members: a tree of arrays [s, ...].

    Raises:
        ValueError: the leading axes have different lengths, or there is no leaf.

    Example:
        >>> count({"a": jnp.ones((3, 2)), "b": jnp.ones(3)})
        3
    """
    sizes = {leaf.shape[0] if leaf.ndim else None for leaf in jax.tree.leaves(members)}
    size = sizes.pop() if len(sizes) == 1 else None
    if size is None:
        lengths = ", ".join(sorted(map(str, sizes)))
        raise ValueError(f"the leading axes are {lengths or 'none'}; all must be one number.")
    return size


def pad(members: PyTree, mesh: Mesh, size: int | None = None) -> PyTree:
    """Shard members over the devices, with copies of the last one so that all shards are equal.

    Of several processes each passes all members, and keeps those of its own devices.

    Args:
        members: a tree with leading member axes [s, ...].
        mesh: the devices.
        size: length of the padded axis, a multiple of the device count; None for the smallest one.

    Returns:
        The tree with leading axes [size, ...].

    Example:
        >>> pad(jnp.arange(3), member_mesh()).shape[0] >= 3
        True
    """
    num = count(members)
    extra = (-num % mesh.size) if size is None else size - num

    def fill(leaf: np.ndarray) -> np.ndarray:
        return np.concatenate([leaf, np.repeat(leaf[-1:], extra, axis=0)]) if extra else leaf

    return _place(members, NamedSharding(mesh, PartitionSpec(AXIS)), fill)


def unpad(members: PyTree, num: int) -> PyTree:
    """Copy members to the host's memory, without the copies that :func:`pad` added.

    Of several processes each gets all members.

    Args:
        members: a padded tree [size, ...].
        num: how many members are real.

    Returns:
        The tree with NumPy arrays [num, ...]; typed keys stay JAX arrays.

    Example:
        >>> unpad(jnp.arange(4), 3).tolist()
        [0, 1, 2]
    """
    if not all(leaf.is_fully_addressable for leaf in jax.tree.leaves(members)):
        members = _everywhere(jax.tree.leaves(members)[0].sharding.mesh)(members)

    def host(leaf: Array) -> Array:
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            raw = jnp.asarray(host(jax.random.key_data(leaf)))
            return jax.random.wrap_key_data(raw, impl=jax.random.key_impl(leaf))
        return np.asarray(leaf)[:num]

    return jax.tree.map(host, members)


def concatenate(*parts: Array) -> Array:
    """Join arrays of members in the host's memory along their leading axis.

    Args:
        parts: arrays [s, ...] of one type, or typed keys.

    Example:
        >>> concatenate(np.arange(2), np.arange(1)).tolist()
        [0, 1, 0]
    """
    if jnp.issubdtype(parts[0].dtype, jax.dtypes.prng_key):
        raw = jnp.asarray(concatenate(*(jax.random.key_data(part) for part in parts)))
        return jax.random.wrap_key_data(raw, impl=jax.random.key_impl(parts[0]))
    return np.concatenate(parts)


@functools.cache
def _everywhere(mesh: Mesh) -> Callable[[PyTree], PyTree]:
    """Compile a function that copies a sharded tree to every device, of all processes."""
    return jax.jit(lambda tree: tree, out_shardings=NamedSharding(mesh, PartitionSpec()))


def replicate(shared: PyTree, mesh: Mesh) -> PyTree:
    """Copy what all members share, such as a task's data, to every device.

    Args:
        shared: a tree of arrays.
        mesh: the devices.

    Example:
        >>> replicate(jnp.ones(2), member_mesh()).tolist()
        [1.0, 1.0]
    """
    return _place(shared, NamedSharding(mesh, PartitionSpec()))


def _place(
    tree: PyTree,
    sharding: NamedSharding,
    prepare: Callable[[np.ndarray], np.ndarray] = lambda leaf: leaf,
) -> PyTree:
    """Put a tree of host arrays on devices; of several processes each places its own shards."""

    def place(leaf: Array | np.generic) -> jax.Array:
        if isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            return jax.random.wrap_key_data(
                place(jax.random.key_data(leaf)), impl=jax.random.key_impl(leaf)
            )
        host = prepare(np.asarray(leaf))
        return jax.make_array_from_callback(host.shape, sharding, lambda index: host[index])

    return jax.tree.map(place, tree)


def over_members(
    function: Callable[..., Any], mesh: Mesh, member_map: str | None = None
) -> Callable[..., Any]:
    """Turn a function of one member into a function of all members.

    With ``"map"``, padding costs no time: a device stops after its last real member. The compiler
    does not know the number of members, so that the program of one member, and with it its
    rounding, is the same for any number.

    Args:
        function: ``function(member, *shared)``, a pure function.
        mesh: the devices that the members are sharded over.
        member_map: ``"map"`` (one after the other) or ``"vmap"`` on one device; None for the
            faster one.

    Returns:
        ``f(members, num, *shared)``: every leaf of ``members`` and of the result has a leading
        axis, a multiple of the device count, of which the first ``num`` entries are real (see
        :func:`pad`); ``shared`` goes to every member.

    Raises:
        ValueError: ``member_map`` is not one of the two.

    Example:
        >>> f = over_members(lambda x, y: x + y, member_mesh())
        >>> f(jnp.arange(8.0), 3, jnp.float32(1)).tolist()[:3]
        [1.0, 2.0, 3.0]
    """
    member_map = choose_member_map(mesh, member_map)

    def one_after_the_other(members: PyTree, num: Array, *shared: PyTree) -> PyTree:
        here = count(members)
        num_here = jnp.clip(num - jax.lax.axis_index(AXIS) * here, 0, here)
        # At least two: for a loop over a single member XLA makes a program that rounds differently.
        places = max(here, 2)
        if here < places:
            members = jax.tree.map(lambda leaf: leaf[jnp.zeros(places, int)], members)

        def result_of(i):
            return function(jax.tree.map(lambda leaf: leaf[i], members), *shared)

        def put(i, results):
            return jax.tree.map(lambda all, one: all.at[i].set(one), results, result_of(i))

        results = jax.tree.map(
            lambda leaf: jnp.zeros((places, *leaf.shape), leaf.dtype), jax.eval_shape(result_of, 0)
        )
        results = jax.lax.fori_loop(0, num_here, put, results)
        return jax.tree.map(lambda leaf: leaf[:here], results)

    def side_by_side(members: PyTree, num: Array, *shared: PyTree) -> PyTree:
        del num
        return jax.vmap(lambda member: function(member, *shared))(members)

    def mapped(members, num, *shared):
        specs = (PartitionSpec(AXIS), *(PartitionSpec() for _ in (num, *shared)))
        return jax.shard_map(
            side_by_side if member_map == "vmap" else one_after_the_other,
            mesh=mesh,
            in_specs=specs,
            out_specs=PartitionSpec(AXIS),
            check_vma=False,
        )(members, num, *shared)

    return mapped
