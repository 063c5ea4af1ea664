"""Non-normality of recurrent weights, and the transient growth of activity that it allows."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from dalejax import checks, spectrum
from dalejax.types import Array, Float


def henrici(W: Float[Array, "*s n n"]) -> Float[Array, "*s"]:
    r"""Compute Henrici's departure from normality, relative to the Frobenius norm.

    .. math:: d(W) = \frac{\sqrt{\|W\|_F^2 - \sum_i |\lambda_i|^2}}{\|W\|_F}

    It is 0 for normal matrices, 1 if all eigenvalues are 0, and otherwise the Frobenius norm of the
    Schur form's part above the diagonal, relative to that of W. In float32, rounding makes it about
    1e-3 for a normal matrix; float64 resolves smaller values.

    Args:
        W: square matrices [..., n, n].

    Returns:
        Departure of each matrix [...], from 0 to 1; 0 for a zero matrix.

    Example:
        >>> float(henrici(jnp.array([[0.0, 2.0], [0.0, 0.0]])))
        1.0

    Reference:
        Henrici 1962; Trefethen and Embree 2005.
    """
    norm = jnp.linalg.norm(W, axis=(-2, -1))
    # The test is `norm == 0` and not `norm > 0`, so that NaN stays NaN.
    scaled = W / jnp.where(norm == 0, 1, norm)[..., None, None]
    left = 1 - (jnp.abs(spectrum.eigenvalues(scaled)) ** 2).sum(-1)
    return jnp.where(norm == 0, 0, jnp.sqrt(jnp.maximum(left, 0)))


def transient_growth(W: Float[Array, "*s n n"], steps: int) -> Float[Array, "*s t"]:
    r"""Compute the largest factor by which t steps of h ← W h can lengthen a state h.

    .. math:: g_t = \max_{h \ne 0} \frac{\|W^t h\|}{\|h\|} = \sigma_{\max}(W^t),
              \qquad t = 1, \dots, T

    It lies between :math:`\rho(W)^t`, its value for a normal matrix, and
    :math:`\sigma_{\max}(W)^t`. For a feedforward chain of n units with weights w it is
    :math:`w^t` for t < n, and 0 from t = n on.

    Args:
        W: recurrent weights [..., n, n].
        steps: T, number of time steps, at least 1.

    Returns:
        Growth after 1 to T steps [..., T]; not finite where a power of W overflows.

    Raises:
        ValueError: ``steps`` is below 1.

    Example:
        >>> transient_growth(jnp.array([[0.0, 0.0], [3.0, 0.0]]), 3).tolist()  # unit 1 drives 2
        [3.0, 0.0, 0.0]

    Reference:
        Trefethen and Embree 2005, chapter 16; Ganguli, Huh and Sompolinsky 2008.
    """
    checks.whole("steps", steps)

    def step(power: Array, _: None) -> tuple[Array, Array]:
        power = W @ power
        return power, jnp.linalg.norm(power, ord=2, axis=(-2, -1))

    start = jnp.broadcast_to(jnp.eye(W.shape[-1], dtype=W.dtype), W.shape)
    growth = jax.lax.scan(step, start, length=steps)[1]
    return jnp.moveaxis(growth, 0, -1)


def numerical_abscissa(W: Float[Array, "*s n n"]) -> Float[Array, "*s"]:
    r"""Compute the largest initial growth rate of states under :math:`\dot h = W h`.

    .. math:: \omega(W) = \lambda_{\max}\left(\frac{W + W^\top}{2}\right)
              = \left.\frac{d}{dt} \|e^{tW}\| \right|_{t = 0}

    Some state of a leaky network, :math:`\tau \dot h = -h + W h`, grows at first if and only if
    omega is above 1, at the rate :math:`(\omega(W) - 1) / \tau`. Omega is at least the largest real
    part of the eigenvalues, and equals it for normal matrices.

    Args:
        W: recurrent weights [..., n, n].

    Returns:
        Omega of each matrix [...].

    Example:
        >>> float(numerical_abscissa(jnp.array([[0.0, 0.0], [3.0, 0.0]])))
        1.5

    Reference:
        Trefethen and Embree 2005, chapter 17; Hennequin, Vogels and Gerstner 2012.
    """
    return jnp.linalg.eigvalsh((W + jnp.swapaxes(W, -1, -2)) / 2)[..., -1]
