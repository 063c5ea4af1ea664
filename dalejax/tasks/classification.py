"""Tasks that ask for one of several classes after the last time step."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import optax

from dalejax.tasks.base import DatasetTask
from dalejax.types import Array, Float, Int, Key


class Classification(DatasetTask):
    r"""Base of the tasks that name a class: the loss is the last step's cross-entropy.

    .. math:: L = -\frac1b \sum_i \log \mathrm{softmax}(y_i)_{c_i}

    A subclass says how its inputs are encoded; targets are classes, int32 [trials].
    """

    score = "test_error"

    def loss(self, outputs: Float[Array, "b c"], targets: Int[Array, " b"]) -> Float[Array, ""]:
        """Average the cross-entropy (nats)."""
        return optax.softmax_cross_entropy_with_integer_labels(outputs, targets).mean()

    def sample(self, outputs: Float[Array, "b c"], *, key: Key[Array, ""]) -> Int[Array, " b"]:
        """Draw a class of each trial, with the probabilities that the network gives."""
        return jax.random.categorical(key, outputs).astype(jnp.int32)

    def scores(
        self, outputs: Float[Array, "b c"], targets: Int[Array, " b"]
    ) -> dict[str, Float[Array, " b"]]:
        """Score each trial: error in per cent, cross-entropy in nats."""
        wrong = outputs.argmax(-1) != targets
        return {
            "error": jnp.where(wrong, 100.0, 0.0),
            "loss": optax.softmax_cross_entropy_with_integer_labels(outputs, targets),
        }
