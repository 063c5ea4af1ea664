"""Host devices: JAX's CPU devices, one for each core, on which members train side by side."""

from __future__ import annotations

import functools
import os

import jax

from dalejax.runtime import messages

_OPTION = "jax_num_cpu_devices"  # of jax.config; -1 where nothing was chosen
_FLAG = "xla_force_host_platform_device_count"  # in XLA_FLAGS: an older way to choose


def use_all_cores() -> None:
    """Make one host device for each core that this process may use, unless a number was chosen.

    ``seed_keys``, ``initial_params`` and ``train`` call this by themselves. JAX makes its devices
    once, at its first computation: a program that computes with JAX before any of those three
    should call this function first.

    A number chosen by ``JAX_NUM_CPU_DEVICES``, ``jax.config.update("jax_num_cpu_devices", …)`` or
    ``XLA_FLAGS=--xla_force_host_platform_device_count=…`` is kept. If JAX has already started with
    fewer host devices than there are cores, and computes on the CPU, one line on stderr says how
    to use the others.

    Example:
        >>> use_all_cores()
        >>> jax.local_device_count("cpu") >= 1
        True
    """
    if getattr(jax.config, _OPTION) != -1 or _FLAG in os.environ.get("XLA_FLAGS", ""):
        return
    cores = available_cores()
    try:
        jax.config.update(_OPTION, cores)
    except RuntimeError:  # JAX has started: the number of its devices is fixed
        devices = jax.local_device_count("cpu")
        if cores > devices and jax.default_backend() == "cpu":
            _tell_once(cores, devices)


def available_cores() -> int:
    """Count the cores that this process may use, or all cores where the system cannot tell.

    Example:
        >>> available_cores() >= 1
        True
    """
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@functools.cache
def _tell_once(cores: int, devices: int) -> None:
    messages.say(
        f"JAX started with {devices} host device{'s' if devices > 1 else ''}, but there are "
        f"{cores} cores; to train on all of them, call dalejax.use_all_cores() before the first "
        f"JAX computation, or set JAX_NUM_CPU_DEVICES={cores}."
    )
