"""Weights without Dale's law: positive, uniform, normal, orthogonal, or with a given spectrum."""

from __future__ import annotations

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp

from dalejax import checks
from dalejax.spectrum import spectral_radius
from dalejax.types import Array, Float, Key

Shape = tuple[int, int]

# Positive distributions with mean 1. Li et al. and Cornford et al. use the exponential; the
# lognormal has its standard deviation, 1; the gamma has shape 2, as in Song et al.; the uniform is
# on [0, 2).
_DISTRIBUTIONS: dict[str, Callable[[Array, tuple[int, ...]], Array]] = {
    "exponential": lambda key, shape: jax.random.exponential(key, shape),
    # A gamma variable of shape 2 is a sum of two exponentials, which compiles and runs faster than
    # the rejection sampling of jax.random.gamma.
    "gamma": lambda key, shape: jax.random.exponential(key, (2, *shape)).mean(0),
    "uniform": lambda key, shape: jax.random.uniform(key, shape, maxval=2.0),
    "lognormal": lambda key, shape: jnp.exp(
        math.sqrt(math.log(2.0)) * jax.random.normal(key, shape) - math.log(2.0) / 2
    ),
}


def positive(
    shape: tuple[int, ...], mean: float, *, key: Key[Array, ""], distribution: str = "exponential"
) -> Float[Array, ...]:
    """Draw positive weights of a given mean.

    Args:
        shape: shape of the array, with any number of axes.
        mean: mean of the distribution; also the standard deviation of the exponential and the
            lognormal.
        key: a typed PRNG key.
        distribution: ``"exponential"``, ``"gamma"`` (of shape 2), ``"uniform"`` (from 0 to twice
            the mean) or ``"lognormal"``.

    Raises:
        ValueError: the distribution is unknown.

    Example:
        >>> bool((positive((3, 2), 0.1, key=jax.random.key(0)) >= 0).all())
        True
    """
    checks.choice("distribution", distribution, _DISTRIBUTIONS)
    return mean * _DISTRIBUTIONS[distribution](key, shape)


def uniform(shape: Shape, *, key: Key[Array, ""]) -> Float[Array, "post pre"]:
    r"""Draw weights of a standard RNN from :math:`U[-1/\sqrt{n}, 1/\sqrt{n}]`, n its units.

    Args:
        shape: (n, pre); the bound is by the n hidden units for recurrent and input weights alike.
        key: a typed PRNG key.

    Example:
        >>> uniform((4, 4), key=jax.random.key(0)).shape
        (4, 4)

    Reference:
        Li et al. 2023, section 2.2 (PyTorch's default).
    """
    bound = 1 / math.sqrt(shape[0])
    return jax.random.uniform(key, shape, minval=-bound, maxval=bound)


def glorot_uniform(shape: Shape, *, key: Key[Array, ""]) -> Float[Array, "post pre"]:
    r"""Draw weights from :math:`U[-a, a]`, :math:`a = \sqrt{6 / (n_{pre} + n_{post})}`.

    Args:
        shape: (post, pre).
        key: a typed PRNG key.

    Example:
        >>> glorot_uniform((4, 3), key=jax.random.key(0)).shape
        (4, 3)

    Reference:
        Glorot & Bengio 2010 (Keras' default for input weights).
    """
    return jax.nn.initializers.glorot_uniform(in_axis=1, out_axis=0)(jnp.asarray(key), shape)


def normal(shape: Shape, *, key: Key[Array, ""]) -> Float[Array, "post pre"]:
    r"""Draw normal weights with mean 0 and standard deviation :math:`\sqrt{2/n_{pre}}` (read-outs).

    Args:
        shape: (post, pre); n_pre = pre.
        key: a typed PRNG key.

    Example:
        >>> normal((10, 4), key=jax.random.key(0)).shape
        (10, 4)

    Reference:
        He et al. 2015; the published code of Li et al. 2023.
    """
    return math.sqrt(2 / shape[1]) * jax.random.normal(key, shape)


def orthogonal(shape: Shape, *, key: Key[Array, ""]) -> Float[Array, "post pre"]:
    """Draw a matrix whose singular values are all 1, from the uniform (Haar) distribution.

    Args:
        shape: (post, pre).
        key: a typed PRNG key.

    Example:
        >>> W = orthogonal((3, 3), key=jax.random.key(0))
        >>> bool(jnp.allclose(W @ W.T, jnp.eye(3), atol=1e-5))
        True

    Reference:
        Saxe et al. 2014.
    """
    draw = jax.nn.initializers.orthogonal()
    # Sequential under vmap: several batched factorisations of jaxlib at once can deadlock on a CPU
    # with few cores.
    sequential = jax.custom_batching.sequential_vmap(
        lambda key: draw(key, shape, jnp.zeros(()).dtype)
    )
    return sequential(key)


def identity(shape: Shape, *, key: Key[Array, ""]) -> Float[Array, "post pre"]:
    """Make the identity matrix.

    Args:
        shape: (post, pre); a matrix that is not square has ones on its main diagonal.
        key: a typed PRNG key, not used: all initialisers have the same arguments.

    Example:
        >>> identity((2, 2), key=jax.random.key(0)).tolist()
        [[1.0, 0.0], [0.0, 1.0]]

    Reference:
        Le, Jaitly & Hinton 2015.
    """
    del key
    return jnp.eye(*shape)


def from_spectrum(
    shape: Shape, singular_values: Float[Array, " k"], *, key: Key[Array, ""]
) -> Float[Array, "post pre"]:
    r"""Draw a matrix with given singular values and random singular vectors.

    .. math:: W = U \Sigma V^\top, \qquad U, V \text{ uniformly orthogonal}

    To keep the singular vectors of a given matrix, use :func:`dalejax.spectrum.transplant`.

    Args:
        shape: (post, pre).
        singular_values: the diagonal of Sigma [min(post, pre)].
        key: a typed PRNG key.

    Raises:
        ValueError: the number of singular values does not fit the shape.

    Example:
        >>> W = from_spectrum((3, 3), jnp.array([3.0, 2.0, 1.0]), key=jax.random.key(0))
        >>> [round(float(s), 4) for s in jnp.linalg.svd(W, compute_uv=False)]
        [3.0, 2.0, 1.0]

    Reference:
        Li et al. 2023, section 2.3.1.
    """
    k = min(shape)
    if singular_values.shape != (k,):
        raise ValueError(
            f"the singular values have shape {singular_values.shape}; a matrix of shape {shape} "
            f"has {k}."
        )
    key_left, key_right = jax.random.split(key)
    left = orthogonal((shape[0], k), key=key_left)
    right = orthogonal((k, shape[1]), key=key_right)
    return (left * singular_values) @ right


def scale_to_radius(W: Float[Array, "n n"], rho: float | Float[Array, ""]) -> Float[Array, "n n"]:
    r"""Scale a matrix to a given spectral radius, :math:`W \leftarrow (\rho/\rho_0) W`.

    A matrix of spectral radius 0, such as a feedforward one, is returned unchanged.

    Args:
        W: square matrix [n, n], with spectral radius rho_0.
        rho: the spectral radius of the result.

    Example:
        >>> scale_to_radius(jnp.diag(jnp.array([2.0, 1.0])), 1.0).tolist()
        [[1.0, 0.0], [0.0, 0.5]]

    Reference:
        Song et al. 2016; Li et al. 2023, section 2.2.
    """
    radius = spectral_radius(W)
    return W * jnp.where(radius > 0, rho / jnp.where(radius > 0, radius, 1), 1)
