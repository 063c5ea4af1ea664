"""The leak of cells in continuous time: time constants in ms, and alpha = dt / tau."""

from __future__ import annotations

import jax.numpy as jnp

from dalejax import checks
from dalejax.types import Array, Float

Tau = float | tuple[float, float] | None


def check(tau: Tau, dt: float | None, noise: float, n_i: int) -> None:
    """Raise ValueError unless time constant, time step and noise are valid for a cell.

    Args:
        tau: time constant in ms, or a pair (excitatory units, inhibitory units); None for a cell
            without a leak.
        dt: time step in ms; None for a cell without a leak.
        noise: sigma of the recurrent noise, see :class:`~dalejax.nn.cells.base.Cell`.
        n_i: inhibitory units of the cell.

    Raises:
        ValueError: only one of tau and dt is given, one of them is not a finite number above 0, dt
            is above tau, tau is a pair although the cell has no inhibitory units, or the noise is
            negative.

    Example:
        >>> check((100.0, 50.0), 20.0, 0.1, n_i=2)
    """
    checks.not_negative("noise", noise)
    if (tau is None) != (dt is None):
        given, missing = ("tau", "dt") if dt is None else ("dt", "tau")
        raise ValueError(f"{given} is given and {missing} is not; a leak needs both, in ms.")
    if tau is None or dt is None:
        return
    checks.positive("dt", dt)
    pair = isinstance(tau, tuple) and len(tau) == 2 and n_i
    if isinstance(tau, list | tuple) and not pair:
        raise ValueError(
            f"tau is {tau}; it must be one time constant in ms, or a pair (excitatory, inhibitory) "
            "for a cell that has inhibitory units, as a tuple."
        )
    for value in tau if isinstance(tau, tuple) else (tau,):
        checks.positive("tau", value)
        if value < dt:
            raise ValueError(f"tau is {value} ms; it must be at least dt = {dt} ms.")


def alpha(tau: Tau, dt: float | None, n: int, n_i: int) -> Float[Array, " n"] | None:
    r"""Compute each unit's time step over time constant, :math:`\alpha = \Delta t / \tau`.

    Args:
        tau: time constant in ms, or a pair (excitatory units, inhibitory units); None for no leak.
        dt: time step in ms; None for no leak.
        n: units.
        n_i: inhibitory units among them, the last ones.

    Returns:
        alpha [n], above 0 and at most 1; None for no leak.

    Example:
        >>> [round(a, 2) for a in alpha((100.0, 50.0), 20.0, n=3, n_i=1).tolist()]
        [0.2, 0.2, 0.4]

    Reference:
        Song et al. 2016, published code.
    """
    if tau is None or dt is None:
        return None
    excitatory, inhibitory = tau if isinstance(tau, tuple) else (tau, tau)
    return jnp.where(jnp.arange(n) < n - n_i, dt / excitatory, dt / inhibitory)
