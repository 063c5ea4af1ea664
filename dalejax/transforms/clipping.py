"""Gradient clipping by the norm of each tensor, or by the joint norm of each cell's tensors."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.core import Tracer

from dalejax.transforms._layers import branches, join_branches
from dalejax.types import Array, Float, Params, PyTree


def clip_by_tensor_norm(max_norm: float | Float[Array, ""]) -> optax.GradientTransformation:
    r"""Clip each tensor of the gradient by its own Euclidean norm.

    .. math:: g \leftarrow g \min(1, c / \lVert g \rVert)

    Args:
        max_norm: c, largest norm of a tensor; may be traced; infinity never clips.

    Raises:
        ValueError: c is not positive. A traced c can't be checked: one that is not positive makes
            the updates NaN.

    Example:
        >>> tx = clip_by_tensor_norm(1.0)
        >>> clipped, _ = tx.update({"a": jnp.array([3.0, 4.0])}, optax.EmptyState())
        >>> [round(float(g), 6) for g in clipped["a"]]
        [0.6, 0.8]

    Reference:
        Pascanu et al. 2013; Li et al. 2023 clip each tensor on its own in their ColEI networks.
    """
    _check_positive("max_norm", max_norm)

    def update(
        updates: Params, state: PyTree, params: Params | None = None
    ) -> tuple[Params, PyTree]:
        del params
        return jax.tree.map(lambda g: g * _factor(optax.tree.norm(g), max_norm), updates), state

    return optax.GradientTransformation(optax.init_empty_state, update)


def clip_by_cell_norm(max_norm: float | Float[Array, ""]) -> optax.GradientTransformation:
    r"""Clip each cell's gradient by the joint Euclidean norm of the cell's tensors.

    .. math:: g_k \leftarrow g_k \min\left(1, c / \sqrt{\textstyle\sum_k \lVert g_k \rVert^2}\right)
              \quad \text{over the tensors } g_k \text{ of one cell}

    A cell is a branch at the top of the tree. A tree with an array at its top, such as the
    parameters of a single layer, is one cell.

    Args:
        max_norm: c, largest joint norm of a cell; may be traced; infinity never clips.

    Raises:
        ValueError: c is not positive. A traced c can't be checked: one that is not positive makes
            the updates NaN.

    Example:
        >>> tx = clip_by_cell_norm(1.0)
        >>> grads = {"cell": {"W": jnp.array([3.0]), "b": jnp.array([4.0])}}
        >>> clipped, _ = tx.update(grads, optax.EmptyState())
        >>> round(float(clipped["cell"]["W"][0]), 6)
        0.6

    Reference:
        Pascanu et al. 2013; Li et al. 2023 clip each cell jointly in their RNNs and DANNs.
    """
    _check_positive("max_norm", max_norm)

    def update(
        updates: Params, state: PyTree, params: Params | None = None
    ) -> tuple[Params, PyTree]:
        del params

        def clip(branch: Params) -> Params:
            factor = _factor(optax.tree.norm(branch), max_norm)
            return jax.tree.map(lambda g: g * factor, branch)

        return join_branches([clip(cell) for cell in branches(updates)], updates), state

    return optax.GradientTransformation(optax.init_empty_state, update)


def _factor(norm: Float[Array, ""], max_norm: float | Float[Array, ""]) -> Float[Array, ""]:
    """Compute min(1, max_norm / norm); NaN where max_norm is not positive."""
    # `where` instead of `minimum`, because infinity / infinity is NaN: with an infinite max_norm, a
    # norm that overflows would make the updates NaN.
    factor = jnp.where(norm <= max_norm, 1.0, max_norm / norm)
    return jnp.where(max_norm > 0, factor, jnp.nan).astype(norm.dtype)


def _check_positive(name: str, value: float | Float[Array, ""]) -> None:
    if not isinstance(value, Tracer) and not np.all(np.asarray(value) > 0):
        raise ValueError(f"{name} is {value}; it must be positive (infinity for no clipping).")
