"""Singular values and eigenvalues of weight matrices, their bounds under Dale's law, transplants.

All functions take stacks of matrices; leading axes are members.
"""

from __future__ import annotations

import jax.numpy as jnp
import jax.scipy.special

from dalejax.types import Array, Complex, Float


def singular_values(W: Float[Array, "*s n m"]) -> Float[Array, "*s k"]:
    """Compute the singular values of matrices, largest first.

    Args:
        W: matrices [..., n, m].

    Returns:
        Singular values [..., min(n, m)].

    Example:
        >>> singular_values(jnp.diag(jnp.array([1.0, 3.0]))).tolist()
        [3.0, 1.0]
    """
    return jnp.linalg.svd(W, compute_uv=False)


def nse(W: Float[Array, "*s n m"]) -> Float[Array, "*s"]:
    r"""Compute the normalised SVD entropy (NSE): 1 if all singular values are equal, 0 for rank 1.

    .. math:: H = -\frac{1}{\log N} \sum_i \bar\sigma_i \log \bar\sigma_i,
              \qquad \bar\sigma_i = \sigma_i / \sum_j \sigma_j

    with N = min(n, m) singular values sigma.

    Args:
        W: matrices [..., n, m].

    Returns:
        Entropy of each matrix [...], from 0 to 1; NaN for a zero matrix, and if min(n, m) = 1.

    Example:
        >>> round(float(nse(jnp.eye(4))), 6)
        1.0

    Reference:
        Li et al. 2023, eq. 4; Strydom et al. 2021.
    """
    sigma = singular_values(W)
    share = sigma / sigma.sum(-1, keepdims=True)
    return jax.scipy.special.entr(share).sum(-1) / jnp.log(sigma.shape[-1])


def eigenvalues(W: Float[Array, "*s n n"]) -> Complex[Array, "*s n"]:
    """Compute the eigenvalues of square matrices, in no particular order.

    Args:
        W: square matrices [..., n, n].

    Returns:
        Complex eigenvalues [..., n].

    Example:
        >>> eigenvalues(jnp.array([[0.0, -1.0], [1.0, 0.0]])).imag.tolist()
        [1.0, -1.0]
    """
    return jnp.linalg.eigvals(W)


def spectral_radius(W: Float[Array, "*s n n"]) -> Float[Array, "*s"]:
    r"""Compute the spectral radius, :math:`\rho = \max_i |\lambda_i|`.

    Args:
        W: square matrices [..., n, n].

    Returns:
        Spectral radius of each matrix [...].

    Example:
        >>> float(spectral_radius(jnp.diag(jnp.array([1.0, -3.0]))))
        3.0
    """
    return jnp.abs(eigenvalues(W)).max(-1)


def ei_balance(W: Float[Array, "*s n m"]) -> Float[Array, "*s n"]:
    r"""Sum the incoming weights of each unit: 0 where excitation and inhibition cancel.

    .. math:: B_i = \sum_j W_{ij}

    Args:
        W: weight matrices [..., post, pre].

    Returns:
        Sum of each row, one for each postsynaptic unit [..., post].

    Example:
        >>> ei_balance(jnp.array([[2.0, -2.0], [1.0, -3.0]])).tolist()
        [0.0, -2.0]

    Reference:
        Li et al. 2023, section 3.3.
    """
    return W.sum(-1)


def participation(W: Float[Array, "*s n m"]) -> Float[Array, "*s"]:
    r"""Compute the participation k: the effective number of synapses of a presynaptic unit.

    .. math:: k = \frac{\sum_j \lVert w_j \rVert_1^2}{\sum_j \lVert w_j \rVert_2^2}, \qquad
              \frac{\sigma_{max}}{\sigma_{rms}} \ge \sqrt{k} \quad (n = m)

    where w_j are the columns of W. The inequality holds if each column has one sign: for the unit
    vector x with all entries :math:`1/\sqrt n`, :math:`\sigma_{max} \ge \lVert x^\top W \rVert`,
    and the moduli of the entries of :math:`x^\top W` are
    :math:`\lVert w_j \rVert_1 / \sqrt n`. For n by m matrices the bound is
    :math:`\sigma_{max} \ge \lVert W \rVert_F \sqrt{k / n}`.

    Args:
        W: weight matrices [..., n, m], that is [post, pre].

    Returns:
        Participation of each matrix [...], from 1 (one synapse in each column) to n (n equal
        synapses in each column); NaN for a zero matrix.

    Example:
        >>> float(participation(jnp.ones((4, 4)))), float(participation(jnp.eye(4)))
        (4.0, 1.0)
    """
    return (jnp.abs(W).sum(-2) ** 2).sum(-1) / (W**2).sum((-2, -1))


def nse_bound(n: int, participation: float | Float[Array, "*s"]) -> Float[Array, "*s"]:
    r"""Compute the largest normalised SVD entropy of n by n matrices with one sign in each column.

    It is that of the singular values

    .. math:: \sigma_1 = \sqrt{k}, \qquad \sigma_2 = \dots = \sigma_n = \sqrt{\frac{n - k}{n - 1}}

    With :math:`p = \sigma_1 / \sum_i \sigma_i` the entropy times log n is at most
    :math:`h(p) + (1 - p) \log(n - 1)`, h being the binary entropy. This decreases with p, and p is
    smallest if :math:`\sigma_1` equals its lower bound (:func:`participation`) and all other
    singular values are equal. :func:`dalejax.initializers.colei_spectral` with equal singular
    values and the background :math:`c = (\sigma_1 - \sigma_2) / n` makes such a matrix.

    Args:
        n: number of rows and of columns, at least 2.
        participation: k, effective number of synapses of a column, from 1 to n [...].

    Returns:
        Bound for each k, from 0 to 1 [...].

    Example:
        >>> [round(float(nse_bound(100, k)), 3) for k in (1, 50, 90)]
        [1.0, 0.973, 0.884]
    """
    k = jnp.asarray(participation)
    first, others = jnp.sqrt(k), jnp.sqrt(jnp.maximum(n - k, 0) / (n - 1))
    total = first + (n - 1) * others
    entr = jax.scipy.special.entr
    return (entr(first / total) + (n - 1) * entr(others / total)) / jnp.log(n)


def transplant(
    vectors_from: Float[Array, "*s n m"], values_from: Float[Array, "*s n m"]
) -> Float[Array, "*s n m"]:
    r"""Combine the singular vectors of one matrix with the singular values of another.

    .. math:: W = U_a \Sigma_b V_a^\top, \qquad A = U_a \Sigma_a V_a^\top,
              \quad B = U_b \Sigma_b V_b^\top

    Args:
        vectors_from: A, the matrices whose singular vectors are taken [..., n, m].
        values_from: B, the matrices whose singular values are taken [..., n, m].

    Returns:
        W, the combined matrices [..., n, m].

    Raises:
        ValueError: the matrices' shapes differ.

    Example:
        >>> transplant(jnp.diag(jnp.array([1.0, 2.0])), jnp.diag(jnp.array([5.0, 7.0]))).tolist()
        [[5.0, 0.0], [0.0, 7.0]]

    Reference:
        Li et al. 2023, section 2.3.1.
    """
    if vectors_from.shape[-2:] != values_from.shape[-2:]:
        raise ValueError(
            f"the matrices' shapes are {vectors_from.shape[-2:]} and {values_from.shape[-2:]}; "
            "a transplant needs equal ones."
        )
    left, _, right = jnp.linalg.svd(vectors_from, full_matrices=False)
    return (left * singular_values(values_from)[..., None, :]) @ right
