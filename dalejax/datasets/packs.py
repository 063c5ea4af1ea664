"""Files (.npz) with pictures of objects without background, and with natural scenes."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dalejax.datasets.catalogue import Counts
from dalejax.datasets.columns import Splits, stacked, texts
from dalejax.datasets.locations import Found
from dalejax.datasets.readers.npz import read_npz

_SURROGATES = 0xD800 >> 11  # upper bits of UTF-16 surrogates, which are no characters


class ObjectPack(NamedTuple):
    """Pictures of objects without background: grey values and opacity.

    Attributes:
        gray: grey values 0 to 255, not multiplied by the opacity, uint8
            [categories, objects, views, h, w], h = w.
        alpha: opacity 0 to 255, uint8, same shape. In front of a background b the picture is
            ``gray * a + b * (1 - a)`` with a = alpha / 255.
        categories: names of the categories.
        names: names of the objects, a tuple for each category.
        name: name of the data set.
        source: where the data are from.
    """

    gray: np.ndarray
    alpha: np.ndarray
    categories: tuple[str, ...]
    names: tuple[tuple[str, ...], ...]
    name: str
    source: str


class ScenePack(NamedTuple):
    """Natural scenes for training and for tests: grey values 0 to 255, uint8 [n, h, w]."""

    train: np.ndarray
    test: np.ndarray
    name: str
    source: str


def read_objects(path: str | Path, name: str | None = None) -> ObjectPack:
    """Read pictures of objects from an .npz file and check its arrays.

    Args:
        path: .npz file with the arrays gray, alpha and categories, and optionally names or
            object_ids [categories, objects]; other arrays are ignored.
        name: name of the data set; None for that of the file.

    Raises:
        ValueError: the file is damaged, or its arrays do not fit together.
        FileNotFoundError: there is no such file.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "two.npz"
        >>> frames = np.zeros((2, 1, 3, 4, 4), np.uint8)
        >>> np.savez(path, gray=frames, alpha=frames, categories=["cats", "dogs"])
        >>> read_objects(path).names
        (('cats 1',), ('dogs 1',))
    """
    path = Path(path)
    arrays = read_npz(path)
    gray, alpha = (_frames(arrays, part, 5, path) for part in ("gray", "alpha"))
    if gray.shape != alpha.shape:
        raise ValueError(f"{path}: gray is {gray.shape} and alpha {alpha.shape}; must be the same.")
    if gray.shape[-1] != gray.shape[-2]:
        raise ValueError(f"{path}: its frames are {gray.shape[-2:]}; they must be square.")
    if len(gray) < 2:
        raise ValueError(f"{path}: it has {len(gray)} category; it must have at least 2.")
    categories = tuple(_names(arrays, "categories", gray.shape[:1], path))
    if len(set(categories)) < len(categories):
        raise ValueError(f"{path}: its categories are {categories}; each must be there once.")
    named = next((part for part in ("names", "object_ids") if part in arrays), None)
    if named is None:
        names = [f"{category} {i + 1}" for category in categories for i in range(gray.shape[1])]
    else:
        names = _names(arrays, named, gray.shape[:2], path)
    by_category = np.array(names, object).reshape(gray.shape[:2]).tolist()
    source = f"the file {path}"
    return ObjectPack(gray, alpha, categories, _tuples(by_category), name or path.stem, source)


def read_scenes(path: str | Path, name: str | None = None) -> ScenePack:
    """Read scenes from an .npz file and check its arrays.

    Args:
        path: .npz file with the arrays train and test; other arrays are ignored.
        name: name of the data set; None for that of the file.

    Raises:
        ValueError: the file is damaged, or its arrays do not fit together.
        FileNotFoundError: there is no such file.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "dark.npz"
        >>> np.savez(path, train=np.zeros((3, 4, 6), np.uint8), test=np.zeros((1, 4, 6), np.uint8))
        >>> read_scenes(path).train.shape
        (3, 4, 6)
    """
    path = Path(path)
    arrays = read_npz(path)
    train, test = (_frames(arrays, part, 3, path) for part in ("train", "test"))
    if train.shape[1:] != test.shape[1:]:
        raise ValueError(
            f"{path}: scenes of train are {train.shape[1:]} and of test {test.shape[1:]}; they "
            "must be of one size."
        )
    return ScenePack(train, test, name or path.stem, f"the file {path}")


def _frames(arrays: dict[str, np.ndarray], part: str, dimensions: int, path: Path) -> np.ndarray:
    if part not in arrays:
        raise ValueError(f"{path} has no array {part!r}; it has {', '.join(arrays) or 'none'}.")
    array = arrays[part]
    if array.dtype != np.uint8 or array.ndim != dimensions or not array.size:
        raise ValueError(
            f"{path}: {part} is {array.dtype} {array.shape}; it must be uint8 of {dimensions} "
            "dimensions, none of them 0."
        )
    return array


def _names(
    arrays: dict[str, np.ndarray], part: str, shape: tuple[int, ...], path: Path
) -> list[str]:
    array = arrays.get(part, np.empty(0))
    if array.dtype.kind not in "Uiu" or array.shape != shape:
        raise ValueError(
            f"{path}: {part} is {array.dtype} {array.shape}; it must be texts of shape {shape}."
        )
    if array.dtype.kind == "U" and array.itemsize:
        codes = np.frombuffer(array.tobytes(), array.dtype.byteorder.replace("=", "<") + "u4")
        if (codes > sys.maxunicode).any() or ((codes >> 11) == _SURROGATES).any():
            raise ValueError(f"{path}: {part} has an entry that is no text.")
    return [str(name) for name in array.ravel().tolist()]


def _tuples(lists: Iterable[Iterable[str]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(names) for names in lists)


# --- objects and scenes as columns ----------------------------------------------------------------


def read_object_columns(found: Found) -> Splits:
    """Read a file of objects into columns, with one row for each view of an object."""
    pack = read_objects(found.paths[0])
    categories, objects, views = pack.gray.shape[:3]
    each = objects * views
    return {
        "objects": [
            {
                "gray": pack.gray.reshape(-1, *pack.gray.shape[3:]),
                "alpha": pack.alpha.reshape(-1, *pack.alpha.shape[3:]),
                "category": texts([c.encode() for c in pack.categories for _ in range(each)]),
                "object": texts(
                    [n.encode() for of in pack.names for n in of for _ in range(views)]
                ),
                "view": np.tile(np.arange(views, dtype=np.int32), categories * objects),
            }
        ]
    }


def build_objects(splits: Splits, name: str, source: str) -> ObjectPack:
    """Build the record of objects of its columns."""
    block = stacked(splits["objects"])
    views = int(block["view"].max()) + 1
    categories = tuple(dict.fromkeys(word.decode() for word in block["category"]))
    shape = (len(categories), -1, views, *block["gray"].shape[1:])
    gray, alpha = (block[part].reshape(shape) for part in ("gray", "alpha"))
    names = block["object"].reshape(len(categories), -1, views)[:, :, 0]
    names = [[name.decode() for name in of] for of in names]
    return ObjectPack(gray, alpha, categories, _tuples(names), name, source)


def count_objects(pack: ObjectPack) -> Counts:
    """Return the shape of the grey values, as the catalogue has it."""
    return {"gray": pack.gray.shape}


def read_scene_columns(found: Found) -> Splits:
    """Read a file of scenes into columns, with one row for each scene."""
    pack = read_scenes(found.paths[0])
    return {"train": [{"image": pack.train}], "test": [{"image": pack.test}]}


def build_scenes(splits: Splits, name: str, source: str) -> ScenePack:
    """Build the record of scenes of its columns."""
    train, test = (stacked(splits[split])["image"] for split in ("train", "test"))
    return ScenePack(train, test, name, source)


def count_scenes(pack: ScenePack) -> Counts:
    """Return the shapes of the scenes, as the catalogue has them."""
    return {"train": pack.train.shape, "test": pack.test.shape}
