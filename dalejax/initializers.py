"""How weights start: uniform, ColEI, DANN, orthogonal, identity, or made from a spectrum.

Each initialiser takes its sizes from a shape ``(post, pre)`` and a keyword-only key, is a pure
function, and works under ``vmap``. All matrices are ``[post, pre]``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from dalejax import checks, signs
from dalejax.spectrum import spectral_radius
from dalejax.types import Array, Float, Key

Shape = tuple[int, int]

# Positive distributions with mean 1. The exponential is the papers'; lognormal has the same
# standard deviation (1); gamma is Song et al.'s with shape 2; uniform is on [0, 2).
_DISTRIBUTIONS: dict[str, Callable[[Array, tuple[int, ...]], Array]] = {
    "exponential": lambda key, shape: jax.random.exponential(key, shape),
    "gamma": lambda key, shape: jax.random.gamma(key, 2.0, shape) / 2.0,
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

    Args:
        W: square matrix [n, n].
        rho: the radius wanted.

    Example:
        >>> scale_to_radius(jnp.diag(jnp.array([2.0, 1.0])), 1.0).tolist()
        [[1.0, 0.0], [0.0, 0.5]]

    Reference:
        Song et al. 2016; Li et al. 2023, section 2.2.
    """
    return W * (rho / spectral_radius(W))


def colei(
    shape: Shape,
    n_i: int,
    *,
    key: Key[Array, ""],
    distribution: str = "exponential",
    zero_diagonal: bool = False,
    rho: float | Float[Array, ""] | None = None,
) -> Float[Array, "post pre"]:
    r"""Draw a column-signed matrix, balanced in expectation: n_e excitatory columns, then n_i.

    .. math:: s_e = \left[\tfrac{2\pi-1}{2\pi}\left(n_e + \tfrac{n_e^2}{n_i}\right)\right]^{-1/2},
              \qquad s_i = \tfrac{n_e}{n_i} s_e,
              \qquad w_e \sim \mathrm{Exp}(s_e),\ w_i \sim -\mathrm{Exp}(s_i)

    Args:
        shape: (post, pre); pre = n_e + n_i.
        n_i: inhibitory columns, the last ones.
        key: a typed PRNG key.
        distribution: of the magnitudes, see :func:`positive`.
        zero_diagonal: start without self-connections (they may grow afterwards).
        rho: scale to this spectral radius (square matrices only); None leaves it.

    Raises:
        ValueError: n_i is not between 1 and pre - 1.

    Example:
        >>> W = colei((10, 10), 2, key=jax.random.key(0))
        >>> bool((W[:, :8] >= 0).all() and (W[:, 8:] <= 0).all())
        True

    Reference:
        Li et al. 2023, section 2.2; Cornford et al. 2021, appendix C.1.
    """
    signs.check_populations(shape[1], n_i)
    n_e = shape[1] - n_i
    mean_e = ((2 * math.pi - 1) / (2 * math.pi) * (n_e + n_e**2 / n_i)) ** -0.5
    means = jnp.where(jnp.arange(shape[1]) < n_e, mean_e, -n_e / n_i * mean_e)
    W = means * positive(shape, 1.0, key=key, distribution=distribution)
    if zero_diagonal:
        W = jnp.where(jnp.eye(*shape, dtype=bool), 0.0, W)
    return W if rho is None else scale_to_radius(W, rho)


def colei_input(
    shape: Shape, *, key: Key[Array, ""], distribution: str = "exponential"
) -> Float[Array, "post pre"]:
    r"""Draw all-positive weights for inputs that are all excitatory, :math:`\mathrm{Exp}(1/\sqrt{n_{in}})`.

    Args:
        shape: (post, n_in).
        key: a typed PRNG key.
        distribution: of the weights, see :func:`positive`.

    Example:
        >>> bool((colei_input((3, 5), key=jax.random.key(0)) >= 0).all())
        True

    Reference:
        Cornford et al. 2021, appendix C.1; first-layer U of Li et al. 2023.
    """  # noqa: E501
    return positive(shape, 1 / math.sqrt(shape[1]), key=key, distribution=distribution)


class DANNWeights(NamedTuple):
    """The three non-negative matrices of a Dale's-ANN layer.

    Attributes:
        ee: excitatory to excitatory [n_e, pre].
        ie: excitatory to inhibitory [n_i, pre].
        ei: inhibitory to excitatory [n_e, n_i].
    """

    ee: Float[Array, "n_e pre"]
    ie: Float[Array, "n_i pre"]
    ei: Float[Array, "n_e n_i"]


def dann(
    shape: Shape,
    n_i: int,
    mean: float,
    *,
    key: Key[Array, ""],
    inhibition: str = "mean_row",
    distribution: str = "exponential",
) -> DANNWeights:
    r"""Draw a Dale's-ANN layer whose inhibition balances its excitation.

    .. math:: W^{EE} \sim \mathrm{Exp}(s), \qquad \sum_k W^{EI}_{jk} = 1, \qquad
              W^{IE}_{k\cdot} = \tfrac{1}{n_e}\sum_j W^{EE}_{j\cdot}

    Args:
        shape: (n_e, pre).
        n_i: interneurons, on top of the n_e units; at least 1.
        mean: s, mean of the excitatory weights; see :func:`dann_mean`.
        key: a typed PRNG key.
        inhibition: ``"mean_row"`` (each row of W_ie is the mean row of W_ee) or ``"iid"``
            (W_ie drawn like W_ee).
        distribution: of the weights, see :func:`positive`.

    Raises:
        ValueError: n_i < 1, or the inhibition's name is unknown.

    Example:
        >>> ee, ie, ei = dann((4, 4), 2, 0.1, key=jax.random.key(0))
        >>> ee.shape, ie.shape, ei.shape
        ((4, 4), (2, 4), (4, 2))

    Reference:
        Li et al. 2023, section 2.2; Cornford et al. 2021, algorithm 1.
    """
    checks.whole("n_i", n_i)
    checks.choice("inhibition", inhibition, ("mean_row", "iid"))
    n_e, pre = shape
    key_ee, key_ei, key_ie = jax.random.split(key, 3)
    ee = positive((n_e, pre), mean, key=key_ee, distribution=distribution)
    ei = positive((n_e, n_i), 1.0, key=key_ei, distribution=distribution)
    ei = ei / ei.sum(1, keepdims=True)
    if inhibition == "mean_row":
        ie = jnp.broadcast_to(ee.mean(0), (n_i, pre))
    else:
        ie = positive((n_i, pre), mean, key=key_ie, distribution=distribution)
    return DANNWeights(ee, ie, ei)


def dann_mean(n_e: int) -> float:
    r"""Compute the mean excitatory weight that gives a DANN an RNN's variance.

    .. math:: s = 1 / \sqrt{3 (n_e - 1)}

    Args:
        n_e: excitatory units, at least 2.

    Raises:
        ValueError: n_e < 2: one unit's row is its own mean row, and nothing is left of it.

    Example:
        >>> round(dann_mean(100), 4)
        0.058

    Reference:
        Li et al. 2023, section 2.2 (its variance, n / (3 n (n - 1))).
    """
    if n_e < 2:
        raise ValueError(f"n_e is {n_e}; a recurrent Dale's ANN needs at least 2 excitatory units.")
    return 1 / math.sqrt(3 * (n_e - 1))
