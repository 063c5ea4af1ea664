"""Exponentiated gradient descent: a weight is multiplied by a positive factor at each update.

A factor changes no sign, so weights obey Dale's law without a projection.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import optax

from dalejax import signs as dale
from dalejax.signs.trees import is_free, nearest_legal
from dalejax.transforms.projection import DaleProjectionState, require_params
from dalejax.types import Params, PyTree


def exponentiated_gradient(signs: PyTree | None = None) -> optax.GradientTransformationExtraArgs:
    r"""Turn the step of each constrained entry into a factor; free entries keep their step.

    .. math:: \theta \leftarrow \theta \, e^{s u}, \qquad s = \pm 1 \text{ the entry's sign}

    Behind ``optax.sgd(eta)`` the step u is -eta g, and this is exponentiated gradient descent. It
    must be the **last** transform of the chain, and needs no :func:`dale_projection`. An entry that
    is 0 stays 0: no synapses form where there are none at the start.

    Args:
        signs: a sign tree, or a prefix of one: +1, -1 or 0 (free), broadcastable to the
            parameters; None for a free branch. Without it, the signs that dalejax's own cells
            carry inside their parameters.

    Returns:
        A gradient transformation; its update needs ``params``. An entry whose sign is wrong before
        the update becomes 0.

    Raises:
        ValueError: at ``init``, the sign tree does not match the parameters, or there is none; at
            ``update``, the parameters are missing.

    Example:
        >>> tx = optax.chain(optax.sgd(0.5), exponentiated_gradient({"w": 1, "b": None}))
        >>> params = {"w": jnp.array([1.0, 4.0]), "b": jnp.array([1.0])}
        >>> gradients = {"w": jnp.log(4.0) * jnp.ones(2), "b": jnp.ones(1)}
        >>> updates, state = tx.update(gradients, tx.init(params), params)
        >>> {name: p.tolist() for name, p in optax.apply_updates(params, updates).items()}
        {'b': [0.5], 'w': [0.5, 2.0]}

    Reference:
        Kivinen & Warmuth 1997; for weights of both signs: Cornford et al. 2024, *Brain-like
        learning with exponentiated gradients*.
    """

    def init(params: Params) -> DaleProjectionState:
        return DaleProjectionState(dale.tree_of(params, signs))

    def update(
        updates: Params, state: PyTree, params: Params | None = None, **extra: object
    ) -> tuple[Params, DaleProjectionState]:
        del extra
        require_params("exponentiated_gradient", params)

        def multiply(sign: PyTree, step: PyTree, param: PyTree, legal: PyTree) -> PyTree:
            if is_free(sign):
                return step
            # For large negative steps expm1 rounds to -1, a factor of exactly 0, and an entry that
            # is 0 once stays 0; with this bound the factor is at least eps.
            least = jnp.finfo(param.dtype).eps - 1
            factor = jnp.maximum(jnp.expm1(sign.astype(param.dtype) * step), least)
            change = jnp.where(legal == 0, 0, legal * factor)  # without `where`, 0 * inf is NaN
            return jnp.where(sign == 0, step, change + (legal - param))

        legal = nearest_legal(params, state.signs)
        return jax.tree.map(multiply, state.signs, updates, params, legal, is_leaf=is_free), state

    return optax.GradientTransformationExtraArgs(init, update)
