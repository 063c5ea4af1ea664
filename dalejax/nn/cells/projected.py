"""An E/I cell whose initial weights are any random matrix projected onto the signs."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from dalejax import checks, initializers, signs
from dalejax.nn.cells.base import EICell
from dalejax.types import Any, Array, Key

SIGNED = ("presynaptic", "postsynaptic")


class ProjectedCell(EICell):
    r"""E/I cell whose initial weights are those of a standard cell, with wrong signs set to 0.

    .. math:: h_t = f(U x_t + W h_{t-1} + b), \qquad W = \Pi(W_0), \quad U = \Pi(U_0) \ge 0

    :math:`\Pi` is the projection onto the signs. It sets about half of ``W_0`` to 0, so that the
    spectrum of the initial W differs from that of ``W_0``;
    :func:`dalejax.dynamics.projected_normal` and :func:`dalejax.dynamics.projected_orthogonal`
    predict it.

    Args:
        features: hidden units n, E and I together.
        activation: ``"tanh"``, ``"relu"`` or ``"identity"``.
        n_i: inhibitory units among them, the last ones, from 1 to n - 1.
        recurrent_init: initialiser of W_0 [n, n].
        input_init: initialiser of U_0 [n, n_in].
        signed: ``"presynaptic"``: the weights from a unit have one sign (the columns of W, which is
            Dale's law); or ``"postsynaptic"``: the weights onto a unit have one sign (the rows of
            W), as in the published code of Jarne & Caruso. Postsynaptic units count as excitatory
            in the layer above.

    Raises:
        ValueError: n_i is not between 1 and n - 1, ``signed`` is unknown, or a postsynaptic cell
            has inhibitory inputs (its U is non-negative).

    Example:
        >>> cell = ProjectedCell(4, n_i=1)
        >>> W = cell.initial_params(3, key=jax.random.key(0))["W"]
        >>> bool((W[:, :3] >= 0).all() and (W[:, 3:] <= 0).all())
        True

    Reference:
        Jarne & Caruso 2023.
    """

    activation: str = "tanh"
    recurrent_init: Callable[..., Array] = initializers.normal
    input_init: Callable[..., Array] = initializers.glorot_uniform
    signed: str = "presynaptic"

    def __post_init__(self):
        checks.choice("signed", self.signed, SIGNED)
        if self.signed == "postsynaptic" and self.inputs_n_i:
            raise ValueError(
                f"inputs_n_i is {self.inputs_n_i}; with signs on rows the input weights are "
                "non-negative, so there must be no inhibitory units below: it must be 0."
            )
        super().__post_init__()

    @property
    def outputs_n_i(self) -> int:
        """Number of the cell's units, the last ones, that are inhibitory to the layer above."""
        return self.n_i if self.signed == "presynaptic" else 0

    def initial_params(self, n_in: int, *, key: Key[Array, ""]) -> dict[str, Any]:
        """Draw initial U and W for n_in inputs, project them onto their signs, and set b to 0."""
        key_U, key_W = jax.random.split(key)
        n, inputs_n_i = self.features, self.inputs_n_i or 0
        if inputs_n_i:
            signs.check_populations(n_in, inputs_n_i)
        if self.signed == "presynaptic":
            rule = signs.ColumnSigns((("U", inputs_n_i), ("W", self.n_i)))
        else:
            rule = signs.RowSigns((("U", 0), ("W", self.n_i)))
        params = {
            "U": self.input_init((n, n_in), key=key_U),
            "W": self.recurrent_init((n, n), key=key_W),
            "b": jnp.zeros(n),
            **self.synapses(key),
            signs.KEY: rule,
        }
        return signs.project(params)
