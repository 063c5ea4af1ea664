"""JAX's persistent compilation cache, in the user's cache folder, for command lines."""

from __future__ import annotations

import hashlib
import os
import platform
from pathlib import Path

import jax

MOST_BYTES = 2**30  # beyond this size JAX removes the least recently used programs
_FOLDER, _SIZE = "jax_compilation_cache_dir", "jax_compilation_cache_max_size"


def keep() -> None:
    """Let JAX keep compiled programs on disk, so that a command that ran before starts faster.

    Command lines call this; importing dalejax does not. Where the user has chosen a folder by
    ``JAX_COMPILATION_CACHE_DIR`` (empty for no cache), nothing changes.
    """
    if getattr(jax.config, _FOLDER) is None:
        jax.config.update(_FOLDER, str(folder()))
        jax.config.update(_SIZE, MOST_BYTES)


def folder() -> Path:
    """Give the path of the cache folder, one for each processor model.

    A program compiled for one model may not run on another, and home folders may be shared.

    Example:
        >>> folder().parent.name
        'dalejax'
    """
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "dalejax" / f"compiled-{_processor()}"


def _processor() -> str:
    """Hash what identifies the processor's model and its instruction sets."""
    described = Path("/proc/cpuinfo")
    if described.is_file():
        lines = described.read_text().splitlines()
        kind = sorted({line for line in lines if line.startswith(("flags", "Features", "model"))})
    else:
        kind = [platform.machine(), platform.processor()]
    return hashlib.sha256("\n".join(kind).encode()).hexdigest()[:12]
