"""A cell and a dense layer with two kinds of inhibition: slow units and fast interneurons.

The inhibitory units of a column-signed cell act one time step later and receive excitation and
inhibition, as somatostatin-positive neurons do. The interneurons of a Dale's ANN act within the
time step, as parvalbumin-positive neurons do. A hybrid cell has both, and its slow inhibitory units
also inhibit its fast interneurons.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import jax.numpy as jnp

from dalejax import checks, signs
from dalejax.nn.cells.basic import DANNCell
from dalejax.nn.dense import DANNDense
from dalejax.types import Any, Array, Key


class HybridCell(DANNCell):
    r"""E/I cell with fast interneurons: the last ``slow_n_i`` of its n units are inhibitory.

    .. math:: h_t = f\left(U x_t + W h_{t-1} + b\right), \qquad
              W = W^{\cdot E} - W^{EI} W^{IE}, \qquad
              W^{\cdot E}_{\cdot j}, W^{IE}_{\cdot j} \ge 0 \text{ for } j \in E, \quad
              \le 0 \text{ for } j \in I

    In the column of a presynaptic unit, the contribution of the interneurons has the opposite sign
    of the unit's own: they subtract from the input that an excitatory unit gives, and weaken the
    inhibition by an inhibitory unit (disinhibition). The initial W is that of a
    :class:`~dalejax.nn.cells.basic.DANNCell` of the same key, with the sign of the inhibitory
    columns flipped; **its singular values are therefore those of the DANNCell.** The same holds for
    U, whose columns have the signs of the layer below. W_ei is non-negative; b is unconstrained.

    Args:
        features: units n, excitatory and slow inhibitory ones together, without the interneurons.
        n_i: fast interneurons of the recurrent pool, from 1 to n - 1.
        inputs_pool: fast interneurons of the input pool, from 1 to n - 1; None for n_i.
        slow_n_i: slow inhibitory units among the n units, the last ones, from 1 to n - 1.

    Raises:
        ValueError: as a DANNCell, or ``slow_n_i`` is not between 1 and n - 1.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> cell, key = HybridCell(4, n_i=2, slow_n_i=1), jax.random.key(0)
        >>> W = cell.effective(cell.initial_params(3, key=key)).W
        >>> dann = DANNCell(4, n_i=2)
        >>> of_dann = dann.effective(dann.initial_params(3, key=key)).W
        >>> bool((W == of_dann * jnp.array([1, 1, 1, -1])).all())
        True

    Reference:
        Li et al. 2023, section 4, name the combination as future work; the two kinds of inhibition
        are those of their section 2.1.
    """

    slow_n_i: int = 1

    takes_inhibition: ClassVar[bool] = True

    def __post_init__(self):
        checks.whole("slow_n_i", self.slow_n_i, 1, max(self.features - 1, 1))
        super().__post_init__()

    @property
    def outputs_n_i(self) -> int:
        """Number of the cell's units, the last ones, that are inhibitory to the layer above."""
        return self.slow_n_i

    def initial_params(self, n_in: int, *, key: Key[Array, ""]) -> dict[str, Any]:
        """Draw the initial parameters of a DANNCell and flip the sign of inhibitory columns."""
        params = super().initial_params(n_in, key=key)
        return _flipped(params, {"U": self.inputs_n_i or 0, "W": self.slow_n_i})


class HybridDense(DANNDense):
    r"""Dale's-ANN dense layer that takes inhibitory inputs: the read-out of a :class:`HybridCell`.

    .. math:: y = (W^{\cdot E} - W^{EI} W^{IE}) h + b

    with the signs of :class:`HybridCell`. The initial weights are those of a
    :class:`~dalejax.nn.dense.DANNDense` of the same key, with the sign of the inhibitory columns
    flipped.

    Args:
        features: outputs n_out.
        n_i: interneurons, at least 1.
        inputs_n_i: inhibitory inputs, the last ones; set by the network.

    Raises:
        ValueError: n_i < 1.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> layer = HybridDense(2, inputs_n_i=1)
        >>> jnp.sign(layer.initial_params(3, key=jax.random.key(0))["W_ee"]).tolist()
        [[1.0, 1.0, -1.0], [1.0, 1.0, -1.0]]

    Reference:
        See :class:`HybridCell`.
    """

    takes_inhibition: ClassVar[bool] = True

    def initial_params(self, n_in: int, *, key: Key[Array, ""]) -> dict[str, Any]:
        """Draw the initial parameters of a DANNDense and flip the sign of inhibitory columns."""
        params = super().initial_params(n_in, key=key)
        return _flipped(params, {"W": (self.inputs_n_i or 0) * self.columns_per_input})


def _flipped(params: dict[str, Any], inhibitory: Mapping[str, int]) -> dict[str, Any]:
    """Flip the sign of the inhibitory columns of X_ee and X_ie.

    Args:
        params: the initial parameters of a Dale's ANN.
        inhibitory: name of X, ``"U"`` or ``"W"`` -> number of inhibitory columns, the last ones.

    Returns:
        The parameters with their sign rule.
    """
    rule = dict(params[signs.KEY].inhibitory_columns)
    for name, n_i in inhibitory.items():
        if n_i:
            signs.check_populations(params[f"{name}_ee"].shape[1], n_i)
        for kind in (f"{name}_ee", f"{name}_ie"):
            flipped = params[kind] * signs.column_signs(params[kind].shape[1], n_i)
            params[kind] = jnp.where(params[kind] > 0, flipped, 0)  # 0 stays 0, not -0
            rule[kind] = n_i
    return {**params, signs.KEY: signs.ColumnSigns(tuple(rule.items()))}
