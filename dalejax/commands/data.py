"""``dalejax data``: which data sets are on this machine, and how they get there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from dalejax.commands.common import print_json, print_table


@dataclass(frozen=True)
class Status:
    """Say of every data set whether it is on this machine, and how to get it."""

    data_dir: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """where to look; None: $TFDS_DATA_DIR, else ~/tensorflow_datasets"""
    json: bool = False
    """print one JSON object, by the sets' names, instead of a table"""

    def run(self) -> None:
        """Look, and print; nothing is written."""
        from dalejax import datasets
        from dalejax.datasets import locations

        rows = datasets.status(data_dir=self.data_dir)
        if self.json:
            print_json({row["name"]: row for row in rows})
            return
        folder = locations.data_folder(self.data_dir)
        print(f"data folder: {folder}")
        print_table([_told(row, folder) for row in rows])


@dataclass(frozen=True)
class Prepare:
    """Write a data set's prepared copy, from files at hand or from the internet."""

    name: tyro.conf.Positional[str]
    """the data set, such as mnist"""
    from_: Annotated[Path | None, tyro.conf.arg(name="from", metavar="DIR")] = None
    """folder with the files; None: those in the data folder, or else download them"""
    data_dir: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """where the copy goes; None: $TFDS_DATA_DIR, else ~/tensorflow_datasets"""

    def run(self) -> None:
        """Prepare the copy and print its folder."""
        from dalejax import datasets

        print(datasets.prepare(self.name, source=self.from_, data_dir=self.data_dir))


@dataclass(frozen=True)
class Verify:
    """Compare what is on this machine with the known checksums and counts."""

    name: tyro.conf.Positional[str | None] = None
    """one data set; None: all of them"""
    data_dir: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """where to look; None: $TFDS_DATA_DIR, else ~/tensorflow_datasets"""

    def run(self) -> None:
        """Read everything, print a line a set, and fail if something is wrong.

        Raises:
            ValueError: a copy is not what it should be.
        """
        from dalejax import datasets

        rows = datasets.verify(self.name, data_dir=self.data_dir)
        print_table([[str(row[c] or "") for c in ("name", "state", "path")] for row in rows])
        wrong = [str(row["problem"]) for row in rows if row["state"] == "wrong"]
        if wrong:
            raise ValueError("; ".join(problem.rstrip(".") for problem in wrong) + ".")


@dataclass(frozen=True)
class PackObjects:
    """Make a pack of objects of pictures at <category>/<object>/<view>.png or .jpg."""

    folder: tyro.conf.Positional[Path]
    """folder with the categories"""
    out: Annotated[Path, tyro.conf.arg(metavar="FILE.npz")]
    """the pack to write; an existing file is not overwritten"""
    size: int = 64
    """height and width of the frames, in pixels"""

    def run(self) -> None:
        """Make the pack; print what was assumed, and its path."""
        from dalejax import datasets

        packed = datasets.pack_objects(self.folder, self.out, size=self.size)
        if packed.without_alpha:
            print(
                f"{packed.without_alpha} pictures have no alpha channel: all of such a picture is "
                "taken for the object."
            )
        print(packed.path)


def _told(row: Mapping[str, Any], folder: Path) -> list[str]:
    size = "" if not row["size_mb"] else f"{row['size_mb']} MB"
    where = ""
    if row["state"] == "missing":
        where = row["how"]
    elif row["state"] != "embedded":
        where = str(row["path"].relative_to(folder))
    return [row["name"], row["state"], size, row["licence"], where]
