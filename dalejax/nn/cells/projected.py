"""An E/I cell that starts from any matrix, projected onto the signs."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from dalejax import checks, initializers, signs
from dalejax.nn.cells.base import EICell
from dalejax.types import Any, Array, Key

SIGNED = ("presynaptic", "postsynaptic")


class ProjectedCell(EICell):
    r"""E/I cell whose weights start as a standard cell's, wrong signs set to 0.

    .. math:: h_t = f(U x_t + W h_{t-1} + b), \qquad W = \Pi(W_0), \quad U = \Pi(U_0) \ge 0

    About half of ``W_0`` is gone before anything is learned: compare spectra with those after the
    projection (:func:`dalejax.dynamics.projected_normal`,
    :func:`dalejax.dynamics.projected_orthogonal`), not with those of ``W_0``.

    Args:
        features: hidden units n, E and I together.
        activation: ``"tanh"``, ``"relu"`` or ``"identity"``.
        n_i: inhibitory units among them, the last ones, from 1 to n - 1.
        recurrent_init: initialiser of W_0 [n, n].
        input_init: initialiser of U_0 [n, n_in].
        signed: ``"presynaptic"``, what a unit sends has its sign (Dale's law: columns), or
            ``"postsynaptic"``, what it receives has (rows), as the published code of Jarne & Caruso
            does. Units of the latter are neither excitatory nor inhibitory to the layer above.

    Raises:
        ValueError: n_i is not between 1 and n - 1, signed is not one of the two, or a
            postsynaptic cell stands above inhibitory units, whose sign its U would not keep.

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
                f"inputs_n_i is {self.inputs_n_i}; with signs on rows there must be no inhibitory "
                "units below: all that a unit receives from there is excitation."
            )
        super().__post_init__()

    @property
    def outputs_n_i(self) -> int:
        """How many of the cell's units, the last ones, are inhibitory to the layer above."""
        return self.n_i if self.signed == "presynaptic" else 0

    def initial_params(self, n_in: int, *, key: Key[Array, ""]) -> dict[str, Any]:
        """Draw U, W and a zero b for n_in inputs, and project them onto their signs."""
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
