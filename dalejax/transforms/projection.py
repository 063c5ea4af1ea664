"""Projected gradient descent under Dale's law, as Optax transforms.

:func:`dale_projection` and :func:`freeze_signs` keep parameters inside a sign tree, whatever
optimiser makes the step. They compose in ``optax.chain``, and work under ``jit``, ``vmap``,
``scan`` and ``optax.inject_hyperparams``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeGuard

import jax
import jax.numpy as jnp
import optax

from dalejax import signs as dale
from dalejax.signs.trees import is_free, nearest_legal
from dalejax.types import Params, PyTree


class DaleProjectionState(NamedTuple):
    """State of :func:`dale_projection`, :func:`freeze_signs` and ``exponentiated_gradient``.

    Attributes:
        signs: tree like the parameters; int8 signs (+1, -1 or 0) for each constrained leaf, a
            ``MaskedNode`` for each free one.
    """

    signs: PyTree


def dale_projection(signs: PyTree | None = None) -> optax.GradientTransformationExtraArgs:
    r"""Project the parameters on their signs after each update.

    .. math:: \theta \leftarrow \Pi(\theta + u), \qquad
              \Pi(\theta)_j = \theta_j \text{ if } \operatorname{sign}(\theta_j) = s_j
              \text{ or } s_j = 0, \text{ else } 0

    In a plain Optax loop, with ``optax.apply_updates``, it must be the **last** transform of the
    chain: it changes the updates so that the sum is legal. With :func:`apply_updates` it may stand
    anywhere in the chain: that function finds the signs in the optimiser's state and projects the
    sum itself. Where it is not last, also pass ``tx.update(..., project_later=True)`` (as
    ``dalejax.train`` does): it then passes gradients on unchanged to the transforms behind it.

    Args:
        signs: a sign tree, or a prefix of one: +1, -1 or 0 (free), broadcastable to the
            parameters; None for a free branch. Without it, the signs that dalejax's own cells
            carry inside their parameters.

    Returns:
        A gradient transformation; its update needs ``params``, except with ``project_later=True``.

    Raises:
        ValueError: at ``init``, the sign tree does not match the parameters, or there is none; at
            ``update``, the parameters are missing.

    Example:
        >>> tx = optax.chain(optax.sgd(1.0), dale_projection({"w": 1}))
        >>> params = {"w": jnp.array([0.5, 2.0])}
        >>> updates, state = tx.update({"w": jnp.ones(2)}, tx.init(params), params)
        >>> optax.apply_updates(params, updates)["w"].tolist()
        [0.0, 1.0]

    Reference:
        Li et al. 2023, section 2.1 (projected gradient descent).
    """

    def init(params: Params) -> DaleProjectionState:
        return DaleProjectionState(dale.tree_of(params, signs))

    return optax.GradientTransformationExtraArgs(init, _project_update("dale_projection"))


def freeze_signs(where: PyTree | None = None) -> optax.GradientTransformationExtraArgs:
    """Keep every entry of the parameters at the sign that it has at ``init``.

    An entry that would change its sign becomes 0. An entry that is exactly 0 at ``init`` has no
    sign and stays free.

    Args:
        where: a tree of bools, or a prefix of one: True for the leaves whose signs are frozen;
            None for all leaves.

    Returns:
        A gradient transformation, to be placed and used as :func:`dale_projection`.

    Raises:
        ValueError: at ``init``, the tree of bools does not match the parameters; at ``update``,
            the parameters are missing.

    Example:
        >>> tx = optax.chain(optax.sgd(1.0), freeze_signs())
        >>> params = {"w": jnp.array([0.5, -0.5])}
        >>> updates, state = tx.update({"w": jnp.ones(2)}, tx.init(params), params)
        >>> optax.apply_updates(params, updates)["w"].tolist()
        [0.0, -1.5]

    Reference:
        Li et al. 2023, section 3.3 ("parameter signs frozen after initialisation").
    """

    def init(params: Params) -> DaleProjectionState:
        chosen = jax.tree.map(lambda _: True, params) if where is None else where

        def branch(frozen: bool, subtree: PyTree) -> PyTree:
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

    return optax.GradientTransformationExtraArgs(init, _project_update("freeze_signs"))


def _project_update(name: str) -> Callable[..., tuple[Params, PyTree]]:
    """Make the update function of the transform that the user calls ``name``."""

    def update(
        updates: Params,
        state: PyTree,
        params: Params | None = None,
        *,
        project_later: bool = False,
        **extra: object,
    ) -> tuple[Params, DaleProjectionState]:
        del extra
        if project_later:
            return updates, state
        require_params(name, params)

        def project_leaf(sign: PyTree, update: PyTree, param: PyTree) -> PyTree:
            if is_free(sign):
                return update
            illegal = (sign != 0) & ((param + update) * sign.astype(param.dtype) <= 0)
            return jnp.where(illegal, -param, update)  # param + (-param) is exactly +0.0

        projected = jax.tree.map(project_leaf, state.signs, updates, params, is_leaf=is_free)
        return projected, state

    return update


def require_params(name: str, params: Params | None) -> None:
    """Raise ValueError if a transform's update was called without the parameters.

    Args:
        name: what the user calls the transform.
        params: the argument ``params`` of its update.

    Raises:
        ValueError: ``params`` is None.

    Example:
        >>> require_params("freeze_signs", None)
        Traceback (most recent call last):
        ValueError: freeze_signs needs the parameters: tx.update(updates, state, params).
    """
    if params is None:
        raise ValueError(f"{name} needs the parameters: tx.update(updates, state, params).")


def apply_updates(params: Params, updates: Params, opt_state: PyTree) -> Params:
    """Add updates to the parameters and project the sum on its signs.

    Unlike ``optax.apply_updates``, it takes the optimiser's state as its third argument: the signs
    are read from there, so :func:`dale_projection` and :func:`freeze_signs` may stand anywhere in
    the chain.

    Args:
        params: the parameters.
        updates: the updates that ``tx.update`` returned, in the same tree.
        opt_state: the optimiser's state; the sum is projected on the signs of every
            :class:`DaleProjectionState` in it. Without any, it is only summed.

    Returns:
        The new parameters, in which every constrained entry is exactly legal.

    Example:
        >>> tx = optax.chain(dale_projection({"w": 1}), optax.sgd(1.0))
        >>> params = {"w": jnp.array([0.5])}
        >>> state = tx.init(params)
        >>> updates, state = tx.update({"w": jnp.ones(1)}, state, params, project_later=True)
        >>> apply_updates(params, updates, state)
        {'w': Array([0.], dtype=float32)}
    """
    params = optax.apply_updates(params, updates)
    for node in jax.tree.leaves(opt_state, is_leaf=_is_projection):
        if _is_projection(node):
            params = nearest_legal(params, node.signs)
    return params


def _is_projection(node: PyTree) -> TypeGuard[DaleProjectionState]:
    return isinstance(node, DaleProjectionState)
