"""Wiring of a network: tell each layer how many inhibitory units the layer below it has."""

from __future__ import annotations

from typing import TypeVar

from dalejax.nn.cells.base import Cell
from dalejax.nn.dense import Dense

Layer = TypeVar("Layer", bound=Cell | Dense)


def wire(layer: Layer, inputs_n_i: int, *, negative: bool = False) -> Layer:
    """Set how many of a layer's inputs are inhibitory; they are the last ones.

    Args:
        layer: a cell or a dense layer. If its ``inputs_n_i`` is already set, it is returned
            unchanged.
        inputs_n_i: inhibitory units of the layer below.
        negative: whether the activity of the layer below may be negative.

    Returns:
        The layer with ``inputs_n_i`` set.

    Raises:
        ValueError: there are inhibitory inputs and the layer is a Dale's ANN, which takes
            excitatory inputs only, or the activity below may be negative and the layer has
            divisive inhibition.

    Example:
        >>> wire(Dense(2), 3).inputs_n_i
        3
    """
    if inputs_n_i and not layer.takes_inhibition:
        raise ValueError(
            f"{type(layer).__name__} takes excitatory inputs only; the layer below it has "
            f"{inputs_n_i} inhibitory units."
        )
    if negative and not layer.takes_negative:
        raise ValueError(
            f"{type(layer).__name__} divides by a weighted sum of its inputs, which must not be "
            "negative; the cell below it must have the activation 'relu'."
        )
    if layer.inputs_n_i is not None:
        return layer
    return layer.clone(inputs_n_i=inputs_n_i, parent=None)
