"""Compose pictures of objects in front of scenes, with random position, size and rotation."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dalejax.types import Array, Float, Int, Integer, Key

_FINEST = 1.0  # source pixels per picture pixel above which source pixels are averaged first


class Variation(NamedTuple):
    """Ranges of position, size and rotation, from which pictures are drawn uniformly.

    Attributes:
        size: smallest and largest side of the object's frame, relative to the side of the picture.
        shift: largest distance of the frame's centre from that of the picture, in x and in y,
            relative to the side of the picture.
        rotation: largest rotation in the picture's plane, in degrees, in both directions.
        scene: smallest and largest side of the piece of the scene, relative to the scene's shorter
            side.
    """

    size: tuple[float, float] = (0.7, 1.0)
    shift: float = 0.1
    rotation: float = 15.0
    scene: tuple[float, float] = (0.4, 0.8)


def check(variation: Variation) -> None:
    """Raise ValueError unless all ranges of a variation are possible.

    Args:
        variation: ranges to check.

    Raises:
        ValueError: a range is empty or out of its bounds, or a size is not positive.

    Example:
        >>> check(Variation(scene=(0.5, 2.0)))
        Traceback (most recent call last):
        ValueError: variation.scene is (0.5, 2.0); it must be two numbers above 0, up to 1, the smaller one first.
    """  # noqa: E501
    for name, most in (("size", 10.0), ("scene", 1.0)):
        given = getattr(variation, name)
        if not (isinstance(given, tuple) and len(given) == 2 and 0 < given[0] <= given[1] <= most):
            raise ValueError(
                f"variation.{name} is {given}; it must be two numbers above 0, up to {most:g}, the "
                "smaller one first."
            )
    for name, most in (("shift", 1.0), ("rotation", 180.0)):
        given = getattr(variation, name)
        if not 0 <= given <= most:
            raise ValueError(f"variation.{name} is {given}; it must be from 0 to {most:g}.")


class Parts(NamedTuple):
    """The objects and scenes of which pictures are composed, with values from 0 to 1.

    Attributes:
        objects: grey value times opacity, and opacity, [categories, objects, views, h, w, 2], with
            a border of zeros.
        scenes: grey values [k, h, w, 1].
    """

    objects: Float[Array, "c o v h w 2"]
    scenes: Float[Array, "k h w 1"]


def prepare(
    gray: Integer[Array, "c o v h w"],
    alpha: Integer[Array, "c o v h w"],
    scenes: Integer[Array, "k hs ws"],
    size: int,
    variation: Variation,
) -> Parts:
    """Scale grey values and opacity to [0, 1], and average pixels finer than those of a picture.

    Args:
        gray: grey values of the objects, 0 to 255, not multiplied by the opacity.
        alpha: opacity of the objects, 0 to 255.
        scenes: grey values of the scenes, 0 to 255.
        size: height and width of the pictures in pixels.
        variation: ranges of position, size and rotation.
    """
    opaque = np.asarray(alpha, np.float32) / 255
    grey = np.asarray(gray, np.float32) / 255 * opaque
    behind = np.asarray(scenes, np.float32) / 255
    by = int(gray.shape[-1] / (variation.size[1] * size) / _FINEST)
    objects = np.stack([_averaged(grey, by), _averaged(opaque, by)], axis=-1)
    by = int(min(scenes.shape[1:]) * variation.scene[0] / size / _FINEST)
    border = [(0, 0)] * 3 + [(1, 1)] * 2 + [(0, 0)]
    return Parts(np.pad(objects, border), _averaged(behind, by)[..., None])


def _averaged(pictures: np.ndarray, by: int) -> np.ndarray:
    """Average blocks of by x by pixels; pixels at the far edges that fill no block are cut off."""
    if by < 2:
        return pictures
    *lead, h, w = pictures.shape
    cut = pictures[..., : h // by * by, : w // by * by]
    return cut.reshape(*lead, h // by, by, w // by, by).mean((-3, -1), dtype=np.float32)


@partial(jax.jit, static_argnames=("num", "size", "variation"))
def compose(
    parts: Parts, num: int, size: int, variation: Variation, *, key: Key[Array, ""]
) -> tuple[Integer[Array, "num size size"], Int[Array, " num"]]:
    r"""Compose pictures of random objects, and return the category of each.

    .. math:: \text{picture} = \alpha\,\text{object} + (1 - \alpha)\,\text{scene}

    Args:
        parts: objects and scenes, of :func:`prepare`.
        num: number of pictures.
        size: height and width of the pictures in pixels.
        variation: ranges of position, size and rotation.
        key: PRNG key of all random draws.

    Returns:
        Pictures, uint8 [num, size, size], and categories, int32 [num].

    Example:
        >>> parts = Parts(jnp.ones((2, 1, 1, 8, 8, 2)), jnp.zeros((1, 16, 24, 1)))
        >>> pictures, labels = compose(parts, 3, 8, Variation(), key=jax.random.key(0))
        >>> pictures.shape, pictures.dtype.name, labels.shape
        ((3, 8, 8), 'uint8', (3,))
    """
    keys = jax.random.split(key, num)
    # One picture after the other: on a CPU this is faster than gathering pixels of many at once.
    return jax.lax.map(lambda k: _one(parts, size, variation, k), keys)


def _one(parts, size, variation, key):
    """Compose one picture [size, size] with its category."""
    draws = iter(jax.random.uniform(key, (12,)))

    def choose(num):
        return (next(draws) * num).astype(jnp.int32)

    def between(low, high):
        return low + (high - low) * next(draws)

    category, *rest = (choose(num) for num in parts.objects.shape[:3])
    frame = size * between(*variation.size)
    right, down = (size * between(-variation.shift, variation.shift) for _ in range(2))
    angle = jnp.deg2rad(between(-variation.rotation, variation.rotation))
    seen = _sampled(
        parts.objects, (category, *rest), *_turned(parts.objects, size, frame, right, down, angle)
    )
    scene, mirrored = choose(len(parts.scenes)), choose(2)
    height, width = parts.scenes.shape[1:3]
    side = between(*variation.scene) * min(height, width)
    steps = (jnp.arange(size) + 0.5) * side / size - 0.5
    top, left = between(0, height - side), between(0, width - side)
    columns = left + jnp.where(mirrored == 1, steps[::-1], steps)
    behind = _sampled(parts.scenes, (scene,), *jnp.meshgrid(top + steps, columns, indexing="ij"))
    grey, opaque = seen[..., 0], seen[..., 1]
    picture = jnp.clip(grey + (1 - opaque) * behind[..., 0], 0, 1)
    return jnp.round(255 * picture).astype(jnp.uint8), category


def _turned(objects, size, frame, right, down, angle):
    """Return the point of the object that each pixel shows: rows and columns [size, size]."""
    height, width = objects.shape[3:5]
    x = jnp.arange(size) - (size - 1) / 2
    x, y = x[None, :] - right, x[:, None] - down
    scale = (width - 2) / frame  # without the border
    rows = scale * (jnp.cos(angle) * y - jnp.sin(angle) * x) + (height - 1) / 2
    columns = scale * (jnp.sin(angle) * y + jnp.cos(angle) * x) + (width - 1) / 2
    return rows, columns


def _sampled(pictures, which, rows, columns):
    """Sample one picture of [..., h, w, channels] bilinearly, with its edge extended outwards.

    The four neighbours are taken from the flat array: five times as fast on a CPU as
    ``jax.scipy.ndimage.map_coordinates``.
    """
    *lead, height, width, channels = pictures.shape
    first = jnp.ravel_multi_index(which, lead, mode="clip") * height * width
    rows, columns = jnp.clip(rows, 0, height - 1), jnp.clip(columns, 0, width - 1)
    top = jnp.minimum(rows.astype(jnp.int32), height - 2)
    left = jnp.minimum(columns.astype(jnp.int32), width - 2)
    down, right = (rows - top)[..., None], (columns - left)[..., None]
    flat, at = pictures.reshape(-1, channels), first + top * width + left
    above = (1 - right) * flat[at] + right * flat[at + 1]
    below = (1 - right) * flat[at + width] + right * flat[at + width + 1]
    return (1 - down) * above + down * below
