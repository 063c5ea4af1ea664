"""Convolutional layers: each is a dense layer whose rows are filters that slide over the picture.

Weights stay a matrix [filters, n_in k k], the columns sorted by channel first, so that signs,
corrections and spectra are those of the dense layers. Pictures are [b, height, width, channels].
"""

from __future__ import annotations

import flax.linen as nn

from dalejax import checks
from dalejax.nn.cells.divisive import DivisiveDANNDense
from dalejax.nn.correlation import correlate
from dalejax.nn.dense import ColEIDense, Dense
from dalejax.types import Array, Float

PADDINGS = ("SAME", "VALID")


class Filters(nn.Module):
    """What makes filters of a dense layer (the left base class of one).

    Args:
        kernel: side k of the filters, pixels.
        stride: pixels from one position to the next.
        padding: ``"SAME"`` (pixels / stride positions, rounded up; zeros around) or ``"VALID"``.
    """

    kernel: int = 3
    stride: int = 1
    padding: str = "SAME"

    def __post_init__(self):
        checks.whole("kernel", self.kernel)
        checks.whole("stride", self.stride)
        checks.choice("padding", self.padding, PADDINGS)
        super().__post_init__()

    @property
    def columns_per_input(self) -> int:
        """Columns of the weight matrix that one channel has: k k."""
        return self.kernel**2

    def product(
        self, x: Float[Array, "b height width n_in"], W: Float[Array, "n columns"]
    ) -> Float[Array, "b rows cols n"]:
        """Take the product of the filters with the picture around every position."""
        filters = W.reshape(len(W), x.shape[-1], self.kernel, self.kernel).transpose(2, 3, 1, 0)
        return correlate(x, filters, self.stride, self.padding)


class Conv(Filters, Dense):
    r"""Standard convolutional layer; nothing is constrained.

    .. math:: z_j = W x_j + b \quad \text{at every position } j

    Args:
        features: filters n_out.
        inputs_n_i: inhibitory channels of the layer below, the last ones; wired by the network.
        first: the layer sees the pictures: its weights start with variance 1/n_in.
        kernel, stride, padding: see :class:`Filters`.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> layer = Conv(4)
        >>> variables = layer.init(jax.random.key(0), jnp.ones((1, 8, 8, 3)))
        >>> variables["params"]["W"].shape, layer.apply(variables, jnp.ones((1, 8, 8, 3))).shape
        ((4, 27), (1, 8, 8, 4))

    Reference:
        Cornford et al. 2021, eq. 15.
    """


class ColEIConv(Filters, ColEIDense):
    r"""Column-signed convolutional layer: each channel excites or inhibits all filters.

    .. math:: z_j = W x_j + b, \qquad \text{all } k^2 \text{ columns of a channel have its sign}

    Args:
        features: filters n_out, E and I together.
        n_i: inhibitory ones among them, the last ones.
        inputs_n_i: inhibitory channels of the layer below, the last ones; wired by the network.
        input_mean: see :class:`~dalejax.nn.dense.ColEIDense`.
        kernel, stride, padding: see :class:`Filters`.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> layer = ColEIConv(4, n_i=1, inputs_n_i=1, kernel=1)
        >>> jnp.sign(layer.initial_params(3, key=jax.random.key(0))["W"])[0].tolist()
        [1.0, 1.0, -1.0]

    Reference:
        Cornford et al. 2021, appendices B.1 and C.1.
    """


class DANNConv(Filters, DivisiveDANNDense):
    r"""Dale's-ANN convolutional layer: inhibitory filters that subtract and divide.

    .. math:: z_j = \frac{g}{\gamma_j} \odot \left(W^{EE} x_j - W^{EI} W^{IE} x_j\right) + \beta,
              \qquad \gamma_j = W^{EI} \left(e^\alpha \odot W^{IE} x_j\right) + 10^{-8}

    Args:
        features: excitatory filters n_e (the inhibitory ones come on top).
        n_i: inhibitory filters, at least 1.
        first, subtractive, divisive, inhibition, bias: see
            :class:`~dalejax.nn.cells.divisive.DivisiveDANNDense`.
        kernel, stride, padding: see :class:`Filters`.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> layer = DANNConv(4, n_i=2)
        >>> variables = layer.init(jax.random.key(0), jnp.ones((1, 8, 8, 3)))
        >>> variables["params"]["W_ie"].shape, layer.apply(variables, jnp.ones((1, 8, 8, 3))).shape
        ((2, 27), (1, 8, 8, 4))

    Reference:
        Cornford et al. 2021, appendix B.1, eq. 16.
    """


class MaxPool(nn.Module):
    """Keep the largest of every size x size pixels.

    Args:
        size: side of the window, and its stride, pixels.

    Raises:
        ValueError: the window is larger than the picture.

    Example:
        >>> import jax.numpy as jnp
        >>> MaxPool(2).apply({}, jnp.ones((1, 8, 8, 3))).shape
        (1, 4, 4, 3)
    """

    size: int = 2

    def __call__(self, x: Float[Array, "b height width n"]) -> Float[Array, "b rows cols n"]:
        """Pool the pictures."""
        checks.whole("size", self.size, 1, min(x.shape[1:3]))
        return nn.max_pool(x, (self.size, self.size), (self.size, self.size))


class AveragePool(nn.Module):
    """Average to a grid of a given side, and lay it flat for a dense layer, channel by channel.

    A grid finer than the picture repeats its pixels.

    Args:
        to: side of the grid, pixels.

    Raises:
        ValueError: the pictures are not square, or neither of their side and the grid's divides the
            other.

    Example:
        >>> import jax.numpy as jnp
        >>> AveragePool(2).apply({}, jnp.ones((1, 8, 8, 3))).shape
        (1, 12)
    """

    to: int = 1

    def __post_init__(self):
        checks.whole("to", self.to)
        super().__post_init__()

    @property
    def positions(self) -> int:
        """How many outputs each channel has."""
        return self.to**2

    def __call__(self, x: Float[Array, "b height width n"]) -> Float[Array, "b flat"]:
        """Pool the pictures, and lay them flat."""
        height, side = x.shape[1:3]
        if height != side or not side:
            raise ValueError(f"the pictures are {height} x {side} pixels; they must be square.")
        if side % self.to and self.to % side:
            raise ValueError(
                f"the pictures are {side} pixels wide; they can't be averaged to {self.to}."
            )
        if side > self.to:
            window = (side // self.to, side // self.to)
            x = nn.avg_pool(x, window, window)
        else:
            x = x.repeat(self.to // side, 1).repeat(self.to // side, 2)
        return x.transpose(0, 3, 1, 2).reshape(len(x), -1)
