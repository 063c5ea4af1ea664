"""Host devices: one a core, so that the members of an ensemble train side by side on a CPU."""

from __future__ import annotations

import functools
import os

import jax

from dalejax.runtime import messages

_FLAG = "xla_force_host_platform_device_count"  # the older way to choose, in XLA_FLAGS


def use_all_cores() -> None:
    """Make one host device for each core that this process may use, unless the user has chosen.

    ``seed_keys``, ``initial_params`` and ``train`` do this by themselves. Call it first where a
    program computes something with JAX before: JAX makes its devices once, at the first
    computation. A choice by ``JAX_NUM_CPU_DEVICES``, ``jax.config.jax_num_cpu_devices`` or
    ``XLA_FLAGS`` stays as it is. Where JAX has started already with fewer host devices than cores,
    and the CPU is what it computes on, one sentence on stderr says how to get the others.

    Example:
        >>> use_all_cores()
        >>> jax.local_device_count("cpu") >= 1
        True
    """
    if jax.config.jax_num_cpu_devices != -1 or _FLAG in os.environ.get("XLA_FLAGS", ""):
        return
    cores = available_cores()
    try:
        jax.config.update("jax_num_cpu_devices", cores)
    except RuntimeError:  # JAX has started: its devices cannot change any more
        devices = jax.local_device_count("cpu")
        if cores > devices and jax.default_backend() == "cpu":
            _tell_once(cores, devices)


def available_cores() -> int:
    """Count the cores that this process may use; where the system does not say, all cores.

    Example:
        >>> available_cores() >= 1
        True
    """
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@functools.cache
def _tell_once(cores: int, devices: int) -> None:
    messages.say(
        f"JAX started with {devices} host device{'s' if devices > 1 else ''}, but there are "
        f"{cores} cores; to train on all of them, call dalejax.use_all_cores() before the first "
        f"JAX computation, or set JAX_NUM_CPU_DEVICES={cores}."
    )
