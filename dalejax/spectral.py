"""An E/I cell whose spectrum is right from the start: few strong synapses instead of many."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from dalejax import checks, initializers, signs
from dalejax.cell import EICell
from dalejax.types import Any, Array, Key


class SpectralColEICell(EICell):
    r"""Column-signed E/I cell that starts with equal singular values, at any ratio of E to I.

    .. math:: h_t = f(U x_t + W h_{t-1} + b), \qquad
              W_{\cdot j} \ge 0 \text{ for } j \in E, \quad W_{\cdot j} \le 0 \text{ for } j \in I,
              \qquad \sigma_k(W) = s \text{ at the start}

    Each unit starts with one synapse of strength s onto the next one of a cycle through all, in
    random order; the others are absent, and may grow. U likewise: a unit starts with few inputs,
    of the norm :math:`\sqrt{n_{in} / 3 n}`, a standard cell's. It learns as any column-signed cell
    does (``colei_sgd``), under a :class:`~dalejax.dense.ColEIDense`.

    Args:
        features: hidden units n, E and I together.
        n_i: inhibitory units among them, from 1 to n - 1.
        singular_value: s, of all of W.
        background: what every synapse of W has besides, as a share of s / n; W is dense then, with
            one singular value of s (1 + background).
        input_synapses: inputs that a unit starts with, where they are fewer than units; where they
            are more, that many times the quotient.

    Raises:
        ValueError: n_i is not between 1 and n - 1, the singular value is not positive, the
            background is negative, a unit has no inputs, or there is a ``connectivity``, which
            would take synapses away.

    Example:
        >>> cell = SpectralColEICell(4, n_i=1)
        >>> W = cell.initial(3, key=jax.random.key(0))["W"]
        >>> [round(float(s), 4) for s in jnp.linalg.svd(W, compute_uv=False)]
        [1.0, 1.0, 1.0, 1.0]
        >>> W.sum(0).tolist()
        [1.0, 1.0, 1.0, -1.0]

    Reference:
        None but this: Li et al. 2023, section 4, ask for it.
    """

    singular_value: float = 1.0
    background: float = 0.0
    input_synapses: int = 3

    def __post_init__(self):
        checks.positive("singular_value", self.singular_value)
        checks.not_negative("background", self.background)
        checks.whole("input_synapses", self.input_synapses)
        if self.connectivity is not None:
            raise ValueError(
                f"connectivity is {self.connectivity}; this cell chooses its synapses itself, one "
                "a unit to start with."
            )
        super().__post_init__()

    def initial(self, n_in: int, *, key: Key[Array, ""]) -> dict[str, Any]:
        """Draw U, W and a zero b for n_in inputs, and their signs."""
        key_U, key_W = jax.random.split(key)
        n, inputs_n_i = self.features, self.inputs_n_i or 0
        s = self.singular_value
        W = initializers.colei_flat(
            (n, n), self.n_i, s, key=key_W, background=s * self.background / n
        )
        # All of U has the norm of n rows; it is spread over as many singular values as there are.
        rms = math.sqrt(n_in / 3 / min(n, n_in))
        U = initializers.colei_flat(
            (n, n_in), inputs_n_i, rms, key=key_U, synapses=self.input_synapses
        )
        rule = signs.ColumnSigns((("U", inputs_n_i), ("W", self.n_i)))
        return {"U": U, "W": W, "b": jnp.zeros(n), signs.KEY: rule}
