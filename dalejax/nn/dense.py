"""Dense layers in the three parameterisations, ``y = W h + b``: read-outs, and hidden layers.

``conv.py`` makes filters of them (they only take the product with the weights otherwise),
``divisive.py`` adds divisive inhibition.
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
    """What every dense layer boils down to; leading axes are members.

    Attributes:
        W: weights [..., n_out, n_in].
        b: bias [..., n_out].
    """

    W: Float[Array, "*s n_out n_in"]
    b: Float[Array, "*s n_out"]


class Dense(nn.Module):
    r"""Standard dense layer; nothing is constrained.

    .. math:: y = W h + b, \qquad W \sim \mathcal N(0, 2/n_{in}),\ b = 0

    The factor 2 stands for the half that the ReLU below cuts off; a first layer does without it.

    Args:
        features: outputs n_out.
        inputs_n_i: how many of the inputs, the last ones, are inhibitory units of the layer below;
            None until a network wires it, meaning none.
        first: the layer sees the network's inputs: its weights start with variance 1/n_in.

    Example:
        >>> import jax
        >>> layer = Dense(2)
        >>> variables = layer.init(jax.random.key(0), jnp.ones((1, 3)))
        >>> layer.apply(variables, jnp.ones((1, 3))).shape
        (1, 2)

    Reference:
        Li et al. 2023, eq. 2; He et al. 2015; first layers: published code of Cornford et al. 2021.
    """

    features: int
    inputs_n_i: int | None = None
    first: bool = False

    # Whether the layer is no more than its effective weights; columns that one input has.
    linear: ClassVar[bool] = True
    takes_inhibition: ClassVar[bool] = True  # the layer below may have inhibitory units
    takes_negative: ClassVar[bool] = True  # its activity may be below 0
    may_be_first: ClassVar[bool] = True  # there is another start for it
    columns_per_input = 1

    def __post_init__(self):
        if self.features < 1:
            raise ValueError(f"features is {self.features}; a dense layer needs at least 1 output.")
        if self.first and not self.may_be_first:
            raise ValueError(f"first is True; a {type(self).__name__} has no other start for that.")
        if not self.takes_inhibition:
            checks.excitatory_inputs(type(self).__name__, self.inputs_n_i)
        super().__post_init__()

    @property
    def outputs_n_i(self) -> int:
        """How many of the outputs, the last ones, are inhibitory to the layer above."""
        return 0

    def initial_params(self, n_in: int, *, key: Key[Array, ""]) -> dict[str, Any]:
        """Draw the layer's parameters for n_in inputs."""
        W = initializers.normal((self.features, n_in), key=key)
        W = W / math.sqrt(2) if self.first else W
        return {"W": W, "b": jnp.zeros(self.features)}

    def effective(self, params: Mapping[str, Any]) -> EffectiveDense:
        """Fold the layer's parameters into effective weights; leading axes are members."""
        return EffectiveDense(params["W"], params["b"])

    def product(self, x: Float[Array, "*b n_in"], W: Float[Array, "n n_in"]) -> Array:
        """Take the product of the inputs with a weight matrix."""
        return x @ W.T

    def respond(self, params: Mapping[str, Any], x: Float[Array, "... n_in"]) -> Array:
        """Compute the outputs; what ``__call__`` does, as a pure function."""
        W, b = self.effective(params)
        return self.product(x, W) + b

    def __call__(self, x: Float[Array, "... n_in"]) -> Float[Array, "... n_out"]:
        """Apply the layer to [..., n_in]."""
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
    r"""Column-signed dense layer: each input excites or inhibits all outputs.

    .. math:: y = W h + b, \qquad
              W_{\cdot j} \ge 0 \text{ for } j \in E, \quad W_{\cdot j} \le 0 \text{ for } j \in I

    Args:
        features: outputs n_out, E and I together.
        inputs_n_i: inhibitory inputs, the last ones; wired by the network.
        n_i: of a hidden layer: inhibitory units among its outputs, the last ones.
        input_mean: mean of the inputs' entries, which the bias of a layer with excitatory inputs
            only cancels, ``b = -sqrt(n_in) input_mean``; 0 starts the bias at 0.

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
        """How many of the outputs, the last ones, are inhibitory to the layer above."""
        return self.n_i

    def initial_params(self, n_in: int, *, key: Key[Array, ""]) -> dict[str, Any]:
        """Draw W, a zero b and their signs for n_in inputs."""
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
    r"""Dale's-ANN dense layer with its own pool of interneurons.

    .. math:: y = (W^{EE} - W^{EI} W^{IE}) h + b, \qquad
              W^{EE} \sim \mathrm{Exp}\left(\sqrt{\tfrac{2 n_{out}}{n_{in}(n_{out}-1)}}\right)

    A single output has no mean row to be balanced by: its inhibition is drawn independently, with
    weights of mean :math:`\sqrt{1/n_{in}}`, which with one interneuron gives the same variance,
    2/n_in (with many, 1/n_in).

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
        """Draw the triple, a zero b and their signs for n_in inputs."""
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
        """Fold the interneurons away: ``W_ee - W_ei W_ie``."""
        return EffectiveDense(fold(params, "W"), params["b"])
