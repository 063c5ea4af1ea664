"""Shorten updates whose projection on the signs would change their direction too much."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from dalejax import checks
from dalejax import signs as dale
from dalejax.signs.trees import is_free, nearest_legal
from dalejax.transforms._layers import branches, join_branches
from dalejax.transforms.projection import require_params
from dalejax.types import Array, Float, Int, Params, PyTree

MEASURES = ("parameters", "updates")


class ProjectionAngleState(NamedTuple):
    """State of :func:`limit_projection_angle`.

    Attributes:
        signs: tree like the parameters; int8 signs (+1, -1 or 0) for each constrained leaf, a
            ``MaskedNode`` for each free one.
        factors: factor by which each layer's last update was multiplied, at most 1 [layers].
        shortened: number of each layer's updates that were shortened so far [layers].
    """

    signs: PyTree
    factors: Float[Array, " layers"]
    shortened: Int[Array, " layers"]


def limit_projection_angle(
    min_cosine: float = 0.9,
    *,
    factor: float = 0.5,
    most: int = 20,
    measure: str = "parameters",
    signs: PyTree | None = None,
) -> optax.GradientTransformationExtraArgs:
    r"""Shorten each layer's update until projecting it on the signs turns it by a small angle only.

    .. math:: u \leftarrow \xi^i u, \qquad
              i = \min \left\{ i : \cos\angle\left(\Pi(\theta + \xi^i u),\ \theta + \xi^i u\right)
              \ge c \right\}

    Place it behind the transform that makes the step (such as ``optax.sgd``), and before
    :func:`dale_projection`, which does the projection. A layer is a branch at the top of the tree.
    Free entries do not count in the angle, but are shortened with their layer.

    Args:
        min_cosine: c, smallest cosine of the angle, between 0 and 1.
        factor: xi, factor of one shortening, between 0 and 1.
        most: largest number of shortenings i of one update; after so many the update is used
            whatever its angle.
        measure: ``"parameters"`` for the angle between the parameters before and after the
            projection, ``"updates"`` for the angle between the update before and after it.
            Shortening does not lower the latter where an entry is 0 and its update would make its
            sign wrong.
        signs: a sign tree, or a prefix of one; None for the signs that dalejax's own cells carry
            inside their parameters.

    Returns:
        A gradient transformation; its update needs ``params``.

    Raises:
        ValueError: ``min_cosine``, ``factor``, ``most`` or ``measure`` is out of range; at
            ``init``, the sign tree does not match the parameters, or there is none; at ``update``,
            the parameters are missing.

    Example:
        >>> params = {"w": jnp.array([1.0, 3.0])}
        >>> tx = limit_projection_angle(0.9, signs={"w": 1})
        >>> updates, state = tx.update({"w": jnp.array([-4.0, 0.0])}, tx.init(params), params)
        >>> updates["w"].tolist()
        [-2.0, 0.0]

    Reference:
        Cornford et al. 2021, algorithm 6 and its published code ("parameters"); "updates" is the
        angle of its text (appendix F.4).
    """
    for name, value in {"min_cosine": min_cosine, "factor": factor}.items():
        if not 0 < value < 1:
            raise ValueError(f"{name} is {value}; it must lie between 0 and 1.")
    checks.whole("most", most)
    checks.choice("measure", measure, MEASURES)

    def init(params: Params) -> ProjectionAngleState:
        tree = dale.tree_of(params, signs)
        layers = len(branches(params))
        return ProjectionAngleState(tree, jnp.ones(layers), jnp.zeros(layers, jnp.int32))

    def shorten(
        updates: Params, params: Params, layer_signs: PyTree
    ) -> tuple[Params, Float[Array, ""]]:
        def scaled(i: Float[Array, ""]) -> Params:
            return jax.tree.map(lambda u: (factor**i).astype(u.dtype) * u, updates)

        def turns_too_far(i: Float[Array, ""]) -> Array:
            cosine = _cosine(scaled(i), params, layer_signs, measure)
            return (i < most) & (cosine < min_cosine)

        i = jax.lax.while_loop(turns_too_far, lambda i: i + 1.0, jnp.zeros(()))
        return scaled(i), factor**i

    def update(
        updates: Params, state: PyTree, params: Params | None = None, **extra: object
    ) -> tuple[Params, ProjectionAngleState]:
        del extra
        require_params("limit_projection_angle", params)
        done = [
            shorten(*layer)
            for layer in zip(
                branches(updates),
                branches(params),
                branches(state.signs, like=updates),
                strict=True,
            )
        ]
        factors = jnp.stack([f for _, f in done])
        shortened = state.shortened + (factors < 1)
        updates = join_branches([u for u, _ in done], like=updates)
        return updates, ProjectionAngleState(state.signs, factors, shortened)

    return optax.GradientTransformationExtraArgs(init, update)


def _cosine(updates: Params, params: Params, signs: PyTree, measure: str) -> Float[Array, ""]:
    """Compute the cosine of the angle by which the projection turns one layer's update."""
    moved = jax.tree.map(jnp.add, params, updates)
    projected = nearest_legal(moved, signs)
    if measure == "updates":
        moved = updates
        projected = jax.tree.map(jnp.subtract, projected, params)
    constrained = [
        (a, b)
        for sign, a, b in zip(
            jax.tree.leaves(signs, is_leaf=is_free),
            *map(jax.tree.leaves, (moved, projected)),
            strict=True,
        )
        if not is_free(sign)
    ]
    if not constrained:
        return jnp.ones(())
    inner = jnp.asarray(sum((a * b).sum() for a, b in constrained))
    norms = [
        jnp.sqrt(jnp.asarray(sum((x * x).sum() for x in side)))
        for side in zip(*constrained, strict=True)
    ]
    is_zero = norms[0] == 0  # a vector of length 0 has no angle: nothing is shortened
    return jnp.where(
        is_zero, 1.0, inner / jnp.where(norms[0] * norms[1] > 0, norms[0] * norms[1], 1.0)
    )
