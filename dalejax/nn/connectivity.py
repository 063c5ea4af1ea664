"""Which synapses there are: masks on the recurrent weights, drawn with the network.

A mask is a leaf of its own beside the weights, ``"mask"`` [n, n], and effective weights are taken
through it: an absent synapse has weight 0 and gradient 0. So has the mask, which stays as it is
under all that leaves an entry without a gradient at 0, or shrinks it: momentum, Adam, weight decay;
not under noise that is added to every leaf.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import jax
import jax.numpy as jnp

from dalejax import checks
from dalejax.types import Any, Array, Bool, Float, Key

MASK = "mask"


class Connectivity(Protocol):
    """Draws which synapses there are: ``(n, n_i, *, key) -> bool [post, pre]``."""

    def __call__(self, n: int, n_i: int, *, key: Key[Array, ""]) -> Bool[Array, "n n"]:
        """Draw the synapses of n units, the last n_i of which are inhibitory."""
        ...


@dataclass(frozen=True)
class Sparse:
    r"""Each synapse is there with a probability that depends on the unit it comes from.

    .. math:: P(M_{ij} = 1) = p_e \text{ for } j \in E, \quad p_i \text{ for } j \in I,
              \qquad M_{ii} = 0

    Args:
        excitatory: probability of a synapse from an excitatory unit.
        inhibitory: of one from an inhibitory unit; None for the same. Cells without such units
            (``RNNCell``, ``ProjectedCell`` with signs on rows) have no use for it.
        self_connections: whether a unit may have a synapse on itself.

    Raises:
        ValueError: a probability is not in (0, 1].

    Example:
        >>> Sparse(1.0)(3, 1, key=jax.random.key(0)).astype(int).tolist()
        [[0, 1, 1], [1, 0, 1], [1, 1, 0]]

    Reference:
        Song et al. 2016 (their Mante task: 0.2 and 0.5).
    """

    excitatory: float
    inhibitory: float | None = None
    self_connections: bool = False

    def __post_init__(self):
        _check_probability("excitatory", self.excitatory)
        if self.inhibitory is not None:
            _check_probability("inhibitory", self.inhibitory)

    def __call__(self, n: int, n_i: int, *, key: Key[Array, ""]) -> Bool[Array, "n n"]:
        """Draw the synapses of n units, the last n_i of which are inhibitory."""
        p_i = self.excitatory if self.inhibitory is None else self.inhibitory
        probability = jnp.where(jnp.arange(n) < n - n_i, self.excitatory, p_i)
        there = jax.random.uniform(key, (n, n)) < probability
        return there if self.self_connections else there & ~jnp.eye(n, dtype=bool)


@dataclass(frozen=True)
class Modular:
    r"""Modules: dense inside, sparse between; excitatory and inhibitory units alike are dealt out.

    .. math:: P(M_{ij} = 1) = p_{within} \text{ if } m(i) = m(j), \text{ else } p_{between},
              \qquad M_{ii} = 0

    Unit k of each population is in module :math:`\lfloor k\, m / n_{pop} \rfloor`.

    Args:
        modules: how many, m.
        between: probability of a synapse from another module, for excitatory units.
        within: of one inside a module.
        local_inhibition: inhibitory units reach their own module only.

    Raises:
        ValueError: there are fewer than 2 modules, or a probability is not one.

    Example:
        >>> Modular(2, between=0.0)(4, 2, key=jax.random.key(0)).astype(int).tolist()
        [[0, 0, 1, 0], [0, 0, 0, 1], [1, 0, 0, 0], [0, 1, 0, 0]]

    Reference:
        Song et al. 2016 (areas that are joined by excitatory synapses only).
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
        """Draw the synapses of n units, the last n_i of which are inhibitory."""
        module = self.module(n, n_i)
        same = module[:, None] == module
        far = jnp.where((jnp.arange(n) >= n - n_i) & self.local_inhibition, 0.0, self.between)
        there = jax.random.uniform(key, (n, n)) < jnp.where(same, self.within, far)
        return there & ~jnp.eye(n, dtype=bool)

    def module(self, n: int, n_i: int) -> Array:
        """Give the module of each unit [n]."""
        n_e = n - n_i
        excitatory = jnp.arange(n_e) * self.modules // n_e
        return jnp.concatenate([excitatory, jnp.arange(n_i) * self.modules // max(n_i, 1)])


def masked(W: Float[Array, "*s n n"], params: Mapping[str, Any]) -> Float[Array, "*s n n"]:
    """Take the weights through the mask that stands beside them, if there is one.

    Args:
        W: weights [..., n, n].
        params: the cell's parameters.

    Example:
        >>> masked(jnp.ones((2, 2)), {"mask": jnp.eye(2)}).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    # Not W * mask: an optimiser that decays every leaf must not shrink the synapses with it.
    return jnp.where(params[MASK] != 0, W, 0) if MASK in params else W


def _check_probability(name, value, zero=False):
    if not (value > 0 or (zero and value == 0)) or value > 1:
        allowed = "from 0 to 1" if zero else "above 0 and at most 1"
        raise ValueError(f"{name} is {value}; it must be {allowed}.")
