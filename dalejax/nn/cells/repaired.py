"""Column-signed cell and dense layer whose initial weights are few strong synapses.

Many weak weights of one sign add up to one singular value far above all others. With few strong
synapses the singular values are nearly equal.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp

from dalejax import checks, initializers, signs
from dalejax.nn.cells.base import EICell
from dalejax.nn.dense import ColEIDense
from dalejax.types import Any, Array, Float, Key


class RepairedColEICell(EICell):
    r"""Column-signed E/I cell whose initial weights are few strong synapses.

    .. math:: h_t = f(U x_t + W h_{t-1} + b), \qquad
              W = s \begin{pmatrix} P & -B \\ A & 0 \end{pmatrix}
              \text{ at the start}, \qquad
              W_{\cdot j} \ge 0 \text{ for } j \in E, \quad W_{\cdot j} \le 0 \text{ for } j \in I

    P is the permutation matrix of one random cycle through all excitatory units, so activity
    circulates among them. A and B connect the inhibitory units: each has one synapse from an
    excitatory unit and one onto an excitatory unit, of strength s. These synapses are distributed
    evenly over the excitatory units; if k of them share one, each has the strength s / sqrt(k). All
    singular values of P, A and B are 1 or 0, so the largest one of W is at most s times that of
    ((1, 1), (1, 0)), the golden ratio:

    .. math:: \sigma_1(W) \le \tfrac12 (1 + \sqrt 5)\, s \quad \text{for any } n, n_i

    All other weights start at 0 and may grow in training. In U, too, each unit starts with few
    synapses. The cell is trained as any column-signed cell (:func:`dalejax.colei_sgd`), usually
    with a :class:`RepairedColEIDense` as read-out.

    Args:
        features: hidden units n, E and I together.
        n_i: inhibitory units among them, from 1 to n - 1.
        input_mean: mean of the inputs' entries. Without inhibitory inputs the bias starts at
            ``-U.sum(1) input_mean``, which cancels the inputs' mean contribution to the drive.
        strength: s, the strength of the initial synapses of W.
        input_scale: Frobenius norm of the initial U, as a fraction of that of a standard cell,
            sqrt(n_in / 3). The norm is larger where several synapses are drawn for the same entry
            and add up, as happens with few inputs.
        input_synapses: k initial synapses onto each unit if there are at least as many units as
            inputs; otherwise k from each input, which is k n_in / n onto each unit.
        balanced_inputs: whether the initial weights of U sum to 0; needs inhibitory inputs.
        input_init: initialiser of U [n, n_in], whose magnitudes are used with the signs of the
            inputs; ``input_scale`` and ``input_synapses`` then have no effect. None for few
            synapses. For inputs of mean 0, such as word vectors, a dense U
            (``initializers.colei_input``) does no harm, as their mean does not add up over many
            synapses, and its weights can shrink as well as grow.

    Raises:
        ValueError: n_i is not between 1 and n - 1, ``strength`` or ``input_scale`` is not positive,
            ``input_synapses`` is below 1, ``balanced_inputs`` is True without inhibitory inputs or
            with an ``input_init``, ``input_init`` returns another shape than [n, n_in], or there is
            a ``connectivity``.

    Example:
        >>> cell = RepairedColEICell(100, n_i=10)
        >>> W = cell.initial_params(3, key=jax.random.key(0))["W"]
        >>> bool(1.1 < jnp.linalg.norm(W, 2) <= 0.8 * 1.6181)
        True
        >>> (W != 0).sum(1)[-10:].tolist()  # synapses onto each inhibitory unit
        [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]

    Reference:
        Introduced in this package; Li et al. 2023, section 4, call for such initial weights.
    """

    input_mean: float = 0.0
    strength: float = 0.8
    input_scale: float = 1 / 3
    input_synapses: int = 3
    balanced_inputs: bool = False
    input_init: Callable[..., Array] | None = None

    def __post_init__(self):
        checks.positive("strength", self.strength)
        checks.positive("input_scale", self.input_scale)
        checks.whole("input_synapses", self.input_synapses)
        if self.connectivity is not None:
            raise ValueError(
                f"connectivity is {self.connectivity}; this cell chooses its synapses itself and "
                "takes no mask: it must be None."
            )
        if self.balanced_inputs and self.input_init is not None:
            raise ValueError(
                f"balanced_inputs is True and input_init is {self.input_init}; only the "
                "initial U of few synapses can be balanced, so one of the two must be left out."
            )
        super().__post_init__()

    def initial_params(self, n_in: int, *, key: Key[Array, ""]) -> dict[str, Any]:
        """Draw initial U and W, the bias b and the sign rule for n_in inputs."""
        key_U, key_P, key_A, key_B = jax.random.split(key, 4)
        n, n_i, inputs_n_i = self.features, self.n_i, self.inputs_n_i or 0
        if self.balanced_inputs and not inputs_n_i:
            raise ValueError(
                "balanced_inputs is True and inputs_n_i is 0; some of the inputs must be "
                "inhibitory, at least 1."
            )
        n_e = n - n_i
        P = initializers.colei_flat((n_e, n_e), 0, 1.0, key=key_P)
        A = _synapses_of_inhibitory(n_i, n_e, key_A)
        B = _synapses_of_inhibitory(n_i, n_e, key_B).T
        W = self.strength * jnp.block([[P, jnp.where(B > 0, -B, 0)], [A, jnp.zeros((n_i, n_i))]])
        if self.input_init is None:
            # The squared Frobenius norm is the sum of min(n, n_in) squared singular values.
            rms = self.input_scale * math.sqrt(n_in / 3 / min(n, n_in))
            U = initializers.colei_flat(
                (n, n_in),
                inputs_n_i,
                rms,
                key=key_U,
                synapses=self.input_synapses,
                balanced=self.balanced_inputs,
            )
        else:
            U = jnp.abs(self.input_init((n, n_in), key=key_U))
            if U.shape != (n, n_in):
                raise ValueError(
                    f"input_init gave the shape {U.shape}; it must be (n, n_in), {(n, n_in)}."
                )
            U = jnp.where(U == 0, 0, U * signs.column_signs(n_in, inputs_n_i))  # 0 stays 0, not -0
        b = jnp.zeros(n) if inputs_n_i else -self.input_mean * U.sum(1)
        rule = signs.ColumnSigns((("U", inputs_n_i), ("W", self.n_i)))
        return {"U": U, "W": W, "b": b, signs.KEY: rule}


def _synapses_of_inhibitory(n_i: int, n_e: int, key: Key[Array, ""]) -> Float[Array, "n_i n_e"]:
    """Draw a matrix [n_i, n_e] with one positive entry in each row, evenly spread over columns.

    The nonzero columns have norm 1, so that all nonzero singular values are 1.
    """
    order = jax.random.permutation(key, n_e)
    column = order[jnp.arange(n_i) % n_e]
    entries = 1 / jnp.sqrt(jnp.bincount(column, length=n_e)[column])
    return jnp.zeros((n_i, n_e)).at[jnp.arange(n_i), column].set(entries)


class RepairedColEIDense(ColEIDense):
    r"""Column-signed dense layer whose initial weights have equal singular values.

    .. math:: y = W h + b, \qquad
              W_{\cdot j} \ge 0 \text{ for } j \in E, \quad W_{\cdot j} \le 0 \text{ for } j \in I,
              \qquad \sigma_k(W) = s \text{ at the start}

    Each input starts with one synapse, distributed evenly over the outputs (if there are more
    outputs than inputs, each output starts with one synapse instead). All other weights start at 0
    and may grow in training.

    A softmax of the outputs does not change if the same number is added to all of them. The
    magnitude of every weight of a read-out can therefore be increased by
    :math:`c / \sqrt{n_{in}}` (``shift``) without changing the probabilities. As long as no weight
    reaches 0, the read-out then learns as one without sign constraints. The shift adds one large
    singular value, whose output direction, all outputs alike, has no effect on the softmax.

    Args:
        features: outputs n_out, E and I together.
        inputs_n_i: inhibitory inputs, the last ones; set by the network.
        n_i: inhibitory units among the outputs of a hidden layer, the last ones; 0 for a read-out.
        input_mean: mean of the inputs' entries. Without inhibitory inputs the bias starts at
            ``-W.sum(1) input_mean``, which cancels the mean output.
        singular_value: s, all singular values of the initial W without the shift.
        shift: c, added to the magnitude of every weight, in units of 1 / sqrt(n_in), the largest
            weight of a standard layer. Only for a read-out below a softmax, where 10 is a
            good value; elsewhere it changes the network's outputs.

    Raises:
        ValueError: ``singular_value`` is not positive, ``shift`` is negative or that of a layer
            with inhibitory outputs, or n_i is below 0 or not below the outputs.

    Example:
        >>> layer = RepairedColEIDense(2, inputs_n_i=1, singular_value=0.5)
        >>> W = layer.initial_params(4, key=jax.random.key(0))["W"]
        >>> [round(float(s), 4) for s in jnp.linalg.svd(W, compute_uv=False)]
        [0.5, 0.5]
        >>> (W != 0).sum(0).tolist()
        [1, 1, 1, 1]
        >>> shifted = RepairedColEIDense(2, inputs_n_i=1, singular_value=0.5, shift=10.0)
        >>> (shifted.initial_params(4, key=jax.random.key(0))["W"] - W)[0].tolist()  # 10 / sqrt(4)
        [5.0, 5.0, 5.0, -5.0]

    Reference:
        See :class:`RepairedColEICell`.
    """

    singular_value: float = 1 / 3
    shift: float = 0.0

    def __post_init__(self):
        checks.positive("singular_value", self.singular_value)
        checks.not_negative("shift", self.shift)
        if self.shift and self.n_i:
            raise ValueError(
                f"shift is {self.shift:g} and n_i is {self.n_i}; only a read-out "
                "below a softmax, which the shift does not change, may have one: the shift of a "
                "hidden layer must be 0."
            )
        super().__post_init__()

    def initial_params(self, n_in: int, *, key: Key[Array, ""]) -> dict[str, Any]:
        """Draw initial W, the bias b and the sign rule for n_in inputs."""
        n_i = (self.inputs_n_i or 0) * self.columns_per_input
        W = initializers.colei_flat((self.features, n_in), n_i, self.singular_value, key=key)
        W = W + self.shift / math.sqrt(n_in) * signs.column_signs(n_in, n_i)
        b = jnp.zeros(self.features) if n_i else -self.input_mean * W.sum(1)
        return {"W": W, "b": b, signs.KEY: signs.ColumnSigns((("W", n_i),))}
