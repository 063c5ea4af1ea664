"""Convolutional layers, which are dense layers applied at every position of an image, and pools.

The weights are stored as a matrix [filters, n_in k k], with the k k columns of a channel side by
side, so that sign rules, gradient corrections and spectra are those of dense layers. Images are
[b, height, width, channels].
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
    """Mixin that turns a dense layer into a convolutional one; it is the first base class.

    Args:
        kernel: side k of the filters, in pixels.
        stride: distance from one position to the next, in pixels.
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
        """Number of columns of the weight matrix for each channel: k k."""
        return self.kernel**2

    def product(
        self, x: Float[Array, "b height width n_in"], W: Float[Array, "n columns"]
    ) -> Float[Array, "b rows cols n"]:
        """Correlate images with the filters: [b, rows, cols, n] from [b, height, width, n_in]."""
        filters = W.reshape(len(W), x.shape[-1], self.kernel, self.kernel).transpose(2, 3, 1, 0)
        return correlate(x, filters, self.stride, self.padding)


class Conv(Filters, Dense):
    r"""Standard convolutional layer: no sign is constrained.

    .. math:: z_j = W x_j + b, \qquad x_j \text{ the } k \times k \text{ pixels around position } j

    Args:
        features: filters n_out.
        inputs_n_i: inhibitory channels of the layer below, the last ones; set by the network.
        first: whether the layer is the network's first one, see :class:`~dalejax.nn.dense.Dense`.
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
    r"""Column-signed convolutional layer: all weights from one channel have the same sign.

    .. math:: z_j = W x_j + b, \qquad \text{all } k^2 \text{ columns of a channel have its sign}

    Args:
        features: filters n_out, E and I together.
        n_i: inhibitory filters among them, the last ones.
        inputs_n_i: inhibitory channels of the layer below, the last ones; set by the network.
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
    r"""Dale's-ANN convolutional layer: inhibitory filters subtract from excitation and divide it.

    .. math:: z_j = \frac{g}{\gamma_j} \odot \left(W^{EE} x_j - W^{EI} W^{IE} x_j\right) + \beta,
              \qquad \gamma_j = W^{EI} \left(e^\alpha \odot W^{IE} x_j\right) + 10^{-8}

    Args:
        features: excitatory filters n_e, without the inhibitory ones.
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
    """Take the largest value of every window of size x size pixels, for each channel.

    Args:
        size: side of the window and its stride, in pixels.

    Raises:
        ValueError: the window is larger than the image.

    Example:
        >>> import jax.numpy as jnp
        >>> MaxPool(2).apply({}, jnp.ones((1, 8, 8, 3))).shape
        (1, 4, 4, 3)
    """

    size: int = 2

    def __call__(self, x: Float[Array, "b height width n"]) -> Float[Array, "b rows cols n"]:
        """Pool images [b, height, width, n]."""
        checks.whole("size", self.size, 1, min(x.shape[1:3]))
        return nn.max_pool(x, (self.size, self.size), (self.size, self.size))


class AveragePool(nn.Module):
    """Average images over a square grid and flatten them, channel by channel, for a dense layer.

    If the grid is finer than the image, its pixels are repeated.

    Args:
        to: side of the grid, in positions.

    Raises:
        ValueError: the images are not square, or neither of their side and ``to`` is a multiple of
            the other.

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
        """Number of outputs for each channel."""
        return self.to**2

    def __call__(self, x: Float[Array, "b height width n"]) -> Float[Array, "b flat"]:
        """Pool images [b, height, width, n] and flatten them to [b, n to to]."""
        height, side = x.shape[1:3]
        if height != side or not side:
            raise ValueError(f"the pictures are {height} x {side} pixels; they must be square.")
        if side % self.to and self.to % side:
            raise ValueError(
                f"the pictures are {side} pixels wide; they can't be averaged to {self.to} "
                "positions: one must be a multiple of the other."
            )
        if side > self.to:
            window = (side // self.to, side // self.to)
            x = nn.avg_pool(x, window, window)
        else:
            x = x.repeat(self.to // side, 1).repeat(self.to // side, 2)
        return x.transpose(0, 3, 1, 2).reshape(len(x), -1)
