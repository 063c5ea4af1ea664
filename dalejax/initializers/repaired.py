"""The repaired start: column-signed weights with a chosen, flat or nearly flat spectrum.

A few strong synapses of each unit fix the singular values; a weak background makes W dense.
"""

from __future__ import annotations

import functools
import math

import jax
import jax.numpy as jnp
from jax.core import Tracer

from dalejax import checks, signs
from dalejax.initializers.standard import Shape
from dalejax.types import Array, Float, Key


def colei_spectral(
    shape: Shape,
    n_i: int,
    singular_values: Float[Array, " k"],
    *,
    key: Key[Array, ""],
    background: float = 0.0,
) -> Float[Array, "post pre"]:
    r"""Draw a column-signed matrix whose singular values are exactly those given.

    .. math:: W = (B + c\, 1 1^\top)\, D, \qquad B \ge 0, \quad D = \mathrm{diag}(\pm 1)

    D holds the signs of the columns. If post >= pre, B has one entry above 0 in each row, at random
    places such that columns have equally many (to within one); if post < pre, rows and columns
    change roles. Its columns (or rows) are then nonzero at different places, so they are orthogonal
    whatever their signs, and their norms are the singular values. A square B is a random cyclic
    permutation matrix times the singular values in random order; it has no self-connections if
    n > 1. Only such a B gives a square W equal singular values, because non-negative columns are
    orthogonal only if they are nonzero at different places.

    With a background c > 0 W is dense, and its singular values change. If those of an n by n B all
    equal s, then W has s + n c once and s otherwise, which is the smallest ratio of the largest
    singular value to the root mean square for its columns' participation
    (:func:`dalejax.spectrum.participation`). For other singular values of B, each of W's but the
    largest lies between two neighbouring ones of B.

    Args:
        shape: (post, pre).
        n_i: number of inhibitory columns, the last ones, from 0 to pre - 1.
        singular_values: singular values of B [min(post, pre)], not negative, in any order.
        key: a typed PRNG key.
        background: c, added to the magnitude of every entry, 0 or positive.

    Raises:
        ValueError: n_i or the background is out of range, the number of singular values does not
            fit the shape, or a singular value is negative or NaN (not checked if traced).

    Example:
        >>> W = colei_spectral((3, 3), 1, jnp.array([3.0, 2.0, 1.0]), key=jax.random.key(0))
        >>> [round(float(s), 4) for s in jnp.linalg.svd(W, compute_uv=False)]
        [3.0, 2.0, 1.0]
        >>> bool((W[:, :2] >= 0).all() and (W[:, 2] <= 0).all() and (jnp.diag(W) == 0).all())
        True

    Reference:
        Construction of dalejax; Li et al. 2023, section 4, name such a start as an open question.
    """
    post, pre = shape
    longer, shorter = max(shape), min(shape)
    checks.not_negative("background", background)
    if not 0 <= n_i < pre:
        raise ValueError(f"n_i is {n_i}; it must be from 0 to {pre - 1}, below the {pre} columns.")
    if singular_values.shape != (shorter,):
        raise ValueError(
            f"the singular values have shape {singular_values.shape}; a matrix of shape {shape} "
            f"has {shorter}."
        )
    if not isinstance(singular_values, Tracer) and not (singular_values >= 0).all():
        raise ValueError(
            f"a singular value is {singular_values.min()}; none of them may be negative or NaN."
        )
    key_lines, key_values = jax.random.split(key)
    values = jax.random.permutation(key_values, singular_values)
    if post == pre:
        order = jax.random.permutation(key_lines, longer)
        line = jnp.zeros_like(order).at[order].set(jnp.roll(order, -1))
    else:
        line = jax.random.permutation(key_lines, jnp.arange(longer) % shorter)
    sizes = jnp.bincount(line, length=shorter)  # entries in each row or column of the shorter side
    entries = (values / jnp.sqrt(sizes))[line]
    along = jnp.arange(longer)
    where = (line, along) if pre >= post else (along, line)
    W = jnp.full(shape, background, entries.dtype).at[where].add(entries)
    # `where` keeps -0.0 out of the inhibitory columns, which is not legal.
    return jnp.where(W > 0, W * signs.column_signs(pre, n_i), 0)


def colei_flat(
    shape: Shape,
    n_i: int,
    rms: float,
    *,
    key: Key[Array, ""],
    synapses: int = 1,
    background: float = 0.0,
    balanced: bool = False,
) -> Float[Array, "post pre"]:
    r"""Draw column-signed weights with k synapses a unit and a flat or nearly flat spectrum.

    .. math:: W = \sum_{j=1}^{k} W_j, \qquad \sigma_i(W_j) = \frac{s}{\sqrt k} \text{ for all } i

    where the W_j are independent draws of :func:`colei_spectral`. For k = 1 all singular values of
    W are equal; for larger k, without balance and background, the largest is at most
    :math:`\sqrt k s`. If post >= pre, each row has k synapses and each column k post / pre on
    average; if post < pre, each column has k and each row k pre / post. (Synapses of two draws may
    fall on the same entry.)

    ``balanced=True`` multiplies the inhibitory columns by a factor f, and then W by another factor,
    so that all weights sum to 0 and the Frobenius norm is unchanged:

    .. math:: f = \frac{\sum_{W_{ij} > 0} W_{ij}}{\sum_{W_{ij} < 0} |W_{ij}|}

    An input that is the same for all columns then cancels on average over the rows, and the
    spectrum is no longer flat.

    Args:
        shape: (post, pre).
        n_i: number of inhibitory columns, the last ones, from 0 to pre - 1.
        rms: s, root mean square of the singular values of W if no two synapses fall on the same
            entry and the background is 0.
        key: a typed PRNG key.
        synapses: k, at least 1.
        background: added to the magnitude of every entry of each W_j, 0 or positive.
        balanced: whether all weights sum to 0; needs n_i >= 1.

    Raises:
        ValueError: ``synapses`` is below 1, ``rms`` is not positive, ``balanced`` is True and n_i
            is 0, or n_i or ``background`` is out of range.

    Example:
        >>> W = colei_flat((4, 4), 1, 0.5, key=jax.random.key(0))
        >>> [round(float(s), 4) for s in jnp.linalg.svd(W, compute_uv=False)]
        [0.5, 0.5, 0.5, 0.5]
        >>> W = colei_flat((4, 4), 1, 0.5, key=jax.random.key(0), balanced=True)
        >>> round(abs(float(W.sum())), 4), round(float(jnp.linalg.norm(W)), 4)  # 0.5 sqrt(4)
        (0.0, 1.0)

    Reference:
        As :func:`colei_spectral`.
    """
    checks.whole("synapses", synapses)
    checks.positive("rms", rms)
    if balanced and not n_i:
        raise ValueError("n_i is 0; balanced weights need inhibitory columns, at least 1.")
    values = jnp.full(min(shape), rms / math.sqrt(synapses))
    keys = jax.random.split(key, synapses)
    draws = [colei_spectral(shape, n_i, values, key=k, background=background) for k in keys]
    W = functools.reduce(jnp.add, draws)
    return _balance(W) if balanced else W


def _balance(W: Float[Array, "post pre"]) -> Float[Array, "post pre"]:
    """Scale the inhibitory weights so that all weights sum to 0, then W to its norm before."""
    factor = jnp.where(W > 0, W, 0).sum() / jnp.where(W < 0, -W, 0).sum()
    level = jnp.where(W < 0, factor * W, W)
    return level * (jnp.linalg.norm(W) / jnp.linalg.norm(level))
