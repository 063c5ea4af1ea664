"""Base of all recurrent cells: a parameterisation of effective weights (U, W, b), and its step.

Every cell computes ``h_t = f(U x_t + W h_{t-1} + b)``; cells differ in the parameters from which
they compute U, W and b. A cell is a Flax cell, ``(carry, x) -> (carry, y)``.
:meth:`Cell.sequence` computes the same at all time steps, faster: it computes the effective weights
once, the input products in one matrix product, and the gradient by
:func:`~dalejax.nn.recurrence.recurrence`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from dalejax import checks, signs
from dalejax.nn import leak
from dalejax.nn.connectivity import MASK, Connectivity, masked
from dalejax.nn.divisive_gain import Gain
from dalejax.nn.recurrence import activation, recurrence, rows
from dalejax.streams import Stream
from dalejax.types import Any, Array, Float, Key

NOISE = "noise"  # name of the Flax random stream of the recurrent noise
# Flax collection: additive perturbation of the drive; its gradient is dL/d(drive).
PERTURBATIONS = "perturbations"


class Effective(NamedTuple):
    """Effective weights of a recurrent cell: ``h_t = f(U x_t + W h_{t-1} + b)``.

    Leading axes are members of an ensemble.

    Attributes:
        U: input weights [..., n, n_in].
        W: recurrent weights [..., n, n].
        b: bias [..., n].
    """

    U: Float[Array, "*s n n_in"]
    W: Float[Array, "*s n n"]
    b: Float[Array, "*s n"]


class Cell(nn.RNNCellBase):
    r"""Base class of all recurrent cells; the carry of a step is h.

    .. math:: h_t = f(U x_t + W h_{t-1} + b)

    With a time constant the cell is a leaky one in continuous time, and the carry is z:

    .. math:: z_t = (1 - \alpha) z_{t-1} + \alpha (U x_t + W h_{t-1} + b)
                    + \sqrt{2 \alpha}\, \sigma \xi_t, \qquad h_t = f(z_t), \quad
              \alpha = \Delta t / \tau, \quad \xi_t \sim \mathcal N(0, 1)

    A subclass defines the initial parameters (:meth:`initial_params`) and, unless these are U, W
    and b, the effective weights (:meth:`effective`); both are pure functions.

    Args:
        features: hidden units n.
        activation: ``"relu"``, ``"tanh"`` or ``"identity"``.
        inputs_n_i: how many of the inputs, the last ones, are inhibitory units of the layer below.
            A network sets it; None (not set) counts as 0.
        tau: time constant in ms, or a pair (excitatory units, inhibitory units); None for discrete
            time (alpha is 1).
        dt: time step in ms, at most tau; needed if tau is given.
        noise: sigma of the recurrent noise, drawn from the Flax random stream ``"noise"``; 0 for
            none.
        connectivity: draws which recurrent synapses exist, see :mod:`dalejax.nn.connectivity`; None
            for all of them.

    Raises:
        ValueError: features is below 1, the activation is unknown, or tau, dt and noise are invalid
            (:func:`dalejax.nn.leak.check`).

    Reference:
        Li et al. 2023, eq. 1; in continuous time Song et al. 2016, published code.
    """

    features: int
    activation: str = "relu"
    inputs_n_i: int | None = None
    tau: float | tuple[float, float] | None = None
    dt: float | None = None
    noise: float = 0.0
    connectivity: Connectivity | None = None

    takes_inhibition: ClassVar[bool] = True  # whether the layer below may have inhibitory units
    takes_negative: ClassVar[bool] = True  # whether the activity of the layer below may be negative

    def __post_init__(self):
        if self.features < 1:
            raise ValueError(f"features is {self.features}; a cell needs at least 1 unit.")
        if not self.takes_inhibition:
            checks.excitatory_inputs(type(self).__name__, self.inputs_n_i)
        activation(self.activation)
        leak.check(self.tau, self.dt, self.noise, self.outputs_n_i)
        super().__post_init__()

    @property
    def alpha(self) -> Float[Array, " n"] | None:
        """Time step over time constant, dt / tau, of each unit [n]; None in discrete time."""
        return leak.alpha(self.tau, self.dt, self.features, self.outputs_n_i)

    def noise_drive(self, shape: tuple[int, ...], key: Key[Array, ""]) -> Float[Array, "*b n"]:
        """Draw the noise that is added to the drive: sqrt(2 / alpha) sigma xi.

        The leak multiplies the drive by alpha, so z gets the noise sqrt(2 alpha) sigma xi.

        Args:
            shape: of the drive [..., n].
            key: a typed PRNG key.
        """
        alpha = 1.0 if self.alpha is None else self.alpha
        return jnp.sqrt(2 / alpha) * self.noise * jax.random.normal(key, shape)

    @property
    def outputs_n_i(self) -> int:
        """Number of the cell's units, the last ones, that are inhibitory to the layer above."""
        return 0

    def initial_params(self, n_in: int, *, key: Key[Array, ""]) -> dict[str, Any]:
        """Draw the initial parameters of a cell with n_in inputs."""
        raise TypeError(f"{type(self).__name__} must define initial_params, and does not.")

    def synapses(self, key: Key[Array, ""]) -> dict[str, Array]:
        """Draw the mask of recurrent synapses, {"mask": [n, n]}; {} without connectivity."""
        if self.connectivity is None:
            return {}
        mask = self.connectivity(
            self.features, self.outputs_n_i, key=jax.random.fold_in(key, Stream.MASK)
        )
        return {MASK: mask.astype(jnp.zeros(()).dtype)}

    def effective(self, params: Mapping[str, Any]) -> Effective:
        """Compute the effective weights (U, W, b); leading axes of the parameters are members."""
        return Effective(params["U"], masked(params["W"], params), params["b"])

    def gain(self, params: Mapping[str, Any]) -> Gain | None:
        """Compute the divisive inhibition of ``W h``; None if the cell has none."""
        del params
        return None

    def input_product(self, params: Mapping[str, Any], x: Float[Array, "*b n_in"]) -> Array:
        """Compute the input product with the bias, ``U x + b`` [..., n], from x [..., n_in]."""
        U, _, b = self.effective(params)
        return x @ U.T + b

    def _params(self, n_in: int) -> Mapping[str, Any]:
        # `self.param` draws one parameter by itself. Here they depend on each other (the initial
        # inhibition of a Dale's ANN on its excitation), so they are drawn and stored together.
        if self.is_initializing():
            for name, value in self.initial_params(n_in, key=self.make_rng("params")).items():
                self.put_variable("params", name, value)
        params = self.variables["params"]
        made_for = self.effective(params).U.shape[-1]
        if made_for != n_in:
            raise ValueError(f"the inputs have {n_in} features; this cell was made for {made_for}.")
        return params

    def __call__(
        self, carry: Float[Array, "*b n"], x: Float[Array, "*b n_in"]
    ) -> tuple[Float[Array, "*b n"], Float[Array, "*b n"]]:
        """Compute one time step: ``(h_{t-1}, x_t) -> (h_t, h_t)``; with a leak the carry is z."""
        # `sequence` computes the same steps (with other draws of the noise). For every cell,
        # test_sequence_is_the_scanned_step_in_states_and_gradients in tests/nn/test_cells.py
        # compares the two.
        params, f, alpha = self._params(x.shape[-1]), activation(self.activation).value, self.alpha
        h = carry if alpha is None else f(carry)
        drive, gain = h @ self.effective(params).W.T, self.gain(params)
        drive = drive if gain is None else gain.apply(drive, h)
        drive = drive + self.input_product(params, x)
        if self.noise:
            drive = drive + self.noise_drive(drive.shape, self.make_rng(NOISE))
        z = drive if alpha is None else carry + alpha * (drive - carry)
        h = f(z)
        return (h if alpha is None else z), h

    def sequence(
        self,
        x: Float[Array, "t_in b n_in"],
        carry: Float[Array, "b n"] | None = None,
        steps: int | None = None,
    ) -> Float[Array, "t b n"]:
        """Compute the activity at all time steps, faster than by single steps.

        Args:
            x: inputs [t_in, b, n_in].
            carry: the state before the first step [b, n] (z if there is a leak); None for zeros.
            steps: number of time steps t, at least t_in. After the inputs' end they are zeros, for
                which no product is computed. None for t_in.

        Returns:
            The activity h [t, b, n].
        """
        # `__call__` computes the same steps (with other draws of the noise). For every cell,
        # test_sequence_is_the_scanned_step_in_states_and_gradients in tests/nn/test_cells.py
        # compares the two.
        params = self._params(x.shape[-1])
        _, W, b = self.effective(params)
        u = self.input_product(params, rows(x)).reshape(*x.shape[:2], -1)
        if steps is not None and steps != len(x):
            checks.whole("steps", steps, len(x))
            silent = jnp.broadcast_to(b, (steps - len(x), *u.shape[1:]))
            u = jnp.concatenate([u, silent])
        if self.noise:
            u = u + self.noise_drive(u.shape, self.make_rng(NOISE))
        if self.has_variable(PERTURBATIONS, "drive"):
            u = u + self.get_variable(PERTURBATIONS, "drive")
        # A scan needs a carry of the type that its step returns, whatever type the user's has.
        carry = jnp.asarray(jnp.zeros(u.shape[1:]) if carry is None else carry, u.dtype)
        return recurrence(u, W, carry, self.activation, self.gain(params), self.alpha)

    # flax.linen.RNN needs the two members below.
    def initialize_carry(self, rng: Array, input_shape: tuple[int, ...]) -> Float[Array, "*b n"]:
        """Make a state of zeros [..., n] for inputs of shape [..., n_in]; rng is not used."""
        del rng
        return jnp.zeros((*input_shape[:-1], self.features))

    @property
    def num_feature_axes(self) -> int:
        """Number of feature axes of the inputs, 1, for flax.linen.RNN."""
        return 1


class EICell(Cell):
    """Base class of cells that have excitatory and inhibitory units; the last n_i are inhibitory.

    Args:
        n_i: inhibitory units among the n features, from 1 to n - 1.

    Raises:
        ValueError: n_i is not between 1 and n - 1.
    """

    n_i: int = 1

    def __post_init__(self):
        signs.check_populations(self.features, self.n_i)
        super().__post_init__()

    @property
    def outputs_n_i(self) -> int:
        """Number of the cell's units, the last ones, that are inhibitory to the layer above."""
        return self.n_i
