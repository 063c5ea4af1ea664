"""Moments of DANN and ColEI layers at their start, measured on rectified normal inputs."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import dalejax as dj

BIASED = "DANN, bias 1"  # as algorithm 1 has it; the published code starts at 0


def excitation(n_in: int, s, key, sigma: float = 1.0) -> tuple[jax.Array, jax.Array, dict]:
    """Draw a layer and inputs; give the excitation z_E [trials, n_e], the inputs, the weights."""
    key_W, key_x = jax.random.split(key)
    layer = dj.DivisiveDANNDense(s.n_e, n_i=s.n_i)
    params = layer.initial_params(n_in, key=key_W)
    x = jax.nn.relu(sigma * jax.random.normal(key_x, (s.trials, n_in)))
    return x @ params["W_ee"].T, x, params


def measure(s: Any, keys) -> dict[str, np.ndarray]:
    """Measure balance, standardisation and likeness to layer normalisation, by seed.

    Args:
        s: settings with n_in inputs, n_e units, n_i interneurons and trials.
        keys: one key a seed [s].
    """
    n_in = s.n_in
    gammas, spread, centred = np.transpose([_standardised(n_in, s, key) for key in keys])
    same, apart = np.transpose([_as_layer_norm(n_in, s, key) for key in keys])
    return {
        "balanced": np.array([_balance(n_in, s, key, "equal") for key in keys]),
        "balanced_alike": np.array([_balance(n_in, s, key, "alike") for key in keys]),
        "gamma": gammas,
        "spread": spread,
        "centred": centred,
        "same": same,
        "apart": apart,
    }


def _balance(n_in: int, s: Any, key, inhibition: str) -> float:
    key_W, key_x = jax.random.split(key)
    mean = dj.initializers.unit_mean(n_in)
    ee, ie, ei = dj.initializers.dann((s.n_e, n_in), s.n_i, mean, key=key_W, inhibition=inhibition)
    x = jax.nn.relu(jax.random.normal(key_x, (s.trials, n_in)))
    return float((x @ ie.T @ ei.T).mean() / (x @ ee.T).mean())


def _standardised(n_in, s, key) -> tuple[float, float, float]:
    z_E, x, params = excitation(n_in, s, key)
    gamma = (x @ params["W_ie"].T * jnp.exp(params["W_alpha"])) @ params["W_ei"].T
    z = dj.DivisiveDANNDense(s.n_e, n_i=s.n_i).apply({"params": params}, x)
    return float(gamma.mean() / z_E.std()), float(z.std()), float(z.mean() / z.std())


def _as_layer_norm(n_in, s, key) -> tuple[float, float]:
    z_E, x, _ = excitation(n_in, s.replaced(n_i=1), key)
    params = dj.DivisiveDANNDense(s.n_e, n_i=1).initial_params(n_in, key=jax.random.split(key)[0])
    z_I = x @ params["W_ie"].T
    difference = jnp.abs(z_I[:, 0] - z_E.mean(1)).max() / z_E.mean()
    sd = jnp.sqrt(z_E.var(1, ddof=1).mean())
    return float(difference), float(math.sqrt(math.pi / n_in) * z_I.mean() / sd)


def deep(name: str, s, key) -> np.ndarray:
    """Measure z's mean and standard deviation, and a unit's over trials alone [layers, 3].

    The input is an image's worth of rectified normal numbers.
    """
    key_W, key_x = jax.random.split(key)
    x = jax.nn.relu(jax.random.normal(key_x, (s.trials, s.n_in)))
    n_e, n_i = s.n_e, s.n_i
    if name != "ColEI":
        layer = dj.DivisiveDANNDense(n_e, n_i=n_i, bias=1.0 if name == BIASED else 0.0)
        layers = [layer] * s.layers
    else:
        mean = float(x.mean())
        layers = [dj.ColEIDense(n_e + n_i, n_i=n_i, input_mean=mean)]
        layers += [dj.ColEIDense(n_e + n_i, n_i=n_i, inputs_n_i=n_i)] * (s.layers - 1)
    out = []
    for layer, key_layer in zip(layers, jax.random.split(key_W, len(layers)), strict=True):
        z = layer.apply({"params": layer.initial_params(x.shape[1], key=key_layer)}, x)
        out.append((float(z.mean()), float(z.std()), float(z.std(0).mean())))
        x = jax.nn.relu(z)
    return np.array(out)
