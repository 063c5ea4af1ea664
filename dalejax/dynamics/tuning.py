"""Tuning curves and selectivity: how the rates of units depend on a condition (NumPy)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class TuningCurve(NamedTuple):
    """Mean rate of each unit at each level of a condition, such as a stimulus.

    Attributes:
        levels: the different values of the condition, sorted [c].
        mean: mean rates over trials [..., c, n].
        std: standard deviations of the rates over trials [..., c, n]; NaN for a level with a
            single trial.
        count: number of trials at each level [c].
    """

    levels: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    count: np.ndarray


def tuning_curve(rates: ArrayLike, condition: ArrayLike) -> TuningCurve:
    r"""Average each unit's rate over the trials of each level of a condition.

    .. math:: \bar r_{ci} = \frac{1}{|B_c|} \sum_{b \in B_c} r_{bi},
              \qquad B_c = \{b : \text{condition}_b = c\}

    Args:
        rates: rates [..., b, n] of one time step or averaged over several; leading axes are
            members.
        condition: one number for each trial [b], the same for all members.

    Returns:
        The sorted levels, and at each the mean and standard deviation of the rates, and the number
        of trials.

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
    r"""Compute d′, by which each unit's rate separates the highest from the lowest condition.

    .. math:: d' = \frac{\mu_\text{high} - \mu_\text{low}}
                        {\sqrt{(\sigma^2_\text{high} + \sigma^2_\text{low}) / 2}}

    Trials at levels in between are not used. With the network's choices as the condition, this is
    the choice selectivity of its units.

    Args:
        rates: rates [..., b, n] of one time step or averaged over several; leading axes are
            members.
        condition: one number for each trial [b], the same for all members.

    Returns:
        d′ of each unit [..., n], positive if its mean rate is larger at the highest level;
        ±infinity if the means differ and both variances are 0; NaN if the rates are all equal, or
        if either level has a single trial.

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


def _mean(group: np.ndarray) -> np.ndarray:
    # The first trial is subtracted before the mean, so that the mean of equal rates is exact.
    first = group[..., :1, :]
    return first[..., 0, :] + (group - first).mean(-2)


def _std(group: np.ndarray) -> np.ndarray:
    if group.shape[-2] < 2:
        return np.full_like(group[..., 0, :], np.nan)
    return (group - group[..., :1, :]).std(-2, ddof=1)


def _by_level(
    rates: ArrayLike, condition: ArrayLike
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Return the rates, the sorted levels, and the indices of the trials at each level."""
    values, given = np.asarray(rates, np.float64), np.asarray(condition, np.float64)
    if values.ndim < 2 or given.shape != values.shape[-2:-1]:
        raise ValueError(
            f"rates have shape {values.shape} and conditions {given.shape}; they must be "
            "[..., trials, units] and [trials]."
        )
    levels = sorted_levels("condition", given)
    return values, levels, [np.flatnonzero(given == level) for level in levels]


def sorted_levels(name: str, values: np.ndarray) -> np.ndarray:
    """Return the different values of a condition, sorted; raise ValueError if there is only one.

    Args:
        name: what the condition is called, for the error message.
        values: one number for each trial [b].

    Raises:
        ValueError: a value is not finite, or all are equal.

    Example:
        >>> sorted_levels("stimulus", np.array([1.0, -1.0, 1.0])).tolist()
        [-1.0, 1.0]
    """
    if bad := int((~np.isfinite(values)).sum()):
        raise ValueError(f"{bad} of {values.size} {name} values are not finite; all must be.")
    levels = np.unique(values)
    if levels.size < 2:
        raise ValueError(f"the {name} has {levels.size} level(s); it must have at least 2.")
    return levels
