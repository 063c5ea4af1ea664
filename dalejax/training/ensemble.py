"""Many networks at once: axis 0 of every leaf is the member.

Members are sharded over all devices (on a CPU: one host device a core) and, inside a device,
mapped one after the other (``"map"``, best on a CPU, where one member fills a core) or vectorised
(``"vmap"``, best on accelerators). No member ever sees another: mapped, a member has the same bits
whoever trains beside it. The devices may belong to several processes, on several hosts.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from dalejax import checks
from dalejax.runtime import host_devices
from dalejax.types import Any, Array, Key, PyTree

AXIS = "members"
MEMBER_MAPS = ("map", "vmap")


def seed_keys(root: int, num: int) -> Key[Array, " s"]:
    """Make one key a member, so that member i is the same network whoever trains beside it.

    Args:
        root: a seed from 0 to 2^32 - 1.
        num: members s, at least 1.

    Returns:
        Typed keys [s], the i-th being ``fold_in(key(root), i)``.

    Raises:
        ValueError: num < 1, or the root is out of its range.

    Example:
        >>> bool((jax.random.key_data(seed_keys(0, 3)) == jax.random.key_data(seed_keys(0, 5)[:3])).all())
        True
    """  # noqa: E501
    host_devices.use_all_cores()  # these are often the first arrays of a program
    checks.whole("the number of seeds", num)
    checks.seed("the root seed", root)
    return jax.vmap(jax.random.fold_in, (None, 0))(jax.random.key(root), jnp.arange(num))


def member_mesh(devices: Sequence[jax.Device] | None = None) -> Mesh:
    """Lay devices in a row, along the member axis.

    Args:
        devices: the devices to use; None for all.

    Example:
        >>> member_mesh().axis_names
        ('members',)
    """
    devices = jax.devices() if devices is None else devices
    return Mesh(np.asarray(devices), (AXIS,), axis_types=(AxisType.Auto,))


def choose_member_map(mesh: Mesh, member_map: str | None = None) -> str:
    """Choose how members run inside a device: ``"map"`` on CPUs, ``"vmap"`` on accelerators.

    Measured on two AVX-512 cores, 3 x 100 units (``python -m benchmarks seeds``): 2.0 ms per update
    and member mapped, 2.9 ms vectorised, whose batched small products XLA runs more slowly.

    Args:
        mesh: the devices.
        member_map: the user's choice; None for the measured one.

    Raises:
        ValueError: the member map is unknown.

    Example:
        >>> choose_member_map(member_mesh())
        'map'
    """
    if member_map is None:
        return "map" if mesh.devices.flat[0].platform == "cpu" else "vmap"
    checks.choice("member_map", member_map, MEMBER_MAPS)
    return member_map


def count(members: PyTree) -> int:
    """Count the members of a tree: the length of its leaves' leading axis.

    Args:
        members: a tree whose leaves have a leading member axis.

    Raises:
        ValueError: the leaves disagree, or there are none.

    Example:
        >>> count({"a": jnp.ones((3, 2)), "b": jnp.ones(3)})
        3
    """
    sizes = {leaf.shape[0] if leaf.ndim else None for leaf in jax.tree.leaves(members)}
    if len(sizes) != 1 or None in sizes:
        raise ValueError(f"the leading axes are {sorted(map(str, sizes))}; all must be one number.")
    return sizes.pop()


def pad(members: PyTree, mesh: Mesh, size: int | None = None) -> PyTree:
    """Place members on the devices, the last one repeated until every device has equally many.

    In a program of several processes, each one gives all members and holds its devices' share.

    Args:
        members: a tree with leading member axes [s, ...].
        mesh: the devices.
        size: the leading axis wanted, a multiple of the device count; None for the smallest one.

    Returns:
        The tree with leading axes [size, ...].

    Example:
        >>> pad(jnp.arange(3), member_mesh()).shape[0] >= 3
        True
    """
    num = count(members)
    extra = (-num % mesh.size) if size is None else size - num

    def fill(leaf):
        return np.concatenate([leaf, np.repeat(leaf[-1:], extra, axis=0)]) if extra else leaf

    return _place(members, NamedSharding(mesh, PartitionSpec(AXIS)), fill)


def unpad(members: PyTree, num: int) -> PyTree:
    """Bring members to the host, without the ones that :func:`pad` added.

    Every process gets all of them, wherever they are.

    Args:
        members: a padded tree.
        num: how many members are real.

    Returns:
        The same tree of NumPy arrays.

    Example:
        >>> unpad(jnp.arange(4), 3).tolist()
        [0, 1, 2]
    """
    if not all(leaf.is_fully_addressable for leaf in jax.tree.leaves(members)):
        members = _everywhere(jax.tree.leaves(members)[0].sharding.mesh)(members)

    def host(leaf):
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            return jax.random.wrap_key_data(
                host(jax.random.key_data(leaf)), impl=jax.random.key_impl(leaf)
            )
        return np.asarray(leaf)[:num]

    return jax.tree.map(host, members)


def concatenate(*parts: Array) -> Array:
    """Join members on the host along their leading axis, typed keys included.

    Args:
        parts: arrays [s, ...] of one type.

    Example:
        >>> concatenate(np.arange(2), np.arange(1)).tolist()
        [0, 1, 0]
    """
    if jnp.issubdtype(parts[0].dtype, jax.dtypes.prng_key):
        raw = concatenate(*(jax.random.key_data(part) for part in parts))
        return jax.random.wrap_key_data(raw, impl=jax.random.key_impl(parts[0]))
    return np.concatenate(parts)


@functools.cache
def _everywhere(mesh):
    return jax.jit(lambda tree: tree, out_shardings=NamedSharding(mesh, PartitionSpec()))


def replicate(shared: PyTree, mesh: Mesh) -> PyTree:
    """Place what all members share (data, counters) on every device.

    Args:
        shared: any tree of arrays.
        mesh: the devices.

    Example:
        >>> replicate(jnp.ones(2), member_mesh()).tolist()
        [1.0, 1.0]
    """
    return _place(shared, NamedSharding(mesh, PartitionSpec()))


def _place(tree, sharding, prepare=lambda leaf: leaf):
    def place(leaf):
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            return jax.random.wrap_key_data(
                place(jax.random.key_data(leaf)), impl=jax.random.key_impl(leaf)
            )
        host = prepare(np.asarray(leaf))
        return jax.make_array_from_callback(host.shape, sharding, lambda index: host[index])

    return jax.tree.map(place, tree)


def over_members(
    function: Callable[..., Any], mesh: Mesh, member_map: str | None = None
) -> Callable[..., Any]:
    """Turn a function of one member into a function of all of them.

    Mapped, padding costs nothing: a device stops after its last real member. As the number of
    members is not known to the compiler, a member's program is the same whoever trains beside it.

    Args:
        function: ``function(member, *shared)``; pure.
        mesh: the devices that share the members.
        member_map: ``"map"`` or ``"vmap"`` inside a device; None for the measured default.

    Returns:
        ``f(members, num, *shared)``: every leaf of ``members`` and of the result has a leading
        axis, a multiple of the device count, of which the first ``num`` entries are real (see
        :func:`pad`); ``shared`` goes to every member.

    Raises:
        ValueError: the member map is unknown.

    Example:
        >>> f = over_members(lambda x, y: x + y, member_mesh())
        >>> f(jnp.arange(8.0), 3, jnp.float32(1)).tolist()[:3]
        [1.0, 2.0, 3.0]
    """
    member_map = choose_member_map(mesh, member_map)

    def one_after_the_other(members, num, *shared):
        here = count(members)
        num_here = jnp.clip(num - jax.lax.axis_index(AXIS) * here, 0, here)
        # Two places at least: around a single one XLA makes a program that rounds differently.
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

    def side_by_side(members, num, *shared):
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
