"""Packs (.npz) of objects cut out of their backgrounds, and of natural scenes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dalejax.datasets.catalogue import Counts
from dalejax.datasets.columns import Splits, stacked, texts
from dalejax.datasets.locations import Found
from dalejax.datasets.readers.npz import read_npz

_SURROGATES = 0xD800 >> 11  # halves of characters


class ObjectPack(NamedTuple):
    """Objects by category, seen from several sides, with what of each frame they cover.

    ``gray`` and ``alpha`` are uint8 [categories, objects, views, h, w], h = w. Gray is not
    premultiplied: on a background it makes ``gray * a + background * (1 - a)``, a = alpha / 255.
    ``names`` are the objects' names, a tuple for each category.
    """

    gray: np.ndarray
    alpha: np.ndarray
    categories: tuple[str, ...]
    names: tuple[tuple[str, ...], ...]
    name: str
    source: str


class ScenePack(NamedTuple):
    """Natural scenes without objects: train and test, uint8 [n, h, w], grey 0 to 255."""

    train: np.ndarray
    test: np.ndarray
    name: str
    source: str


def read_objects(path: str | Path, name: str | None = None) -> ObjectPack:
    """Read and check a pack of objects.

    Args:
        path: an .npz of the arrays gray, alpha and categories, and optionally names or object_ids
            [categories, objects]; others are passed over.
        name: of the set; None for the file's.

    Raises:
        ValueError: it is damaged, or the arrays do not fit together.
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
    source = f"the pack {path}"
    return ObjectPack(gray, alpha, categories, _tuples(by_category), name or path.stem, source)


def read_scenes(path: str | Path, name: str | None = None) -> ScenePack:
    """Read and check a pack of scenes.

    Args:
        path: an .npz of the arrays train and test; others are passed over.
        name: of the set; None for the file's.

    Raises:
        ValueError: it is damaged, or the arrays do not fit together.
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
    return ScenePack(train, test, name or path.stem, f"the pack {path}")


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
            raise ValueError(f"{path}: {part} holds what is no text.")
    return [str(name) for name in array.ravel().tolist()]


def _tuples(lists) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(of) for of in lists)


# --- packs as columns -----------------------------------------------------------------------------


def read_object_columns(found: Found) -> Splits:
    """Read a pack of objects, a row a view."""
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
    """Make a pack of its columns."""
    block = stacked(splits["objects"])
    views = int(block["view"].max()) + 1
    categories = tuple(dict.fromkeys(word.decode() for word in block["category"]))
    shape = (len(categories), -1, views, *block["gray"].shape[1:])
    gray, alpha = (block[part].reshape(shape) for part in ("gray", "alpha"))
    names = block["object"].reshape(len(categories), -1, views)[:, :, 0]
    names = [[name.decode() for name in of] for of in names]
    return ObjectPack(gray, alpha, categories, _tuples(names), name, source)


def count_objects(pack: ObjectPack) -> Counts:
    """Give a pack's shape."""
    return {"gray": pack.gray.shape}


def read_scene_columns(found: Found) -> Splits:
    """Read a pack of scenes."""
    pack = read_scenes(found.paths[0])
    return {"train": [{"image": pack.train}], "test": [{"image": pack.test}]}


def build_scenes(splits: Splits, name: str, source: str) -> ScenePack:
    """Make a pack of its columns."""
    train, test = (stacked(splits[split])["image"] for split in ("train", "test"))
    return ScenePack(train, test, name, source)


def count_scenes(pack: ScenePack) -> Counts:
    """Give a pack's shapes."""
    return {"train": pack.train.shape, "test": pack.test.shape}
