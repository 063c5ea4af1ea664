"""VGG16 for small images, as a standard network, a Dale's ANN or a column-signed network."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from dalejax import checks, signs
from dalejax.nn.cells.divisive import DivisiveDANNDense
from dalejax.nn.conv import AveragePool, ColEIConv, Conv, DANNConv, MaxPool
from dalejax.nn.dense import ColEIDense, Dense
from dalejax.nn.feedforward_network import FeedforwardNetwork

# Number of filters of each layer at full width; 0 stands for a pool that halves the image.
LAYOUT = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0)
HIDDEN = (4096, 4096)  # units of the dense layers at full width
GRID = 4  # side of the grid of positions that the dense layers take
KINDS = ("standard", "dann", "colei")


class _Kind(NamedTuple):
    conv: Callable[[int, bool], Conv | ColEIConv | DANNConv]
    dense: Callable[[int], Dense]
    readout: Callable[[int], Dense]


def vgg16(
    kind: str = "standard",
    *,
    n_out: int = 10,
    width: float = 1.0,
    inhibitory_filters: float = 10 / 64,
    inhibitory_units: float = 0.1,
    bias: float = 0.0,
    first: bool = True,
    input_mean: float = 0.0,
) -> FeedforwardNetwork:
    r"""Make VGG16: thirteen layers of 3 x 3 filters, five pools, two dense layers, a read-out.

    After the last pool the image is averaged to 4 x 4 positions (the pixels of a smaller one are
    repeated), so that at full width the dense layers are 8192 -> 4096 -> 4096 -> n_out. There is no
    normalisation and no dropout.

    Args:
        kind: ``"standard"``; ``"dann"``, with inhibitory filters and units in addition to the
            excitatory ones, and one interneuron at the read-out; or ``"colei"``, where some of the
            filters and units are inhibitory.
        n_out: classes.
        width: number of filters and hidden units as a fraction of VGG16's.
        inhibitory_filters: number of inhibitory filters as a fraction of a layer's filters.
        inhibitory_units: number of inhibitory units as a fraction of a layer's hidden units.
        bias: initial bias of every layer of ``"dann"``.
        first: whether the filters of the first layer have the initial weights for first layers, see
            :class:`~dalejax.nn.conv.Conv` and :class:`~dalejax.nn.conv.DANNConv`; if not, those of
            all other layers.
        input_mean: mean of the images' pixels, which the initial biases of the first layer of
            ``"colei"`` cancel.

    Returns:
        A network for images [b, 32, 32, channels] (or of another side that is a multiple of 32 and
        can be averaged to 4 x 4).

    Raises:
        ValueError: the kind is unknown, or a size or fraction is out of its range.

    Example:
        >>> net = vgg16("dann", width=1 / 16)
        >>> [layer.features for layer in net.layers if hasattr(layer, "features")][:4]
        [4, 4, 8, 8]

    Reference:
        Simonyan & Zisserman 2014; Cornford et al. 2021, appendix B.1 (10 inhibitory filters per 64,
        10 % inhibitory units, rounded down). The initial bias of 0 and the initial weights of the
        first layer of a Dale's ANN are those of the published code; algorithm 1 starts with a bias
        of 1 and treats all layers alike.
    """
    checks.choice("kind", kind, KINDS)
    checks.positive("width", width)
    checks.whole("n_out", n_out)
    for share in (inhibitory_filters, inhibitory_units):
        signs.num_inhibitory(1, share)  # raises ValueError unless the fraction is between 0 and 1

    def inhibitory_of_filters(n: int) -> int:
        return max(1, math.floor(inhibitory_filters * n))

    def inhibitory_of_units(n: int) -> int:
        return max(1, math.floor(inhibitory_units * n))

    made = {
        "standard": _Kind(lambda n, lowest: Conv(n, first=first and lowest), Dense, Dense),
        "dann": _Kind(
            lambda n, lowest: DANNConv(
                n, n_i=inhibitory_of_filters(n), first=first and lowest, bias=bias
            ),
            lambda n: DivisiveDANNDense(n, n_i=inhibitory_of_units(n), bias=bias),
            lambda n: DivisiveDANNDense(n, n_i=1, bias=bias),
        ),
        "colei": _Kind(
            lambda n, lowest: ColEIConv(
                n, n_i=inhibitory_of_filters(n), input_mean=input_mean if lowest else 0.0
            ),
            lambda n: ColEIDense(n, n_i=inhibitory_of_units(n)),
            ColEIDense,
        ),
    }[kind]
    sizes = [max(2, round(width * n)) if n else 0 for n in LAYOUT]
    filters = [made.conv(n, i == 0) if n else MaxPool() for i, n in enumerate(sizes)]
    hidden = [made.dense(max(2, round(width * n))) for n in HIDDEN]
    return FeedforwardNetwork([*filters, AveragePool(GRID), *hidden], made.readout(n_out))
