"""What units and choices depend on: tuning curves, selectivity, psychometric functions (NumPy)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import optimize, special, stats

_STEEPEST = 50.0  # logits between the two nearest levels: a step, to the last bit of a float


class TuningCurve(NamedTuple):
    """How each unit answers to each level of a condition.

    Attributes:
        levels: the condition's values, sorted [c].
        mean: mean rates [..., c, n].
        std: standard deviations over trials [..., c, n], NaN for a level with a single one.
        count: trials [c].
    """

    levels: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    count: np.ndarray


class PsychometricFunction(NamedTuple):
    """A logistic function with lapses.

    Attributes:
        bias: the stimulus at which both choices are as likely, in the stimulus's unit.
        slope: of the logit, per unit of the stimulus; negative where choice 1 falls.
        lapse: share of the trials that are answered wrongly whatever the stimulus, at either end.
        log_likelihood: of all choices.
    """

    bias: float
    slope: float
    lapse: float
    log_likelihood: float

    def share(self, stimulus: ArrayLike) -> np.ndarray:
        """Compute the share of choice 1 at any stimuli."""
        z = self.slope * (np.asarray(stimulus, np.float64) - self.bias)
        return np.asarray(self.lapse + (1 - 2 * self.lapse) * special.expit(z))


def tuning_curve(rates: ArrayLike, condition: ArrayLike) -> TuningCurve:
    r"""Average each unit's rate over the trials of each level of a condition.

    .. math:: \bar r_{ci} = \frac{1}{|B_c|} \sum_{b \in B_c} r_{bi},
              \qquad B_c = \{b : \text{condition}_b = c\}

    Args:
        rates: [..., b, n], of one time step or averaged over some; leading axes are members.
        condition: a number a trial [b], the same for all members.

    Returns:
        The sorted levels, and the mean, the standard deviation and the number of trials at each.

    Raises:
        ValueError: the shapes don't fit, a condition is not finite, or there are fewer than two
            levels.

    Example:
        >>> tuning_curve([[1.0], [5.0], [3.0]], [0, 1, 0]).mean.tolist()
        [[2.0], [5.0]]

    Reference:
        Hubel and Wiesel 1962; Dayan and Abbott 2001, section 1.2.
    """
    values, levels, members = _by_level(rates, condition)
    groups = [values[..., rows, :] for rows in members]
    return TuningCurve(
        levels,
        np.stack([_mean(group) for group in groups], -2),
        np.stack([_std(group) for group in groups], -2),
        np.array([len(rows) for rows in members]),
    )


def selectivity(rates: ArrayLike, condition: ArrayLike) -> np.ndarray:
    r"""Compute d′, how well each unit tells the highest level of a condition from the lowest.

    .. math:: d' = \frac{\mu_\text{high} - \mu_\text{low}}
                        {\sqrt{(\sigma^2_\text{high} + \sigma^2_\text{low}) / 2}}

    Trials of levels in between don't count. Give the network's choice as the condition to get its
    units' choice selectivity.

    Args:
        rates: [..., b, n], of one time step or averaged over some; leading axes are members.
        condition: a number a trial [b], the same for all members.

    Returns:
        d′ [..., n], positive for units that prefer the highest level; ±infinity for means that
        differ without variance, NaN for a unit that always answers alike, and for a single trial.

    Raises:
        ValueError: the shapes don't fit, a condition is not finite, or there are fewer than two
            levels.

    Example:
        >>> selectivity([[0.0], [2.0], [3.0], [5.0]], [0, 0, 1, 1]).round(3).tolist()
        [2.121]

    Reference:
        Green and Swets 1966; Simpson and Fitter 1973 (unequal variances).
    """
    values, _, members = _by_level(rates, condition)
    low, high = values[..., members[0], :], values[..., members[-1], :]
    with np.errstate(divide="ignore", invalid="ignore"):
        return (_mean(high) - _mean(low)) / np.sqrt((_std(high) ** 2 + _std(low) ** 2) / 2)


# The first trial is taken off: the mean of equal numbers is then theirs to the last bit.
def _mean(group):
    first = group[..., :1, :]
    return first[..., 0, :] + (group - first).mean(-2)


def _std(group):
    if group.shape[-2] < 2:
        return np.full_like(group[..., 0, :], np.nan)
    return (group - group[..., :1, :]).std(-2, ddof=1)


def _by_level(rates, condition):
    values, given = np.asarray(rates, np.float64), np.asarray(condition, np.float64)
    if values.ndim < 2 or given.shape != values.shape[-2:-1]:
        raise ValueError(
            f"rates have shape {values.shape} and conditions {given.shape}; they must be "
            "[..., trials, units] and [trials]."
        )
    levels = _levels("condition", given)
    return values, levels, [np.flatnonzero(given == level) for level in levels]


def _levels(name, values):
    if bad := int((~np.isfinite(values)).sum()):
        raise ValueError(f"{bad} of {values.size} {name} values are not finite; all must be.")
    levels = np.unique(values)
    if levels.size < 2:
        raise ValueError(f"the {name} has {levels.size} level(s); it must have at least 2.")
    return levels


def psychometric_curve(stimulus: ArrayLike, choice: ArrayLike) -> pd.DataFrame:
    r"""Tabulate the share of choice 1 at each stimulus, with Wilson's 95 % interval.

    .. math:: \frac{\hat p + \frac{z^2}{2n} \pm z \sqrt{\frac{\hat p (1 - \hat p)}{n} +
              \frac{z^2}{4 n^2}}}{1 + \frac{z^2}{n}}, \qquad z = 1.96

    Args:
        stimulus: one network's trials [b], with few different values; round or bin others first.
        choice: 0 or 1 [b].

    Returns:
        A row a stimulus, sorted, with the columns stimulus, share, n, low and high.

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
    r"""Fit a logistic function with lapses to choices, by maximum likelihood.

    .. math:: P(1 \mid x) = \lambda + (1 - 2 \lambda)\,\frac{1}{1 + e^{-s (x - b)}}

    The lapse rate is the same at both ends, as in a task with two alternatives. It is told from a
    shallow slope only by stimuli so strong that they would otherwise never be mistaken: without
    them, or with fewer than four levels, set ``max_lapse=0``. Choices that the stimulus parts
    without error have no finite slope: it ends where the function is a step for a float, at 50 per
    gap between the nearest levels. Where the slope is 0, the bias says nothing.

    Args:
        stimulus: x, one network's trials [b], in any unit.
        choice: 0 or 1 [b].
        max_lapse: largest lapse rate λ, from 0 to below 0.5.

    Returns:
        Bias b, slope s, lapse rate and the log likelihood in nats.

    Raises:
        ValueError: the shapes differ, a stimulus is not finite, a choice is not 0 or 1, there are
            fewer than two stimuli, all choices are the same, or ``max_lapse`` is out of range.

    Example:
        >>> x = [-1, -1, -1, -1, 1, 1, 1, 1]
        >>> fit = fit_psychometric(x, [0, 0, 0, 1, 1, 1, 1, 0], max_lapse=0)
        >>> abs(round(fit.bias, 3)), round(fit.slope, 3)  # log 3: three of four are right
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
    # In units in which the stimuli span 1, so that one tolerance does for all.
    span = np.ptp(levels)
    x = (levels - levels[0]) / span
    steepest = _STEEPEST / np.diff(x).min()

    def loss(parameters):
        bias, slope, lapse = parameters
        z = slope * (x - bias)
        return -(ones * _log_share(z, lapse) + (count - ones) * _log_share(-z, lapse)).sum()

    # A shallow function may be even-handed only beyond the stimuli; as far as their span tenfold.
    bounds = [(-10.0, 11.0), (-steepest, steepest), (0.0, max_lapse)]
    # Few trials make several local maxima: one search for each slope and lapse rate of a grid, from
    # its best bias.
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


def _log_share(z, lapse):
    # log(λ + (1 - 2 λ) / (1 + exp(-z))), which stays finite for λ = 0 however small it is.
    log_lapse = math.log(lapse) if lapse > 0 else -math.inf
    return np.logaddexp(log_lapse, math.log1p(-2 * lapse) - np.logaddexp(0, -z))


def _direction(x, ones, count):
    # +1 where choice 1 comes with larger stimuli, -1 where with smaller ones.
    return 1.0 if (ones * (x - np.average(x, weights=count))).sum() >= 0 else -1.0


def _counts(stimulus, choice):
    x, y = np.asarray(stimulus, np.float64), np.asarray(choice, np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"stimuli and choices have shapes {x.shape} and {y.shape}; both are [b].")
    if not np.isin(y, (0, 1)).all():
        raise ValueError(f"choices are {np.unique(y).tolist()}; each must be 0 or 1.")
    levels = _levels("stimulus", x)
    place = np.searchsorted(levels, x)
    count = np.bincount(place)
    return levels, np.bincount(place, weights=y), count
