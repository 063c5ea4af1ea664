"""Penalties on a network's activity or gradients, which :meth:`Task.penalised` adds to a loss.

A penalty is a function ``(net, task, params, batch, key) -> number``. Its ``key`` is the one that
the loss draws the recurrent noise with, so that both see the same activity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from dalejax import checks
from dalejax.dynamics.currents import currents
from dalejax.nn.cells.base import PERTURBATIONS, Cell
from dalejax.nn.recurrence import activation
from dalejax.nn.recurrent_network import RecurrentNetwork
from dalejax.tasks.base import Batch, Task
from dalejax.training.forward import Network, run_network
from dalejax.types import Array, Float, Key, Params


@dataclass(frozen=True)
class _Weighted:
    """Base of the penalties: they have a weight, 0 or positive."""

    weight: float

    def __post_init__(self):
        checks.not_negative("weight", self.weight)


@dataclass(frozen=True)
class Rates(_Weighted):
    r"""Penalise the mean squared activity of a recurrent network's cells.

    .. math:: \lambda \, \left\langle \langle (h^\ell_{tbi})^2 \rangle_{t, b, i} \right\rangle_\ell

    Args:
        weight: lambda, 0 or positive.

    Raises:
        ValueError: the weight is negative; when it is called, the network is not recurrent.

    Example:
        >>> import dalejax as dj
        >>> task = dj.tasks.AddingProblem().penalised(Rates(0.1))
        >>> len(task.penalties)
        1

    Reference:
        Song et al. 2016 (L2 regularisation of the firing rates).
    """

    def __call__(
        self, net: Network, task: Task, params: Params, batch: Batch, key: Key[Array, ""]
    ) -> Float[Array, ""]:
        """Average the squared activity over cells, units, time steps and the trials of a batch."""
        net = _recurrent(net)
        activities, _ = _run(net, task, params, batch, key)
        squares = [jnp.square(h).mean() for h in activities]
        return self.weight * _sum(squares) / len(squares)


@dataclass(frozen=True)
class Balance(_Weighted):
    r"""Penalise the difference between a layer's mean inhibition and its mean excitation.

    .. math:: \lambda \, \left\langle \left(\frac{\langle I_i \rangle_i - \langle E_i \rangle_i}
              {\langle I_i \rangle_i + \langle E_i \rangle_i}\right)^2 \right\rangle_{\ell, t, b},
              \qquad E_i = [W]_+ h + [U]_+ x, \quad I_i = [W]_- h + [U]_- x

    E and I are the currents of :func:`~dalejax.dynamics.currents.currents`. The inner means are
    over a layer's units, the outer one over layers, trials and time steps. The term is 0 where
    the sum of both currents is below 1e-3.

    Args:
        weight: lambda, 0 or positive.

    Raises:
        ValueError: the weight is negative.

    Example:
        >>> import dalejax as dj
        >>> task = dj.tasks.AddingProblem().penalised(Balance(0.1))
        >>> len(task.penalties)
        1

    Reference:
        Cornford et al. 2021, section 6 (homeostasis, named there as future work).
    """

    def __call__(
        self, net: Network, task: Task, params: Params, batch: Batch, key: Key[Array, ""]
    ) -> Float[Array, ""]:
        """Average the squared relative difference of inhibition and excitation over a batch."""
        layers = currents(net, params, batch.inputs, steps=task.time.steps, key=key)
        contrasts = [jnp.square(_contrast(*layer)).mean() for layer in layers]
        return self.weight * _sum(contrasts) / len(contrasts)


@dataclass(frozen=True)
class VanishingGradient(_Weighted):
    r"""Penalise changes of the gradient's norm from one time step to the one before it.

    .. math:: \lambda \Omega, \qquad \Omega = \left\langle \left(
              \frac{\lVert \partial_{z_{t+1}} L \; \partial z_{t+1} / \partial z_t \rVert}
                   {\lVert \partial_{z_{t+1}} L \rVert} - 1 \right)^2 \right\rangle_{t, b},
              \qquad \frac{\partial z_{t+1}}{\partial z_t}
              = \mathrm{diag}(1 - \alpha) + \mathrm{diag}(\alpha) W \mathrm{diag}(f'(z_t))

    The mean is over those time steps and trials whose gradient is not zero; the terms of several
    cells are summed.

    Args:
        weight: lambda, 0 or positive.
        immediate: treat states and gradients as constants, so that the penalty's gradient is by W
            alone, as in the papers; otherwise it is differentiated through both of them too.
        squared: use squared norms in the ratio, as the published code does.

    Raises:
        ValueError: the weight is negative; when it is called, the network is not recurrent, or a
            cell has divisive inhibition.

    Example:
        >>> import dalejax as dj
        >>> task = dj.tasks.AddingProblem().penalised(VanishingGradient(2.0))
        >>> len(task.penalties)
        1

    Reference:
        Pascanu et al. 2013, section 3.3; Song et al. 2016, published code.
    """

    weight: float = 2.0
    immediate: bool = True
    squared: bool = False

    def __call__(
        self, net: Network, task: Task, params: Params, batch: Batch, key: Key[Array, ""]
    ) -> Float[Array, ""]:
        """Average the squared deviation from 1 of the ratio of successive gradient norms."""
        net = _recurrent(net)
        for i, cell in enumerate(net.cells):
            if cell.gain(params[f"cells_{i}"]) is not None:
                raise ValueError(
                    f"cell {i} is a {type(cell).__name__}; it must be one without divisive "
                    "inhibition."
                )
        shapes = jax.eval_shape(lambda: _run(net, task, params, batch, key)[0])
        zeros = [jnp.zeros(h.shape, h.dtype) for h in shapes]

        def loss(perturbations):
            activities, outputs = _run(net, task, params, batch, key, perturbations)
            return task.loss(outputs, batch.targets), activities

        gradients, activities = jax.grad(loss, has_aux=True)(zeros)
        if self.immediate:
            gradients, activities = jax.lax.stop_gradient((gradients, activities))
        effective = net.effective(params)
        terms = [
            self._term(cell, weights.W, h, g)
            for cell, weights, h, g in zip(net.cells, effective, activities, gradients, strict=True)
        ]
        return self.weight * _sum(terms)

    def _term(self, cell: Cell, W: Array, h: Array, d_drive: Array) -> Array:
        """Compute Omega of one cell from its activity h and dL/d(drive), both [t, b, n]."""
        alpha = jnp.ones(()) if cell.alpha is None else cell.alpha
        d_drive, later = d_drive[1:], d_drive[1:] / alpha  # dL/dz_{t+1}, as dz/d(drive) is alpha
        slope = activation(cell.activation).derivative_from_output(h[:-1])
        earlier = (1 - alpha) * later + (d_drive @ W) * slope
        here, there = jnp.square(earlier).sum(-1), jnp.square(later).sum(-1)
        reached = there >= _BOUND
        ratio = here / jnp.where(reached, there, 1)
        if not self.squared:
            ratio = jnp.sqrt(jnp.where(ratio > 0, ratio, 1)) * (ratio > 0)  # no gradient at 0
        return jnp.where(reached, (ratio - 1) ** 2, 0).sum() / jnp.maximum(reached.sum(), 1)


_SILENT = 1e-3  # least sum of currents: below it the relative difference has unbounded gradients
_BOUND = 1e-20  # smallest squared norm of a gradient that counts, as in the published code


def _recurrent(net: Network) -> RecurrentNetwork:
    """Return a network that is recurrent; raise ValueError for another one."""
    if not isinstance(net, RecurrentNetwork):
        kind = type(net).__name__
        raise ValueError(f"the network is a {kind}; this penalty is one of recurrent networks.")
    return net


def _sum(terms: Sequence[Array]) -> Array:
    return jnp.asarray(sum(terms))


def _run(
    net: RecurrentNetwork,
    task: Task,
    params: Params,
    batch: Batch,
    key: Key[Array, ""],
    perturbations: Sequence[Array] | None = None,
) -> tuple[list[Array], Array]:
    """Run a network over a batch; returns its cells' activities [t, b, n], and its outputs.

    Args:
        net: the network.
        task: the task.
        params: the parameters of one member.
        batch: trials.
        key: a typed PRNG key, of the recurrent noise.
        perturbations: for each cell what is added to its drive [t, b, n].
    """

    def run(module, x, steps):
        activities = module.activities(x, steps)
        return activities, module.readout(module.head(activities[-1]))

    variables = {"params": params}
    if perturbations is not None:
        variables[PERTURBATIONS] = {
            f"cells_{i}": {"drive": drive} for i, drive in enumerate(perturbations)
        }
    return run_network(net, variables, batch.inputs, task.time.steps, key=key, method=run)


def _contrast(excitation: Array, inhibition: Array) -> Array:
    """Divide the difference of the mean currents by their sum: (I - E) / (I + E).

    The means are over a layer's units: the last axis of [t, b, n], or all axes but the first, which
    counts the trials, of a feedforward layer or filter.
    """
    axes = (-1,) if excitation.ndim == 3 else tuple(range(1, excitation.ndim))
    e, i = excitation.mean(axes), inhibition.mean(axes)
    arrives = e + i > _SILENT
    return jnp.where(arrives, (i - e) / jnp.where(arrives, e + i, 1), 0)
