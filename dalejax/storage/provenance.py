"""The versions, devices and code revision that a run is made with."""

from __future__ import annotations

import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import jax

from dalejax._version import __version__

PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy", "scipy", "pandas")


def provenance() -> dict[str, Any]:
    """Collect versions of packages, kind and number of devices, and the revision of the code.

    A run's config.json and train.json keep them.

    Example:
        >>> sorted(provenance())
        ['devices', 'git', 'versions']
    """
    device = jax.devices()[0]
    return {
        "versions": {
            "dalejax": __version__,
            **{name: metadata.version(name) for name in PACKAGES},
            "python": platform.python_version(),
        },
        "devices": {
            "platform": device.platform,
            "kind": device.device_kind,
            "count": jax.device_count(),
        },
        "git": git_revision(Path(__file__).parents[2]),
    }


def git_revision(checkout: Path) -> str | None:
    """Give the hash of the commit that is checked out, with ``-dirty`` if files were changed.

    Args:
        checkout: the checkout's top folder.

    Returns:
        None if the folder is no Git checkout, or Git is not installed.

    Example:
        >>> git_revision(Path("/")) is None
        True
    """
    if not (checkout / ".git").exists():
        return None
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        answer = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):  # no git, or no commit yet
        return None
    return answer.stdout.strip()
