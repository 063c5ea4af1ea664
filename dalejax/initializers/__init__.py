"""Initialisers of weights: uniform, ColEI, Dale's ANN, orthogonal, identity, given spectrum.

Each initialiser is a pure function of a shape ``(post, pre)`` and a keyword-only PRNG key, and
works under ``vmap``. All matrices are ``[post, pre]``.
"""

from dalejax.initializers.column_signed import colei, colei_input
from dalejax.initializers.dales_ann import (
    INHIBITIONS,
    DANNWeights,
    dann,
    dann_mean,
    standardising_alpha,
    unit_mean,
)
from dalejax.initializers.repaired import colei_flat, colei_spectral
from dalejax.initializers.standard import (
    from_spectrum,
    glorot_uniform,
    identity,
    normal,
    orthogonal,
    positive,
    scale_to_radius,
    uniform,
)

__all__ = [
    "INHIBITIONS",
    "DANNWeights",
    "colei",
    "colei_flat",
    "colei_input",
    "colei_spectral",
    "dann",
    "dann_mean",
    "from_spectrum",
    "glorot_uniform",
    "identity",
    "normal",
    "orthogonal",
    "positive",
    "scale_to_radius",
    "standardising_alpha",
    "uniform",
    "unit_mean",
]
