"""A Dale's-ANN cell whose interneurons inhibit each other."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from dalejax import initializers, signs
from dalejax.nn.cells.basic import DANNCell
from dalejax.streams import Stream
from dalejax.types import Any, Array, Float, Key

_POOLS = {"U": Stream.POOL_U, "W": Stream.POOL_W}


class MutualDANNCell(DANNCell):
    r"""Dale's-ANN cell whose interneurons y inhibit each other and settle within the time step.

    .. math:: y = W^{IE} h - W^{II} y \quad\Rightarrow\quad
              W = W^{EE} - W^{EI} (1 + W^{II})^{-1} W^{IE}

    and U likewise. All matrices are non-negative; b is unconstrained. An interneuron may inhibit
    itself.

    Initially each row of W_ii sums to ``mutual``, and W_ei is 1 + mutual times that of a
    :class:`~dalejax.nn.cells.basic.DANNCell`. Inhibition then balances excitation as it does there;
    with ``inhibition="mean_row"`` the effective weights are those of a DANNCell of the same key.

    The interneurons are linear, as in a DANNCell. Rectified interneurons would have the same
    activity as long as it is not negative. Their activity settles if all eigenvalues of W_ii have
    real parts above -1. Training does not ensure this; where it fails, the effective weights are
    not those of interneurons that settle.

    Args:
        features: excitatory units n, without the interneurons; at least 2.
        n_i: interneurons of the recurrent pool, from 1 to n - 1.
        inputs_pool: interneurons of the input pool, from 1 to n - 1; None for n_i.
        mutual: sum of the initial weights onto an interneuron from its pool, above 0 and below 1
            (from 1 on, the initial 1 + W_ii may be singular).

    Raises:
        ValueError: as a DANNCell, or ``mutual`` is not between 0 and 1.

    Example:
        >>> cells, key = (MutualDANNCell(4, n_i=2), DANNCell(4, n_i=2)), jax.random.key(0)
        >>> W, of_dann = (cell.effective(cell.initial_params(3, key=key)).W for cell in cells)
        >>> bool(jnp.allclose(W, of_dann, atol=1e-6))
        True

    Reference:
        Cornford et al. 2021, section 2, and Li et al. 2023, section 4, name inhibition among
        interneurons as future work.
    """

    mutual: float = 0.5

    def __post_init__(self):
        if not 0 < self.mutual < 1:
            raise ValueError(f"mutual is {self.mutual}; it must be above 0 and below 1.")
        super().__post_init__()

    def initial_params(self, n_in: int, *, key: Key[Array, ""]) -> dict[str, Any]:
        """Draw the initial parameters of a DANNCell and W_ii and U_ii; rescale W_ei and U_ei."""
        params = super().initial_params(n_in, key=key)
        rule, held = params.pop(signs.KEY), []
        for name, stream in _POOLS.items():
            size = params[f"{name}_ei"].shape[1]
            params[f"{name}_ii"] = self._pool(size, jax.random.fold_in(key, stream))
            # As the rows of W_ii sum to mutual, (1 + W_ii)^-1 maps a vector of ones to
            # 1 / (1 + mutual) times it; W_ei makes up for that factor.
            params[f"{name}_ei"] *= 1 + self.mutual
            held.append((f"{name}_ii", 0))
        rule = signs.ColumnSigns((*rule.inhibitory_columns, *held))
        return {**params, signs.KEY: rule}

    def _pool(self, size: int, key: Key[Array, ""]) -> Float[Array, "n_i n_i"]:
        """Draw non-negative weights among ``size`` interneurons; each row sums to ``mutual``."""
        ii = initializers.positive((size, size), 1.0, key=key, distribution=self.distribution)
        return self.mutual * ii / jnp.sum(ii, axis=1, keepdims=True)
