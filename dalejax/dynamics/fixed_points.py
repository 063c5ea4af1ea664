"""Fixed and slow points of a recurrent network, and the Jacobians of its step at them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.core import Tracer

from dalejax import checks
from dalejax.nn.cells.base import Effective
from dalejax.nn.recurrence import activation as activation_named
from dalejax.types import Array, Float

Step = Callable[[Array], Array]

_FIRST_DAMPING = 1e-2  # Levenberg-Marquardt's mu, as a multiple of the mean diagonal of J^T J
_LARGEST_DAMPING = 1e8


class FixedPoints(NamedTuple):
    """States from which a network's step leads back to themselves, or nearly.

    Attributes:
        points: states [k, n].
        speed: q of each state [k], half the squared length of the network's step from there.
    """

    points: Float[Array, "k n"]
    speed: Float[Array, " k"]


def step_of(
    effective: Effective,
    activation: str,
    inputs: Float[Array, " n_in"] | float = 0.0,
    alpha: Float[Array, " n"] | float | None = None,
) -> Step:
    r"""Make the function that maps one network's state to its next one, at constant inputs.

    .. math:: F(h) = f(W h + U x + b) \qquad\text{or, leaky,}\qquad
              F(z) = (1 - \alpha) \odot z + \alpha \odot (W f(z) + U x + b)

    Without leak, the state is the rate h; with leak, it is the current z, and the rate is f(z). At
    a fixed point h without leak, :math:`z = W h + U x + b` is a fixed point with leak, with
    :math:`h = f(z)`. Effective weights do not contain divisive inhibition: for a cell that has
    some, F is not the cell's step.

    Args:
        effective: one member's effective weights, U [n, n_in], W [n, n], b [n].
        activation: f, the name of an activation function, such as ``"relu"``.
        inputs: x [n_in], or one number for all inputs.
        alpha: Δt / τ of each unit [n], or one number for all, above 0 and at most 1; None for a
            network without leak.

    Returns:
        F, a function from a state [n] to the next one [n].

    Raises:
        ValueError: the weights have a member axis, ``inputs`` or ``alpha`` has another shape,
            ``alpha`` is out of range, or the activation is unknown.

    Example:
        >>> effective = Effective(jnp.ones((1, 1)), jnp.full((1, 1), 0.5), jnp.zeros(1))
        >>> step_of(effective, "relu", inputs=3.0)(jnp.array([2.0])).tolist()
        [4.0]

    Reference:
        Li et al. 2023, eq. 1; the leaky form: Song et al. 2016.
    """
    f = activation_named(activation).value
    W = effective.W
    if W.ndim != 2:
        raise ValueError(f"W has shape {W.shape}; it must be one member's, [n, n].")
    n, n_in = effective.U.shape
    if jnp.shape(inputs) not in ((), (n_in,)):
        raise ValueError(f"the inputs have shape {jnp.shape(inputs)}; it must be ({n_in},).")
    drive = effective.U @ jnp.broadcast_to(jnp.asarray(inputs, W.dtype), (n_in,)) + effective.b
    if alpha is None:
        return lambda h: f(W @ h + drive)
    if jnp.shape(alpha) not in ((), (n,)):
        raise ValueError(f"alpha has shape {jnp.shape(alpha)}; it must be ({n},).")
    if not isinstance(alpha, Tracer):
        values = np.asarray(alpha)
        if not ((values > 0) & (values <= 1)).all():
            raise ValueError(f"alpha is {values}; it must be above 0 and at most 1.")
    share = jnp.broadcast_to(jnp.asarray(alpha, W.dtype), (n,))
    return lambda z: (1 - share) * z + share * (W @ f(z) + drive)


def find_fixed_points(
    step: Step,
    starts: Float[Array, "k n"],
    *,
    iterations: int = 1000,
    rate: float = 0.03,
    polish: int = 30,
) -> FixedPoints:
    r"""Search for a fixed or slow point from every start, by minimising the speed q of the state.

    .. math:: q(h) = \frac12 \|F(h) - h\|^2

    The first minimiser is Adam, whose learning rate decays to 0 along a cosine; it moves each entry
    of a state by at most about ``iterations * rate / 2``. The second one starts from the slowest
    state that Adam visited, and takes Levenberg–Marquardt steps:

    .. math:: h \leftarrow h - (J^\top J + \mu I)^{-1} J^\top (F(h) - h), \qquad
              J = \frac{\partial F}{\partial h} - I

    They converge quadratically where the Jacobian of F has no eigenvalue 1; where it has one, as on
    a line of fixed points, they stop at a point of the line. A step that does not lower q is not
    taken, and μ is raised tenfold; after a step that is taken, μ is divided by ten. So no point has
    a larger q than its start.

    The result has one point for every start. Where its q is well above the precision of the floats,
    the point is a local minimum of q but no fixed point: a slow point, if q is small. Use
    :func:`distinct` to select the fixed points and to remove duplicates.

    All starts are processed in parallel, with k Jacobians [n, n] in memory. To search in every
    member of an ensemble, ``jax.vmap`` a function that makes the step and calls this function.

    Args:
        step: F, a function from a state [n] to the next one [n]; see :func:`step_of`.
        starts: states [k, n], for instance states of trials with added noise.
        iterations: number of Adam's steps; 0 for none.
        rate: Adam's first learning rate, in the unit of the states.
        polish: number of Levenberg–Marquardt steps; 0 for none.

    Returns:
        The points [k, n] and their speeds [k], in the order of the starts.

    Raises:
        ValueError: ``starts`` or the result of ``step`` has another shape, or a number is out of
            range.

    Example:
        >>> found = find_fixed_points(lambda h: 0.5 * h + 1, jnp.array([[0.0], [5.0]]))
        >>> found.points.round(3).tolist()
        [[2.0], [2.0]]

    Reference:
        Sussillo and Barak 2013, section 2; Marquardt 1963.
    """
    checks.whole("iterations", iterations, 0)
    checks.positive("rate", rate)
    checks.whole("polish", polish, 0)
    starts = jnp.asarray(starts)
    if starts.ndim != 2 or not len(starts):
        raise ValueError(f"starts have shape {starts.shape}; they must be states [k, n].")
    made = jax.eval_shape(step, starts[0])
    if made.shape != starts.shape[1:]:
        raise ValueError(
            f"the step maps a state {starts.shape[1:]} to {made.shape}; it must keep the shape."
        )
    starts = starts.astype(jnp.result_type(float, starts, made))

    def residual(h: Array) -> Array:
        return step(h) - h

    def speed(h: Array) -> Array:
        return 0.5 * (residual(h) ** 2).sum()

    @jax.jit
    def search(starts: Array) -> FixedPoints:
        points = _descend(speed, starts, iterations, rate) if iterations else starts
        points = jax.vmap(lambda h: _levenberg_marquardt(residual, speed, h, polish))(points)
        return FixedPoints(points, jax.vmap(speed)(points))

    return search(starts)


def _descend(speed: Step, starts: Array, iterations: int, rate: float) -> Array:
    """Minimise the speed of all states by Adam; return the slowest state visited from each start.

    Adam's first steps have the length of its learning rate even from a start beside a fixed point,
    so its last state may be worse than its start.
    """
    tx = optax.adam(optax.cosine_decay_schedule(rate, iterations))
    slope = jax.vmap(jax.value_and_grad(speed))

    def visit(h: Array, best: Array, best_speed: Array, now: Array) -> tuple[Array, Array]:
        slower = now < best_speed
        return jnp.where(slower[:, None], h, best), jnp.where(slower, now, best_speed)

    def update(state, _):
        h, tx_state, best, best_speed = state
        now, gradient = slope(h)
        best, best_speed = visit(h, best, best_speed, now)
        updates, tx_state = tx.update(gradient, tx_state)
        return (h + updates, tx_state, best, best_speed), None

    first = (starts, tx.init(starts), starts, jax.vmap(speed)(starts))
    (h, _, best, best_speed), _ = jax.lax.scan(update, first, length=iterations)
    return visit(h, best, best_speed, jax.vmap(speed)(h))[0]


def _levenberg_marquardt(residual: Step, speed: Step, start: Array, steps: int) -> Array:
    """Minimise the speed of one state by Levenberg-Marquardt steps."""
    eye = jnp.eye(len(start), dtype=start.dtype)
    least = jnp.finfo(start.dtype).eps

    def step(state, _):
        h, damping = state
        J = jax.jacfwd(residual)(h)
        gram = J.T @ J
        scale = jnp.trace(gram) / len(h)
        factor = jax.scipy.linalg.cho_factor(gram + damping * jnp.where(scale > 0, scale, 1) * eye)
        there = h - jax.scipy.linalg.cho_solve(factor, J.T @ residual(h))
        lower = speed(there) < speed(h)  # False for NaN, the result of a failed factorisation
        damping = jnp.clip(damping * jnp.where(lower, 0.1, 10.0), least, _LARGEST_DAMPING)
        return (jnp.where(lower, there, h), damping), None

    first = (start, jnp.asarray(_FIRST_DAMPING, start.dtype))
    return jax.lax.scan(step, first, length=steps)[0][0]


def distinct(
    fixed_points: FixedPoints, tolerance: float = 1e-3, max_speed: float = 1e-9
) -> FixedPoints:
    r"""Keep the points with small speed, and only the slowest of any that are close together.

    From the slowest on, a point is kept if its distance from all points kept so far is above
    ``tolerance``. Of a line of fixed points, this keeps points about ``tolerance`` apart. Points
    that are not finite are left out.

    Args:
        fixed_points: points of one network, as :func:`find_fixed_points` returns them.
        tolerance: Euclidean distance, in the unit of the states.
        max_speed: largest q of the points that are kept; in float32, rounding gives a fixed point
            of n units with activity near 1 a q of about 1e-14 n.

    Returns:
        The points that are kept, the slowest first, as NumPy arrays.

    Raises:
        ValueError: ``tolerance`` or ``max_speed`` is not a finite number above 0.

    Example:
        >>> found = FixedPoints(np.array([[1.0], [1.1], [5.0]]), np.array([1e-12, 1e-14, 0.3]))
        >>> distinct(found, tolerance=0.5).points.tolist()
        [[1.1]]

    Reference:
        Golub and Sussillo 2018.
    """
    checks.positive("tolerance", tolerance)
    checks.positive("max_speed", max_speed)
    points, speed = (np.asarray(x) for x in fixed_points)
    kept: list[int] = []
    for i in np.argsort(speed, kind="stable"):
        slow = speed[i] <= max_speed and np.isfinite(points[i]).all()
        if slow and (np.linalg.norm(points[kept] - points[i], axis=1) > tolerance).all():
            kept.append(int(i))
    return FixedPoints(points[kept], speed[kept])


def linearise(step: Step, points: Float[Array, "k n"]) -> Float[Array, "k n n"]:
    r"""Compute the Jacobian of a network's step at every point.

    .. math:: J_{ij} = \frac{\partial F_i}{\partial h_j}

    A fixed point is stable if all eigenvalues λ of J have :math:`|\lambda| < 1`, and a saddle if
    only some have. An eigenvalue 1 belongs to a direction in which the state stays where it is put
    (integration), a complex pair to a rotation.

    Args:
        step: F, a function from a state [n] to the next one [n].
        points: states [k, n].

    Returns:
        Jacobians [k, n, n].

    Example:
        >>> linearise(lambda h: h**2, jnp.array([[0.0], [1.0]])).tolist()
        [[[0.0]], [[2.0]]]

    Reference:
        Sussillo and Barak 2013, section 2.
    """
    return jax.vmap(jax.jacfwd(step))(jnp.asarray(points))
