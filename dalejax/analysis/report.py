"""Write a report of finished runs: one HTML page that needs no other file and no network."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dalejax.analysis import ledger
from dalejax.runtime.extras import import_extra
from dalejax.storage.atomic import read_json, replace_atomically

_PAPERS = {
    "Li et al. 2023": "Li, P., Cornford, J., Ghosh, A., & Richards, B. (2023). Learning better "
    "with Dale's Law: A spectral perspective. Advances in Neural Information Processing Systems, "
    "36.",
    "Cornford et al. 2021": "Cornford, J., Kalajdzievski, D., Leite, M., Lamarquette, A., "
    "Kullmann, D. M., & Richards, B. (2021). Learning to live with Dale's principle: ANNs with "
    "separate excitatory and inhibitory units. International Conference on Learning "
    "Representations.",
    "Jarne & Caruso 2023": "Jarne, C., & Caruso, M. (2023). Effect in the spectra of eigenvalues "
    "and dynamics of RNNs trained with excitatory-inhibitory constraint.",
    "Song et al. 2016": "Song, H. F., Yang, G. R., & Wang, X.-J. (2016). Training "
    "excitatory-inhibitory recurrent neural networks for cognitive tasks: A simple and flexible "
    "framework. PLoS Computational Biology, 12(2), e1004792.",
}


def write_report(folders: Sequence[str | os.PathLike[str]], out: str | os.PathLike[str]) -> Path:
    """Write one self-contained HTML page of runs: claims, pictures, settings, versions, citations.

    Args:
        folders: folders of finished runs, or folders that hold such folders.
        out: path of the page.

    Returns:
        The path of the page.

    Raises:
        ValueError: a folder holds no finished run, or a run in it is broken.
        ModuleNotFoundError: jinja2, of the extra "analysis", is not installed.
        OSError: the page cannot be written.

    Example:
        >>> import tempfile
        >>> from dalejax.analysis.claims import Claim, write_claims
        >>> from dalejax.storage.atomic import write_json
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_claims(f"{folder}/claims.json", [Claim(id="a", statement="S.",
        ...                                            source="Li et al. 2023", holds=True)])
        ...     write_json(f"{folder}/config.json", {"experiment": "fig2"})
        ...     page = write_report([folder], f"{folder}/report.html").read_text()
        >>> "1 of 1 claims hold" in page
        True
    """
    jinja2 = import_extra("jinja2", extra="analysis")
    entries = ledger.counted_once(ledger.read(folders))
    held, total = ledger.count(entries)
    runs = [_run(folder) for folder in dict.fromkeys(entry.folder for entry in entries)]
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("dalejax.analysis"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sources = " ".join(entry.claim.source for entry in entries)
    page = environment.get_template("report.html").render(
        rows=ledger.records(entries),
        held=held,
        total=total,
        runs=runs,
        papers=[text for name, text in _PAPERS.items() if name in sources],
    )
    path = Path(out)
    replace_atomically(path, lambda temporary: temporary.write_text(page, encoding="utf-8"))
    return path


def _run(folder: Path) -> dict[str, Any]:
    config = read_json(folder / "config.json")
    about = {"preset": "", "variant": "", "settings": {}, "versions": {}, "git": "", "command": ""}
    return about | config | {"pictures": _pictures(folder)}


def _pictures(folder: Path) -> list[dict[str, str]]:
    """Encode the pictures of a run as data URLs, as SVG where there is one.

    Inside a data URL the ids of an SVG cannot collide with those of another one on the page.
    """
    kinds = {".svg": "image/svg+xml", ".png": "image/png"}
    best = {}
    for kind in reversed(kinds):
        best |= {path.stem: path for path in sorted(folder.glob(f"*{kind}"))}
    return [
        {
            "name": name.replace("_", " "),
            "data": f"data:{kinds[path.suffix]};base64,"
            + base64.b64encode(path.read_bytes()).decode(),
        }
        for name, path in sorted(best.items())
    ]
