"""Cross-correlation of images with filters, with a gradient that is fast inside compiled loops.

XLA's CPU backend is fast for one memory layout of convolutions, and converts others to it only
outside loops. Inside the scan over updates, the gradient that JAX derives is thirty to a hundred
times slower. The gradient is therefore written here, as convolutions in the fast layout.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from dalejax.types import Array, Float

Pads = tuple[tuple[int, int], tuple[int, int]]


def correlate(
    x: Float[Array, "b height width n_in"],
    filters: Float[Array, "k k n_in n_out"],
    stride: int = 1,
    padding: str = "SAME",
) -> Float[Array, "b rows cols n_out"]:
    r"""Correlate images with filters: the product of the filters with the pixels at every position.

    .. math:: y_{p} = \sum_{d \in \{0, \dots, k-1\}^2} F_d^\top x_{\mathrm{stride} \cdot p + d - z}

    for output position p, with z the number of zeros padded before the image (0 for ``"VALID"``).

    Args:
        x: images [b, height, width, n_in].
        filters: F [k, k, n_in, n_out].
        stride: distance from one position to the next, in pixels.
        padding: ``"SAME"`` (pixels / stride positions, rounded up; zeros around) or ``"VALID"``.

    Returns:
        y [b, rows, cols, n_out].

    Raises:
        ValueError: the padding is ``"VALID"`` and the filters are larger than the images.

    Example:
        >>> correlate(jnp.ones((1, 3, 3, 1)), jnp.ones((3, 3, 1, 1)))[0, :, :, 0].tolist()
        [[4.0, 6.0, 4.0], [6.0, 9.0, 6.0], [4.0, 6.0, 4.0]]

    Reference:
        Cornford et al. 2021, eq. 15.
    """
    sides, k = x.shape[1:3], len(filters)
    if padding == "VALID" and k > min(sides):
        raise ValueError(f"the pictures are {sides}; filters of {k} pixels need padding 'SAME'.")
    dtype = jnp.promote_types(x.dtype, filters.dtype)
    x, filters = x.astype(dtype), filters.astype(dtype)
    vertical, horizontal = lax.padtype_to_pads(sides, (k, k), (stride, stride), padding)
    pads = vertical, horizontal
    if k > min(sides):  # XLA's convolution is twenty times slower for such filters
        return _product_of_patches(x, filters, stride, pads)
    return _convolved(x, filters, stride, pads)


def _product_of_patches(x: Array, filters: Array, stride: int, pads: Pads) -> Array:
    """Compute the correlation as one matrix product of all patches with the filters."""
    k, _, n_in, n_out = filters.shape
    x = jnp.pad(x, ((0, 0), *pads, (0, 0)))
    rows, cols = ((side - k) // stride + 1 for side in x.shape[1:3])
    patches = jnp.concatenate(
        [
            x[:, i : i + stride * rows : stride, j : j + stride * cols : stride]
            for i in range(k)
            for j in range(k)
        ],
        axis=-1,
    )
    return patches @ filters.reshape(k * k * n_in, n_out)


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _convolved(x: Array, filters: Array, stride: int, pads: Pads) -> Array:
    return _conv(x, filters, pads, window_strides=(stride, stride))


def _forward(x, filters, stride, pads):
    return _convolved(x, filters, stride, pads), (x, filters)


def _backward(stride, pads, residuals, dy):
    x, filters = residuals
    k, between = len(filters), {"lhs_dilation": (stride, stride)}
    # Gradient of x: dy, spaced out by the stride, correlated with the filters rotated by 180°.
    reach = [  # zeros to pad before and after dy
        (k - 1 - low, side + low - 1 - stride * (positions - 1))
        for side, positions, (low, _) in zip(x.shape[1:3], dy.shape[1:3], pads, strict=True)
    ]
    dx = _conv(dy, filters[::-1, ::-1].transpose(0, 1, 3, 2), reach, **between)
    # Gradient of the filters: x correlated with dy, where the trials b are the channels.
    d_filters = _conv(
        x.transpose(3, 1, 2, 0), dy.transpose(1, 2, 0, 3), pads, rhs_dilation=(stride, stride)
    )
    return dx, d_filters[:, :k, :k].transpose(1, 2, 0, 3)


def _conv(x, filters, pads, window_strides=(1, 1), **dilation):
    return lax.conv_general_dilated(
        x, filters, window_strides, pads, dimension_numbers=("NHWC", "HWIO", "NHWC"), **dilation
    )


_convolved.defvjp(_forward, _backward)
