"""Gradients divided by a running mean of the measured Fisher information.

Where ``fisher.py`` knows factors in closed form, this measures them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from dalejax import checks
from dalejax.signs.trees import is_free
from dalejax.transforms._layers import arrays_of, layers_of, map_layers
from dalejax.types import Array, Float, Int, Params, PyTree


class RunningFisherState(NamedTuple):
    """State of :func:`scale_by_running_fisher`.

    Attributes:
        fisher: running sum of the diagonals, like the parameters.
        count: updates so far.
    """

    fisher: PyTree
    count: Int[Array, ""]


NORMS = ("text", "code")


def scale_by_running_fisher(
    momentum: float | Float[Array, ""] = 0.02,
    fisher_learning_rate: float | Float[Array, ""] = 1.0,
    *,
    norm: str = "text",
    damping: float | Float[Array, ""] = 1e-2,
) -> optax.GradientTransformationExtraArgs:
    r"""Multiply gradients by the inverse of a running diagonal of the Fisher information.

    .. math:: F \leftarrow k \frac{\hat F}{\lambda} + (1 - k) F, \qquad
              \partial\theta \leftarrow \frac{F_\theta^{-1}}{\lVert F_{EE} \rVert} \partial\theta

    F_EE is the block of the layer's excitatory weights (of X for the parameters called X_…; in a
    layer without interneurons, its W). The running mean has no memory of a start (it is divided by
    the sum of its weights).

    ``train`` hands over, as the extra argument ``fisher_fn``, the function that measures
    :func:`diagonal_fisher` on the batch in hand; in a loop of one's own:
    ``tx.update(…, fisher_fn=lambda: diagonal_fisher(…))``.

    Args:
        momentum: k, the share of the batch in hand.
        fisher_learning_rate: lambda, which only scales.
        norm: ``"text"`` divides by the norm of F's block, ``"code"`` by that of its inverse's.
        damping: added to F, as a share of the mean of its block: an entry that no trial has moved
            would be divided by 0. Of a block that no trial has moved, none is updated.

    Returns:
        A gradient transformation with an extra argument.

    Raises:
        ValueError: the momentum is not above 0 and at most 1, or a value is not positive; at
            ``init``, the tree holds no layers (dicts of arrays), or one without weights.
        TypeError: at ``update``, there is no ``fisher_fn``.

    Example:
        >>> layer = {"W": jnp.ones((1, 2)), "b": jnp.ones(1)}
        >>> tx = scale_by_running_fisher(damping=1e-6)
        >>> measured = {"W": jnp.array([[3.0, 4.0]]), "b": jnp.ones(1)}
        >>> scaled, _ = tx.update(layer, tx.init(layer), fisher_fn=lambda: measured)
        >>> [round(float(x), 3) for x in scaled["W"][0]]
        [0.067, 0.05]

    Reference:
        Cornford et al. 2021, algorithm 4; "code" is its published code. Damping is ours.
    """
    checks.choice("norm", norm, NORMS)
    # Numbers of a member's own are traced, and can't be looked at.
    for name, value in {"fisher_learning_rate": fisher_learning_rate, "damping": damping}.items():
        if not isinstance(value, jax.core.Tracer):
            checks.positive(name, value)
    if not isinstance(momentum, jax.core.Tracer) and not 0 < momentum <= 1:
        raise ValueError(f"momentum is {momentum}; it must be above 0 and at most 1.")

    def init(params: Params) -> RunningFisherState:
        blocks = [_block(layer, name) for layer in layers_of(params) for name in arrays_of(layer)]
        if not blocks:
            raise ValueError("scale_by_running_fisher found no layers: dicts of arrays.")
        return RunningFisherState(jax.tree.map(jnp.zeros_like, params), jnp.int32(0))

    def update(updates, state, params=None, *, fisher_fn=None, **extra):
        del params, extra
        if fisher_fn is None:
            raise TypeError("scale_by_running_fisher needs the argument fisher_fn of tx.update.")
        fisher = jax.tree.map(
            lambda mean, new: (
                mean
                if is_free(mean)  # masked
                else (1 - momentum) * mean + momentum * new / fisher_learning_rate
            ),
            state.fisher,
            fisher_fn(),
            is_leaf=is_free,
        )
        count = state.count + 1
        means = optax.tree.bias_correction(fisher, 1 - momentum, count)
        pairs = jax.tree.map(lambda g, f: _Pair(g, f), updates, means)
        return map_layers(pairs, scale), RunningFisherState(fisher, count)

    def scale(layer):
        scaled = dict(layer)
        blocks = {name: _block(layer, name) for name in arrays_of(layer)}
        measures = {block: measure(layer[block].fisher) for block in set(blocks.values())}
        for name, block in blocks.items():
            (gradient, fisher), (moved, added, size) = layer[name], measures[block]
            scaled[name] = jnp.where(moved, gradient / (fisher + added) / size, 0)
        return scaled

    def measure(block):
        moved, added = block.mean() > 0, damping * block.mean()
        in_norm = block + added if norm == "text" else 1 / (block + added)
        return moved, added, jnp.linalg.norm(in_norm)

    return optax.GradientTransformationExtraArgs(init, update)


class _Pair(NamedTuple):
    gradient: Array
    fisher: Array

    @property
    def shape(self):  # what makes it an array to those who look for a layer's
        return self.gradient.shape


def _block(layer: Mapping, name: str) -> str:
    for candidate in (f"{name.partition('_')[0]}_ee", "W_ee", "W", "g"):
        if candidate in layer and not is_free(layer[candidate]):
            return candidate
    raise ValueError(
        f"a layer holds {', '.join(sorted(arrays_of(layer)))}; scale_by_running_fisher needs W_ee "
        "or W among them."
    )
