"""Weights of Dale's ANNs, whose inhibitory interneurons balance the excitation on average."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from dalejax import checks
from dalejax.initializers.standard import Shape, positive
from dalejax.types import Array, Float, Key

INHIBITIONS = ("mean_row", "iid", "equal", "alike")


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
    r"""Draw the weights of a Dale's-ANN layer whose inhibition balances its excitation on average.

    .. math:: W^{EE} \sim \mathrm{Exp}(s), \qquad
              \mathbb E\Big[\sum_k W^{EI}_{jk} W^{IE}_{kl}\Big] = s

    ``inhibition`` names how the inhibitory weights are drawn:

    ==============  =========================================  ==================================
    name            W_ie                                       W_ei
    ==============  =========================================  ==================================
    ``"mean_row"``  each row the mean row of W_ee              Exp(1), rows divided by their sums
    ``"iid"``       Exp(s), like W_ee                          Exp(1), rows divided by their sums
    ``"equal"``     Exp(s); if n_i = 1: mean row of W_ee       all 1/n_i
    ``"alike"``     Exp(sqrt(s/n_i))                           Exp(sqrt(s/n_i))
    ==============  =========================================  ==================================

    Args:
        shape: (n_e, pre).
        n_i: number of interneurons, which are not counted in n_e; at least 1.
        mean: s, mean of the excitatory weights; see :func:`dann_mean` and :func:`unit_mean`.
        key: a typed PRNG key.
        inhibition: a name in the first column of the table.
        distribution: distribution that replaces Exp in the table, a name that :func:`positive`
            takes.

    Raises:
        ValueError: n_i < 1, or ``inhibition`` or ``distribution`` is unknown.

    Example:
        >>> ee, ie, ei = dann((4, 4), 2, 0.1, key=jax.random.key(0))
        >>> ee.shape, ie.shape, ei.shape
        ((4, 4), (2, 4), (4, 2))

    Reference:
        Li et al. 2023, section 2.2 (mean_row) and its published code (iid); Cornford et al. 2021,
        algorithm 1 (equal) and appendix C.2 (alike).
    """
    checks.whole("n_i", n_i)
    checks.choice("inhibition", inhibition, INHIBITIONS)
    n_e, pre = shape
    alike = inhibition == "alike"
    key_ee, key_ei, key_ie = jax.random.split(key, 3)
    ee = positive((n_e, pre), mean, key=key_ee, distribution=distribution)
    # For "alike": the mean of W_ie and of W_ei, whose product over n_i units then has mean s.
    both = math.sqrt(mean / n_i)
    if inhibition == "equal":
        ei = jnp.full((n_e, n_i), 1 / n_i)
    else:
        ei = positive((n_e, n_i), both if alike else 1.0, key=key_ei, distribution=distribution)
    if inhibition in ("mean_row", "iid"):
        ei = ei / ei.sum(1, keepdims=True)
    if inhibition == "mean_row" or (inhibition == "equal" and n_i == 1):
        ie = jnp.broadcast_to(ee.mean(0), (n_i, pre))
    else:
        ie = positive((n_i, pre), both if alike else mean, key=key_ie, distribution=distribution)
    return DANNWeights(ee, ie, ei)


def dann_mean(n_e: int) -> float:
    r"""Compute the mean excitatory weight at which a recurrent DANN has a standard RNN's variance.

    .. math:: s = 1 / \sqrt{3 (n_e - 1)}

    Args:
        n_e: number of excitatory units, at least 2.

    Returns:
        s, the argument ``mean`` of :func:`dann`.

    Raises:
        ValueError: n_e < 2. (With one unit, W_ee equals its mean row, and excitation minus
            inhibition is 0.)

    Example:
        >>> round(dann_mean(100), 4)
        0.058

    Reference:
        Li et al. 2023, section 2.2 (the variance of the weights is n / (3 n (n - 1))).
    """
    if n_e < 2:
        raise ValueError(f"n_e is {n_e}; a recurrent Dale's ANN needs at least 2 excitatory units.")
    return 1 / math.sqrt(3 * (n_e - 1))


def unit_mean(n_in: int) -> float:
    r"""Compute the mean excitatory weight at which layers have the same variance of activity.

    With inputs :math:`x = \max(0, z)`, z normal with mean 0, the sum of a unit's excitatory input
    has the variance of z.

    .. math:: s = \sqrt{\frac{2\pi}{(2\pi - 1)\, n_{in}}}

    Args:
        n_in: number of inputs, at least 1.

    Returns:
        s, the argument ``mean`` of :func:`dann`.

    Raises:
        ValueError: n_in < 1.

    Example:
        >>> round(unit_mean(100), 4)
        0.1091

    Reference:
        Cornford et al. 2021, eq. 29 (where the exponential's rate is 1/s).
    """
    return math.sqrt(2 * math.pi / ((2 * math.pi - 1) * checks.whole("n_in", n_in)))


def standardising_alpha(n_in: int) -> float:
    r"""Compute the alpha at which divisive inhibition standardises a unit's excitatory input.

    The inhibitory input is the mean of the excitatory input z^E; times exp(alpha), it is the
    standard deviation of z^E over inputs that are rectified normal.

    .. math:: e^\alpha = \frac{\sqrt{2\pi - 1}}{\sqrt{n_{in}}}
              = \frac{\operatorname{sd}(z^E)}{\mathbb E[z^E]}

    Args:
        n_in: number of the layer's inputs (of a convolution: kernel size times input channels), at
            least 1.

    Raises:
        ValueError: n_in < 1.

    Example:
        >>> round(math.exp(standardising_alpha(100)), 4)
        0.2299

    Reference:
        Cornford et al. 2021, eq. 3 and algorithm 1.
    """
    return math.log(math.sqrt((2 * math.pi - 1) / checks.whole("n_in", n_in)))
