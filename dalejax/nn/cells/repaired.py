"""E/I layers whose spectrum is right from the start: few strong synapses instead of many."""

from __future__ import annotations

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp

from dalejax import checks, initializers, signs
from dalejax.nn.cells.base import EICell
from dalejax.nn.dense import ColEIDense
from dalejax.types import Any, Array, Key


class RepairedColEICell(EICell):
    r"""Column-signed E/I cell that starts from few strong synapses, at any ratio of E to I.

    .. math:: h_t = f(U x_t + W h_{t-1} + b), \qquad
              W = s \begin{pmatrix} P & -B \\ A & 0 \end{pmatrix}
              \text{ at the start}, \qquad
              W_{\cdot j} \ge 0 \text{ for } j \in E, \quad W_{\cdot j} \le 0 \text{ for } j \in I

    P is one cycle through the excitatory units, in random order: what they hold goes round. A and B
    tie the inhibitory units into it: each has one synapse from an excitatory unit and one onto an
    excitatory unit, of strength s (dealt out evenly; k on the same one have s / sqrt(k)). P, A and
    B have no singular values but 1 and 0, so that those of W are at most s times that of
    ((1, 1), (1, 0)), the golden ratio:

    .. math:: \sigma_1(W) \le \tfrac12 (1 + \sqrt 5)\, s \quad \text{for any } n, n_i

    All other synapses are absent, and may grow. U likewise: a unit starts with few inputs. The cell
    learns as any column-signed cell does (``colei_sgd``), under a :class:`RepairedColEIDense`.

    Args:
        features: hidden units n, E and I together.
        n_i: inhibitory units among them, from 1 to n - 1.
        input_mean: mean of the inputs' entries, which the first layer's bias cancels,
            ``b = -U.sum(1) input_mean``; 0 starts the bias at 0.
        strength: s, of a synapse of W.
        input_scale: the norm of U, as a share of a standard cell's, sqrt(n_in / 3); of few inputs
            it is larger, as synapses that fall on one another add.
        input_synapses: inputs that a unit starts with, where they are fewer than units; where they
            are more, that many times the quotient.
        balanced_inputs: let the weights of U sum to 0, where some of the inputs are inhibitory.
        input_init: initialiser of another U [n, n_in], of whose entries the magnitudes are taken;
            the input's scale, synapses and balance are not used then. Inputs of mean 0, as word
            vectors are, have no mean that many synapses would add up: ``initializers.colei_input``
            leaves them room to shrink as well as to grow.

    Raises:
        ValueError: n_i is not between 1 and n - 1, the strength or the input scale is not
            positive, a unit has no inputs, the inputs are balanced and none is inhibitory or
            another U is drawn, that U has another shape, or there is a ``connectivity``, which
            would take synapses away.

    Example:
        >>> cell = RepairedColEICell(100, n_i=10)
        >>> W = cell.initial_params(3, key=jax.random.key(0))["W"]
        >>> bool(1.1 < jnp.linalg.norm(W, 2) <= 0.8 * 1.6181)
        True
        >>> (W != 0).sum(1)[-10:].tolist()  # what each inhibitory unit receives
        [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]

    Reference:
        None but this: Li et al. 2023, section 4, ask for it.
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
                f"connectivity is {self.connectivity}; this cell chooses its synapses itself, one "
                "a unit to start with."
            )
        if self.balanced_inputs and self.input_init is not None:
            raise ValueError(
                f"balanced_inputs is True and input_init is {self.input_init}; only U of few "
                "synapses can be balanced, so one of the two must be left out."
            )
        super().__post_init__()

    def initial_params(self, n_in: int, *, key: Key[Array, ""]) -> dict[str, Any]:
        """Draw U, W and b for n_in inputs, and their signs."""
        key_U, key_P, key_A, key_B = jax.random.split(key, 4)
        n, n_i, inputs_n_i = self.features, self.n_i, self.inputs_n_i or 0
        if self.balanced_inputs and not inputs_n_i:
            raise ValueError(
                "balanced_inputs is True and inputs_n_i is 0; some of the inputs must be "
                "inhibitory, at least 1."
            )
        n_e = n - n_i
        P = initializers.colei_flat((n_e, n_e), 0, 1.0, key=key_P)
        A, B = _ties(n_i, n_e, key_A), _ties(n_i, n_e, key_B).T
        W = self.strength * jnp.block([[P, jnp.where(B > 0, -B, 0)], [A, jnp.zeros((n_i, n_i))]])
        if self.input_init is None:
            # A norm of all of U, over as many singular values as it has.
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
            U = jnp.where(U == 0, 0, U * signs.column_signs(n_in, inputs_n_i))  # never -0
        b = jnp.zeros(n) if inputs_n_i else -self.input_mean * U.sum(1)
        rule = signs.ColumnSigns((("U", inputs_n_i), ("W", self.n_i)))
        return {"U": U, "W": W, "b": b, signs.KEY: rule}


def _ties(n_i, n_e, key):
    """Deal each of n_i lines [n_i, n_e] one entry; those of a column have the norm 1 together."""
    order = jax.random.permutation(key, n_e)
    column = order[jnp.arange(n_i) % n_e]
    entries = 1 / jnp.sqrt(jnp.bincount(column, length=n_e)[column])
    return jnp.zeros((n_i, n_e)).at[jnp.arange(n_i), column].set(entries)


class RepairedColEIDense(ColEIDense):
    r"""Column-signed dense layer that starts with equal singular values.

    .. math:: y = W h + b, \qquad
              W_{\cdot j} \ge 0 \text{ for } j \in E, \quad W_{\cdot j} \le 0 \text{ for } j \in I,
              \qquad \sigma_k(W) = s \text{ at the start}

    Each of the inputs starts with one synapse, dealt out evenly over the outputs (where the outputs
    are more, each of those with one). The others are absent, and may grow.

    A softmax does not see what all outputs have in common. Under one, all synapses may start
    stronger by :math:`c / \sqrt{n_{in}}`, which leaves the answers as they are: as long as no
    weight falls to 0, the layer learns as if it had no signs to keep. The largest singular value,
    which is that shift's, lies where nobody looks.

    Args:
        features: outputs n_out, E and I together.
        inputs_n_i: inhibitory inputs, the last ones; wired by the network.
        n_i: of a hidden layer: inhibitory units among its outputs, the last ones.
        input_mean: mean of the inputs' entries, which the bias of a layer with excitatory inputs
            only cancels, ``b = -W.sum(1) input_mean``; 0 starts the bias at 0.
        singular_value: s, of all of W but for the shift.
        shift: c, what every synapse has on top, as a multiple of a standard layer's largest weight,
            1 / sqrt(n_in). For the read-out under a softmax only, where 10 is a good start;
            elsewhere the answers would be others.

    Raises:
        ValueError: the singular value is not positive, the shift is negative or that of a hidden
            layer, or n_i is below 0 or not below the outputs.

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
        As :class:`RepairedColEICell`.
    """

    singular_value: float = 1 / 3
    shift: float = 0.0

    def __post_init__(self):
        checks.positive("singular_value", self.singular_value)
        checks.not_negative("shift", self.shift)
        if self.shift and self.n_i:
            raise ValueError(
                f"shift is {self.shift:g} and n_i is {self.n_i}; only a read-out, whose softmax "
                "does not see it, may be shifted: a hidden layer's must be 0."
            )
        super().__post_init__()

    def initial_params(self, n_in: int, *, key: Key[Array, ""]) -> dict[str, Any]:
        """Draw W, b and their signs for n_in inputs."""
        n_i = (self.inputs_n_i or 0) * self.columns_per_input
        W = initializers.colei_flat((self.features, n_in), n_i, self.singular_value, key=key)
        W = W + self.shift / math.sqrt(n_in) * signs.column_signs(n_in, n_i)
        b = jnp.zeros(self.features) if n_i else -self.input_mean * W.sum(1)
        return {"W": W, "b": b, signs.KEY: signs.ColumnSigns((("W", n_i),))}
