"""Sparse recurrent connectivity: random masks that say which recurrent synapses exist.

A mask is a parameter ``"mask"`` [n, n] beside ``"W"``: nonzero where the synapse exists, 0 where it
is absent. The effective weight of an absent synapse is 0, and so is its gradient. The mask itself
has gradient 0, too. Momentum and Adam leave it unchanged; weight decay shrinks its ones, but they
remain nonzero. An optimiser that adds noise to every parameter would create synapses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import jax
import jax.numpy as jnp

from dalejax import checks
from dalejax.types import Any, Array, Bool, Float, Int, Key

MASK = "mask"


class Connectivity(Protocol):
    """Protocol of a random connectivity: ``(n, n_i, *, key) -> mask [post, pre]``, boolean."""

    def __call__(self, n: int, n_i: int, *, key: Key[Array, ""]) -> Bool[Array, "n n"]:
        """Draw the mask [n, n] of the synapses among n units, the last n_i inhibitory."""
        ...


@dataclass(frozen=True)
class Sparse:
    r"""Draw each synapse independently, with a probability for each presynaptic population.

    .. math:: P(M_{ij} = 1) = p_e \text{ for } j \in E, \quad p_i \text{ for } j \in I,
              \qquad M_{ii} = 0

    Args:
        excitatory: probability of a synapse from an excitatory unit.
        inhibitory: probability of a synapse from an inhibitory unit; None for the excitatory one.
            It has no effect in cells whose units are not excitatory or inhibitory (``RNNCell``,
            ``ProjectedCell`` with ``signed="postsynaptic"``).
        self_connections: whether a unit may have a synapse onto itself.

    Raises:
        ValueError: a probability is not in (0, 1].

    Example:
        >>> Sparse(1.0)(3, 1, key=jax.random.key(0)).astype(int).tolist()
        [[0, 1, 1], [1, 0, 1], [1, 1, 0]]

    Reference:
        Song et al. 2016 (excitatory 0.2 and inhibitory 0.5 in their Mante task).
    """

    excitatory: float
    inhibitory: float | None = None
    self_connections: bool = False

    def __post_init__(self):
        _check_probability("excitatory", self.excitatory)
        if self.inhibitory is not None:
            _check_probability("inhibitory", self.inhibitory)

    def __call__(self, n: int, n_i: int, *, key: Key[Array, ""]) -> Bool[Array, "n n"]:
        """Draw the mask [n, n] of the synapses among n units, the last n_i inhibitory."""
        p_i = self.excitatory if self.inhibitory is None else self.inhibitory
        probability = jnp.where(jnp.arange(n) < n - n_i, self.excitatory, p_i)
        there = jax.random.uniform(key, (n, n)) < probability
        return there if self.self_connections else there & ~jnp.eye(n, dtype=bool)


@dataclass(frozen=True)
class Modular:
    r"""Connect units densely within modules and sparsely between them.

    .. math:: P(M_{ij} = 1) = p_{within} \text{ if } m(i) = m(j), \text{ else } p_{between},
              \qquad M_{ii} = 0

    The excitatory units and the inhibitory units are each divided evenly among the m modules: unit
    k of a population of :math:`n_{pop}` units is in module
    :math:`m(k) = \lfloor k\, m / n_{pop} \rfloor`.

    Args:
        modules: number of modules m, at least 2.
        between: probability of a synapse from a unit of one module to a unit of another.
        within: probability of a synapse between two units of the same module.
        local_inhibition: whether inhibitory units have synapses in their own module only; if not,
            ``between`` holds for them as well.

    Raises:
        ValueError: there are fewer than 2 modules, ``between`` is not in [0, 1], or ``within`` is
            not in (0, 1].

    Example:
        >>> Modular(2, between=0.0)(4, 2, key=jax.random.key(0)).astype(int).tolist()
        [[0, 0, 1, 0], [0, 0, 0, 1], [1, 0, 0, 0], [0, 1, 0, 0]]

    Reference:
        Song et al. 2016 (areas that only excitatory synapses connect).
    """

    modules: int
    between: float
    within: float = 1.0
    local_inhibition: bool = True

    def __post_init__(self):
        checks.whole("modules", self.modules, least=2)
        _check_probability("between", self.between, zero=True)
        _check_probability("within", self.within)

    def __call__(self, n: int, n_i: int, *, key: Key[Array, ""]) -> Bool[Array, "n n"]:
        """Draw the mask [n, n] of the synapses among n units, the last n_i inhibitory."""
        module = self.module(n, n_i)
        same = module[:, None] == module
        far = jnp.where((jnp.arange(n) >= n - n_i) & self.local_inhibition, 0.0, self.between)
        there = jax.random.uniform(key, (n, n)) < jnp.where(same, self.within, far)
        return there & ~jnp.eye(n, dtype=bool)

    def module(self, n: int, n_i: int) -> Int[Array, " n"]:
        """Compute the module of each unit [n], from 0 to modules - 1."""
        n_e = n - n_i
        excitatory = jnp.arange(n_e) * self.modules // n_e
        return jnp.concatenate([excitatory, jnp.arange(n_i) * self.modules // max(n_i, 1)])


def masked(W: Float[Array, "*s n n"], params: Mapping[str, Any]) -> Float[Array, "*s n n"]:
    """Set the weights of absent synapses to 0; without a mask, return the weights unchanged.

    Args:
        W: recurrent weights [..., n, n].
        params: the cell's parameters, with or without a ``"mask"`` [..., n, n].

    Example:
        >>> masked(jnp.ones((2, 2)), {"mask": jnp.eye(2)}).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    # The condition, not W * mask: weight decay may shrink the ones of the mask, and a product with
    # it would then scale the weights.
    return jnp.where(params[MASK] != 0, W, 0) if MASK in params else W


def _check_probability(name: str, value: float, zero: bool = False) -> None:
    if not (value > 0 or (zero and value == 0)) or value > 1:
        allowed = "from 0 to 1" if zero else "above 0 and at most 1"
        raise ValueError(f"{name} is {value}; it must be {allowed}.")
