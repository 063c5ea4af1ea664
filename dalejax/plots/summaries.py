"""What a picture shows of several networks: centre and spread, and limits of the axis."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

_FENCE = 6  # robust standard deviations from the group's median beyond which a run is far off
_TO_SD = 1.4826  # a normal distribution's sd over its median absolute deviation


class Summary(NamedTuple):
    """Centre and spread of the finite networks at each point, NaN where there is none.

    Attributes:
        centre: mean, or median if robust [points].
        low: lower end of the spread [points].
        high: upper end of the spread [points].
    """

    centre: np.ndarray
    low: np.ndarray
    high: np.ndarray


def summarise(values: ArrayLike, *, robust: bool, percent: bool = False) -> Summary:
    """Summarise networks at each point: mean ± sd, or median and quartiles if robust.

    On a logarithmic axis mean − sd can be negative, where it cannot be drawn, and one network that
    is orders of magnitude off takes the mean with it: robust summaries belong there.

    Args:
        values: [points, members]; what is not finite is left out.
        robust: whether to give the median and the quartiles.
        percent: whether values are percentages, so that the spread ends at 0 and 100.

    Example:
        >>> summarise([[1.0, 2.0, 6.0]], robust=False).centre
        array([3.])
        >>> summarise([[1.0, 2.0, 6.0]], robust=True)
        Summary(centre=array([2.]), low=array([1.5]), high=array([4.]))
    """
    rows = [row[np.isfinite(row)] for row in np.atleast_2d(np.asarray(values, np.float64))]
    summaries = np.full((3, len(rows)), np.nan)
    for i, row in enumerate(rows):
        if row.size and robust:
            summaries[:, i] = np.quantile(row, [0.5, 0.25, 0.75])
        elif row.size:
            mean, sd = row.mean(), row.std(ddof=1) if row.size > 1 else 0.0
            summaries[:, i] = mean, mean - sd, mean + sd
    centre, low, high = summaries
    return Summary(centre, *(np.clip((low, high), 0, 100) if percent else (low, high)))


def summary_text(robust: bool) -> str:
    """Name what `summarise` gives, for the note above the axes.

    Args:
        robust: whether it is the median and the quartiles.
    """
    return "median, quartiles" if robust else "mean ± sd"


def is_percentage(label: str, values: ArrayLike) -> bool:
    """Say whether an axis shows percentages: its label has a % and all values are in 0 … 100.

    Args:
        label: the axis's label.
        values: any shape; what is not finite does not count.

    Example:
        >>> is_percentage("test error (%)", [3.0, 4.0]), is_percentage("change (%)", [-3.0, 4.0])
        (True, False)
    """
    v = np.asarray(values, np.float64)
    v = v[np.isfinite(v)]
    return "%" in label and bool(((v >= 0) & (v <= 100)).all())


def bulk_limits(
    groups: Iterable[ArrayLike],
    *,
    log: bool,
    include: Iterable[float] = (),
) -> tuple[float, float] | None:
    """Find limits of an axis that a few far-off runs do not set; None where all can be shown.

    A value is far off if it is more than six robust standard deviations (1.4826 times the median
    absolute deviation) from its group's median. The far-off ones are cut only if they would take
    more than three times the length of the others on a linear axis, or on a logarithmic one more
    than their length and more than two decades.

    Args:
        groups: values that belong together, such as the members of one configuration; those that
            are not finite, and on a logarithmic axis those not above 0, do not count.
        log: whether the axis is logarithmic.
        include: further values that the limits must contain, such as reference lines.

    Returns:
        (lowest, highest), with a margin of 5 %, or None to let Matplotlib choose.

    Example:
        >>> bulk_limits([[1.0, 2.0, 3.0, 4.0, 5.0]], log=False) is None
        True
        >>> low, high = bulk_limits([[1.0, 2.0, 3.0, 4.0, 1e6]], log=False)
        >>> round(low, 2), round(high, 2)
        (0.85, 4.15)
    """
    scaled = [_scaled(group, log) for group in groups]
    bulk = np.concatenate([_without_far(v) for v in scaled] or [np.empty(0)])
    if bulk.size == 0 or np.ptp(bulk) == 0:
        return None
    every = np.concatenate(scaled)
    low, high = bulk.min(), bulk.max()
    length = high - low
    far = max(length, 2.0) if log else 3 * length
    cut_low, cut_high = low - every.min() > far, every.max() - high > far
    if not (cut_low or cut_high):
        return None
    kept = [*_scaled(list(include), log)]
    low = min([low if cut_low else every.min(), *kept])
    high = max([high if cut_high else every.max(), *kept])
    margin = 0.05 * (high - low)
    ends = np.array([low - margin, high + margin])
    return tuple((10**ends if log else ends).tolist())


def num_outside(values: ArrayLike, limits: tuple[float, float], *, log: bool) -> int:
    """Count finite values beyond an axis, those not above 0 on a logarithmic one included.

    Args:
        values: any shape.
        limits: (lowest, highest) of the axis.
        log: whether the axis is logarithmic.

    Example:
        >>> num_outside([0.0, 1.0, 9.0, float("nan")], (0.5, 5.0), log=True)
        2
    """
    v = np.asarray(values, np.float64)
    v = v[np.isfinite(v)]
    low, high = sorted(limits)
    return int(((v < low) | (v > high) | (log and v <= 0)).sum())


def _scaled(values: ArrayLike, log: bool) -> np.ndarray:
    v = np.asarray(values, np.float64).ravel()
    v = v[np.isfinite(v)]
    return np.log10(v[v > 0]) if log else v


def _without_far(v: np.ndarray) -> np.ndarray:
    if v.size < 3:  # of two, neither is the far one
        return v
    distance = np.abs(v - np.median(v))
    sd = _TO_SD * np.median(distance)
    return v[distance <= _FENCE * sd] if sd > 0 else v
