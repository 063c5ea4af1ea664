"""The three basic recurrent cells: standard (RNN), column-signed (ColEI) and Dale's ANN (DANN).

They differ in the parameters from which the effective weights (U, W, b) are computed; the step
itself is that of :class:`~dalejax.nn.cells.base.Cell`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp

from dalejax import checks, initializers, signs
from dalejax.nn.cells.base import Cell, Effective, EICell
from dalejax.nn.connectivity import masked
from dalejax.types import Any, Array, Float, Key


class RNNCell(Cell):
    r"""Standard recurrent cell: U, W and b are its parameters, and no sign is constrained.

    .. math:: h_t = f(U x_t + W h_{t-1} + b), \qquad U, W \sim \mathcal U(\pm 1/\sqrt n),\ b = 0

    Args:
        features: hidden units n.
        activation: ``"relu"``, ``"tanh"`` or ``"identity"``.
        recurrent_init: initialiser of W [n, n].
        input_init: initialiser of U [n, n_in].

    Example:
        >>> cell = RNNCell(4)
        >>> h, x = jnp.zeros((1, 4)), jnp.ones((1, 3))
        >>> variables = cell.init(jax.random.key(0), h, x)
        >>> cell.apply(variables, h, x)[0].shape
        (1, 4)

    Reference:
        Li et al. 2023, eq. 1 and section 2.2.
    """

    recurrent_init: Callable[..., Array] = initializers.uniform
    input_init: Callable[..., Array] = initializers.uniform

    def initial_params(self, n_in: int, *, key: Key[Array, ""]) -> dict[str, Any]:
        """Draw initial U and W, and zeros b, for n_in inputs."""
        key_U, key_W = jax.random.split(key)
        n = self.features
        U, W = self.input_init((n, n_in), key=key_U), self.recurrent_init((n, n), key=key_W)
        return {"U": U, "W": W, "b": jnp.zeros(n), **self.synapses(key)}


class ColEICell(EICell):
    r"""Column-signed E/I cell: the first n - n_i units are excitatory, the last n_i inhibitory.

    .. math:: h_t = f(U x_t + W h_{t-1} + b), \qquad
              W_{\cdot j} \ge 0 \text{ for } j \in E, \quad W_{\cdot j} \le 0 \text{ for } j \in I

    The columns of U have the signs of the units of the layer below; in the first layer U is
    non-negative. b is unconstrained.

    Args:
        features: hidden units n, E and I together.
        n_i: inhibitory units among them, from 1 to n - 1.
        rho: spectral radius of the initial W; None leaves W unscaled.
        distribution: distribution of the initial weights' magnitudes: exponential, gamma, uniform
            or lognormal.
        zero_diagonal: whether W starts without self-connections (training may make them grow).
        input_mean: mean of the inputs' entries. Without inhibitory inputs the bias starts at
            ``-sqrt(n_in) input_mean``, which cancels the inputs' mean contribution to the drive.

    Raises:
        ValueError: n_i is not between 1 and n - 1, or rho is not positive.

    Example:
        >>> cell = ColEICell(4, n_i=1)
        >>> params = cell.initial_params(3, key=jax.random.key(0))
        >>> jnp.sign(params["W"]).sum(0).tolist()
        [3.0, 3.0, 3.0, -3.0]

    Reference:
        Song et al. 2016; Li et al. 2023, section 2.1; the initialisation: section 2.2 there.
    """

    rho: float | None = 1.5
    distribution: str = "exponential"
    zero_diagonal: bool = True
    input_mean: float = 0.0

    def __post_init__(self):
        if self.rho is not None:
            checks.positive("rho", self.rho)
        super().__post_init__()

    def initial_params(self, n_in: int, *, key: Key[Array, ""]) -> dict[str, Any]:
        """Draw initial U and W, the bias b and the sign rule for n_in inputs."""
        key_U, key_W = jax.random.split(key)
        n, inputs_n_i = self.features, self.inputs_n_i or 0
        W = initializers.colei(
            (n, n),
            self.n_i,
            key=key_W,
            distribution=self.distribution,
            zero_diagonal=self.zero_diagonal,
        )
        mask = self.synapses(key)
        if self.rho is not None:  # absent synapses are set to 0 before W is scaled
            W = initializers.scale_to_radius(masked(W, mask), self.rho)
        b = jnp.zeros(n)
        if inputs_n_i:
            U = initializers.colei((n, n_in), inputs_n_i, key=key_U, distribution=self.distribution)
        else:
            U = initializers.colei_input((n, n_in), key=key_U, distribution=self.distribution)
            b = b - math.sqrt(n_in) * self.input_mean
        rule = signs.ColumnSigns((("U", inputs_n_i), ("W", self.n_i)))
        return {"U": U, "W": W, "b": b, **mask, signs.KEY: rule}


class DANNCell(Cell):
    r"""Dale's-ANN cell: n excitatory units, and an input and a recurrent pool of interneurons.

    .. math:: U = U^{EE} - U^{EI} U^{IE}, \qquad W = W^{EE} - W^{EI} W^{IE},
              \qquad h_t = f(U x_t + W h_{t-1} + b)

    All six matrices are non-negative; b is unconstrained. The interneurons respond within the time
    step, so they are not part of the state.

    Args:
        features: excitatory units n, without the interneurons; at least 2.
        n_i: interneurons of the recurrent pool, from 1 to n - 1.
        inputs_pool: interneurons of the input pool, from 1 to n - 1; None for n_i.
        inhibition: how the inhibitory weights are initialised, a name in the table of
            :func:`dalejax.initializers.dann`.
        distribution: distribution of the initial weights: exponential, gamma, uniform or lognormal.

    Raises:
        ValueError: there are fewer than 2 units, a pool has no or as many interneurons as there are
            units, or there is a ``connectivity``.

    Example:
        >>> cell = DANNCell(4, n_i=1)
        >>> params = cell.initial_params(3, key=jax.random.key(0))
        >>> cell.effective(params).W.shape
        (4, 4)

    Reference:
        Li et al. 2023, eq. 3; Cornford et al. 2021, eq. 1.
    """

    n_i: int = 1
    inputs_pool: int | None = None
    inhibition: str = "mean_row"
    distribution: str = "exponential"

    takes_inhibition: ClassVar[bool] = False

    def __post_init__(self):
        if self.connectivity is not None:
            raise ValueError(
                f"connectivity is {self.connectivity}; the W of a Dale's ANN is computed from "
                "three matrices and has no mask of its own: it must be None."
            )
        initializers.dann_mean(self.features)
        for pool in (self.n_i, self.n_i if self.inputs_pool is None else self.inputs_pool):
            signs.check_populations(self.features, pool)
        super().__post_init__()

    def initial_params(self, n_in: int, *, key: Key[Array, ""]) -> dict[str, Any]:
        """Draw the six initial matrices, zeros b and the sign rule for n_in inputs."""
        key_U, key_W = jax.random.split(key)
        n, mean = self.features, initializers.dann_mean(self.features)
        how = {"inhibition": self.inhibition, "distribution": self.distribution}
        pool = self.n_i if self.inputs_pool is None else self.inputs_pool
        U = initializers.dann((n, n_in), pool, mean, key=key_U, **how)
        W = initializers.dann((n, n), self.n_i, mean, key=key_W, **how)
        triples = {
            f"{name}_{k}": v for name, w in (("U", U), ("W", W)) for k, v in w._asdict().items()
        }
        return {
            **triples,
            "b": jnp.zeros(n),
            signs.KEY: signs.ColumnSigns(tuple((name, 0) for name in triples)),
        }

    def effective(self, params: Mapping[str, Any]) -> Effective:
        """Compute the effective weights, ``X_ee - X_ei X_ie`` for U and W, and b."""
        return Effective(fold(params, "U"), fold(params, "W"), params["b"])


def fold(params: Mapping[str, Any], name: str) -> Float[Array, "*s n_e pre"]:
    r"""Compute an effective matrix of a Dale's ANN from its non-negative matrices.

    .. math:: X = X^{EE} - X^{EI} X^{IE}

    Args:
        params: parameters that contain ``X_ee`` [..., n_e, pre], ``X_ei`` [..., n_e, n_i] and
            ``X_ie`` [..., n_i, pre].
        name: name of X, ``"U"`` or ``"W"``.

    Returns:
        X [..., n_e, pre]. If there is an ``X_ii``, :func:`interneurons` stands for X_ie.

    Example:
        >>> one = jnp.ones((1, 1))
        >>> fold({"W_ee": 3 * one, "W_ei": one, "W_ie": one}, "W").tolist()
        [[2.0]]

    Reference:
        Li et al. 2023, eq. 3.
    """
    return params[f"{name}_ee"] - params[f"{name}_ei"] @ interneurons(params, name)


def interneurons(params: Mapping[str, Any], name: str) -> Float[Array, "*s n_i pre"]:
    r"""Compute the effective weights from the inputs to the interneurons of one pool.

    .. math:: (1 + X^{II})^{-1} X^{IE}, \qquad \text{or } X^{IE} \text{ without } X^{II}

    Interneurons y that receive ``X_ie x - X_ii y`` settle at this matrix times x.

    Args:
        params: parameters that contain ``X_ie`` [..., n_i, pre] and, if the interneurons inhibit
            each other, ``X_ii`` [..., n_i, n_i].
        name: name of X, ``"U"`` or ``"W"``.

    Returns:
        The weights [..., n_i, pre].

    Example:
        >>> one = jnp.ones((1, 1))
        >>> interneurons({"W_ie": one, "W_ii": one}, "W").tolist()
        [[0.5]]
    """
    ie, ii = params[f"{name}_ie"], params.get(f"{name}_ii")
    if ii is None:
        return ie
    diagonal = jnp.arange(ii.shape[-1])
    mutual = jnp.asarray(ii).at[..., diagonal, diagonal].add(1)
    wide = jnp.promote_types(jnp.result_type(ii, ie), jnp.float32)  # LAPACK has no half precision
    return jnp.linalg.solve(mutual.astype(wide), ie.astype(wide)).astype(ie.dtype)
