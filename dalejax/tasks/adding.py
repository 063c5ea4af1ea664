"""The adding problem: remember two marked numbers of a sequence and add them."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from dalejax import checks
from dalejax.tasks.base import DatasetTask
from dalejax.types import Array, Float


class AddingProblem(DatasetTask):
    r"""Adding problem: the target is the sum of the two numbers that the mask marks.

    .. math:: x_t = (u_t, m_t),\quad u_t \sim \mathcal U[0, 1],\quad
              \text{target} = \sum_t m_t u_t,\quad \text{loss} = (y_T - \text{target})^2

    Args:
        length: number of time steps t, at least 2.
        batch_size: number of trials in an update.
        num_train: number of training trials.
        num_test: number of test trials.
        seed: seed of the trials (not of the networks), 0 to 2^32 - 1.

    Raises:
        ValueError: a number is out of its range.

    Example:
        >>> task = AddingProblem(num_train=128, num_test=16)
        >>> task.n_in, task.n_out, task.updates_per_epoch
        (2, 1, 2)

    Reference:
        Hochreiter & Schmidhuber 1997; Li et al. 2023, section 2.3.
    """

    name = "adding"
    n_in = 2
    n_out = 1
    score = "test_mse"

    def __init__(
        self,
        length: int = 20,
        *,
        batch_size: int = 64,
        num_train: int = 9000,
        num_test: int = 1000,
        seed: int = 0,
    ):
        checks.whole("length", length, least=2)  # a step for each of the two numbers
        checks.whole("num_train", num_train)
        checks.whole("num_test", num_test)
        checks.seed("seed", seed)
        rng = np.random.default_rng(seed)
        train, test = (_trials(rng, n, length) for n in (num_train, num_test))
        super().__init__(train, test, batch_size=batch_size)

    def encode(self, inputs: Float[Array, "b t two"]) -> Float[Array, "t b two"]:
        """Move the time axis to the front."""
        return inputs.transpose(1, 0, 2)

    def loss(self, outputs: Float[Array, "b 1"], targets: Float[Array, " b"]) -> Float[Array, ""]:
        """Compute the mean squared error of the outputs at the last time step."""
        return jnp.square(outputs[:, 0] - targets).mean()

    def scores(
        self, outputs: Float[Array, "b 1"], targets: Float[Array, " b"]
    ) -> dict[str, Float[Array, " b"]]:
        """Score each trial by its squared error."""
        return {"mse": jnp.square(outputs[:, 0] - targets)}


def _trials(rng: np.random.Generator, num: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    numbers = rng.random((num, length))
    marked = rng.permuted(np.tile(np.arange(length), (num, 1)), axis=1)[:, :2]
    mask = np.zeros((num, length))
    np.put_along_axis(mask, marked, 1.0, axis=1)
    inputs = np.stack([numbers, mask], axis=-1).astype(np.float32)
    return inputs, (numbers * mask).sum(1).astype(np.float32)
