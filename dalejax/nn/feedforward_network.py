"""Feedforward networks: layers with ReLU and a read-out, and what may stand between them."""

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
    r"""Layers with ReLU, one after the other, and a read-out of the last one.

    .. math:: h^\ell = \mathrm{relu}(\mathrm{layer}^\ell(h^{\ell-1})), \qquad
              y = W_{out} h^L + b_{out}

    The network wires its layers as :class:`~dalejax.nn.recurrent_network.RecurrentNetwork` does.
    Dense layers see vectors [b, n_in], filters see pictures [b, height, width, channels]; an
    :class:`~dalejax.nn.conv.AveragePool` stands between filters and dense layers.

    Args:
        layers: dense layers, filters and pools; the first one sees the inputs.
        readout: dense layer on the last one, without ReLU.
        norm: normalises every layer's activations before the ReLU (not the read-out's).

    Raises:
        ValueError: there is no layer, a pool stands where there is no picture any more, or a
            Dale's-ANN layer stands above one with inhibitory units.

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

    # What it shares with recurrent networks: one answer a trial, and inputs that are vectors.
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
        """Give each layer with weights a norm of its own."""
        weighted = sum(isinstance(layer, Dense) for layer in self.layers)
        self.norms = [self.norm.clone() for _ in range(weighted if self.norm else 0)]

    @property
    def has_batch_statistics(self) -> bool:
        """Whether evaluating needs statistics of the training set."""
        return isinstance(self.norm, BatchNorm)

    def __call__(
        self, x: Float[Array, "b n_in"] | Float[Array, "b height width n_in"], steps: None = None
    ) -> Float[Array, "b n_out"]:
        """Compute the outputs of a batch.

        Args:
            x: vectors [b, n_in], or pictures [b, height, width, channels].
            steps: nothing: there is no time here.
        """
        return self.readout(self.states(x, steps))

    def states(
        self, x: Float[Array, "b n_in"] | Float[Array, "b height width n_in"], steps: None = None
    ) -> Float[Array, "b n"]:
        """Compute what the read-out sees; arguments as above."""
        return self.activities(x)[-1]

    def activities(
        self, x: Float[Array, "b n_in"] | Float[Array, "b height width n_in"]
    ) -> list[Float[Array, "b ..."]]:
        """Compute the activity after every layer and pool, the first one first."""
        norms, out = iter(self.norms), []
        for layer in self.layers:
            x = layer(x)
            if isinstance(layer, Dense):
                x = nn.relu(next(norms)(x) if self.norms else x)
            out.append(x)
        return out

    def effective(self, params: Mapping[str, Any]) -> list[EffectiveDense]:
        """Fold the parameters into effective weights, one (W, b) a layer with weights.

        Args:
            params: the network's parameters; leading axes are members.

        Returns:
            A list with an :class:`~dalejax.nn.dense.EffectiveDense` for each dense layer or
            filters, the first layer first; of divisive inhibition it holds nothing.
        """
        return [
            layer.effective(params[f"layers_{i}"])
            for i, layer in enumerate(self.layers)
            if isinstance(layer, Dense)
        ]
