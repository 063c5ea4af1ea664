"""Optax transforms of Dale's law: projection, frozen signs, the papers' clipping.

Dale's law is a place, the optimiser is how you move in it. The transforms compose in any
``optax.chain``, and work under ``jit``, ``vmap``, ``scan`` and ``optax.inject_hyperparams``.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from dalejax import signs as dale
from dalejax.signs.trees import is_free, nearest_legal
from dalejax.types import Params, PyTree


class DaleProjectionState(NamedTuple):
    """State of :func:`dale_projection`, :func:`freeze_signs` and ``exponentiated_gradient``.

    Attributes:
        signs: +1, -1 or 0 for each constrained leaf (int8), a MaskedNode for each free one.
    """

    signs: PyTree


def dale_projection(signs: PyTree | None = None) -> optax.GradientTransformationExtraArgs:
    r"""Keep every parameter inside its sign.

    .. math:: \theta \leftarrow \Pi(\theta + u), \qquad
              \Pi(\theta)_j = \theta_j \text{ if } \operatorname{sign}(\theta_j) = s_j
              \text{ or } s_j = 0, \text{ else } 0

    With :func:`apply_updates` it may stand anywhere in the chain: the signs live in its state, and
    the projection is done there, exactly, after the update. In a bare Optax loop, with
    ``optax.apply_updates``, it must be the **last** transform of the chain. Where it is not last,
    pass ``tx.update(..., project_later=True)`` (``dalejax.train`` does), so that it leaves the
    numbers that are not yet an update to the transforms behind it.

    Args:
        signs: a sign tree, or a prefix of one: +1, -1 or 0, broadcastable to the parameters; None
            for a free branch. Without it, the signs of dalejax's own cells are used.

    Returns:
        A gradient transformation; its update needs ``params``.

    Raises:
        ValueError: at ``init``, the sign tree does not match the parameters, or there is none.

    Example:
        >>> tx = optax.chain(optax.sgd(1.0), dale_projection({"w": 1}))
        >>> params = {"w": jnp.array([0.5, 2.0])}
        >>> updates, state = tx.update({"w": jnp.ones(2)}, tx.init(params), params)
        >>> apply_updates(params, updates, state)["w"].tolist()
        [0.0, 1.0]

    Reference:
        Li et al. 2023, section 2.1 (projected gradient descent).
    """

    def init(params: Params) -> DaleProjectionState:
        return DaleProjectionState(dale.tree_of(params, signs))

    return optax.GradientTransformationExtraArgs(init, _project_update)


def freeze_signs(where: PyTree | None = None) -> optax.GradientTransformationExtraArgs:
    """Keep the sign that each entry has when the optimiser starts.

    An entry that starts at exactly 0 has no sign and stays free.

    Args:
        where: a tree of bools, or a prefix of one, saying which leaves are frozen; None for all.

    Returns:
        A gradient transformation with the state and the rules of :func:`dale_projection`.

    Raises:
        ValueError: at ``init``, the tree of bools does not match the parameters.

    Example:
        >>> tx = optax.chain(optax.sgd(1.0), freeze_signs())
        >>> params = {"w": jnp.array([0.5, -0.5])}
        >>> updates, state = tx.update({"w": jnp.ones(2)}, tx.init(params), params)
        >>> apply_updates(params, updates, state)["w"].tolist()
        [0.0, -1.5]

    Reference:
        Li et al. 2023, section 3.3 ("parameter signs frozen after initialisation").
    """

    def init(params: Params) -> DaleProjectionState:
        chosen = jax.tree.map(lambda _: True, params) if where is None else where

        def branch(frozen, subtree):
            if frozen:
                return jax.tree.map(lambda leaf: jnp.sign(leaf).astype(jnp.int8), subtree)
            return jax.tree.map(lambda _: optax.MaskedNode(), subtree)

        try:
            return DaleProjectionState(jax.tree.map(branch, chosen, params))
        except (ValueError, TypeError) as error:
            raise ValueError(
                f"the tree `where` is {jax.tree.structure(where)}; it must be a prefix of the "
                f"parameters {jax.tree.structure(params)}."
            ) from error

    return optax.GradientTransformationExtraArgs(init, _project_update)


def _project_update(updates, state, params=None, *, project_later=False, **extra):
    del extra
    if project_later:
        return updates, state
    if params is None:
        raise ValueError("dale_projection needs the parameters: tx.update(updates, state, params).")

    def leaf(sign, update, param):
        if is_free(sign):
            return update
        illegal = (sign != 0) & ((param + update) * sign.astype(param.dtype) <= 0)
        return jnp.where(illegal, -param, update)  # param + (-param) is exactly +0.0

    return jax.tree.map(leaf, state.signs, updates, params, is_leaf=is_free), state


def apply_updates(params: Params, updates: Params, opt_state: PyTree) -> Params:
    """Apply updates and end inside the signs, wherever in the chain the projection stands.

    A drop-in for ``optax.apply_updates``.

    Args:
        params: the parameters.
        updates: what ``tx.update`` returned, same tree.
        opt_state: the optimiser's state; every :class:`DaleProjectionState` in it is obeyed.

    Returns:
        The new parameters: every constrained entry is legal, exactly.

    Example:
        >>> tx = optax.chain(dale_projection({"w": 1}), optax.sgd(1.0))
        >>> params = {"w": jnp.array([0.5])}
        >>> state = tx.init(params)
        >>> updates, state = tx.update({"w": jnp.ones(1)}, state, params, project_later=True)
        >>> apply_updates(params, updates, state)
        {'w': Array([0.], dtype=float32)}
    """
    params = optax.apply_updates(params, updates)
    is_projection = lambda node: isinstance(node, DaleProjectionState)  # noqa: E731
    for node in jax.tree.leaves(opt_state, is_leaf=is_projection):
        if is_projection(node):
            params = nearest_legal(params, node.signs)
    return params
