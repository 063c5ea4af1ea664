"""Weights without structure: positive, uniform, normal, orthogonal, or made from a spectrum."""

from __future__ import annotations

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp

from dalejax import checks
from dalejax.spectrum import spectral_radius
from dalejax.types import Array, Float, Key

Shape = tuple[int, int]

# Positive distributions with mean 1. The exponential is the papers'; lognormal has the same
# standard deviation (1); gamma is Song et al.'s with shape 2; uniform is on [0, 2).
_DISTRIBUTIONS: dict[str, Callable[[Array, tuple[int, ...]], Array]] = {
    "exponential": lambda key, shape: jax.random.exponential(key, shape),
    # A gamma of shape 2 is the sum of two exponentials, which compile and run in a fraction of the
    # time of XLA's rejection loop.
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
        shape: any shape.
        mean: their mean; for exponential and lognormal also their standard deviation.
        key: a typed PRNG key.
        distribution: ``"exponential"``, ``"gamma"``, ``"uniform"`` or ``"lognormal"``.

    Raises:
        ValueError: the distribution is unknown.

    Example:
        >>> bool((positive((3, 2), 0.1, key=jax.random.key(0)) >= 0).all())
        True
    """
    checks.choice("distribution", distribution, _DISTRIBUTIONS)
    return mean * _DISTRIBUTIONS[distribution](key, shape)


def uniform(shape: Shape, *, key: Key[Array, ""]) -> Float[Array, "post pre"]:
    r"""Draw a standard RNN's weights, :math:`U[-1/\sqrt{n}, 1/\sqrt{n}]` with n the rows.

    Args:
        shape: (n, pre); input and recurrent weights alike are bounded by the n hidden units.
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
    return jax.nn.initializers.glorot_uniform(in_axis=1, out_axis=0)(key, shape)


def normal(shape: Shape, *, key: Key[Array, ""]) -> Float[Array, "post pre"]:
    r"""Draw a standard read-out's weights, normal with standard deviation :math:`\sqrt{2/n_{in}}`.

    Args:
        shape: (post, pre), n_in being pre.
        key: a typed PRNG key.

    Example:
        >>> normal((10, 4), key=jax.random.key(0)).shape
        (10, 4)

    Reference:
        He et al. 2015; the published code of Li et al. 2023.
    """
    return math.sqrt(2 / shape[1]) * jax.random.normal(key, shape)


def orthogonal(shape: Shape, *, key: Key[Array, ""]) -> Float[Array, "post pre"]:
    """Draw a matrix whose singular values are all 1, uniformly (Haar).

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
    # One by one under vmap: jaxlib's batched factorisations, several of them at once, can wait for
    # each other for ever on a CPU with few cores.
    one_by_one = jax.custom_batching.sequential_vmap(
        lambda key: draw(key, shape, jnp.zeros(()).dtype)
    )
    return one_by_one(key)


def identity(shape: Shape, *, key: Key[Array, ""]) -> Float[Array, "post pre"]:
    """Make the identity (the key is not used; every initialiser takes one).

    Args:
        shape: (post, pre).
        key: a typed PRNG key.

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

    To keep the vectors of a given matrix, use :func:`dalejax.spectrum.transplant`.

    Args:
        shape: (post, pre).
        singular_values: [min(post, pre)].
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
    r"""Scale a matrix to a spectral radius, :math:`W \leftarrow (\rho/\rho_0) W`.

    A matrix of radius 0, as one whose synapses close no loop, stays as it is.

    Args:
        W: square matrix [n, n].
        rho: the radius wanted.

    Example:
        >>> scale_to_radius(jnp.diag(jnp.array([2.0, 1.0])), 1.0).tolist()
        [[1.0, 0.0], [0.0, 0.5]]

    Reference:
        Song et al. 2016; Li et al. 2023, section 2.2.
    """
    radius = spectral_radius(W)
    return W * jnp.where(radius > 0, rho / jnp.where(radius > 0, radius, 1), 1)
