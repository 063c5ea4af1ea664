"""Feedforward networks: dense layers, filters and pools with ReLU, and a read-out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import flax.linen as nn

from dalejax.nn.conv import AveragePool, Filters, MaxPool
from dalejax.nn.dense import Dense, EffectiveDense
from dalejax.nn.norms import BatchNorm, Norm
from dalejax.nn.wiring import wire
from dalejax.types import Any, Array, Float

Pool = MaxPool | AveragePool


class FeedforwardNetwork(nn.Module):
    r"""Feedforward network: a stack of layers with ReLU, and a linear read-out of the last one.

    .. math:: h^\ell = \mathrm{relu}(\mathrm{layer}^\ell(h^{\ell-1})), \qquad
              y = W_{out} h^L + b_{out}

    The network sets ``inputs_n_i`` of each layer to the number of inhibitory units of the layer
    below, so that the signs of its weights follow Dale's law. Dense layers take vectors [b, n_in],
    convolutional layers take images [b, height, width, channels]; an
    :class:`~dalejax.nn.conv.AveragePool` between them turns images into vectors.

    Args:
        layers: dense layers, convolutional layers and pools; the first one takes the inputs.
        readout: dense layer on top of the last one, without ReLU.
        norm: normalisation of every layer's activations before the ReLU, but for the read-out; None
            for none.

    Raises:
        ValueError: no layer has weights, a layer for images is above one for vectors or the other
            way round, or a Dale's-ANN layer is above one with inhibitory units.

    Example:
        >>> import dalejax as dj, jax, jax.numpy as jnp
        >>> net = dj.FeedforwardNetwork([dj.DivisiveDANNDense(50, n_i=5)], dj.DivisiveDANNDense(10))
        >>> params = net.init(jax.random.key(0), jnp.ones((1, 784)))["params"]
        >>> net.apply({"params": params}, jnp.ones((32, 784))).shape
        (32, 10)
        >>> net.effective(params)[0].W.shape
        (50, 784)

    Reference:
        Cornford et al. 2021, section 5.1.
    """

    layers: Sequence[Dense | Pool]
    readout: Dense
    norm: Norm | None = None

    # Fields of RecurrentNetwork that training reads: one output a trial, no embedding of words.
    every_step: ClassVar[bool] = False
    embedding: ClassVar[None] = None

    def __post_init__(self):
        if not any(isinstance(layer, Dense) for layer in self.layers):
            raise ValueError("layers holds no layer with weights; a network needs at least 1.")
        wired, below, flat = [], 0, not isinstance(self.layers[0], Filters | Pool)
        for layer in self.layers:
            if flat is not (isinstance(layer, Dense) and not isinstance(layer, Filters)):
                raise ValueError(
                    f"{type(layer).__name__} stands where the activity is "
                    + (
                        "flat: pools and filters need pictures."
                        if flat
                        else "a picture: put an AveragePool between filters and dense layers."
                    )
                )
            if isinstance(layer, Dense):
                layer = wire(layer, below)
                below = layer.outputs_n_i
            elif isinstance(layer, AveragePool):
                flat, below = True, below * layer.positions
            wired.append(layer)
        if not flat:
            raise ValueError(
                "the read-out stands where the activity is a picture: put an AveragePool before it."
            )
        self.layers = tuple(wired)
        self.readout = wire(self.readout, below)
        super().__post_init__()

    def setup(self):
        """Make one normalisation for each layer with weights."""
        weighted = sum(isinstance(layer, Dense) for layer in self.layers)
        norm = self.norm
        self.norms = [] if norm is None else [norm.clone() for _ in range(weighted)]

    @property
    def has_batch_statistics(self) -> bool:
        """Whether evaluation needs batch statistics of the training set."""
        return isinstance(self.norm, BatchNorm)

    def __call__(
        self, x: Float[Array, "b n_in"] | Float[Array, "b height width n_in"], steps: None = None
    ) -> Float[Array, "b n_out"]:
        """Compute the outputs [b, n_out] of a batch.

        Args:
            x: vectors [b, n_in], or images [b, height, width, channels].
            steps: None; only a recurrent network has time steps.
        """
        return self.readout(self.states(x, steps))

    def states(
        self, x: Float[Array, "b n_in"] | Float[Array, "b height width n_in"], steps: None = None
    ) -> Float[Array, "b n"]:
        """Compute the inputs of the read-out [b, n]; arguments as those of ``__call__``."""
        return self.activities(x)[-1]

    def activities(
        self, x: Float[Array, "b n_in"] | Float[Array, "b height width n_in"]
    ) -> list[Float[Array, "b ..."]]:
        """Compute the activity after each layer and pool, in the order of ``layers``."""
        norms, out = iter(self.norms), []
        for layer in self.layers:
            x = layer(x)
            if isinstance(layer, Dense):
                x = nn.relu(next(norms)(x) if self.norms else x)
            out.append(x)
        return out

    def effective(self, params: Mapping[str, Any]) -> list[EffectiveDense]:
        """Compute the effective weights (W, b) of each layer with weights, but for the read-out.

        Args:
            params: the network's parameters; leading axes are members.

        Returns:
            A list of :class:`~dalejax.nn.dense.EffectiveDense` in the order of ``layers``. Divisive
            inhibition is not part of them.
        """
        return [
            layer.effective(params[f"layers_{i}"])
            for i, layer in enumerate(self.layers)
            if isinstance(layer, Dense)
        ]
