"""Learning-rate scaling: where the signs would turn a step too far, the step gets shorter."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from dalejax import checks
from dalejax import signs as dale
from dalejax.signs.trees import is_free, nearest_legal
from dalejax.transforms._layers import branches
from dalejax.types import Array, Float, Int, Params, PyTree

MEASURES = ("parameters", "updates")


class ProjectionAngleState(NamedTuple):
    """State of :func:`limit_projection_angle`.

    Attributes:
        signs: +1, -1 or 0 for each constrained leaf (int8), a MaskedNode for each free one.
        factors: what each layer's last update was multiplied by [layers].
        shortened: how many of each layer's updates were shortened so far [layers].
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
    r"""Shorten a layer's update until projecting it on its signs keeps its angle.

    .. math:: u \leftarrow \xi^i u, \qquad
              i = \min \left\{ i : \cos\angle\left(\Pi(\theta + \xi^i u),\ \theta + \xi^i u\right)
              \ge c \right\}

    It stands behind what makes the step (``optax.sgd``) and beside :func:`dale_projection`, which
    does the projection. A layer is a branch at the top of the tree. Entries that are free are never
    projected: they have no part in the angle, but are shortened with their layer.

    Args:
        min_cosine: c, between 0 and 1.
        factor: xi, between 0 and 1.
        most: shortenings at most; the last one stands, whatever its angle.
        measure: ``"parameters"`` takes the angle between the parameters after and before the
            projection, ``"updates"`` that between the step made and the step wanted (which no
            shortening improves where an entry stands at 0 and wants to leave its sign).
        signs: a sign tree or a prefix of one; None for the signs of dalejax's own cells.

    Returns:
        A gradient transformation; its update needs ``params``.

    Raises:
        ValueError: c or xi is out of range; at ``init``, the sign tree does not match the
            parameters, or there is none; at ``update``, the parameters are missing.

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
        layers = len(branches(params)[0])
        return ProjectionAngleState(tree, jnp.ones(layers), jnp.zeros(layers, jnp.int32))

    def cosine(updates, params, signs):
        moved = jax.tree.map(jnp.add, params, updates)
        projected = nearest_legal(moved, signs)
        if measure == "updates":
            moved = updates
            projected = jax.tree.map(jnp.subtract, projected, params)
        # What is free has a MaskedNode for its sign, and drops out.
        held = [
            (a, b)
            for sign, a, b in zip(
                jax.tree.leaves(signs, is_leaf=is_free),
                *map(jax.tree.leaves, (moved, projected)),
                strict=True,
            )
            if not is_free(sign)
        ]
        if not held:
            return jnp.ones(())
        inner = sum((a * b).sum() for a, b in held)
        norms = [jnp.sqrt(sum((x * x).sum() for x in side)) for side in zip(*held, strict=True)]
        still = norms[0] == 0  # nothing moves: nothing turns
        return jnp.where(
            still, 1.0, inner / jnp.where(norms[0] * norms[1] > 0, norms[0] * norms[1], 1.0)
        )

    def shorten(updates, params, signs):
        def scaled(i):
            return jax.tree.map(lambda u: (factor**i).astype(u.dtype) * u, updates)

        def turns(i):
            return (i < most) & (cosine(scaled(i), params, signs) < min_cosine)

        i = jax.lax.while_loop(turns, lambda i: i + 1.0, jnp.zeros(()))
        return scaled(i), factor**i

    def update(updates, state, params=None, **extra):
        del extra
        if params is None:
            raise ValueError(
                "limit_projection_angle needs the parameters: tx.update(updates, state, params)."
            )
        (layers, treedef), (values, _) = branches(updates), branches(params)
        held = treedef.flatten_up_to(state.signs)
        done = [shorten(*layer) for layer in zip(layers, values, held, strict=True)]
        factors = jnp.stack([f for _, f in done])
        shortened = state.shortened + (factors < 1)
        updates = treedef.unflatten([u for u, _ in done])
        return updates, ProjectionAngleState(state.signs, factors, shortened)

    return optax.GradientTransformationExtraArgs(init, update)
