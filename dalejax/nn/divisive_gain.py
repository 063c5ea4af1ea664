"""Divisive inhibition of low rank, ``y = g a / gamma``, and its gradient in a recurrence.

In a recurrence the units and their interneurons receive the same states h, so one product with W
stacked on I, the weights onto the interneurons, serves both, in the forward and in the backward
pass. The gradients of the gain's parameters are computed from all time steps at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jax.typing import DTypeLike

from dalejax.types import Array, Float


def epsilon(dtype: DTypeLike) -> float:
    """Compute the constant that is added to gamma so that silent inputs do not divide by 0.

    Args:
        dtype: type of gamma. The constant is 1e-8; in float16, where 1e-8 rounds to 0, it is the
            smallest normal number.

    Example:
        >>> epsilon(jnp.float32)
        1e-08

    Reference:
        Published code of Cornford et al. 2021.
    """
    return max(1e-8, float(jnp.finfo(dtype).tiny))


class Gain(NamedTuple):
    r"""Divisive inhibition of low rank, which multiplies each unit's input by g / gamma.

    .. math:: y = \frac{g}{\gamma} \odot z, \qquad \gamma = D I x + 10^{-8}

    Attributes:
        g: gain of each unit [n].
        divider: D, weights of the division from interneurons to units, ``W_ei * exp(alpha)``
            [n, n_i].
        inhibition: I, weights from the inputs x to the interneurons, ``W_ie`` [n_i, pre].
    """

    g: Float[Array, " n"]
    divider: Float[Array, "n n_i"]
    inhibition: Float[Array, "n_i pre"]

    def apply(self, z: Float[Array, "*b n"], x: Float[Array, "*b pre"]) -> Float[Array, "*b n"]:
        """Multiply z by g / gamma, with gamma computed from the inputs x."""
        return self.divide(z, x @ self.inhibition.T)

    def divide(self, z: Float[Array, "*b n"], interneurons: Float[Array, "*b n_i"]) -> Array:
        """Multiply z by g / gamma, with gamma computed from the interneurons' activity I x."""
        gamma = self.gamma(interneurons)
        # The gradient divides by gamma^2, which in float16 would be 0 where the inputs are silent.
        wide = gamma.astype(jnp.promote_types(gamma.dtype, jnp.float32))
        return (self.g * z / wide).astype(jnp.result_type(self.g, z, gamma))

    def with_interneurons(self, W: Float[Array, "n pre"]) -> Float[Array, "n_both pre"]:
        """Stack the weights onto the interneurons, I, below W: [n + n_i, pre]."""
        return jnp.concatenate([W, self.inhibition])

    def gamma(self, interneurons: Float[Array, "*b n_i"]) -> Float[Array, "*b n"]:
        """Compute gamma from the interneurons' activity I x."""
        gamma = interneurons @ self.divider.T
        return gamma + epsilon(gamma.dtype)


class DivisionResiduals(NamedTuple):
    """Arrays that the forward pass of a division keeps for its backward pass.

    Attributes:
        z: products with ``gain.with_interneurons(W)`` [..., n + n_i]: first the units' input a,
            then the interneurons' activity.
        inverse: 1 / gamma [..., n].
    """

    z: Float[Array, "*b n_both"]
    inverse: Float[Array, "*b n"]


class DivisionGradients(NamedTuple):
    """Gradients that the backward pass of a division computes in every time step.

    Attributes:
        dz: gradient of :attr:`DivisionResiduals.z` [..., n + n_i].
        q: ``dy a / gamma^2`` [..., n], from which the gradients of g and D are computed.
    """

    dz: Float[Array, "*b n_both"]
    q: Float[Array, "*b n"]


def divide_and_keep(
    gain: Gain, z: Float[Array, "*b n_both"]
) -> tuple[Float[Array, "*b n"], DivisionResiduals]:
    """Divide the units' input a by gamma and keep what the gradient needs: ``y = g a / gamma``.

    Args:
        gain: the divisive inhibition.
        z: products with :meth:`Gain.with_interneurons` [..., n + n_i]: first the units' input a,
            then the interneurons' activity.

    Returns:
        y [..., n], and the residuals of the backward pass.

    Example:
        >>> one = jnp.ones((1, 1))
        >>> divide_and_keep(Gain(jnp.ones(1), 2 * one, one), jnp.array([[3.0, 0.5]]))[0].tolist()
        [[3.0]]

    Reference:
        Cornford et al. 2021, eq. 19.
    """
    n = len(gain.g)
    inverse = 1 / gain.gamma(z[..., n:])
    return gain.g * (z[..., :n] * inverse), DivisionResiduals(z, inverse)


def drive_gradient(
    gain: Gain,
) -> Callable[[DivisionResiduals, Float[Array, "*b n"]], DivisionGradients]:
    r"""Make the backward pass of :func:`divide_and_keep`: ``(residuals, dy) -> (dz, q)``.

    .. math:: \frac{\partial L}{\partial a} = \frac{g}{\gamma}\, dy, \qquad
              \frac{\partial L}{\partial \gamma} = -g\, q, \qquad q = \frac{dy\, a}{\gamma^2}

    Args:
        gain: the divisive inhibition. Its product with g is the same in all steps and is computed
            here, outside the scan.

    Returns:
        A function from the residuals and the gradient dy [..., n] of y to
        :class:`DivisionGradients`.
    """
    divider = -gain.g[:, None] * gain.divider

    def back(kept: DivisionResiduals, dy: Float[Array, "*b n"]) -> DivisionGradients:
        d_ratio = dy * kept.inverse
        q = d_ratio * (kept.z[..., : len(gain.g)] * kept.inverse)
        return DivisionGradients(jnp.concatenate([gain.g * d_ratio, q @ divider], axis=-1), q)

    return back


def gain_gradient(
    gain: Gain, z: Float[Array, "rows n_both"], q: Float[Array, "rows n"]
) -> tuple[Float[Array, " n"], Float[Array, "n n_i"]]:
    r"""Compute the gradients of g and of the divider D from all time steps and trials at once.

    .. math:: dD = -g \odot q^\top y_I, \qquad dg = \sum q\, \gamma, \qquad
              \gamma = D y_I + \epsilon

    with :math:`y_I` the interneurons' activity. As gamma is linear in it, the products
    :math:`q^\top y_I`, with a constant 1 appended to :math:`y_I` for epsilon, give both. (The
    gradient of I is part of that of z.)

    Args:
        gain: the divisive inhibition.
        z: :attr:`DivisionResiduals.z` of all steps and trials [t b, n + n_i].
        q: :attr:`DivisionGradients.q` of all steps and trials [t b, n].

    Returns:
        dg [n] and dD [n, n_i].
    """
    interneurons = jnp.pad(z[:, len(gain.g) :], ((0, 0), (0, 1)), constant_values=1)
    products = (interneurons.T @ q).T
    d_g = (gain.divider * products[:, :-1]).sum(1) + epsilon(products.dtype) * products[:, -1]
    return d_g, -gain.g[:, None] * products[:, :-1]
