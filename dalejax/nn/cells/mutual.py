"""Inhibition among interneurons: a Dale's ANN whose pools inhibit themselves."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from dalejax import initializers, signs
from dalejax.nn.cells.basic import DANNCell
from dalejax.streams import Stream
from dalejax.types import Any, Array, Float, Key

_POOLS = {"U": Stream.POOL_U, "W": Stream.POOL_W}


class MutualDANNCell(DANNCell):
    r"""Dale's-ANN cell whose interneurons inhibit each other, and settle within the time step.

    .. math:: y = W^{IE} h - W^{II} y \quad\Rightarrow\quad
              W = W^{EE} - W^{EI} (1 + W^{II})^{-1} W^{IE}

    and U likewise. All matrices are non-negative; b is free. Every row of W_ii (an interneuron may
    inhibit itself) starts with the sum ``mutual``, and W_ei 1 + mutual times as large as in
    :class:`~dalejax.nn.cells.basic.DANNCell`: excitation is balanced, and with ``"mean_row"``
    inhibition the effective weights are those of a DANNCell of the same key. The interneurons are
    linear, as those of a DANN are: rectified ones would do the same as long as none is inhibited
    below zero. They settle while every eigenvalue of W_ii is above -1 in its real part; training is
    free to leave that, and then the weights stand for nothing.

    Args:
        features: excitatory units n (the interneurons come on top), at least 2.
        n_i: interneurons of the recurrent pool, from 1 to n - 1.
        inputs_pool: interneurons of the input pool, likewise; None for n_i.
        mutual: how strongly an interneuron is inhibited by its pool at the start, above 0 and
            below 1 (where 1 + W_ii may start singular).

    Raises:
        ValueError: as a DANNCell, or ``mutual`` is not between 0 and 1.

    Example:
        >>> cells, key = (MutualDANNCell(4, n_i=2), DANNCell(4, n_i=2)), jax.random.key(0)
        >>> W, of_dann = (cell.effective(cell.initial_params(3, key=key)).W for cell in cells)
        >>> bool(jnp.allclose(W, of_dann, atol=1e-6))
        True

    Reference:
        Cornford et al. 2021, section 2, and Li et al. 2023, section 4, name it as future work.
    """

    mutual: float = 0.5

    def __post_init__(self):
        if not 0 < self.mutual < 1:
            raise ValueError(f"mutual is {self.mutual}; it must be above 0 and below 1.")
        super().__post_init__()

    def initial_params(self, n_in: int, *, key: Key[Array, ""]) -> dict[str, Any]:
        """Draw a Dale's ANN, and synapses within its pools that leave its balance as it is."""
        params = super().initial_params(n_in, key=key)
        rule, held = params.pop(signs.KEY), []
        for name, stream in _POOLS.items():
            size = params[f"{name}_ei"].shape[1]
            params[f"{name}_ii"] = self._pool(size, jax.random.fold_in(key, stream))
            # (1 + W_ii)^-1 takes a vector of ones to 1 / (1 + mutual).
            params[f"{name}_ei"] *= 1 + self.mutual
            held.append((f"{name}_ii", 0))
        rule = signs.ColumnSigns((*rule.inhibitory_columns, *held))
        return {**params, signs.KEY: rule}

    def _pool(self, size: int, key: Key[Array, ""]) -> Float[Array, "n_i n_i"]:
        ii = initializers.positive((size, size), 1.0, key=key, distribution=self.distribution)
        return self.mutual * ii / jnp.sum(ii, axis=1, keepdims=True)
