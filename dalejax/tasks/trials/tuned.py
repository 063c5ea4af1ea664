"""The strength of inputs that show evidence for one of two choices, or a frequency (NumPy)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dalejax.types import Float


def levels(name: str, values: Sequence[float]) -> Float[np.ndarray, " k"]:
    """Convert the levels of a stimulus to an array, after a check of their values.

    Args:
        name: name of the argument, for error messages.
        values: coherences, or frequencies in Hz.

    Returns:
        The levels [k].

    Raises:
        ValueError: there is no level, or one is negative or not finite.

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
    r"""Compute the strengths of two inputs, evidence for choice 0 and evidence for choice 1.

    .. math:: s = \tfrac12 (1 - g c / 100,\; 1 + g c / 100)

    Args:
        coherence: signed coherences c; positive ones are evidence for choice 1.
        gain: difference g between the two inputs in percent, per unit of coherence.

    Example:
        >>> evidence(np.array([10.0, -10.0]), 5.0).tolist()
        [[0.25, 0.75], [0.75, 0.25]]
    """
    difference = gain * coherence / 100
    return np.stack([1 - difference, 1 + difference], axis=-1) / 2


def tuned(
    frequency: Float[np.ndarray, " c"], lowest: float, highest: float, offset: float, range_: float
) -> Float[np.ndarray, "c 2"]:
    r"""Compute the strengths of two inputs that grow and that fall with a frequency.

    .. math:: s = (o + r x,\; o + r (1 - x)), \qquad
              x = \frac{f - f_{min}}{f_{max} - f_{min}}

    Args:
        frequency: frequencies f in Hz.
        lowest: lowest frequency f_min in Hz.
        highest: highest frequency f_max in Hz.
        offset: strength o of the weakest input.
        range_: difference r between the strongest and the weakest input.

    Example:
        >>> tuned(np.array([10.0, 20.0]), 10, 20, offset=0.5, range_=0.25).tolist()
        [[0.5, 0.75], [0.75, 0.5]]
    """
    share = (frequency - lowest) / (highest - lowest)
    return offset + range_ * np.stack([share, 1 - share], axis=-1)
