"""Fisher scaling: gradients are scaled so that inhibition and excitation move the output alike.

One update of an inhibitory weight moves every unit, or all that a unit hears; one of an excitatory
weight moves one unit by one input. A Dale's ANN therefore learns with gradients corrected by closed
factors (:func:`scale_by_dann_fisher`), or by a measured diagonal of the Fisher information
(``running_fisher.py``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import optax

from dalejax.signs.trees import is_free
from dalejax.transforms._layers import layers_of, map_layers
from dalejax.types import Params


def scale_by_dann_fisher() -> optax.GradientTransformation:
    r"""Scale a Dale's ANN's inhibitory gradients so that inhibition and excitation move alike.

    .. math:: \partial X^{IE} \leftarrow \frac{\partial X^{IE}}{\sqrt{n_{post}}}, \qquad
              \partial X^{EI} \leftarrow \frac{\partial X^{EI}}{n_{pre}}, \qquad
              \partial \alpha_X \leftarrow \frac{\partial \alpha_X}{n_{pre} \sqrt{n_{post}}}

    for every triple X_ee [n_post, n_pre], X_ie, X_ei in the tree, and its X_alpha where inhibition
    also divides: with X = W of a recurrent cell n_post = n_pre = n_e, with X = U and in dense
    layers n_pre = n_in, in filters n_pre is the kernel's size times the channels.

    Returns:
        A stateless gradient transformation.

    Raises:
        ValueError: at ``init``, the tree holds no Dale's-ANN triple, or a mask hides more than one
            matrix of it, so that the sizes are not known.

    Example:
        >>> import jax.numpy as jnp
        >>> tree = {"W_ee": jnp.ones((4, 9)), "W_ie": jnp.ones((1, 9)), "W_ei": jnp.ones((4, 1))}
        >>> tx = scale_by_dann_fisher()
        >>> scaled, _ = tx.update(tree, tx.init(tree))
        >>> float(scaled["W_ie"][0, 0]), round(float(scaled["W_ei"][0, 0]), 4)
        (0.5, 0.1111)

    Reference:
        Cornford et al. 2021, algorithm 3 (its appendix E derives the factors).
    """

    def init(params: Params) -> optax.EmptyState:
        layers = [layer for layer in layers_of(params) if _triples(layer)]
        for layer in layers:
            for X in _triples(layer):
                _sizes(layer, X)
        if not layers:
            raise ValueError(
                "scale_by_dann_fisher found no Dale's-ANN matrices (X_ee, X_ie, X_ei)."
            )
        return optax.EmptyState()

    def update(updates, state, params=None):
        del params
        return map_layers(updates, scale), state

    def scale(layer):
        scaled = dict(layer)
        for X in _triples(layer):
            n_post, n_pre = _sizes(layer, X)
            divisors = {"ie": math.sqrt(n_post), "ei": n_pre, "alpha": n_pre * math.sqrt(n_post)}
            for kind, divisor in divisors.items():
                leaf = layer.get(f"{X}_{kind}")
                if leaf is not None and not is_free(leaf):
                    scaled[f"{X}_{kind}"] = leaf / divisor
        return scaled

    return optax.GradientTransformation(init, update)


def _triples(layer: Mapping) -> list[str]:
    names = [name.removesuffix("_ee") for name in layer if name.endswith("_ee")]
    # Of those that a mask hides there is nothing to scale.
    return [
        X
        for X in names
        if f"{X}_ie" in layer
        and f"{X}_ei" in layer
        and not (is_free(layer[f"{X}_ie"]) and is_free(layer[f"{X}_ei"]))
    ]


def _sizes(layer: Mapping, X: str) -> tuple[int, int]:
    """Find (n_post, n_pre) of a triple, one of whose matrices a mask may hide."""
    ee, ie, ei = (layer[f"{X}_{kind}"] for kind in ("ee", "ie", "ei"))
    n_post = [matrix.shape[-2] for matrix in (ee, ei) if not is_free(matrix)]
    n_pre = [matrix.shape[-1] for matrix in (ee, ie) if not is_free(matrix)]
    if not (n_post and n_pre):
        raise ValueError(
            f"a mask hides two of {X}_ee, {X}_ie and {X}_ei; scale_by_dann_fisher must see at "
            "least two."
        )
    return n_post[0], n_pre[0]
