"""The door to real data: sets by name, embedded, prepared, or read from their files in place."""

from dalejax.datasets.door import (
    load,
    load_objects,
    load_scenes,
    load_text,
    load_vectors,
    prepare,
)
from dalejax.datasets.idx import read_idx
from dalejax.datasets.images import ImageData
from dalejax.datasets.packing import Packed, pack_objects
from dalejax.datasets.packs import ObjectPack, ScenePack
from dalejax.datasets.places import MissingData
from dalejax.datasets.state import status, verify
from dalejax.datasets.texts import TextData
from dalejax.vectors import Vectors

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
