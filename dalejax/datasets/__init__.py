"""Data sets by name: embedded ones, prepared copies, or their original files read in place."""

from dalejax.datasets.images import ImageData
from dalejax.datasets.inventory import status, verify
from dalejax.datasets.loading import (
    load,
    load_objects,
    load_scenes,
    load_text,
    load_vectors,
    prepare,
)
from dalejax.datasets.locations import MissingData
from dalejax.datasets.packing import Packed, pack_objects
from dalejax.datasets.packs import ObjectPack, ScenePack
from dalejax.datasets.readers.idx import read_idx
from dalejax.datasets.readers.word_vectors import Vectors
from dalejax.datasets.texts import TextData

__all__ = [
    "ImageData",
    "MissingData",
    "ObjectPack",
    "Packed",
    "ScenePack",
    "TextData",
    "Vectors",
    "load",
    "load_objects",
    "load_scenes",
    "load_text",
    "load_vectors",
    "pack_objects",
    "prepare",
    "read_idx",
    "status",
    "verify",
]
