"""Exponentiated gradients: synapses grow and shrink by factors, so none changes its sign."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import optax

from dalejax import signs as dale
from dalejax.signs.trees import is_free, nearest_legal
from dalejax.transforms.projection import DaleProjectionState
from dalejax.types import Params, PyTree


def exponentiated_gradient(signs: PyTree | None = None) -> optax.GradientTransformationExtraArgs:
    r"""Turn the step of each constrained entry into a factor; free entries keep their step.

    .. math:: \theta \leftarrow \theta \, e^{s u}, \qquad s = \pm 1 \text{ the entry's sign}

    After plain descent u is -eta g: this is the exponentiated gradient. It must be the **last**
    transform of the chain, behind what makes the step; no projection is needed beside it. An entry
    at zero stays there: what starts without a synapse gets none.

    Args:
        signs: a sign tree, or a prefix of one: +1, -1 or 0 (free), broadcastable to the
            parameters; None for a free branch. Without it, the signs of dalejax's own cells.

    Returns:
        A gradient transformation; its update needs ``params``. An entry that is not legal yet
        becomes zero.

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

    def update(updates, state, params=None, **extra):
        del extra
        if params is None:
            raise ValueError(
                "exponentiated_gradient needs the parameters: tx.update(updates, state, params)."
            )

        def leaf(sign, step, param, legal):
            if is_free(sign):
                return step
            # Below this, expm1 rounds to -1: a synapse would be lost for good.
            least = jnp.finfo(param.dtype).eps - 1
            factor = jnp.maximum(jnp.expm1(sign.astype(param.dtype) * step), least)
            grown = jnp.where(legal == 0, 0, legal * factor)  # 0 stays, times infinity as well
            return jnp.where(sign == 0, step, grown + (legal - param))

        legal = nearest_legal(params, state.signs)
        return jax.tree.map(leaf, state.signs, updates, params, legal, is_leaf=is_free), state

    return optax.GradientTransformationExtraArgs(init, update)
