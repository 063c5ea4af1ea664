"""Gradient clipping as the papers do it: each tensor on its own, or each cell's tensors jointly."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax

from dalejax.transforms._layers import branches
from dalejax.types import Array, Float


def clip_by_tensor_norm(max_norm: float | Float[Array, ""]) -> optax.GradientTransformation:
    r"""Clip each tensor of the tree by its own Euclidean norm.

    .. math:: g \leftarrow g \min(1, c / \lVert g \rVert)

    Args:
        max_norm: c; may be traced; infinity never clips.

    Raises:
        ValueError: c is not positive; where it is traced, the updates are NaN then.

    Example:
        >>> tx = clip_by_tensor_norm(1.0)
        >>> clipped, _ = tx.update({"a": jnp.array([3.0, 4.0])}, optax.EmptyState())
        >>> [round(float(g), 6) for g in clipped["a"]]
        [0.6, 0.8]

    Reference:
        Pascanu et al. 2013; the scope (each tensor on its own) is that of Li et al. 2023's ColEI.
    """
    _check_positive("max_norm", max_norm)

    def update(updates, state, params=None):
        del params
        return jax.tree.map(lambda g: g * _factor(optax.tree.norm(g), max_norm), updates), state

    return optax.GradientTransformation(optax.init_empty_state, update)


def clip_by_cell_norm(max_norm: float | Float[Array, ""]) -> optax.GradientTransformation:
    r"""Clip each cell (each branch at the top of the tree) by the joint norm of its tensors.

    A tree with bare arrays at its top, such as one layer's parameters, is one cell.

    .. math:: g_k \leftarrow g_k \min\left(1, c / \sqrt{\textstyle\sum_k \lVert g_k \rVert^2}\right)
              \quad \text{over the tensors } g_k \text{ of one cell}

    Args:
        max_norm: c; may be traced; infinity never clips.

    Raises:
        ValueError: c is not positive; where it is traced, the updates are NaN then.

    Example:
        >>> tx = clip_by_cell_norm(1.0)
        >>> grads = {"cell": {"W": jnp.array([3.0]), "b": jnp.array([4.0])}}
        >>> clipped, _ = tx.update(grads, optax.EmptyState())
        >>> round(float(clipped["cell"]["W"][0]), 6)
        0.6

    Reference:
        Pascanu et al. 2013; the scope is that of Li et al. 2023's RNN and DANN.
    """
    _check_positive("max_norm", max_norm)

    def update(updates, state, params=None):
        del params

        def clip(branch):
            factor = _factor(optax.tree.norm(branch), max_norm)
            return jax.tree.map(lambda g: g * factor, branch)

        cells, treedef = branches(updates)
        return treedef.unflatten([clip(cell) for cell in cells]), state

    return optax.GradientTransformation(optax.init_empty_state, update)


def _factor(norm, max_norm):
    # Not min(1, c / norm): with c infinite that is NaN where the norm overflows. A c that is traced
    # can't be refused; what it makes of the member is seen.
    factor = jnp.where(norm <= max_norm, 1.0, max_norm / norm)
    return jnp.where(max_norm > 0, factor, jnp.nan).astype(norm.dtype)


def _check_positive(name, value):
    if not isinstance(value, jax.core.Tracer) and not np.all(np.asarray(value) > 0):
        raise ValueError(f"{name} is {value}; it must be positive (infinity for no clipping).")
