"""Divisive inhibition of low rank: what a unit hears is multiplied by g / gamma.

In a recurrence units and interneurons hear the same states, so one product serves both, forward and
backward; the gain's own gradient is made of all steps at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp

from dalejax.types import Any, Array, Float


def epsilon(dtype: Any) -> float:
    """Give what is added to every divisive gain, so that silence divides nothing by 0.

    Args:
        dtype: of the gain; in float16, where the authors' 1e-8 is 0, it is the smallest normal
            number.

    Example:
        >>> epsilon(jnp.float32)
        1e-08

    Reference:
        Published code of Cornford et al. 2021.
    """
    return max(1e-8, float(jnp.finfo(dtype).tiny))


class Gain(NamedTuple):
    r"""Divisive inhibition of low rank: a unit's product is multiplied by g / gamma.

    .. math:: \gamma = D I x + 10^{-8}

    Attributes:
        g: gain of each unit [n].
        divider: D, how strongly the interneurons divide, ``W_ei * exp(alpha)`` [n, n_i].
        inhibition: I, what drives the interneurons, ``W_ie`` [n_i, pre].
    """

    g: Float[Array, " n"]
    divider: Float[Array, "n n_i"]
    inhibition: Float[Array, "n_i pre"]

    def apply(self, z: Float[Array, "*b n"], x: Float[Array, "*b pre"]) -> Float[Array, "*b n"]:
        """Divide z by the gain that x makes."""
        return self.divide(z, x @ self.inhibition.T)

    def divide(self, z: Float[Array, "*b n"], interneurons: Float[Array, "*b n_i"]) -> Array:
        """Divide z by the gain that the interneurons make."""
        gamma = self.gamma(interneurons)
        # The gradient divides by gamma^2, which in float16 would be 0 (silence).
        wide = gamma.astype(jnp.promote_types(gamma.dtype, jnp.float32))
        return (self.g * z / wide).astype(jnp.result_type(self.g, z, gamma))

    def with_interneurons(self, W: Float[Array, "n pre"]) -> Float[Array, "n_both pre"]:
        """Put what drives the interneurons under W: one product for units and interneurons."""
        return jnp.concatenate([W, self.inhibition])

    def gamma(self, interneurons: Float[Array, "*b n_i"]) -> Float[Array, "*b n"]:
        """Compute gamma from the interneurons' activity."""
        gamma = interneurons @ self.divider.T
        return gamma + epsilon(gamma.dtype)


def divide_and_keep(
    gain: Gain, z: Float[Array, "*b n_both"]
) -> tuple[Float[Array, "*b n"], Float[Array, "*b n"]]:
    """Divide what units hear by their gain: ``y = g a / gamma``.

    Args:
        gain: the divisive inhibition.
        z: products with :meth:`Gain.with_interneurons` [..., n + n_i]: a of the units, then the
            interneurons.

    Returns:
        y, and 1 / gamma for the way back.

    Example:
        >>> one = jnp.ones((1, 1))
        >>> divide_and_keep(Gain(jnp.ones(1), 2 * one, one), jnp.array([[3.0, 0.5]]))[0].tolist()
        [[3.0]]

    Reference:
        Cornford et al. 2021, eq. 19.
    """
    n = len(gain.g)
    inverse = 1 / gain.gamma(z[..., n:])
    return gain.g * (z[..., :n] * inverse), inverse


# With y = g a / gamma: da = g dy / gamma, and d gamma = -g q with q = dy a / gamma^2.


def drive_gradient(gain: Gain) -> Callable[[Array, Array, Array], tuple[Array, Array]]:
    """Make ``(z, 1 / gamma, dy) -> (dz, q)``, of all q of which the gain's own gradient is made.

    z and dz are [..., n + n_i], all others [..., n]. What is the same in every step is made here.
    """
    divider = -gain.g[:, None] * gain.divider

    def back(z, inverse, dy):
        d_ratio = dy * inverse
        q = d_ratio * (z[..., : len(gain.g)] * inverse)
        return jnp.concatenate([gain.g * d_ratio, q @ divider], axis=-1), q

    return back


def gain_gradient(
    gain: Gain, z: Float[Array, "rows n_both"], q: Float[Array, "rows n"]
) -> tuple[Float[Array, " n"], Float[Array, "n n_i"]]:
    """Give the gradients of g and of the divider from all steps and trials, laid under each other.

    Epsilon is the weight of an interneuron that is always 1. As gamma is linear in the
    interneurons, their products with q hold dg as well: dy a / gamma = q gamma. (What drives
    the interneurons has its gradient from dz.)
    """
    interneurons = jnp.pad(z[:, len(gain.g) :], ((0, 0), (0, 1)), constant_values=1)
    products = (interneurons.T @ q).T
    d_g = (gain.divider * products[:, :-1]).sum(1) + epsilon(products.dtype) * products[:, -1]
    return d_g, -gain.g[:, None] * products[:, :-1]
