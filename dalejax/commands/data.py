"""``dalejax data``: show, prepare and verify the data sets on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from dalejax.commands.common import print_json, print_table


@dataclass(frozen=True)
class Status:
    """Show for every data set whether it is on this machine, and how to get it."""

    data_dir: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """folder to look in; None: $TFDS_DATA_DIR, else ~/tensorflow_datasets"""
    json: bool = False
    """print one JSON object, with the names of the data sets as keys, instead of a table"""

    def run(self) -> None:
        """Print the state of every data set; nothing is written."""
        from dalejax import datasets
        from dalejax.datasets import locations

        rows = datasets.status(data_dir=self.data_dir)
        if self.json:
            print_json({row["name"]: row for row in rows})
            return
        folder = locations.data_folder(self.data_dir)
        print(f"data folder: {folder}")
        print_table([_status_row(row, folder) for row in rows])


@dataclass(frozen=True)
class Prepare:
    """Prepare a data set for training, from files on this machine or from the internet."""

    name: tyro.conf.Positional[str]
    """the data set, such as mnist"""
    from_: Annotated[Path | None, tyro.conf.arg(name="from", metavar="DIR")] = None
    """folder with the raw files; None: those in the data folder, or else they are downloaded"""
    data_dir: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """folder to write the prepared copy to; None: $TFDS_DATA_DIR, else ~/tensorflow_datasets"""

    def run(self) -> None:
        """Prepare the data set and print the folder of its prepared copy."""
        from dalejax import datasets

        print(datasets.prepare(self.name, source=self.from_, data_dir=self.data_dir))


@dataclass(frozen=True)
class Verify:
    """Compare the data sets on this machine with their known checksums and counts."""

    name: tyro.conf.Positional[str | None] = None
    """one data set; None: all of them"""
    data_dir: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """folder to look in; None: $TFDS_DATA_DIR, else ~/tensorflow_datasets"""

    def run(self) -> None:
        """Read the files of the data sets and print one line for each data set.

        Raises:
            ValueError: a file differs from its checksum or a copy from its counts.
        """
        from dalejax import datasets

        rows = datasets.verify(self.name, data_dir=self.data_dir)
        print_table([[str(row[c] or "") for c in ("name", "state", "path")] for row in rows])
        wrong = [str(row["problem"]) for row in rows if row["state"] == "wrong"]
        if wrong:
            raise ValueError("; ".join(problem.rstrip(".") for problem in wrong) + ".")


@dataclass(frozen=True)
class PackObjects:
    """Pack pictures at <category>/<object>/<view>.png or .jpg into one file for the object task."""

    folder: tyro.conf.Positional[Path]
    """folder with the categories"""
    out: Annotated[Path, tyro.conf.arg(metavar="FILE.npz")]
    """the file to write; an existing one is not overwritten"""
    size: int = 64
    """height and width of the frames, in pixels"""

    def run(self) -> None:
        """Write the file; print its path, and how many pictures have no alpha channel."""
        from dalejax import datasets

        packed = datasets.pack_objects(self.folder, self.out, size=self.size)
        if packed.without_alpha:
            print(
                f"{packed.without_alpha} pictures have no alpha channel; the whole of each is "
                "taken for the object."
            )
        print(packed.path)


def _status_row(row: Mapping[str, Any], folder: Path) -> list[str]:
    size = "" if not row["size_mb"] else f"{row['size_mb']} MB"
    where = ""
    if row["state"] == "missing":
        where = row["how"]
    elif row["state"] != "embedded":
        where = str(row["path"].relative_to(folder))
    return [row["name"], row["state"], size, row["licence"], where]
