"""How strong inputs are: tuned to evidence for one of two choices, or to frequencies (NumPy)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dalejax.types import Float


def levels(name: str, values: Sequence[float]) -> Float[np.ndarray, " k"]:
    """Check the levels of a stimulus.

    Args:
        name: what the user calls them.
        values: coherences or frequencies.

    Returns:
        The levels as an array.

    Raises:
        ValueError: there is none, or one is negative or not finite.

    Example:
        >>> levels("coherences", (1, -2))
        Traceback (most recent call last):
        ValueError: coherences are (1, -2); they must be one or more numbers, 0 or positive.
    """
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or not array.size or not ((array >= 0) & (array < np.inf)).all():
        raise ValueError(f"{name} are {values}; they must be one or more numbers, 0 or positive.")
    return array


def evidence(coherence: Float[np.ndarray, " c"], gain: float) -> Float[np.ndarray, "c 2"]:
    r"""Compute the two inputs that show evidence: one for choice 0, one for choice 1.

    .. math:: s = \tfrac12 (1 - g c / 100,\; 1 + g c / 100)

    Args:
        coherence: c; positive is evidence for choice 1.
        gain: g, percent of difference between the inputs a unit of coherence.

    Example:
        >>> evidence(np.array([10.0, -10.0]), 5.0).tolist()
        [[0.25, 0.75], [0.75, 0.25]]
    """
    difference = gain * coherence / 100
    return np.stack([1 - difference, 1 + difference], axis=-1) / 2


def tuned(
    frequency: Float[np.ndarray, " c"], lowest: float, highest: float, offset: float, range_: float
) -> Float[np.ndarray, "c 2"]:
    r"""Compute a positively and a negatively tuned input.

    .. math:: s = (o + r x,\; o + r (1 - x)), \qquad
              x = \frac{f - f_{min}}{f_{max} - f_{min}}

    Args:
        frequency: f, in Hz.
        lowest: f_min.
        highest: f_max.
        offset: o, the weakest input.
        range_: r, how much stronger the strongest is.

    Example:
        >>> tuned(np.array([10.0, 20.0]), 10, 20, offset=0.5, range_=0.25).tolist()
        [[0.5, 0.75], [0.75, 0.5]]
    """
    share = (frequency - lowest) / (highest - lowest)
    return offset + range_ * np.stack([share, 1 - share], axis=-1)
