"""Normalisation of a layer's activations, by layer and by batch, as the papers compare it."""

from __future__ import annotations

import flax.linen as nn
import jax.numpy as jnp

from dalejax.types import Array, Float

BATCH_STATISTICS = "batch_stats"  # Flax collection of what is averaged over the training set


class Norm(nn.Module):
    """Base of the norms: centre and standardise, then scale by g and shift by a bias.

    The standard deviation is the unbiased one, and nothing is added to it.
    """

    def standardise(self, z: Float[Array, "*b n"]) -> Float[Array, "*b n"]:
        """Centre and standardise."""
        raise TypeError(f"{type(self).__name__} does not say what it standardises.")

    @nn.compact
    def __call__(self, z: Float[Array, "*b n"]) -> Float[Array, "*b n"]:
        """Normalise activations [b, …, n]."""
        n = z.shape[-1]
        g = self.param("g", nn.initializers.ones, (n,), z.dtype)
        b = self.param("b", nn.initializers.zeros, (n,), z.dtype)
        return g * self.standardise(z) + b


class LayerNorm(Norm):
    r"""Normalise over the units of a layer, trial by trial.

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
        """Centre and standardise each trial."""
        axes = tuple(range(1, z.ndim))
        return (z - z.mean(axes, keepdims=True)) / z.std(axes, keepdims=True, ddof=1)


class BatchNorm(Norm):
    r"""Normalise over the trials of a batch, unit by unit.

    .. math:: y = \frac{g}{\sigma} \odot (z - \mu) + b, \qquad
              \mu = \frac1b \sum_i z_i, \quad \sigma^2 = \frac{1}{b-1} \sum_i (z_i - \mu)^2

    Without the collection ``"batch_stats"`` the batch's own statistics are used, as in training; with
    it, those in it, as in evaluation. They are a function of the parameters and the training set
    (:func:`dalejax.training.step.evaluate` makes them anew), so that nothing need be saved.

    Example:
        >>> import jax
        >>> norm, z = BatchNorm(), jnp.array([[1.0], [2.0], [3.0]])
        >>> norm.apply(norm.init(jax.random.key(0), z), z)[:, 0].tolist()
        [-1.0, 0.0, 1.0]

    Reference:
        Ioffe & Szegedy 2015, algorithms 1 and 2.
    """  # noqa: E501

    def standardise(self, z: Float[Array, "*b n"]) -> Float[Array, "*b n"]:
        """Centre and standardise each unit."""
        axes = tuple(range(z.ndim - 1))
        if self.has_variable(BATCH_STATISTICS, "mean") and not self.is_mutable_collection(
            BATCH_STATISTICS
        ):
            mean = self.get_variable(BATCH_STATISTICS, "mean")
            variance = self.get_variable(BATCH_STATISTICS, "variance")
        else:
            mean, variance = z.mean(axes), z.var(axes, ddof=1)
            # Not while parameters are drawn: an example is no population.
            if self.is_mutable_collection(BATCH_STATISTICS) and not self.is_initializing():
                self.put_variable(BATCH_STATISTICS, "mean", mean)
                self.put_variable(BATCH_STATISTICS, "variance", variance)
        return (z - mean) / jnp.sqrt(variance)
