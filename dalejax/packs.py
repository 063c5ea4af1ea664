"""What a pack of objects and a pack of scenes hold."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class ObjectPack(NamedTuple):
    gray: np.ndarray
    alpha: np.ndarray
    categories: tuple
    names: tuple
    name: str
    source: str


class ScenePack(NamedTuple):
    train: np.ndarray
    test: np.ndarray
    name: str
    source: str
