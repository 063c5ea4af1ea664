"""``dalejax report``: write one HTML page of finished runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro


@dataclass
class Report:
    """Write one HTML page of finished runs: claims, pictures, settings, how to cite."""

    folders: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """folders of finished runs, or folders that hold such folders"""
    out: Path = Path("report.html")
    """the page to write"""

    def run(self) -> None:
        """Write the page and print its path.

        Raises:
            ValueError: no folder was given, or a folder holds no finished run.
        """
        from dalejax.analysis.report import write_report

        if not self.folders:
            raise ValueError(
                "dalejax report was given no folder; it must be given that of a finished run."
            )
        print(write_report(self.folders, self.out))
