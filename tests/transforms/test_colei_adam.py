"""The optimiser ``colei_adam``: Adam on clipped gradients with a step size that decays."""

import jax.numpy as jnp
import numpy as np

import dalejax as dj
from dalejax import signs


def test_the_step_size_of_colei_adam_decays_and_its_tensors_are_clipped():
    rate, decay = 0.1, 0.5
    params = {"W": jnp.full(3, 5.0), "signs": signs.ColumnSigns((("W", 0),))}
    tx = dj.colei_adam(rate, clip=0.5, decay=decay)
    state, W, m, v = tx.init(params), np.full(3, 5.0), np.zeros(3), np.zeros(3)
    for u in range(4):
        gradient = np.array([3.0, -4.0, 0.0]) * (u + 1)
        updates, state = tx.update(
            {**params, "W": jnp.asarray(gradient, jnp.float32)}, state, params
        )
        params = dj.apply_updates(params, updates, state)
        gradient *= 0.5 / np.linalg.norm(gradient)
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
        step = m / (1 - 0.9 ** (u + 1)) / (np.sqrt(v / (1 - 0.999 ** (u + 1))) + 1e-8)
        W = W - rate / (1 + decay * u) * step
        np.testing.assert_allclose(params["W"], W, rtol=1e-5)
