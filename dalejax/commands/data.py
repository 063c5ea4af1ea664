"""``dalejax data``: which data sets are on this machine, and how they get there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from dalejax.commands.common import print_json


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

        rows = datasets.status(data_dir=self.data_dir)
        if self.json:
            print_json({row["name"]: row for row in rows})
            return
        for row in rows:
            size = "" if row["path"] is None else f" ({row['size_mb']} MB, {row['path']})"
            print(f"{row['name']:<8} {row['state']}{size}")
            print(f"{'':<8} {row['what']}; licence: {row['licence']}")
            if row["state"] != "prepared":
                print(f"{'':<8} {row['how']}")


@dataclass(frozen=True)
class Prepare:
    """Write a data set's fast copy, from files at hand or from the internet."""

    name: tyro.conf.Positional[str]
    """the data set, such as mnist"""
    from_: Annotated[Path | None, tyro.conf.arg(name="from", metavar="DIR")] = None
    """folder with the files; None: download them"""
    data_dir: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """where the copy goes; None: $TFDS_DATA_DIR, else ~/tensorflow_datasets"""

    def run(self) -> None:
        """Prepare the copy and print its folder."""
        from dalejax import datasets

        print(datasets.prepare(self.name, source=self.from_, data_dir=self.data_dir))
