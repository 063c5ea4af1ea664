"""Layer and batch normalisation of a layer's activations before the ReLU."""

from __future__ import annotations

import flax.linen as nn
import jax.numpy as jnp

from dalejax.types import Array, Float

# Flax collection of batch statistics: mean and variance of each unit [n].
BATCH_STATISTICS = "batch_stats"


class Norm(nn.Module):
    """Base class of the normalisations: standardise, multiply by a gain g and add a bias b.

    The variance is the unbiased one (divided by the number of values - 1), and no epsilon is added.
    """

    def standardise(self, z: Float[Array, "*b n"]) -> Float[Array, "*b n"]:
        """Standardise activations [b, …, n] to mean 0 and variance 1."""
        raise TypeError(f"{type(self).__name__} must define standardise, and does not.")

    @nn.compact
    def __call__(self, z: Float[Array, "*b n"]) -> Float[Array, "*b n"]:
        """Normalise activations [b, …, n]: ``g standardise(z) + b``."""
        n = z.shape[-1]
        g = self.param("g", nn.initializers.ones, (n,), z.dtype)
        b = self.param("b", nn.initializers.zeros, (n,), z.dtype)
        return g * self.standardise(z) + b


class LayerNorm(Norm):
    r"""Normalise each trial over the units of a layer (and the positions of an image).

    .. math:: y = \frac{g}{\sigma} \odot (z - \mu) + b, \qquad
              \mu = \frac1n \sum_i z_i, \quad \sigma^2 = \frac{1}{n-1} \sum_i (z_i - \mu)^2

    Example:
        >>> import jax
        >>> norm, z = LayerNorm(), jnp.array([[1.0, 2.0, 3.0]])
        >>> norm.apply(norm.init(jax.random.key(0), z), z).tolist()
        [[-1.0, 0.0, 1.0]]

    Reference:
        Ba et al. 2016; Cornford et al. 2021, eq. 33.
    """

    def standardise(self, z: Float[Array, "*b n"]) -> Float[Array, "*b n"]:
        """Standardise each trial [b, …, n] over its units to mean 0 and variance 1."""
        axes = tuple(range(1, z.ndim))
        return (z - z.mean(axes, keepdims=True)) / z.std(axes, keepdims=True, ddof=1)


class BatchNorm(Norm):
    r"""Normalise each unit over the trials of a batch (and the positions of an image).

    .. math:: y = \frac{g}{\sigma} \odot (z - \mu) + b, \qquad
              \mu = \frac1b \sum_i z_i, \quad \sigma^2 = \frac{1}{b-1} \sum_i (z_i - \mu)^2

    In training, mean and variance are those of the batch. In evaluation, they are read from the
    Flax collection ``"batch_stats"``, which is passed to ``apply``. These batch statistics are a
    function of the parameters and the training set:
    :func:`dalejax.training.evaluation.evaluate` computes them for each evaluation, so they need not
    be saved.

    Example:
        >>> import jax
        >>> norm, z = BatchNorm(), jnp.array([[1.0], [2.0], [3.0]])
        >>> norm.apply(norm.init(jax.random.key(0), z), z)[:, 0].tolist()
        [-1.0, 0.0, 1.0]

    Reference:
        Ioffe & Szegedy 2015, algorithms 1 and 2.
    """

    def standardise(self, z: Float[Array, "*b n"]) -> Float[Array, "*b n"]:
        """Standardise each unit of [b, …, n] over the trials to mean 0 and variance 1."""
        axes = tuple(range(z.ndim - 1))
        if self.has_variable(BATCH_STATISTICS, "mean") and not self.is_mutable_collection(
            BATCH_STATISTICS
        ):
            mean = self.get_variable(BATCH_STATISTICS, "mean")
            variance = self.get_variable(BATCH_STATISTICS, "variance")
        else:
            mean, variance = z.mean(axes), z.var(axes, ddof=1)
            # While parameters are drawn the batch is an example input, not data to average.
            if self.is_mutable_collection(BATCH_STATISTICS) and not self.is_initializing():
                self.put_variable(BATCH_STATISTICS, "mean", mean)
                self.put_variable(BATCH_STATISTICS, "variance", variance)
        return (z - mean) / jnp.sqrt(variance)
