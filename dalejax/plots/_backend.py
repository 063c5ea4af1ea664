"""Check that Matplotlib is installed before the other modules of this folder import it."""

from __future__ import annotations

from dalejax.runtime.extras import import_extra

import_extra("matplotlib", extra="analysis")
