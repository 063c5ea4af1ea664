"""Compiled programs kept on disk: a command that ran before starts without compiling."""

from __future__ import annotations

import hashlib
import os
import platform
from pathlib import Path

import jax

MOST_BYTES = 2**30  # the least recently used programs go first


def keep() -> None:
    """Keep compiled programs in the user's cache folder; for programs, not for the library.

    Nothing changes where a folder was chosen: ``JAX_COMPILATION_CACHE_DIR``, empty for none.
    """
    if jax.config.jax_compilation_cache_dir is None:
        jax.config.update("jax_compilation_cache_dir", str(folder()))
        jax.config.update("jax_compilation_cache_max_size", MOST_BYTES)


def folder() -> Path:
    """Name the folder, one for each kind of processor: its programs may not run on another one.

    Example:
        >>> folder().parent.name
        'dalejax'
    """
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "dalejax" / f"compiled-{_processor()}"


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    if described.is_file():
        lines = described.read_text().splitlines()
        kind = sorted({line for line in lines if line.startswith(("flags", "Features", "model"))})
    else:
        kind = [platform.machine(), platform.processor()]
    return hashlib.sha256("\n".join(kind).encode()).hexdigest()[:12]
