"""Column-signed weights whose spectrum is chosen: few strong synapses, and a weak background."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

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
    r"""Draw a column-signed matrix with given singular values, exactly.

    .. math:: W = (B + c\, 1 1^\top)\, D, \qquad B \ge 0, \quad D = \mathrm{diag}(\pm 1)

    B has one entry in every line of its longer side, dealt out evenly over the shorter one: lines
    that share no entry are orthogonal whatever their signs, and their norms are the singular
    values. A square B is a cyclic permutation times them, in random order, without
    self-connections where n > 1. For equal singular values of a square matrix there is no other
    way: non-negative lines are orthogonal only where they share no entry.

    A background c > 0 makes W dense. With equal singular values s of an n by n matrix the new ones
    are s + n c, once, and s, and the largest over their root mean square is the least that the
    columns' participation allows (:func:`dalejax.spectrum.participation`). With any others all but
    the largest stay between their neighbours.

    Args:
        shape: (post, pre).
        n_i: inhibitory columns, the last ones, from 0 to pre - 1.
        singular_values: those of B [min(post, pre)], not negative, in any order.
        key: a typed PRNG key.
        background: c, what every synapse has on top, 0 or positive.

    Raises:
        ValueError: n_i or the background is out of range, the number of singular values does not
            fit the shape, or one that is known (not traced) is negative.

    Example:
        >>> W = colei_spectral((3, 3), 1, jnp.array([3.0, 2.0, 1.0]), key=jax.random.key(0))
        >>> [round(float(s), 4) for s in jnp.linalg.svd(W, compute_uv=False)]
        [3.0, 2.0, 1.0]
        >>> bool((W[:, :2] >= 0).all() and (W[:, 2] <= 0).all() and (jnp.diag(W) == 0).all())
        True

    Reference:
        None but this: Li et al. 2023, section 4, ask for it.
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
    if not isinstance(singular_values, jax.core.Tracer) and not (singular_values >= 0).all():
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
    sizes = jnp.bincount(line, length=shorter)  # entries that share a line of the shorter side
    entries = (values / jnp.sqrt(sizes))[line]
    along = jnp.arange(longer)
    where = (line, along) if pre >= post else (along, line)
    W = jnp.full(shape, background, entries.dtype).at[where].add(entries)
    return jnp.where(W > 0, W * signs.column_signs(pre, n_i), 0)  # an absent synapse is 0, not -0


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
    r"""Draw column-signed weights of few strong synapses, whose spectrum is flat or nearly so.

    .. math:: W = \sum_{j=1}^{k} W_j, \qquad \sigma(W_j) = \frac{s}{\sqrt k} \text{ throughout}

    each drawn by itself (:func:`colei_spectral`). One alone has all its singular values equal; of
    k without balance, the largest is at most :math:`\sqrt k s`. Every line of the longer side has
    k synapses, every line of the shorter one that many times the quotient of the sides.

    Balanced, the inhibitory columns are multiplied by a factor f, and then all by another, so that
    the weights sum to 0 and their norm is what it was:

    .. math:: f = \frac{\sum_{W_{ij} > 0} W_{ij}}{\sum_{W_{ij} < 0} |W_{ij}|}

    What all inputs have in common cancels then on average over the units, and the singular values
    are no longer flat.

    Args:
        shape: (post, pre).
        n_i: inhibitory columns, the last ones, from 0 to pre - 1.
        rms: s, the singular values' root mean square (but for synapses that fall on one another,
            and without a background).
        key: a typed PRNG key.
        synapses: k, at least 1.
        background: what every synapse has on top of each W_j, 0 or positive.
        balanced: let excitation and inhibition have the same sum; wants inhibitory columns.

    Raises:
        ValueError: synapses is below 1, rms is not positive, balanced weights have no inhibitory
            columns, or as :func:`colei_spectral`.

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
    W = sum(colei_spectral(shape, n_i, values, key=k, background=background) for k in keys)
    return _balance(W) if balanced else W


def _balance(W):
    factor = jnp.where(W > 0, W, 0).sum() / jnp.where(W < 0, -W, 0).sum()
    level = jnp.where(W < 0, factor * W, W)
    return level * (jnp.linalg.norm(W) / jnp.linalg.norm(level))
