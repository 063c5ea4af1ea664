"""Objects and scenes drawn from formulas, to be used where no real ones are available.

They are for demonstrations and tests; results on them say nothing about vision.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from dalejax.datasets.packs import ObjectPack, ScenePack

_FRAME, _VIEWS, _OBJECTS = 64, 8, 8
_SCENES = {"train": 24, "test": 8}


class _Body(NamedTuple):
    """A body to draw: a superquadric with lobes around its axis, thicker at one end (pear)."""

    axes: tuple[float, float, float]
    exponent: float
    lobes: int = 0
    depth: float = 0.0
    pear: float = 0.0


_CATEGORIES = {
    "balls": _Body((0.9, 0.9, 0.9), 2),
    "boxes": _Body((0.7, 0.7, 0.7), 10),
    "diamonds": _Body((0.95, 0.95, 0.95), 1),
    "drops": _Body((0.6, 0.6, 0.8), 2, pear=0.35),
    "plates": _Body((0.95, 0.95, 0.2), 4),
    "rods": _Body((0.25, 0.25, 0.95), 4),
    "stars": _Body((0.8, 0.8, 0.35), 2, lobes=5, depth=0.45),
    "wings": _Body((0.9, 0.25, 0.5), 1.5, lobes=2, depth=0.3),
}


@functools.cache
def shapes() -> ObjectPack:
    """Draw pictures of 64 bodies in 8 categories, each seen from 8 directions and lit from above.

    Example:
        >>> shapes().gray.shape
        (8, 8, 8, 64, 64)
    """
    random = np.random.RandomState(0)  # NumPy guarantees its numbers for all versions
    drawn = [
        [
            [_draw(_surface(body), view) for view in range(_VIEWS)]
            for body in (_varied(kind, random) for _ in range(_OBJECTS))
        ]
        for kind in _CATEGORIES.values()
    ]
    gray, alpha = np.moveaxis(np.array(drawn), 3, 0)
    gray.flags.writeable = alpha.flags.writeable = False  # all callers share the arrays
    names = tuple(tuple(f"{c}_{i}" for i in range(_OBJECTS)) for c in _CATEGORIES)
    source = "a stand-in: bodies drawn from formulas, not real objects"
    return ObjectPack(gray, alpha, tuple(_CATEGORIES), names, "shapes", source)


@functools.cache
def noise() -> ScenePack:
    """Draw scenes of noise whose Fourier amplitudes fall with frequency as in natural scenes.

    .. math:: |\\hat s(f)| \\propto 1 / f

    Example:
        >>> noise().test.shape
        (8, 160, 240)

    Reference:
        Field 1987.
    """
    random = np.random.RandomState(1)
    frequency = np.hypot(np.fft.fftfreq(160)[:, None], np.fft.rfftfreq(240)[None, :])
    frequency[0, 0] = np.inf  # the mean, 107, is added below
    packs = {}
    for split, num in _SCENES.items():
        white = random.normal(size=(num, 160, 240))
        pink = np.fft.irfft2(np.fft.rfft2(white) / frequency, s=(160, 240))
        pink *= 58 / pink.std(axis=(1, 2), keepdims=True)
        packs[split] = np.clip(107 + pink, 0, 255).astype(np.uint8)
        packs[split].flags.writeable = False
    return ScenePack(**packs, name="noise", source="a stand-in: 1/f noise, not real scenes")


def _varied(body: _Body, random: np.random.RandomState) -> _Body:
    stretched = tuple(a * s for a, s in zip(body.axes, random.uniform(0.8, 1.2, 3), strict=True))
    return body._replace(axes=stretched, exponent=body.exponent * random.uniform(0.85, 1.15))


def _surface(body: _Body) -> tuple[np.ndarray, np.ndarray]:
    """Return points [k, 3] on the surface of a body, and its unit normals there [k, 3]."""
    polar = np.linspace(0.01, np.pi - 0.01, 100)[:, None]
    around = np.linspace(0, 2 * np.pi, 200, endpoint=False)[None, :]
    x, y, z = (
        np.sin(polar) * np.cos(around),
        np.sin(polar) * np.sin(around),
        np.cos(polar) + 0 * around,
    )
    p, (a, b, c) = body.exponent, body.axes
    radius = (np.abs(x / a) ** p + np.abs(y / b) ** p + np.abs(z / c) ** p) ** (-1 / p)
    radius *= (1 + body.depth * np.cos(body.lobes * around)) / (1 + body.depth)
    radius *= 1 + body.pear * np.cos(polar)
    points = radius * np.stack([x, y, z])
    by_polar, by_around = np.gradient(points, axis=1), np.gradient(points, axis=2)
    normals = np.cross(np.asarray(by_polar), np.asarray(by_around), axis=0)
    normals /= np.linalg.norm(normals, axis=0) + 1e-12
    return points.reshape(3, -1).T, normals.reshape(3, -1).T


def _draw(surface: tuple[np.ndarray, np.ndarray], view: int) -> np.ndarray:
    """Draw one view of a body, orthographically: grey values and opacity [2, h, w]."""
    around, above = 2 * np.pi * view / _VIEWS, np.deg2rad((-15, 35)[view % 2])
    turn = np.array(
        [[np.cos(around), -np.sin(around), 0], [np.sin(around), np.cos(around), 0], [0, 0, 1]]
    )
    tilt = np.array(
        [[1, 0, 0], [0, np.cos(above), -np.sin(above)], [0, np.sin(above), np.cos(above)]]
    )
    right, away, up = (surface[0] @ turn.T @ tilt.T).T
    light = np.clip(surface[1] @ turn.T @ tilt.T @ np.array([-0.4, -0.6, 0.7]), 0, 1)
    order = np.argsort(-away, kind="stable")
    half = _FRAME / 2
    rows = np.clip(half - 0.8 * half * up, 0, _FRAME - 1).astype(int)[order]
    columns = np.clip(half + 0.8 * half * right, 0, _FRAME - 1).astype(int)[order]
    picture = np.zeros((2, _FRAME, _FRAME), np.uint8)
    picture[0, rows, columns] = (50 + 190 * light[order]).astype(np.uint8)
    picture[1, rows, columns] = 255
    return picture
