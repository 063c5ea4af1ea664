"""Scale a Dale's ANN's gradients by the closed-form factors of its authors.

A step of one inhibitory weight changes the input of many units at once, a step of one excitatory
weight that of a single unit. The factors, derived from the Fisher information, make both change
the network's output alike. ``running_fisher.py`` measures the Fisher information instead.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import optax

from dalejax.signs.trees import is_free
from dalejax.transforms._layers import layers_of, map_layers
from dalejax.types import Params, PyTree


def scale_by_dann_fisher() -> optax.GradientTransformation:
    r"""Divide the gradients of a Dale's ANN's inhibitory weights by functions of the layer's size.

    .. math:: \partial X^{IE} \leftarrow \frac{\partial X^{IE}}{\sqrt{n_{post}}}, \qquad
              \partial X^{EI} \leftarrow \frac{\partial X^{EI}}{n_{pre}}, \qquad
              \partial \alpha_X \leftarrow \frac{\partial \alpha_X}{n_{pre} \sqrt{n_{post}}}

    for every triple of matrices named X_ee [n_post, n_pre], X_ie [n_i, n_pre] and X_ei
    [n_post, n_i] in the tree, and for the X_alpha of layers with divisive inhibition. Of a
    recurrent cell, n_post = n_pre = n_e for X = W, and n_pre = n_in for X = U; of a dense layer,
    n_pre = n_in; of a convolution, n_pre is the kernel's height times width times input channels.

    Returns:
        A stateless gradient transformation.

    Raises:
        ValueError: at ``init``, the tree holds no such triple, or ``optax.masked`` hides more than
            one matrix of a triple, so that n_post or n_pre is unknown.

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
                _sizes(layer, X)  # raises if a mask hides them
        if not layers:
            raise ValueError(
                "scale_by_dann_fisher found no Dale's-ANN matrices (X_ee, X_ie, X_ei)."
            )
        return optax.EmptyState()

    def update(
        updates: Params, state: PyTree, params: Params | None = None
    ) -> tuple[Params, PyTree]:
        del params
        return map_layers(updates, _scale), state

    return optax.GradientTransformation(init, update)


def _scale(layer: Mapping) -> Mapping:
    """Divide the inhibitory gradients of one layer."""
    scaled = dict(layer)
    for X in _triples(layer):
        n_post, n_pre = _sizes(layer, X)
        divisors = {"ie": math.sqrt(n_post), "ei": n_pre, "alpha": n_pre * math.sqrt(n_post)}
        for kind, divisor in divisors.items():
            leaf = layer.get(f"{X}_{kind}")
            if leaf is not None and not is_free(leaf):
                scaled[f"{X}_{kind}"] = leaf / divisor
    return scaled


def _triples(layer: Mapping) -> list[str]:
    """List each X for which a layer has X_ee, X_ie and X_ei."""
    names = [name.removesuffix("_ee") for name in layer if name.endswith("_ee")]
    # A triple with both inhibitory matrices masked is left out: none of its gradients is divided.
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
