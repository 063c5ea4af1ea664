"""How layers are put on each other: each learns how many inhibitory units the layer below has."""

from __future__ import annotations

from dalejax.nn.cells.base import Cell
from dalejax.nn.dense import Dense


def wire(layer: Cell | Dense, inputs_n_i: int, *, negative: bool = False) -> Cell | Dense:
    """Tell a layer how many of its inputs, the last ones, are inhibitory.

    Args:
        layer: a cell or a dense layer; one that somebody wired by hand stays as it is.
        inputs_n_i: inhibitory units of the layer below.
        negative: whether the activity below may be negative.

    Raises:
        ValueError: a Dale's-ANN layer has no place for inhibitory inputs, a divisive one none for
            negative activity.

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
            f"{type(layer).__name__} divides by what it receives, which must not be negative; the "
            "cell below it must be 'relu'."
        )
    if layer.inputs_n_i is not None:
        return layer
    return layer.clone(inputs_n_i=inputs_n_i, parent=None)
