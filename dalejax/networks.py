"""Networks: a stack of recurrent cells with a read-out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import flax.linen as nn

from dalejax.cells import Cell, DANNCell, Effective
from dalejax.dense import DANNDense, Dense
from dalejax.types import Any, Array, Float


class RecurrentNetwork(nn.Module):
    r"""Stack of recurrent cells and a read-out of the last one.

    .. math:: h^\ell_t = f(U^\ell h^{\ell-1}_t + W^\ell h^\ell_{t-1} + b^\ell), \qquad
              y_t = W_{out} h^L_t + b_{out}

    The network wires its layers: each one learns how many inhibitory units the layer below has,
    so that the signs of its input weights follow Dale's law. The kinds of cells may be mixed.

    Args:
        cells: recurrent cells, the first one sees the inputs.
        readout: dense layer on the last cell.
        every_step: read out at every time step instead of the last one.

    Raises:
        ValueError: there is no cell, or a Dale's-ANN layer stands above a ColEI cell, for whose
            inhibitory units it has no place.

    Example:
        >>> import dalejax as dj, jax, jax.numpy as jnp
        >>> net = dj.RecurrentNetwork(cells=[dj.ColEICell(20, n_i=2)], readout=dj.ColEIDense(10))
        >>> x = jnp.ones((28, 32, 28))  # [t, b, n_in]
        >>> params = net.init(jax.random.key(0), x)["params"]
        >>> net.apply({"params": params}, x).shape
        (32, 10)
        >>> net.effective(params)[0].W.shape
        (20, 20)

    Reference:
        Li et al. 2023, eqs. 1 and 2.
    """

    cells: Sequence[Cell]
    readout: Dense
    every_step: bool = False

    def __post_init__(self):
        if not self.cells:
            raise ValueError("cells is empty; a network needs at least 1 recurrent cell.")
        wired, below = [], 0
        for cell in self.cells:
            wired.append(_wire(cell, below))
            below = cell.outputs_n_i
        self.cells = tuple(wired)
        self.readout = _wire(self.readout, below)
        super().__post_init__()

    def __call__(self, x: Float[Array, "t b n_in"]) -> Float[Array, "*t b n_out"]:
        """Run the network over inputs [t, b, n_in], from zero states.

        Returns:
            [b, n_out] after the last step, or [t, b, n_out] with ``every_step``.
        """
        if x.ndim != 3:
            raise ValueError(f"the inputs have shape {x.shape}; they must be [t, b, n_in].")
        for cell in self.cells:
            x = cell.sequence(x)
        return self.readout(x if self.every_step else x[-1])

    def effective(self, params: Mapping[str, Any]) -> list[Effective]:
        """Fold the parameters into effective weights, one (U, W, b) a cell.

        Args:
            params: the network's parameters; leading axes are members.

        Returns:
            A list with an :class:`~dalejax.cells.Effective` for each cell, the first layer first.
        """
        return [cell.effective(params[f"cells_{i}"]) for i, cell in enumerate(self.cells)]


def _wire(layer, inputs_n_i):
    if inputs_n_i and isinstance(layer, DANNCell | DANNDense):
        raise ValueError(
            f"a Dale's-ANN layer takes excitatory inputs only; the layer below it has {inputs_n_i} "
            "inhibitory units."
        )
    # A layer that somebody wired by hand stays as it is.
    return (
        layer if layer.inputs_n_i is not None else layer.clone(inputs_n_i=inputs_n_i, parent=None)
    )
