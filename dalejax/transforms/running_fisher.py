"""Divide gradients by a running mean of the measured diagonal of the Fisher information.

``fisher.py`` scales by factors known in closed form instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.core import Tracer

from dalejax import checks
from dalejax.signs.trees import is_free
from dalejax.transforms._layers import arrays_of, layers_of, map_layers
from dalejax.types import Array, Float, Int, Params, PyTree


class RunningFisherState(NamedTuple):
    """State of :func:`scale_by_running_fisher`.

    Attributes:
        fisher: exponential moving average of the Fisher information's diagonal, in a tree like the
            parameters, not yet divided by the sum of its weights.
        count: number of updates so far.
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

    F_EE are the entries of F for the excitatory weights of the same layer: X_ee for the parameters
    called X or X_…, W_ee if there is no X_ee, and W (or the gain g of a layer without weights) in
    a layer without interneurons. F is divided by the sum of its weights, as the moments of Adam
    are, so that its start at 0 does not matter.

    ``dalejax.train`` passes, as the extra argument ``fisher_fn``, a function that measures
    :func:`dalejax.diagonal_fisher` on the current batch. In your own loop, pass one yourself:
    ``tx.update(…, fisher_fn=lambda: diagonal_fisher(…))``.

    Args:
        momentum: k, weight of the current batch, above 0 and at most 1.
        fisher_learning_rate: lambda, a constant scale of F.
        norm: ``"text"`` divides by the norm of F_EE, ``"code"`` by the norm of 1 / F_EE.
        damping: share of the mean of F_EE that is added to F, which is 0 for parameters that no
            trial's gradient depends on. If all of F_EE is 0, the parameters are not updated.

    Returns:
        A gradient transformation whose update needs the extra argument ``fisher_fn``.

    Raises:
        ValueError: ``momentum`` is not above 0 and at most 1, ``fisher_learning_rate`` or
            ``damping`` is not positive, or ``norm`` is unknown; at ``init``, the tree holds no
            layers (dicts of arrays), or a layer without weights.
        TypeError: at ``update``, there is no ``fisher_fn``.

    Example:
        >>> layer = {"W": jnp.ones((1, 2)), "b": jnp.ones(1)}
        >>> tx = scale_by_running_fisher(damping=1e-6)
        >>> measured = {"W": jnp.array([[3.0, 4.0]]), "b": jnp.ones(1)}
        >>> scaled, _ = tx.update(layer, tx.init(layer), fisher_fn=lambda: measured)
        >>> [round(float(x), 3) for x in scaled["W"][0]]
        [0.067, 0.05]

    Reference:
        Cornford et al. 2021, algorithm 4; "code" follows its published code. The damping is an
        addition of dalejax.
    """
    checks.choice("norm", norm, NORMS)
    # A hyper-parameter of one member is traced under vmap, and its value can't be checked.
    for name, value in {"fisher_learning_rate": fisher_learning_rate, "damping": damping}.items():
        if not isinstance(value, Tracer):
            checks.positive(name, value)
    if not isinstance(momentum, Tracer) and not 0 < momentum <= 1:
        raise ValueError(f"momentum is {momentum}; it must be above 0 and at most 1.")

    def init(params: Params) -> RunningFisherState:
        blocks = [_block(layer, name) for layer in layers_of(params) for name in arrays_of(layer)]
        if not blocks:
            raise ValueError("scale_by_running_fisher found no layers: dicts of arrays.")
        return RunningFisherState(jax.tree.map(jnp.zeros_like, params), jnp.int32(0))

    def average(mean: PyTree, new: PyTree) -> PyTree:
        if is_free(mean):  # hidden by optax.masked
            return mean
        return (1 - momentum) * mean + momentum * new / fisher_learning_rate

    def update(
        updates: Params,
        state: PyTree,
        params: Params | None = None,
        *,
        fisher_fn: Callable[[], PyTree] | None = None,
        **extra: object,
    ) -> tuple[Params, RunningFisherState]:
        del params, extra
        if fisher_fn is None:
            raise TypeError("scale_by_running_fisher needs the argument fisher_fn of tx.update.")
        fisher = jax.tree.map(average, state.fisher, fisher_fn(), is_leaf=is_free)
        count = state.count + 1
        means = optax.tree.bias_correction(fisher, 1 - momentum, count)
        pairs = jax.tree.map(lambda g, f: _Pair(g, f), updates, means)
        return map_layers(pairs, scale), RunningFisherState(fisher, count)

    def scale(layer: Mapping) -> Mapping:
        scaled = dict(layer)
        blocks = {name: _block(layer, name) for name in arrays_of(layer)}
        measures = {block: measure(layer[block].fisher) for block in set(blocks.values())}
        for name, block in blocks.items():
            (gradient, fisher), (informed, added, size) = layer[name], measures[block]
            scaled[name] = jnp.where(informed, gradient / (fisher + added) / size, 0)
        return scaled

    def measure(block: Array) -> tuple[Array, Array, Array]:
        """Compute whether F_EE has an entry above 0, the damping of F, and the norm of F_EE."""
        informed, added = block.mean() > 0, damping * block.mean()
        in_norm = block + added if norm == "text" else 1 / (block + added)
        return informed, added, jnp.linalg.norm(in_norm)

    return optax.GradientTransformationExtraArgs(init, update)


class _Pair(NamedTuple):
    """A parameter's gradient and the diagonal of its Fisher information."""

    gradient: Array
    fisher: Array

    @property
    def shape(self) -> tuple[int, ...]:
        # `arrays_of` takes every entry of a layer that has a shape for an array.
        return self.gradient.shape


def _block(layer: Mapping, name: str) -> str:
    """Name the excitatory weights of a layer by which a parameter's F is normalised."""
    for candidate in (f"{name.partition('_')[0]}_ee", "W_ee", "W", "g"):
        if candidate in layer and not is_free(layer[candidate]):
            return candidate
    raise ValueError(
        f"a layer holds {', '.join(sorted(arrays_of(layer)))}; scale_by_running_fisher needs W_ee "
        "or W among them."
    )
