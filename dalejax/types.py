"""Array aliases and the shape letters that every docstring and signature uses.

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

Weight matrices are ``[post, pre]``: Dale's law is one sign per *column*.
"""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from jaxtyping import Bool, Complex, Float, Int, Integer, Key, Num, PyTree, Shaped

# What a device holds, or what was brought to the host; dalejax's functions take both.
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
