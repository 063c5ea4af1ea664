"""Interleaved timing: a round runs every contender once, and the medians of the rounds count.

So a machine that is slow for a minute is slow for all of them alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping
from typing import NamedTuple, TypeVar

import numpy as np

Name = TypeVar("Name", bound=Hashable)


class Timing(NamedTuple):
    """A contender's seconds: median and quartiles over the rounds."""

    median: float
    low: float
    high: float


def interleave(
    contenders: Mapping[Name, Callable[[], object]], rounds: int
) -> dict[Name, np.ndarray]:
    """Run each contender once a round; returns the seconds of each, without the warm-up's."""
    seconds: dict[Name, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, run in contenders.items():
            began = time.perf_counter()
            run()
            if number:
                seconds[name].append(time.perf_counter() - began)
    return {name: np.asarray(values) for name, values in seconds.items()}


def summary(seconds: np.ndarray) -> Timing:
    """Median and quartiles."""
    low, median, high = np.percentile(seconds, [25, 50, 75])
    return Timing(float(median), float(low), float(high))
