"""Make a file of objects (.npz) of a folder of pictures: grey values and opacity by view."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dalejax import checks
from dalejax.datasets.readers import pictures
from dalejax.runtime.extras import import_extra
from dalejax.storage.atomic import replace_atomically

_ENDINGS = (".png", ".jpg", ".jpeg")
_LARGEST_SIDE = 1024
_EIGHT_BITS = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")
_TRANSPARENT = ("LA", "PA", "RGBA")


class Packed(NamedTuple):
    """What :func:`pack_objects` wrote.

    Attributes:
        path: the .npz file.
        shape: shape of its array ``gray``: (categories, objects, views, height, width).
        without_alpha: number of pictures that have no alpha channel.
    """

    path: Path
    shape: tuple[int, ...]
    without_alpha: int


def pack_objects(folder: str | Path, out: str | Path, *, size: int = 64) -> Packed:
    """Write an .npz file of objects, made of pictures ``<category>/<object>/<view>.png`` or .jpg.

    Grey values are luma by ITU-R 601. Opacity is the picture's alpha channel; a picture without
    one is opaque everywhere. Each picture is centred on a transparent square and resized.

    Args:
        folder: folder with at least two categories, each with equally many objects, each of them
            with equally many views. All are taken in the order of their names.
        out: the .npz file to write; :func:`dalejax.datasets.load_objects` reads it.
        size: height and width of the resized pictures, in pixels.

    Raises:
        ValueError: categories or objects are of unequal sizes, or a picture cannot be read; nothing
            is written then.
        FileExistsError: ``out`` exists already.
        FileNotFoundError: ``folder`` does not exist.
        ModuleNotFoundError: Pillow is not installed.

    Example:
        >>> pack_objects("pictures", "mine.npz")  # doctest: +SKIP
        Packed(path=PosixPath('mine.npz'), shape=(2, 3, 12, 64, 64), without_alpha=0)
    """
    folder, out = Path(folder).expanduser(), Path(out).expanduser()
    checks.whole("size", size, 1, _LARGEST_SIDE)
    if out.suffix != ".npz":
        raise ValueError(f"the file to write is {out}; its name must end with .npz.")
    if out.exists():
        raise FileExistsError(f"{out} is there already; choose another name.")
    tree = _tree(folder)
    frames, without_alpha = [], 0
    for views in (views for objects in tree.values() for views in objects.values()):
        for path in views:
            frame, has_alpha = _frame(path, size)
            frames.append(frame)
            without_alpha += not has_alpha
    objects = next(iter(tree.values()))
    shape = (len(tree), len(objects), len(next(iter(objects.values()))), size, size)
    both = np.stack(frames)
    arrays = {
        "gray": both[..., 0].reshape(shape),
        "alpha": both[..., 1].reshape(shape),
        "categories": np.array(list(tree)),
        "names": np.array([list(objects) for objects in tree.values()]),
    }

    def save(path: Path) -> None:
        with path.open("wb") as file:  # given a path, NumPy would add .npz to it
            np.savez_compressed(file, **arrays)

    replace_atomically(out, save)
    return Packed(out, shape, without_alpha)


def _tree(folder: Path) -> dict[str, dict[str, list[Path]]]:
    """List the pictures of a folder: category -> object -> paths, all equally many."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is no folder; it must hold <category>/<object>/<view>.")
    tree = {c.name: {o.name: _views(o) for o in _folders(c)} for c in _folders(folder)}
    if len(tree) < 2:
        raise ValueError(
            f"{folder} holds {len(tree)} categories; it must hold at least 2 folders "
            "<category>/<object>/<view>.png or .jpg."
        )
    _check_equal("objects", {str(folder / c): len(objects) for c, objects in tree.items()})
    views = {str(folder / c / o): len(v) for c, objects in tree.items() for o, v in objects.items()}
    _check_equal("views", views)
    return tree


def _check_equal(what: str, numbers: dict[str, int]) -> None:
    (first, wanted), *others = numbers.items()
    if not wanted:
        raise ValueError(f"{first} holds no {what}; it must hold at least 1.")
    for place, number in others:
        if number != wanted:
            raise ValueError(
                f"{place} holds {number} {what} and {first} {wanted}; all must hold equally many."
            )


def _folders(folder: Path) -> list[Path]:
    inside = _visible(folder)
    stray = next((path for path in inside if not path.is_dir()), None)
    if stray is not None:
        raise ValueError(f"{stray} is no folder; pictures must lie at <category>/<object>/<view>.")
    return inside


def _views(folder: Path) -> list[Path]:
    inside = _visible(folder)
    stray = next((p for p in inside if p.suffix.lower() not in _ENDINGS or not p.is_file()), None)
    if stray is not None:
        raise ValueError(f"{stray} is no picture; it must be {', '.join(_ENDINGS)}.")
    return inside


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _frame(path: Path, size: int) -> tuple[np.ndarray, bool]:
    """Return (grey and alpha, uint8 [size, size, 2]; whether the file has an alpha channel)."""
    pillow = import_extra("PIL.Image", extra="data")
    pillow_ops = import_extra("PIL.ImageOps", extra="data")
    content = path.read_bytes()
    with pictures.opened(content, str(path)) as picture:
        if picture.mode not in _EIGHT_BITS:
            raise ValueError(f"{path} has the mode {picture.mode}; it must have 8 bits a channel.")
        has_alpha = picture.mode in _TRANSPARENT or "transparency" in picture.info
        decoded = pictures.decoded(picture, "RGBA", str(path))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of damaged EXIF data
            decoded = pillow_ops.exif_transpose(decoded)
    side = max(decoded.size)
    at = ((side - decoded.width) // 2, (side - decoded.height) // 2)
    square = pillow.new("LA", (side, side))
    square.paste(pillow.merge("LA", (decoded.convert("L"), decoded.getchannel("A"))), at)
    # Pillow weighs grey values by alpha when it resizes, so that no dark rims appear.
    small = np.asarray(square.resize((size, size), pillow.Resampling.LANCZOS)).copy()
    small[..., 0][small[..., 1] == 0] = 0
    return small, has_alpha
