"""VGG16 for small pictures, as a standard network, a Dale's ANN or a column-signed one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from dalejax import checks, signs
from dalejax.nn.cells.divisive import DivisiveDANNDense
from dalejax.nn.conv import AveragePool, ColEIConv, Conv, DANNConv, MaxPool
from dalejax.nn.dense import ColEIDense, Dense
from dalejax.nn.feedforward_network import FeedforwardNetwork

# Filters of each layer at full width; 0 is a pool that halves the picture.
LAYOUT = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0)
HIDDEN = (4096, 4096)
GRID = 4  # side of the grid that the dense layers see
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

    After the last pool the picture is averaged to 4 x 4 positions (a smaller one is repeated), so
    that at full width the dense layers are 8192 -> 4096 -> 4096 -> n_out. There is no
    normalisation, no dropout.

    Args:
        kind: ``"standard"``, ``"dann"`` (interneurons on top of the units, one at the read-out), or
            ``"colei"`` (inhibitory filters and units among them).
        n_out: classes.
        width: share of all filters and hidden units.
        inhibitory_filters: inhibitory filters for each filter.
        inhibitory_units: inhibitory units for each hidden unit.
        bias: of every layer of a Dale's ANN at the start.
        first: whether the first filters start as :class:`~dalejax.nn.conv.Conv` and
            :class:`~dalejax.nn.conv.DANNConv` do on pictures, or as all others.
        input_mean: mean of the pictures, which the first biases of ``"colei"`` cancel.

    Returns:
        A network for pictures [b, 32, 32, channels] (or any side that five halvings leave whole).

    Raises:
        ValueError: the kind is unknown, or a size is out of its range.

    Example:
        >>> net = vgg16("dann", width=1 / 16)
        >>> [layer.features for layer in net.layers if hasattr(layer, "features")][:4]
        [4, 4, 8, 8]

    Reference:
        Simonyan & Zisserman 2014; Cornford et al. 2021, appendix B.1 (10 inhibitory filters per 64,
        10 % inhibitory units, rounded down). A Dale's ANN's bias of 0 and its first layer of its
        own are the published code's; algorithm 1 has a bias of 1, and all layers alike.
    """
    checks.choice("kind", kind, KINDS)
    checks.positive("width", width)
    checks.whole("n_out", n_out)
    for share in (inhibitory_filters, inhibitory_units):
        signs.num_inhibitory(1, share)  # refuses what does not lie between 0 and 1

    def of_filters(n):
        return max(1, math.floor(inhibitory_filters * n))

    def of_units(n):
        return max(1, math.floor(inhibitory_units * n))

    made = {
        "standard": _Kind(lambda n, lowest: Conv(n, first=first and lowest), Dense, Dense),
        "dann": _Kind(
            lambda n, lowest: DANNConv(n, n_i=of_filters(n), first=first and lowest, bias=bias),
            lambda n: DivisiveDANNDense(n, n_i=of_units(n), bias=bias),
            lambda n: DivisiveDANNDense(n, n_i=1, bias=bias),
        ),
        "colei": _Kind(
            lambda n, lowest: ColEIConv(
                n, n_i=of_filters(n), input_mean=input_mean if lowest else 0.0
            ),
            lambda n: ColEIDense(n, n_i=of_units(n)),
            ColEIDense,
        ),
    }[kind]
    sizes = [max(2, round(width * n)) if n else 0 for n in LAYOUT]
    filters = [made.conv(n, i == 0) if n else MaxPool() for i, n in enumerate(sizes)]
    hidden = [made.dense(max(2, round(width * n))) for n in HIDDEN]
    return FeedforwardNetwork([*filters, AveragePool(GRID), *hidden], made.readout(n_out))
