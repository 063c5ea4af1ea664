"""Names of folders and claims, made of the names of networks and tasks."""

from __future__ import annotations

import re


def slug(name: str) -> str:
    """Turn a name into one for folders and claim ids.

    Example:
        >>> slug("ColEI, 10 % I")
        'colei_10_i'
    """
    return re.sub(r"[^a-z0-9.]+", "_", name.lower()).strip("_")
