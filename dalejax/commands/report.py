"""``dalejax report``: one HTML page of finished runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro


@dataclass
class Report:
    """Write one HTML page of finished runs: claims, pictures, settings, how to cite."""

    folders: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Folders of finished experiments, or folders of such."""
    out: Path = Path("report.html")
    """The page."""

    def run(self) -> None:
        """Write the page and say where it is."""
        from dalejax.analysis.report import write_report

        if not self.folders:
            raise ValueError("report needs the folder of at least one finished run.")
        print(write_report(self.folders, self.out))
