"""Type aliases of arrays, and the letters that stand for axes in all docstrings and signatures.

========  ==========================================================
letter    meaning
========  ==========================================================
``s``     members of an ensemble (axis 0 of every leaf)
``t``     time steps
``b``     trials in a batch
``n_in``  inputs of a layer
``n``     units of a layer
``n_e``   excitatory units
``n_i``   inhibitory units
``n_out`` outputs of a read-out
========  ==========================================================

Weight matrices are ``[post, pre]``: under Dale's law each *column* has one sign.
"""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from jaxtyping import Bool, Complex, Float, Int, Integer, Key, Num, PyTree, Shaped

# An array on a device or on the host: dalejax's functions take both.
Array = jax.Array | np.ndarray
Params = PyTree[Shaped[Array, "..."]]
Matrix = Float[Array, "*s post pre"]

__all__ = [
    "Any",
    "Array",
    "Bool",
    "Complex",
    "Float",
    "Int",
    "Integer",
    "Key",
    "Matrix",
    "Num",
    "Params",
    "PyTree",
    "Shaped",
]
