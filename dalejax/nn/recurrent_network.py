"""Recurrent networks: a stack of recurrent cells, optional dense layers, and a read-out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import flax.linen as nn

from dalejax.nn.cells.base import Cell, Effective
from dalejax.nn.dense import Dense
from dalejax.nn.embedding import Embedding
from dalejax.nn.wiring import wire
from dalejax.types import Any, Array, Float, Int


class RecurrentNetwork(nn.Module):
    r"""Recurrent network: a stack of recurrent cells, and a linear read-out of the last one.

    .. math:: h^\ell_t = f(U^\ell h^{\ell-1}_t + W^\ell h^\ell_{t-1} + b^\ell), \qquad
              y_t = W_{out} h^L_t + b_{out}

    The network sets ``inputs_n_i`` of each cell and layer to the number of inhibitory units of the
    one below, so that the signs of its input weights follow Dale's law. Cells of different kinds
    may be combined.

    Args:
        cells: recurrent cells; the first one takes the inputs.
        readout: dense layer on top of the last cell.
        every_step: whether to read out at every time step; if not, at the last one only.
        hidden: dense layers with ReLU between the last cell and the read-out.
        embedding: maps inputs that are word numbers [t, b] to vectors [t, b, n_in]; None for inputs
            that are vectors.

    Raises:
        ValueError: there is no cell, a Dale's-ANN cell or layer is above one with inhibitory units,
            or one with divisive inhibition is above a cell whose activation is not ``"relu"``.

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
    hidden: Sequence[Dense] = ()
    embedding: Embedding | None = None

    has_batch_statistics: ClassVar[bool] = False  # there is no batch normalisation

    def __post_init__(self):
        if not self.cells:
            raise ValueError("cells is empty; a network needs at least 1 recurrent cell.")
        wired, below, negative = [], 0, False
        for cell in self.cells:
            wired.append(wire(cell, below, negative=negative))
            below, negative = cell.outputs_n_i, cell.activation != "relu"
        self.cells = tuple(wired)
        wired = []
        for layer in self.hidden:
            wired.append(wire(layer, below, negative=negative))
            below, negative = layer.outputs_n_i, False
        self.hidden = tuple(wired)
        self.readout = wire(self.readout, below, negative=negative)
        super().__post_init__()

    def __call__(
        self, x: Float[Array, "t_in b n_in"] | Int[Array, "t_in b"], steps: int | None = None
    ) -> Float[Array, "*t b n_out"]:
        """Compute the outputs, starting from states of zeros.

        Args:
            x: inputs [t_in, b, n_in], or word numbers [t_in, b] if there is an embedding.
            steps: number of time steps t, at least t_in; after the inputs' end they are zeros. None
                for t_in.

        Returns:
            [b, n_out] after the last step, or [t, b, n_out] with ``every_step``.
        """
        return self.readout(self.states(x, steps))

    def states(
        self, x: Float[Array, "t_in b n_in"] | Int[Array, "t_in b"], steps: int | None = None
    ) -> Float[Array, "*t b n"]:
        """Compute the inputs of the read-out; arguments as those of ``__call__``.

        Returns:
            [b, n] after the last step, or [t, b, n] with ``every_step``.
        """
        return self.head(self.activities(x, steps)[-1])

    def activities(
        self, x: Float[Array, "t_in b n_in"] | Int[Array, "t_in b"], steps: int | None = None
    ) -> list[Float[Array, "t b n"]]:
        """Compute the activity of each cell [t, b, n]; arguments as those of ``__call__``."""
        wanted = 3 if self.embedding is None else 2
        if x.ndim != wanted:
            shape = "[t, b, n_in]" if wanted == 3 else "[t, b], as there is an embedding"
            raise ValueError(f"the inputs have shape {x.shape}; they must be {shape}.")
        if self.embedding is not None:
            x = self.embedding(x)
        out = []
        for cell in self.cells:
            x = cell.sequence(x, steps=steps)
            out.append(x)
        return out

    def head(self, h: Float[Array, "t b n"]) -> Float[Array, "*t b m"]:
        """Compute the inputs of the read-out from the last cell's activity [t, b, n].

        Returns:
            [b, m] of the last step, or [t, b, m] with ``every_step``.
        """
        x = h if self.every_step else h[-1]
        for layer in self.hidden:
            x = nn.relu(layer(x))
        return x

    def effective(self, params: Mapping[str, Any]) -> list[Effective]:
        """Compute the effective weights (U, W, b) of each cell.

        Divisive inhibition is not part of them; see :meth:`~dalejax.nn.cells.base.Cell.gain`.

        Args:
            params: the network's parameters; leading axes are members.

        Returns:
            A list of :class:`~dalejax.nn.cells.base.Effective` in the order of ``cells``.
        """
        return [cell.effective(params[f"cells_{i}"]) for i, cell in enumerate(self.cells)]
