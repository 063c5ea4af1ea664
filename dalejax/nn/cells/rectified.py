"""Dale's law by construction: weights are rectified parameters times fixed signs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from dalejax import signs
from dalejax.nn.cells.base import Effective
from dalejax.nn.cells.basic import ColEICell
from dalejax.nn.connectivity import masked
from dalejax.nn.dense import Dense, EffectiveDense
from dalejax.types import Any, Array, Float, Key

_SMALL = 0.1  # input and read-out weights start uniform on [0, _SMALL]


class RectifiedCell(ColEICell):
    r"""E/I cell whose weights keep their signs by construction, without a projection.

    .. math:: W = [W^{free}]_+ D, \qquad U = [U^{free}]_+ D_{in}, \qquad
              D = \mathrm{diag}(1, \dots, 1, -1, \dots, -1)

    A synapse whose parameter is negative has weight 0 and gradient 0. There are no
    self-connections: the diagonal of W is 0 for all parameters. The arguments are those of
    :class:`~dalejax.nn.cells.basic.ColEICell`, but the weights' distribution is by default the
    gamma distribution, as in Song et al. Initially U is uniform on [0, 0.1] and b is 0.

    Raises:
        ValueError: as ColEICell; or ``zero_diagonal`` is False, or ``input_mean`` is not 0.

    Example:
        >>> cell = RectifiedCell(4, n_i=1, tau=100.0, dt=20.0, noise=0.15)
        >>> params = cell.initial_params(3, key=jax.random.key(0))
        >>> jnp.sign(cell.effective(params).W).sum(0).tolist()
        [3.0, 3.0, 3.0, -3.0]

    Reference:
        Song et al. 2016, published code.
    """

    distribution: str = "gamma"

    def __post_init__(self):
        if not self.zero_diagonal or self.input_mean:
            raise ValueError(
                f"zero_diagonal is {self.zero_diagonal} and input_mean {self.input_mean}; "
                "a rectified cell has no self-connections and its bias starts at 0: they must be "
                "True and 0."
            )
        super().__post_init__()

    def initial_params(self, n_in: int, *, key: Key[Array, ""]) -> dict[str, Any]:
        """Draw the initial parameters, none negative, for n_in inputs."""
        params = super().initial_params(n_in, key=key)
        U = jax.random.uniform(jax.random.split(key)[0], (self.features, n_in), maxval=_SMALL)
        del params[signs.KEY]
        return params | {"U": U, "W": jnp.abs(params["W"]), "b": jnp.zeros(self.features)}

    def effective(self, params: Mapping[str, Any]) -> Effective:
        """Compute (U, W, b): rectified parameters times signs; leading axes are members."""
        U, W = params["U"], params["W"]
        others = 1 - jnp.eye(self.features)
        return Effective(
            nn.relu(U) * signs.column_signs(U.shape[-1], self.inputs_n_i or 0),
            nn.relu(masked(W, params)) * signs.column_signs(self.features, self.n_i) * others,
            params["b"],
        )


class RectifiedDense(Dense):
    r"""Read-out from the excitatory units only, with weights non-negative by construction.

    .. math:: y = [W^{free}]_+ h_E + b

    Args:
        features: outputs n_out.
        inputs_n_i: inhibitory inputs, the last ones, whose weights are 0; set by the network.

    Example:
        >>> layer = RectifiedDense(2, inputs_n_i=1)
        >>> params = layer.initial_params(3, key=jax.random.key(0))
        >>> jnp.sign(layer.effective(params).W).tolist()
        [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0]]

    Reference:
        Song et al. 2016, published code.
    """

    may_be_first: ClassVar[bool] = False

    def initial_params(self, n_in: int, *, key: Key[Array, ""]) -> dict[str, Any]:
        """Draw initial weights, uniform on [0, 0.1], and zeros b for n_in inputs."""
        W = jax.random.uniform(key, (self.features, n_in), maxval=_SMALL)
        return {"W": W, "b": jnp.zeros(self.features)}

    def effective(self, params: Mapping[str, Any]) -> EffectiveDense:
        """Compute (W, b): rectified weights, 0 for inhibitory inputs; leading axes are members."""
        W: Float[Array, "*s n_out n_in"] = params["W"]
        n_in = W.shape[-1]
        read = jnp.arange(n_in) < n_in - (self.inputs_n_i or 0)
        return EffectiveDense(jnp.where(read, nn.relu(W), 0), params["b"])
