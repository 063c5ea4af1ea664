"""Column-signed weights: each column excites or inhibits, in balance."""

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
    W = jnp.where(magnitudes > 0, means * magnitudes, 0.0)  # an absent synapse is 0, not -0
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
        >>> import jax
        >>> bool((colei_input((3, 5), key=jax.random.key(0)) >= 0).all())
        True

    Reference:
        Cornford et al. 2021, appendix C.1; first-layer U of Li et al. 2023.
    """  # noqa: E501
    return positive(shape, 1 / math.sqrt(shape[1]), key=key, distribution=distribution)
