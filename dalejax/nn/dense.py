"""Dense layers ``y = W h + b``, standard, column-signed and Dale's ANN, as read-outs or hidden.

``conv.py`` turns them into convolutional layers by another :meth:`Dense.product`;
``cells/divisive.py`` adds divisive inhibition.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import flax.linen as nn
import jax.numpy as jnp

from dalejax import checks, initializers, signs
from dalejax.nn.cells.basic import fold
from dalejax.types import Any, Array, Float, Key


class EffectiveDense(NamedTuple):
    """Effective weights of a dense layer, ``y = W h + b``; leading axes are members.

    Attributes:
        W: weights [..., n_out, n_in].
        b: bias [..., n_out].
    """

    W: Float[Array, "*s n_out n_in"]
    b: Float[Array, "*s n_out"]


class Dense(nn.Module):
    r"""Standard dense layer: W and b are its parameters, and no sign is constrained.

    .. math:: y = W h + b, \qquad W \sim \mathcal N(0, 2/n_{in}),\ b = 0

    The variance 2/n_in makes up for the half of the activity that the ReLU of the layer below sets
    to 0. A first layer has no ReLU below it and starts with variance 1/n_in.

    Args:
        features: outputs n_out.
        inputs_n_i: how many of the inputs, the last ones, are inhibitory units of the layer below.
            A network sets it; None (not set) counts as 0.
        first: whether the layer is the network's first one, see above.

    Example:
        >>> import jax
        >>> layer = Dense(2)
        >>> variables = layer.init(jax.random.key(0), jnp.ones((1, 3)))
        >>> layer.apply(variables, jnp.ones((1, 3))).shape
        (1, 2)

    Reference:
        Li et al. 2023, eq. 2; the variance: He et al. 2015; first layers: published code of
        Cornford et al. 2021.
    """

    features: int
    inputs_n_i: int | None = None
    first: bool = False

    linear: ClassVar[bool] = True  # whether the outputs are W h + b with the effective weights
    takes_inhibition: ClassVar[bool] = True  # whether the layer below may have inhibitory units
    takes_negative: ClassVar[bool] = True  # whether the activity of the layer below may be negative
    may_be_first: ClassVar[bool] = True  # whether the class has initial weights for first layers
    columns_per_input = 1  # columns of W for each input; k * k for each channel of a k x k filter

    def __post_init__(self):
        if self.features < 1:
            raise ValueError(f"features is {self.features}; a dense layer needs at least 1 output.")
        if self.first and not self.may_be_first:
            raise ValueError(
                f"first is True; a {type(self).__name__} has no other initial weights for a first "
                "layer: it must be False."
            )
        if not self.takes_inhibition:
            checks.excitatory_inputs(type(self).__name__, self.inputs_n_i)
        super().__post_init__()

    @property
    def outputs_n_i(self) -> int:
        """Number of the outputs, the last ones, that are inhibitory to the layer above."""
        return 0

    def initial_params(self, n_in: int, *, key: Key[Array, ""]) -> dict[str, Any]:
        """Draw the initial parameters of a layer with n_in inputs."""
        W = initializers.normal((self.features, n_in), key=key)
        W = W / math.sqrt(2) if self.first else W
        return {"W": W, "b": jnp.zeros(self.features)}

    def effective(self, params: Mapping[str, Any]) -> EffectiveDense:
        """Compute the effective weights (W, b); leading axes of the parameters are members."""
        return EffectiveDense(params["W"], params["b"])

    def product(self, x: Float[Array, "*b n_in"], W: Float[Array, "n n_in"]) -> Array:
        """Multiply the inputs [..., n_in] by a weight matrix [n, n_in]: ``x W^T``."""
        return x @ W.T

    def respond(self, params: Mapping[str, Any], x: Float[Array, "... n_in"]) -> Array:
        """Compute the outputs [..., n_out] from parameters and inputs, as a pure function."""
        W, b = self.effective(params)
        return self.product(x, W) + b

    def __call__(self, x: Float[Array, "... n_in"]) -> Float[Array, "... n_out"]:
        """Compute the outputs [..., n_out] from the inputs [..., n_in]."""
        n_in = x.shape[-1] * self.columns_per_input
        if self.is_initializing():
            for name, value in self.initial_params(n_in, key=self.make_rng("params")).items():
                self.put_variable("params", name, value)
        params = self.variables["params"]
        made_for = self.effective(params).W.shape[-1]
        if made_for != n_in:
            raise ValueError(
                f"the inputs have {x.shape[-1]} features; this layer was made for "
                f"{made_for // self.columns_per_input}."
            )
        return self.respond(params, x)


class ColEIDense(Dense):
    r"""Column-signed dense layer: all weights from one input have the same sign.

    .. math:: y = W h + b, \qquad
              W_{\cdot j} \ge 0 \text{ for } j \in E, \quad W_{\cdot j} \le 0 \text{ for } j \in I

    Args:
        features: outputs n_out, E and I together.
        inputs_n_i: inhibitory inputs, the last ones; set by the network.
        n_i: inhibitory units among the outputs of a hidden layer, the last ones; 0 for a read-out.
        input_mean: mean of the inputs' entries. Without inhibitory inputs the bias starts at
            ``-sqrt(n_in) input_mean``, which cancels the mean output.

    Raises:
        ValueError: n_i is below 0 or not below the outputs.

    Example:
        >>> import jax
        >>> params = ColEIDense(2, inputs_n_i=1).initial_params(3, key=jax.random.key(0))
        >>> jnp.sign(params["W"]).tolist()
        [[1.0, 1.0, -1.0], [1.0, 1.0, -1.0]]

    Reference:
        Li et al. 2023, section 2.1; Cornford et al. 2021, appendix C.1.
    """

    n_i: int = 0
    input_mean: float = 0.0

    may_be_first: ClassVar[bool] = False

    def __post_init__(self):
        if self.n_i:
            signs.check_populations(self.features, self.n_i)
        super().__post_init__()

    @property
    def outputs_n_i(self) -> int:
        """Number of the outputs, the last ones, that are inhibitory to the layer above."""
        return self.n_i

    def initial_params(self, n_in: int, *, key: Key[Array, ""]) -> dict[str, Any]:
        """Draw initial W, the bias b and the sign rule for n_in inputs."""
        n_i = (self.inputs_n_i or 0) * self.columns_per_input
        shape, b = (self.features, n_in), jnp.zeros(self.features)
        if n_i:
            W = initializers.colei(shape, n_i, key=key)
        else:
            W = initializers.colei_input(shape, key=key)
            b = b - math.sqrt(n_in) * self.input_mean
        rule = signs.ColumnSigns((("W", n_i),))
        return {"W": W, "b": b, signs.KEY: rule}


class DANNDense(Dense):
    r"""Dale's-ANN dense layer: excitation minus inhibition by a pool of interneurons.

    .. math:: y = (W^{EE} - W^{EI} W^{IE}) h + b, \qquad
              W^{EE} \sim \mathrm{Exp}\left(\sqrt{\tfrac{2 n_{out}}{n_{in}(n_{out}-1)}}\right)

    All matrices are non-negative; b is unconstrained. Initially each row of W_ie is the mean row of
    W_ee, which balances excitation. With one output the mean row is the only row, and this
    inhibition would cancel it; W_ie is then drawn independently of W_ee, both with the mean
    :math:`\sqrt{1/n_{in}}`. The effective weights have the variance 2/n_in, but for one output with
    many interneurons, where it tends to 1/n_in.

    Args:
        features: outputs n_out.
        n_i: interneurons, at least 1.

    Raises:
        ValueError: n_i < 1.

    Example:
        >>> import jax
        >>> layer = DANNDense(2, n_i=1)
        >>> layer.effective(layer.initial_params(3, key=jax.random.key(0))).W.shape
        (2, 3)

    Reference:
        Li et al. 2023, eq. 3; Cornford et al. 2021, section 4.
    """

    n_i: int = 1

    takes_inhibition: ClassVar[bool] = False
    may_be_first: ClassVar[bool] = False

    def __post_init__(self):
        if self.n_i < 1:
            raise ValueError(f"n_i is {self.n_i}; a Dale's ANN needs at least 1 interneuron.")
        super().__post_init__()

    def initial_params(self, n_in: int, *, key: Key[Array, ""]) -> dict[str, Any]:
        """Draw initial W_ee, W_ie and W_ei, zeros b and the sign rule for n_in inputs."""
        n_out = self.features
        if n_out > 1:
            mean, inhibition = math.sqrt(2 * n_out / (n_in * (n_out - 1))), "mean_row"
        else:
            mean, inhibition = math.sqrt(1 / n_in), "iid"
        W = initializers.dann((n_out, n_in), self.n_i, mean, key=key, inhibition=inhibition)
        triple = {f"W_{k}": v for k, v in W._asdict().items()}
        rule = signs.ColumnSigns(tuple((name, 0) for name in triple))
        return {**triple, "b": jnp.zeros(n_out), signs.KEY: rule}

    def effective(self, params: Mapping[str, Any]) -> EffectiveDense:
        """Compute the effective weights, ``W_ee - W_ei W_ie``, and b."""
        return EffectiveDense(fold(params, "W"), params["b"])
