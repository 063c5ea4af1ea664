"""Two kinds of inhibition in one network: slow inhibitory units, and fast interneurons.

A column-signed network's inhibitory units act a time step later and have inputs of all kinds, like
somatostatin-positive cells; a Dale's ANN's interneurons act within the time step, like
parvalbumin-positive ones. Here a layer has both, and the first kind inhibits the second, too.
"""

from __future__ import annotations

from typing import ClassVar

import jax.numpy as jnp

from dalejax import checks, signs
from dalejax.nn.cells.basic import DANNCell
from dalejax.nn.dense import DANNDense
from dalejax.types import Any, Array, Key


class HybridCell(DANNCell):
    r"""Units of both signs, the last ``slow_n_i`` inhibit, and pools of fast interneurons on top.

    .. math:: h_t = f\left(U x_t + W h_{t-1} + b\right), \qquad
              W = W^{\cdot E} - W^{EI} W^{IE}, \qquad
              W^{\cdot E}_{\cdot j}, W^{IE}_{\cdot j} \ge 0 \text{ for } j \in E, \quad
              \le 0 \text{ for } j \in I

    What the interneurons make of a unit's column has the opposite sign: they take away what
    excitatory units add, and give back what inhibitory units take (disinhibition). So the network
    starts with the weights of a Dale's ANN of the same key, its inhibitory columns turned round:
    **its singular values are the Dale's ANN's.** U likewise; its columns have the signs of the
    layer below. W_ei is non-negative; b is free.

    Args:
        features: units n, excitatory and slow inhibitory ones together.
        n_i: fast interneurons of the recurrent pool, on top of them, from 1 to n - 1.
        inputs_pool: fast interneurons of the input pool, likewise; None for n_i.
        slow_n_i: inhibitory units among the n, the last ones, from 1 to n - 1.

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
        Li et al. 2023, section 4, names it as future work; each part is theirs (section 2.1).
    """

    slow_n_i: int = 1

    takes_inhibition: ClassVar[bool] = True

    def __post_init__(self):
        checks.whole("slow_n_i", self.slow_n_i, 1, max(self.features - 1, 1))
        super().__post_init__()

    @property
    def outputs_n_i(self) -> int:
        """How many of the cell's units, the last ones, are inhibitory to the layer above."""
        return self.slow_n_i

    def initial_params(self, n_in: int, *, key: Key[Array, ""]) -> dict[str, Any]:
        """Draw a Dale's ANN, and turn the columns of what inhibits round."""
        params = super().initial_params(n_in, key=key)
        return _turned(params, {"U": self.inputs_n_i or 0, "W": self.slow_n_i})


class HybridDense(DANNDense):
    r"""Dale's-ANN dense layer that takes inhibitory inputs: the read-out of a :class:`HybridCell`.

    .. math:: y = (W^{\cdot E} - W^{EI} W^{IE}) h + b

    with the signs of :class:`HybridCell`. It starts as a
    :class:`~dalejax.nn.dense.DANNDense` of the same key does, its inhibitory columns turned round.

    Args:
        features: outputs n_out.
        n_i: interneurons, at least 1.
        inputs_n_i: inhibitory inputs, the last ones; wired by the network.

    Raises:
        ValueError: n_i < 1.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> layer = HybridDense(2, inputs_n_i=1)
        >>> jnp.sign(layer.initial_params(3, key=jax.random.key(0))["W_ee"]).tolist()
        [[1.0, 1.0, -1.0], [1.0, 1.0, -1.0]]

    Reference:
        As :class:`HybridCell`.
    """

    takes_inhibition: ClassVar[bool] = True

    def initial_params(self, n_in: int, *, key: Key[Array, ""]) -> dict[str, Any]:
        """Draw a Dale's-ANN layer, and turn the columns of what inhibits round."""
        params = super().initial_params(n_in, key=key)
        return _turned(params, {"W": (self.inputs_n_i or 0) * self.columns_per_input})


def _turned(params, inhibitory):
    """Give the columns of X_ee and X_ie the sign of the unit they come from."""
    rule = dict(params[signs.KEY].inhibitory_columns)
    for name, n_i in inhibitory.items():
        if n_i:
            signs.check_populations(params[f"{name}_ee"].shape[1], n_i)
        for kind in (f"{name}_ee", f"{name}_ie"):
            turned = params[kind] * signs.column_signs(params[kind].shape[1], n_i)
            params[kind] = jnp.where(params[kind] > 0, turned, 0)  # an absent synapse is 0, not -0
            rule[kind] = n_i
    return {**params, signs.KEY: signs.ColumnSigns(tuple(rule.items()))}
