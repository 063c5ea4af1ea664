"""Dale's ANNs with divisive inhibition: interneurons subtract from the excitation and divide it.

Dense layers, convolutional layers and recurrent cells all divide by
``gamma = W_ei (e^alpha * W_ie x) + epsilon``. As gamma depends on the inputs x, it cannot be part
of effective weights (U, W, b).
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

    W_ee, W_ie, W_ei and g are non-negative; alpha and the bias are unconstrained. The inputs must
    be non-negative, so that gamma is above 0. Initially g is 1, and the inhibition centres and
    standardises the excitation (:func:`dalejax.initializers.unit_mean`,
    :func:`dalejax.initializers.standardising_alpha`). Without division the initial W_ee has the
    mean sqrt(2/n_in), so that the outputs have the variance of the layer below in spite of the
    subtraction.

    Args:
        features: excitatory units n_e, without the interneurons.
        n_i: interneurons, at least 1.
        first: whether the layer is the network's first one. Its inputs are not the rectified
            activity that the other initialisations assume, and W_ee starts with mean and standard
            deviation sqrt(1/(2 n_in)).
        subtractive: whether the interneurons subtract from the excitation.
        divisive: whether the interneurons divide it; if not, gamma is 1.
        inhibition: how W_ie and W_ei are initialised, a name in the table of
            :func:`dalejax.initializers.dann`. A layer of one output uses ``"iid"`` instead.
        bias: initial beta.

    Raises:
        ValueError: n_i < 1, the inhibition's name is unknown, or ``subtractive`` and ``divisive``
            are both False.

    Example:
        >>> layer = DivisiveDANNDense(4, n_i=2)
        >>> variables = layer.init(jax.random.key(0), jnp.ones((1, 3)))
        >>> sorted(variables["params"])
        ['W_alpha', 'W_ee', 'W_ei', 'W_g', 'W_ie', 'b', 'signs']

    Reference:
        Cornford et al. 2021, eq. 1 and algorithm 1. Epsilon, the initialisation of first layers and
        the initial beta of 0 are those of its published code; algorithm 1 starts beta at 1 and
        treats all layers alike.
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
            raise ValueError("subtractive and divisive are False; at least one must be True.")
        super().__post_init__()

    def initial_params(self, n_in: int, *, key: Key[Array, ""]) -> dict[str, Any]:
        """Draw the initial W_ee, W_ie, W_ei, alpha, g, bias and sign rule for n_in inputs."""
        shape = (self.features, n_in)
        if self.first:
            mean = math.sqrt(1 / (2 * n_in))
        elif self.divisive:
            mean = initializers.unit_mean(n_in)
        else:  # larger weights make up for the variance that subtraction removes
            mean = math.sqrt(2 / n_in)
        # The one row of W_ee is its own mean row, and inhibition by the mean row would cancel it.
        inhibition = self.inhibition if self.features > 1 else "iid"
        params = divisive_weights("W", shape, self.n_i, mean, inhibition, key=key)
        rule = signs.ColumnSigns(tuple((name, 0) for name in params if name != "W_alpha"))
        return {**params, "b": jnp.full(self.features, self.bias), signs.KEY: rule}

    def effective(self, params: Mapping[str, Any]) -> EffectiveDense:
        """Compute the effective weights (W, b) without the gain; leading axes are members.

        W is ``W_ee - W_ei W_ie``, or W_ee if the inhibition does not subtract.
        """
        return EffectiveDense(
            fold(params, "W") if self.subtractive else params["W_ee"], params["b"]
        )

    def respond(self, params: Mapping[str, Any], x: Float[Array, "... n_in"]) -> Array:
        """Compute the outputs [..., n_e] from the inputs; each product is computed once."""
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

    with U and W as in :class:`DANNCell`, and :math:`\gamma^U_t` likewise from :math:`x_t`. The six
    matrices and the gains g are non-negative; alphas and b are unconstrained. The inputs must be
    non-negative, so that the gammas are above 0.

    Args:
        features: excitatory units n, without the interneurons; at least 2.
        activation: ``"relu"``, the only one that is never negative.
        n_i: interneurons of the recurrent pool, from 1 to n - 1.
        inputs_pool: interneurons of the input pool, from 1 to n - 1; None for n_i.
        inhibition: how the inhibitory weights are initialised, a name in the table of
            :func:`dalejax.initializers.dann`.

    Raises:
        ValueError: there are fewer than 2 units, a pool has no or as many interneurons as there are
            units, or the activation is not ``"relu"``.

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
        # Negative activity could make gamma 0 or negative.
        checks.choice("activation", self.activation, ("relu",))
        super().__post_init__()

    def initial_params(self, n_in: int, *, key: Key[Array, ""]) -> dict[str, Any]:
        """Draw the six initial matrices, alphas, gains, b and sign rule for n_in inputs."""
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
        """Compute the divided input product with the bias, ``g U x / gamma + b`` [..., n]."""
        return _gain(params, "U").apply(x @ fold(params, "U").T, x) + params["b"]

    def gain(self, params: Mapping[str, Any]) -> Gain:
        """Compute the divisive inhibition of ``W h`` from the parameters."""
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
    """Draw the initial weights of one divisive Dale's-ANN matrix X.

    Args:
        name: name of X, ``"U"`` or ``"W"``.
        shape: (n_e, pre) of X_ee.
        n_i: interneurons.
        mean: mean of X_ee.
        inhibition: how X_ie and X_ei are initialised, see :func:`dalejax.initializers.dann`.
        key: a typed PRNG key.
        distribution: distribution of the weights: exponential, gamma, uniform or lognormal.

    Returns:
        X_ee [n_e, pre], X_ie [n_i, pre], X_ei [n_e, n_i], X_alpha [n_i], X_g [n_e] of ones, under
        the names with X replaced by ``name``.

    Example:
        >>> W = divisive_weights("W", (4, 3), 2, 0.1, "equal", key=jax.random.key(0))
        >>> {name: leaf.shape for name, leaf in W.items()}["W_ie"]
        (2, 3)
    """
    X = initializers.dann(
        shape, n_i, mean, key=key, inhibition=inhibition, distribution=distribution
    )
    return {
        **{f"{name}_{kind}": value for kind, value in X._asdict().items()},
        f"{name}_alpha": jnp.full(n_i, initializers.standardising_alpha(shape[1])),
        f"{name}_g": jnp.ones(shape[0]),
    }


def _gain(params: Mapping[str, Any], name: str) -> Gain:
    """Compute the gain of the matrix called name, ``"U"`` or ``"W"``."""
    divider = params[f"{name}_ei"] * jnp.exp(params[f"{name}_alpha"])
    return Gain(params[f"{name}_g"], divider, params[f"{name}_ie"])
