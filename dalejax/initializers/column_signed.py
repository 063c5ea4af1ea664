"""Weights of ColEI networks: each column has one sign, and a unit's inputs balance on average."""

from __future__ import annotations

import math

import jax.numpy as jnp

from dalejax import checks, signs
from dalejax.initializers.standard import Shape, positive, scale_to_radius
from dalejax.types import Array, Float, Key


def colei(
    shape: Shape,
    n_i: int,
    *,
    key: Key[Array, ""],
    distribution: str = "exponential",
    zero_diagonal: bool = False,
    rho: float | Float[Array, ""] | None = None,
) -> Float[Array, "post pre"]:
    r"""Draw a matrix of n_e excitatory and n_i inhibitory columns; its rows sum to 0 on average.

    .. math:: s_e = \left[\tfrac{2\pi-1}{2\pi}\left(n_e + \tfrac{n_e^2}{n_i}\right)\right]^{-1/2},
              \qquad s_i = \tfrac{n_e}{n_i} s_e,
              \qquad w_e \sim \mathrm{Exp}(s_e),\ w_i \sim -\mathrm{Exp}(s_i)

    Args:
        shape: (post, pre); pre = n_e + n_i.
        n_i: number of inhibitory columns, the last ones, from 1 to pre - 1.
        key: a typed PRNG key.
        distribution: distribution of the weights' magnitudes, a name that :func:`positive` takes.
        zero_diagonal: whether self-connections are 0 at the start (training may change them).
        rho: spectral radius that W is scaled to (square matrices only); None for no scaling.

    Raises:
        ValueError: n_i is not between 1 and pre - 1, or rho is not positive.

    Example:
        >>> import jax
        >>> W = colei((10, 10), 2, key=jax.random.key(0))
        >>> bool((W[:, :8] >= 0).all() and (W[:, 8:] <= 0).all())
        True

    Reference:
        Li et al. 2023, section 2.2; Cornford et al. 2021, appendix C.1.
    """
    signs.check_populations(shape[1], n_i)
    if rho is not None:
        checks.positive("rho", rho)
    n_e = shape[1] - n_i
    mean_e = ((2 * math.pi - 1) / (2 * math.pi) * (n_e + n_e**2 / n_i)) ** -0.5
    means = jnp.where(jnp.arange(shape[1]) < n_e, mean_e, -n_e / n_i * mean_e)[None, :]
    magnitudes = positive(shape, 1.0, key=key, distribution=distribution)
    if zero_diagonal:
        magnitudes = jnp.where(jnp.eye(*shape, dtype=bool), 0.0, magnitudes)
    # `where` keeps -0.0 out of the inhibitory columns, which is not legal.
    W = jnp.where(magnitudes > 0, means * magnitudes, 0.0)
    return W if rho is None else scale_to_radius(W, rho)


def colei_input(
    shape: Shape, *, key: Key[Array, ""], distribution: str = "exponential"
) -> Float[Array, "post pre"]:
    r"""Draw positive weights with mean :math:`1/\sqrt{n_{in}}`, for excitatory inputs.

    Args:
        shape: (post, n_in).
        key: a typed PRNG key.
        distribution: distribution of the weights, a name that :func:`positive` takes.

    Example:
        >>> import jax
        >>> bool((colei_input((3, 5), key=jax.random.key(0)) >= 0).all())
        True

    Reference:
        Cornford et al. 2021, appendix C.1; first-layer U of Li et al. 2023.
    """
    return positive(shape, 1 / math.sqrt(shape[1]), key=key, distribution=distribution)
