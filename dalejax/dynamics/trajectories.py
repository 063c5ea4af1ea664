"""Activity over time: principal components, dimension, rates and currents of E and I units."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp

from dalejax import checks, signs
from dalejax.types import Array, Float


class PrincipalComponents(NamedTuple):
    """The directions of largest variance of states over all time steps and trials.

    Attributes:
        components: orthogonal unit vectors [..., k, n], by decreasing variance.
        projections: coordinates of the states along the components, minus their mean
            [..., t, b, k].
        explained: share of the total variance along each component [..., k].
        mean: mean state [..., n]; project another state h by ``(h - mean) @ components.T``.
    """

    components: Float[Array, "*s k n"]
    projections: Float[Array, "*s t b k"]
    explained: Float[Array, "*s k"]
    mean: Float[Array, "*s n"]


class PopulationRates(NamedTuple):
    """Mean rates of the excitatory and of the inhibitory units.

    Attributes:
        excitatory: mean over the excitatory units [..., t, b], in the unit of the states.
        inhibitory: mean over the inhibitory units [..., t, b], in the unit of the states.
    """

    excitatory: Float[Array, "*s t b"]
    inhibitory: Float[Array, "*s t b"]


class PopulationCurrents(NamedTuple):
    """Recurrent input to each unit from excitatory and from inhibitory units.

    Attributes:
        excitatory: E, input from excitatory units [..., t, b, n].
        inhibitory: I, input from inhibitory units [..., t, b, n], 0 or negative under Dale's law.
        balance: |E + I| / (|E| + |I|) [..., t, b, n]: 0 where E and I cancel, 1 where one of them
            is 0, NaN where both are.
    """

    excitatory: Float[Array, "*s t b n"]
    inhibitory: Float[Array, "*s t b n"]
    balance: Float[Array, "*s t b n"]


def principal_components(states: Float[Array, "*s t b n"], k: int) -> PrincipalComponents:
    r"""Find the k directions in which the states vary most.

    .. math:: X = P \Sigma V^\top, \qquad \text{explained}_i = \sigma_i^2 / \sum_j \sigma_j^2

    where X [t b, n] holds the states minus their mean, one row for each time step and trial. The
    sign of each component is chosen so that its entry of largest modulus is positive.

    Args:
        states: [..., t, b, n]; leading axes are members, each with its own components.
        k: number of components, from 1 to min(t b, n).

    Returns:
        Components, projections, explained shares (NaN if all states are equal) and mean state.

    Raises:
        ValueError: ``k`` is out of range.

    Example:
        >>> line = jnp.array([[[0.0, 0.0]], [[0.0, 5.0]]])  # two steps of one trial
        >>> components, projections, _, _ = principal_components(line, 1)
        >>> components.round(3).tolist(), projections[:, 0, 0].round(3).tolist()
        ([[0.0, 1.0]], [-2.5, 2.5])

    Reference:
        Pearson 1901; Jolliffe 2002.
    """
    rows, mean = _centred(states)
    checks.whole("k", k, 1, min(rows.shape[-2:]))
    _, sigma, directions = jnp.linalg.svd(rows, full_matrices=False)
    components = directions[..., :k, :]
    place = jnp.abs(components).argmax(-1, keepdims=True)
    components = components * jnp.sign(jnp.take_along_axis(components, place, -1))
    projections = rows @ jnp.swapaxes(components, -1, -2)
    variance = sigma**2
    explained = variance[..., :k] / variance.sum(-1, keepdims=True)
    return PrincipalComponents(
        components, projections.reshape(*states.shape[:-1], k), explained, mean
    )


def effective_dimension(states: Float[Array, "*s t b n"]) -> Float[Array, "*s"]:
    r"""Compute the participation ratio, the effective number of dimensions in which states vary.

    .. math:: D = \frac{\left(\sum_i \lambda_i\right)^2}{\sum_i \lambda_i^2}
              = \frac{(\operatorname{tr} C)^2}{\operatorname{tr} C^2}

    where λ are the eigenvalues of the covariance C of the states over all time steps and trials.

    Args:
        states: [..., t, b, n]; leading axes are members.

    Returns:
        Dimension for each member [...], from 1 (states on a line) to n (equal variance in all
        directions); NaN if all states are equal.

    Example:
        >>> corners = jnp.array([[[1.0, 1.0], [1.0, -1.0]], [[-1.0, 1.0], [-1.0, -1.0]]])
        >>> round(float(effective_dimension(corners)), 3)
        2.0

    Reference:
        Abbott, Rajan and Sompolinsky 2011; Gao et al. 2017.
    """
    rows, _ = _centred(states)
    # The states are scaled first: fourth powers of large or small ones overflow or underflow.
    rows = rows / jnp.linalg.norm(rows, axis=(-2, -1), keepdims=True)
    covariance = jnp.swapaxes(rows, -1, -2) @ rows
    return 1 / (covariance**2).sum((-2, -1))


def _centred(
    states: Float[Array, "*s t b n"],
) -> tuple[Float[Array, "*s rows n"], Float[Array, "*s n"]]:
    """Subtract the mean over time steps and trials; return rows [t b, n] and the mean [n]."""
    *members, t, b, n = states.shape
    rows = states.reshape(*members, t * b, n)
    # The first row is subtracted before the mean, so that equal rows become exactly 0.
    first = rows[..., :1, :]
    mean = (rows - first).mean(-2, keepdims=True)
    return rows - first - mean, (first + mean)[..., 0, :]


def population_rates(states: Float[Array, "*s t b n"], n_i: int) -> PopulationRates:
    r"""Average the rates over the excitatory units, and over the inhibitory units.

    .. math:: r_E = \frac1{n_e} \sum_{i \le n_e} h_i, \qquad r_I = \frac1{n_i} \sum_{i > n_e} h_i

    Args:
        states: rates [..., t, b, n] (of a leaky cell f(z), not its currents z).
        n_i: number of inhibitory units, the last ones, from 1 to n - 1.

    Returns:
        The mean rates of the excitatory and of the inhibitory units [..., t, b].

    Raises:
        ValueError: ``n_i`` is out of range.

    Example:
        >>> excitatory, inhibitory = population_rates(jnp.array([[[1.0, 3.0, 5.0]]]), n_i=1)
        >>> float(excitatory[0, 0]), float(inhibitory[0, 0])
        (2.0, 5.0)

    Reference:
        Wilson and Cowan 1972.
    """
    n_e = _num_excitatory(states, n_i)
    return PopulationRates(states[..., :n_e].mean(-1), states[..., n_e:].mean(-1))


def population_currents(
    W: Float[Array, "*s n n"], states: Float[Array, "*s t b n"], n_i: int
) -> PopulationCurrents:
    r"""Compute each unit's recurrent input from E and from I units, and how far the two cancel.

    .. math:: E_i = \sum_{j \le n_e} W_{ij} h_j, \qquad I_i = \sum_{j > n_e} W_{ij} h_j, \qquad
              B_i = \frac{|E_i + I_i|}{|E_i| + |I_i|}

    The rates h of one time step give the recurrent input at the next. B is the balance in each
    time step; for the balance of inputs averaged over time, average E and I and compute B from
    them.

    Args:
        W: recurrent weights [..., n, n], ``[post, pre]``, with one sign in each column.
        states: rates [..., t, b, n] (of a leaky cell f(z), not its currents z).
        n_i: number of inhibitory units, the last ones, from 1 to n - 1.

    Returns:
        E, I and the balance index B [..., t, b, n].

    Raises:
        ValueError: ``n_i`` is out of range, or W does not fit the states.

    Example:
        >>> W = jnp.array([[1.0, -1.0], [2.0, -1.0]])
        >>> E, I, balance = population_currents(W, jnp.ones((1, 1, 2)), n_i=1)
        >>> E[0, 0].tolist(), I[0, 0].tolist(), balance.shape
        ([1.0, 2.0], [-1.0, -1.0], (1, 1, 2))
        >>> float(balance[0, 0, 0])
        0.0

    Reference:
        Balance: van Vreeswijk and Sompolinsky 1996; its measure by the net input relative to the
        inputs that cancel: Ahmadian and Miller 2021.
    """
    n_e = _num_excitatory(states, n_i)
    wanted = (*states.shape[:-3], *states.shape[-1:] * 2)
    if W.shape != wanted:
        raise ValueError(f"W has shape {W.shape}; for these states it must be {wanted}.")
    weights = jnp.swapaxes(W, -1, -2)[..., None, :, :]  # broadcast over time steps
    excitatory = states[..., :n_e] @ weights[..., :n_e, :]
    inhibitory = states[..., n_e:] @ weights[..., n_e:, :]
    balance = jnp.abs(excitatory + inhibitory) / (jnp.abs(excitatory) + jnp.abs(inhibitory))
    return PopulationCurrents(excitatory, inhibitory, balance)


def _num_excitatory(states: Float[Array, "*s t b n"], n_i: int) -> int:
    n = states.shape[-1]
    signs.check_populations(n, n_i)
    return n - n_i
