"""Embedding: a learned vector for each word of a vocabulary."""

from __future__ import annotations

import flax.linen as nn
import jax

from dalejax import checks
from dalejax.types import Array, Float, Int


class Embedding(nn.Module):
    r"""Map each word, given as a whole number, to a learned vector; no sign is constrained.

    .. math:: x_t = E_{w_t}, \qquad E \sim \mathcal N(0, 1/d)

    Args:
        words: size of the vocabulary.
        features: dimension d of a vector.

    Raises:
        ValueError: words or features is below 1.

    Example:
        >>> import jax.numpy as jnp
        >>> layer, ids = Embedding(10, 3), jnp.zeros((5, 2), int)
        >>> layer.apply(layer.init(jax.random.key(0), ids), ids).shape
        (5, 2, 3)

    Reference:
        Bengio et al. 2003.
    """

    words: int
    features: int

    def __post_init__(self):
        checks.whole("words", self.words)
        checks.whole("features", self.features)
        super().__post_init__()

    @nn.compact
    def __call__(self, ids: Int[Array, "*b"]) -> Float[Array, "*b d"]:
        """Look up the vectors [..., d] of word numbers [...], from 0 to words - 1."""
        start = jax.nn.initializers.normal(self.features**-0.5)
        return self.param("E", start, (self.words, self.features))[ids]
