"""Penalties on what a network does: added to a task's loss by :meth:`Task.penalised`.

A penalty is a function ``(net, task, params, batch, key) -> number``; ``key`` is that of the
network's noise, so that it sees the same run as the loss.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from dalejax import checks
from dalejax.dynamics.currents import currents
from dalejax.nn.cells.base import NOISE, PERTURBATIONS
from dalejax.nn.recurrence import activation
from dalejax.nn.recurrent_network import RecurrentNetwork
from dalejax.types import Array, Float


@dataclass(frozen=True)
class _Weighted:
    """What every penalty has: how much it counts."""

    weight: float

    def __post_init__(self):
        checks.not_negative("weight", self.weight)


@dataclass(frozen=True)
class Rates(_Weighted):
    r"""Penalise high rates of a recurrent network.

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

    def __call__(self, net, task, params, batch, key) -> Float[Array, ""]:
        """Average the squared activity of all cells over a batch."""
        _check_recurrent(net)
        activities, _ = _run(net, task, params, batch, key)
        squares = [jnp.square(h).mean() for h in activities]
        return self.weight * sum(squares) / len(squares)


@dataclass(frozen=True)
class Balance(_Weighted):
    r"""Homeostasis: let inhibition track excitation, in every layer, trial and time step.

    .. math:: \lambda \, \left\langle \left(\frac{\langle I_i \rangle_i - \langle E_i \rangle_i}
              {\langle I_i \rangle_i + \langle E_i \rangle_i}\right)^2 \right\rangle_{\ell, t, b},
              \qquad E_i = [W]_+ h + [U]_+ x, \quad I_i = [W]_- h + [U]_- x

    E and I are what :func:`~dalejax.dynamics.currents.currents` gives; the means are over a
    layer's units.
    Where hardly anything arrives, less than 1e-3, the term is 0.

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
        Cornford et al. 2021, section 6, name it as future work.
    """

    def __call__(self, net, task, params, batch, key) -> Float[Array, ""]:
        """Average the squared contrast of inhibition and excitation over a batch."""
        layers = currents(net, params, batch.inputs, steps=task.steps, key=key)
        contrasts = [jnp.square(_contrast(*layer)).mean() for layer in layers]
        return self.weight * sum(contrasts) / len(contrasts)


@dataclass(frozen=True)
class VanishingGradient(_Weighted):
    r"""Keep the gradient's norm as it goes back in time through a recurrent network.

    .. math:: \lambda \Omega, \qquad \Omega = \left\langle \left(
              \frac{\lVert \partial_{z_{t+1}} L \; \partial z_{t+1} / \partial z_t \rVert}
                   {\lVert \partial_{z_{t+1}} L \rVert} - 1 \right)^2 \right\rangle_{t, b},
              \qquad \frac{\partial z_{t+1}}{\partial z_t}
              = \mathrm{diag}(1 - \alpha) + \mathrm{diag}(\alpha) W \mathrm{diag}(f'(z_t))

    Averaged over the steps and trials that any gradient reaches, and summed over cells.

    Args:
        weight: lambda, 0 or positive.
        immediate: hold states and gradients constant, and differentiate by W alone, as the papers
            do; otherwise everything is differentiated, twice.
        squared: compare squared norms, as the published code does.

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

    def __call__(self, net, task, params, batch, key) -> Float[Array, ""]:
        """Measure how far the gradient's norm is from staying the same."""
        _check_recurrent(net)
        for i, cell in enumerate(net.cells):
            if cell.gain(params[f"cells_{i}"]) is not None:
                raise ValueError(
                    f"cell {i} is a {type(cell).__name__}; no divisive inhibition may be in it."
                )
        shapes = jax.eval_shape(lambda: _run(net, task, params, batch, key)[0])
        still = [jnp.zeros(h.shape, h.dtype) for h in shapes]

        def loss(push):
            activities, outputs = _run(net, task, params, batch, key, push)
            return task.loss(outputs, batch.targets), activities

        gradients, activities = jax.grad(loss, has_aux=True)(still)
        if self.immediate:
            gradients, activities = jax.lax.stop_gradient((gradients, activities))
        effective = net.effective(params)
        terms = [
            self._of_cell(cell, weights.W, h, g)
            for cell, weights, h, g in zip(net.cells, effective, activities, gradients, strict=True)
        ]
        return self.weight * sum(terms)

    def _of_cell(self, cell, W, h, d_drive):
        alpha = jnp.ones(()) if cell.alpha is None else cell.alpha
        d_drive, later = d_drive[1:], d_drive[1:] / alpha  # by z_{t+1}: the drive moves z by alpha
        slope = activation(cell.activation).derivative_from_output(h[:-1])
        earlier = (1 - alpha) * later + (d_drive @ W) * slope
        here, there = jnp.square(earlier).sum(-1), jnp.square(later).sum(-1)
        reached = there >= _BOUND
        ratio = here / jnp.where(reached, there, 1)
        if not self.squared:
            ratio = jnp.sqrt(jnp.where(ratio > 0, ratio, 1)) * (ratio > 0)  # no gradient at 0
        return jnp.where(reached, (ratio - 1) ** 2, 0).sum() / jnp.maximum(reached.sum(), 1)


_SILENT = 1e-3  # currents of less are none: their contrast would have gradients without bound
_BOUND = 1e-20  # smallest squared norm of a gradient that counts, as in the published code


def _check_recurrent(net):
    if not isinstance(net, RecurrentNetwork):
        kind = type(net).__name__
        raise ValueError(f"the network is a {kind}; this penalty is one of recurrent networks.")


def _run(net, task, params, batch, key, push=None):
    """Run a network: (activities of its cells, outputs)."""

    def run(module, x, steps):
        activities = module.activities(x, steps)
        return activities, module.readout(module.head(activities[-1]))

    variables = {"params": params}
    if push is not None:
        variables[PERTURBATIONS] = {f"cells_{i}": {"drive": drive} for i, drive in enumerate(push)}
    return net.apply(variables, batch.inputs, task.steps, method=run, rngs={NOISE: key})


def _contrast(excitation, inhibition):
    """Compare the means over a layer's units; a filter's are on all axes but the first."""
    axes = (-1,) if excitation.ndim == 3 else tuple(range(1, excitation.ndim))
    E, I = excitation.mean(axes), inhibition.mean(axes)  # noqa: E741
    arrives = E + I > _SILENT
    return jnp.where(arrives, (I - E) / jnp.where(arrives, E + I, 1), 0)
