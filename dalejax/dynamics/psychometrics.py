"""Psychometric functions: how choices depend on the stimulus (NumPy and SciPy)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import optimize, special, stats

from dalejax.dynamics.tuning import sorted_levels

# Largest slope, in logits per gap between the two nearest stimuli: the fitted function is then a
# step to the precision of a float.
_STEEPEST = 50.0


class PsychometricFunction(NamedTuple):
    """A logistic function with lapses, fitted to choices.

    Attributes:
        bias: stimulus at which both choices are equally likely, in the stimulus's unit.
        slope: slope of the logit, per unit of the stimulus; negative if choice 1 is rarer for
            larger stimuli.
        lapse: lapse rate, the probability of the less likely choice for the strongest stimuli.
        log_likelihood: log likelihood of all choices, in nats.
    """

    bias: float
    slope: float
    lapse: float
    log_likelihood: float

    def share(self, stimulus: ArrayLike) -> np.ndarray:
        """Compute the probability of choice 1 at given stimuli.

        Args:
            stimulus: stimuli of any shape, in the unit of those that were fitted.
        """
        z = self.slope * (np.asarray(stimulus, np.float64) - self.bias)
        return np.asarray(self.lapse + (1 - 2 * self.lapse) * special.expit(z))


def psychometric_curve(stimulus: ArrayLike, choice: ArrayLike) -> pd.DataFrame:
    r"""Tabulate the share of choice 1 at each stimulus, with Wilson's 95 % confidence interval.

    .. math:: \frac{\hat p + \frac{z^2}{2n} \pm z \sqrt{\frac{\hat p (1 - \hat p)}{n} +
              \frac{z^2}{4 n^2}}}{1 + \frac{z^2}{n}}, \qquad z = 1.96

    Args:
        stimulus: stimulus of each trial of one network [b]; round or bin stimuli that are nearly
            all different first.
        choice: choice in each trial, 0 or 1 [b].

    Returns:
        A row for each stimulus, sorted, with the columns stimulus, share (of choice 1), n (number
        of trials), low and high (ends of the interval).

    Raises:
        ValueError: the shapes differ, a stimulus is not finite, a choice is not 0 or 1, or there
            are fewer than two stimuli.

    Example:
        >>> psychometric_curve([-1, -1, 1, 1], [0, 0, 0, 1])[["stimulus", "share", "n"]]
           stimulus  share  n
        0      -1.0    0.0  2
        1       1.0    0.5  2

    Reference:
        Wichmann and Hill 2001; the interval: Wilson 1927.
    """
    levels, ones, count = _counts(stimulus, choice)
    intervals = [
        stats.binomtest(int(k), int(n)).proportion_ci(method="wilson")
        for k, n in zip(ones, count, strict=True)
    ]
    return pd.DataFrame(
        {
            "stimulus": levels,
            "share": ones / count,
            "n": count,
            "low": [interval.low for interval in intervals],
            "high": [interval.high for interval in intervals],
        }
    )


def fit_psychometric(
    stimulus: ArrayLike, choice: ArrayLike, *, max_lapse: float = 0.2
) -> PsychometricFunction:
    r"""Fit a psychometric function, logistic with lapses, to choices by maximum likelihood.

    .. math:: P(1 \mid x) = \lambda + (1 - 2 \lambda)\,\frac{1}{1 + e^{-s (x - b)}}

    The lapse rate λ is the same for weak and strong stimuli and for both choices. Only errors at
    stimuli so strong that there would be none without lapses distinguish lapses from a shallow
    slope: without such stimuli, or with fewer than four different ones, set ``max_lapse=0``. If a
    stimulus threshold separates the choices without error, the likelihood increases with the slope
    without end; the slope is then limited to 50 divided by the smallest gap between stimuli, where
    the function is a step to the precision of a float. If the slope is 0, the bias is arbitrary.

    Args:
        stimulus: x, stimulus of each trial of one network [b], in any unit.
        choice: choice in each trial, 0 or 1 [b].
        max_lapse: largest lapse rate λ, from 0 to below 0.5.

    Returns:
        Bias b, slope s, lapse rate λ and log likelihood.

    Raises:
        ValueError: the shapes differ, a stimulus is not finite, a choice is not 0 or 1, there are
            fewer than two stimuli, all choices are the same, or ``max_lapse`` is out of range.

    Example:
        >>> x = [-1, -1, -1, -1, 1, 1, 1, 1]
        >>> fit = fit_psychometric(x, [0, 0, 0, 1, 1, 1, 1, 0], max_lapse=0)
        >>> abs(round(fit.bias, 3)), round(fit.slope, 3)  # slope log 3: 3 of 4 choices are right
        (0.0, 1.099)

    Reference:
        Wichmann and Hill 2001, eq. 1 (who keep the lapse rate below 0.06).
    """
    if not 0 <= max_lapse < 0.5:
        raise ValueError(f"max_lapse is {max_lapse}; it must be from 0 to below 0.5.")
    levels, ones, count = _counts(stimulus, choice)
    if ones.sum() in (0, count.sum()):
        which = int(ones.any())
        raise ValueError(f"all {count.sum()} choices are {which}; a fit needs both choices.")
    # Stimuli are scaled to span 1, so that the minimiser's tolerances suit any unit.
    span = np.ptp(levels)
    x = (levels - levels[0]) / span
    steepest = _STEEPEST / np.diff(x).min()

    def loss(parameters: tuple[float, float, float] | np.ndarray) -> float:
        bias, slope, lapse = parameters
        z = slope * (x - bias)
        return -(ones * _log_share(z, lapse) + (count - ones) * _log_share(-z, lapse)).sum()

    # The bias may lie outside of the stimuli, by up to ten times their span.
    bounds = [(-10.0, 11.0), (-steepest, steepest), (0.0, max_lapse)]
    # With few trials the likelihood has several local maxima, so the search is repeated from each
    # slope and lapse rate of a grid, with the bias that is best for it.
    rise = _direction(x, ones, count)
    starts = [
        min(((bias, rise * min(size, steepest), lapse) for bias in np.linspace(0, 1, 17)), key=loss)
        for size in (1.0, 5.0, 25.0, 125.0)
        for lapse in {0.0, max_lapse / 2}
    ]
    options = {"xatol": 1e-9, "fatol": 1e-11, "maxiter": 5000, "maxfev": 5000}
    fits = [
        optimize.minimize(loss, start, method="Nelder-Mead", bounds=bounds, options=options)
        for start in starts
    ]
    best = min(fits, key=lambda fit: fit.fun)
    bias, slope, lapse = map(float, best.x)
    return PsychometricFunction(
        float(levels[0] + span * bias), float(slope / span), lapse, -float(best.fun)
    )


def _log_share(z: np.ndarray, lapse: float) -> np.ndarray:
    """Compute log(λ + (1 - 2 λ) / (1 + exp(-z))) without underflow."""
    log_lapse = math.log(lapse) if lapse > 0 else -math.inf
    return np.logaddexp(log_lapse, math.log1p(-2 * lapse) - np.logaddexp(0, -z))


def _direction(x: np.ndarray, ones: np.ndarray, count: np.ndarray) -> float:
    """Return 1.0 if choice 1 is more frequent for larger stimuli, else -1.0."""
    return 1.0 if (ones * (x - np.average(x, weights=count))).sum() >= 0 else -1.0


def _counts(stimulus: ArrayLike, choice: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the different stimuli, the number of choices 1 at each, and the number of trials."""
    x, y = np.asarray(stimulus, np.float64), np.asarray(choice, np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"stimuli and choices have shapes {x.shape} and {y.shape}; both are [b].")
    if not np.isin(y, (0, 1)).all():
        raise ValueError(f"choices are {np.unique(y).tolist()}; each must be 0 or 1.")
    levels = sorted_levels("stimulus", x)
    place = np.searchsorted(levels, x)
    count = np.bincount(place)
    return levels, np.bincount(place, weights=y), count
