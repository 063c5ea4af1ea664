"""Divisive inhibition: interneurons that subtract from a unit's excitation, and divide it.

The gain is the same in dense layers, filters and recurrent cells:
``gamma = W_ei (e^alpha * W_ie x) + epsilon``, of rank n_i. It is never folded into a matrix: it
depends on the input.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp

from dalejax import checks, initializers, signs
from dalejax.nn.cells.basic import DANNCell, fold
from dalejax.nn.dense import DANNDense, EffectiveDense
from dalejax.nn.divisive_gain import Gain
from dalejax.types import Any, Array, Float, Key


class DivisiveDANNDense(DANNDense):
    r"""Dale's-ANN dense layer with subtractive and divisive inhibition.

    .. math:: z = \frac{g}{\gamma} \odot \left(W^{EE} x - W^{EI} W^{IE} x\right) + \beta, \qquad
              \gamma = W^{EI} \left(e^\alpha \odot W^{IE} x\right) + 10^{-8}

    W_ee, W_ie, W_ei and g are non-negative, and so must the inputs be, or gamma may be 0 somewhere;
    alpha and the bias are free. At the start the inhibition
    centres and standardises the excitation (:func:`initializers.unit_mean`,
    :func:`initializers.standardising_alpha`), g = 1. Without division W_ee starts with the mean
    sqrt(2/n_in): what subtraction leaves has the variance of the activity below.

    Args:
        features: excitatory units n_e (the interneurons come on top).
        n_i: interneurons, at least 1.
        first: the layer sees the network's inputs, which are no activity of mean and spread alike:
            W_ee starts with the standard deviation sqrt(1/(2 n_in)).
        subtractive: whether the interneurons subtract.
        divisive: whether they divide; if not, gamma is 1.
        inhibition: start of W_ie and W_ei, see :func:`initializers.dann`; of a single output it is
            ``"iid"``, as that is its own mean row.
        bias: beta at the start.

    Raises:
        ValueError: n_i < 1, the inhibition's name is unknown, or it neither subtracts nor divides.

    Example:
        >>> layer = DivisiveDANNDense(4, n_i=2)
        >>> variables = layer.init(jax.random.key(0), jnp.ones((1, 3)))
        >>> sorted(variables["params"])
        ['W_alpha', 'W_ee', 'W_ei', 'W_g', 'W_ie', 'b', 'signs']

    Reference:
        Cornford et al. 2021, eq. 1 and algorithm 1; epsilon, first layers and beta = 0: its
        published code (the text starts beta at 1, and all layers alike).
    """

    subtractive: bool = True
    divisive: bool = True
    inhibition: str = "equal"
    bias: float = 0.0

    linear: ClassVar[bool] = False
    takes_negative: ClassVar[bool] = False
    may_be_first: ClassVar[bool] = True

    def __post_init__(self):
        checks.choice("inhibition", self.inhibition, initializers.INHIBITIONS)
        if not (self.subtractive or self.divisive):
            raise ValueError("the inhibition neither subtracts nor divides; it must do either.")
        super().__post_init__()

    def initial_params(self, n_in: int, *, key: Key[Array, ""]) -> dict[str, Any]:
        """Draw the triple, alpha, the gain, the bias and their signs for n_in inputs."""
        shape = (self.features, n_in)
        if self.first:
            mean = math.sqrt(1 / (2 * n_in))
        elif self.divisive:
            mean = initializers.unit_mean(n_in)
        else:  # nothing makes up for the variance that subtraction takes
            mean = math.sqrt(2 / n_in)
        # A single output is its own mean row, of which inhibition would leave nothing.
        inhibition = self.inhibition if self.features > 1 else "iid"
        params = divisive_weights("W", shape, self.n_i, mean, inhibition, key=key)
        rule = signs.ColumnSigns(tuple((name, 0) for name in params if name != "W_alpha"))
        return {**params, "b": jnp.full(self.features, self.bias), signs.KEY: rule}

    def effective(self, params: Mapping[str, Any]) -> EffectiveDense:
        """Fold what subtracts, if it does; leading axes are members. The gain is not in it."""
        return EffectiveDense(
            fold(params, "W") if self.subtractive else params["W_ee"], params["b"]
        )

    def respond(self, params: Mapping[str, Any], x: Float[Array, "... n_in"]) -> Array:
        """Compute the outputs; the product with each matrix is taken once."""
        z, interneurons = self.product(x, params["W_ee"]), self.product(x, params["W_ie"])
        if self.subtractive:
            z = z - interneurons @ params["W_ei"].T
        gain = _gain(params, "W")
        z = gain.divide(z, interneurons) if self.divisive else gain.g * z
        return z + params["b"]


class DivisiveDANNCell(DANNCell):
    r"""Dale's-ANN cell whose inhibition subtracts and divides, for inputs and recurrence.

    .. math:: h_t = f\left(\frac{g_W}{\gamma^W_t} \odot W h_{t-1}
              + \frac{g_U}{\gamma^U_t} \odot U x_t + b\right), \qquad
              \gamma^W_t = W^{EI} \left(e^{\alpha_W} \odot W^{IE} h_{t-1}\right) + 10^{-8}

    U and W are folded as in :class:`DANNCell`; the gains stay of low rank. The six matrices and the
    gains g are non-negative; alphas and b are free. The inputs must be non-negative, too.

    Args:
        features: excitatory units n (the interneurons come on top), at least 2.
        activation: ``"relu"``.
        n_i: interneurons of the recurrent pool, from 1 to n - 1.
        inputs_pool: interneurons of the input pool, likewise; None for n_i.
        inhibition: start of the inhibitory weights, see :func:`initializers.dann`.

    Raises:
        ValueError: fewer than 2 units, a pool that is empty or as large as the units, or an
            activation that can be negative.

    Example:
        >>> cell = DivisiveDANNCell(4, n_i=1)
        >>> h, x = jnp.zeros((1, 4)), jnp.ones((1, 3))
        >>> variables = cell.init(jax.random.key(0), h, x)
        >>> cell.apply(variables, h, x)[0].shape
        (1, 4)

    Reference:
        Cornford et al. 2021, appendix B.2, eqs. 18 and 19.
    """

    inhibition: str = "equal"

    takes_negative: ClassVar[bool] = False

    def __post_init__(self):
        # Activity that may be negative would make gamma 0 somewhere.
        checks.choice("activation", self.activation, ("relu",))
        super().__post_init__()

    def initial_params(self, n_in: int, *, key: Key[Array, ""]) -> dict[str, Any]:
        """Draw both triples, their alphas and gains, a zero b and their signs for n_in inputs."""
        key_U, key_W = jax.random.split(key)
        n, pool = self.features, self.n_i if self.inputs_pool is None else self.inputs_pool
        how = {"distribution": self.distribution}
        mean_U, mean_W = initializers.unit_mean(n_in), initializers.unit_mean(n)
        params = {
            **divisive_weights("U", (n, n_in), pool, mean_U, self.inhibition, key=key_U, **how),
            **divisive_weights("W", (n, n), self.n_i, mean_W, self.inhibition, key=key_W, **how),
        }
        held = tuple((name, 0) for name in params if not name.endswith("_alpha"))
        return {**params, "b": jnp.zeros(n), signs.KEY: signs.ColumnSigns(held)}

    def input_product(self, params: Mapping[str, Any], x: Float[Array, "*b n_in"]) -> Array:
        """Compute what the inputs add to each unit, divided by their own gain, plus the bias."""
        return _gain(params, "U").apply(x @ fold(params, "U").T, x) + params["b"]

    def gain(self, params: Mapping[str, Any]) -> Gain:
        """Give the divisive inhibition of ``W h``."""
        return _gain(params, "W")


def divisive_weights(
    name: str,
    shape: tuple[int, int],
    n_i: int,
    mean: float,
    inhibition: str,
    *,
    key: Key[Array, ""],
    distribution: str = "exponential",
) -> dict[str, Array]:
    """Draw the triple X_ee, X_ie, X_ei, and start X_alpha [n_i] and X_g [n_e]."""
    X = initializers.dann(
        shape, n_i, mean, key=key, inhibition=inhibition, distribution=distribution
    )
    return {
        **{f"{name}_{kind}": value for kind, value in X._asdict().items()},
        f"{name}_alpha": jnp.full(n_i, initializers.standardising_alpha(shape[1])),
        f"{name}_g": jnp.ones(shape[0]),
    }


def _gain(params, name):
    divider = params[f"{name}_ei"] * jnp.exp(params[f"{name}_alpha"])
    return Gain(params[f"{name}_g"], divider, params[f"{name}_ie"])
