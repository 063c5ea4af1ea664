"""Write a figure to disk as PNG, PDF and SVG; equal figures give equal bytes."""

from __future__ import annotations

import io
import os
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure
from PIL import Image  # Matplotlib itself writes PNG files with it

from dalejax.storage.atomic import replace_atomically

PNG_WIDTH = 1000  # px, whatever the figure's width in inches
RASTER_DPI = 300  # resolution of clouds of dots inside PDF and SVG, where they are rasterised

# Dates, versions and random ids would make the bytes differ from one run to the next.
_METADATA: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None},
}


def save(figure: Figure, path_without_suffix: str | os.PathLike[str]) -> list[Path]:
    """Write a figure as PNG (1,000 pixels wide), PDF and SVG, all with the same name.

    The same data, drawn by the same version of Matplotlib, give the same bytes, and a file that
    holds these bytes already is left untouched. Text stays text in the SVG and the PDF.

    Args:
        figure: a figure made by one of this package's functions, or any other.
        path_without_suffix: "runs/fig2" gives runs/fig2.png, runs/fig2.pdf and runs/fig2.svg; the
            folder is made.

    Returns:
        The three paths.

    Raises:
        OSError: the folder cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     [path.name for path in save(Figure(), f"{folder}/fig2")]
        ['fig2.png', 'fig2.pdf', 'fig2.svg']
    """
    paths = []
    # Ids of elements from a fixed salt; text as text.
    with matplotlib.rc_context(
        {"svg.hashsalt": "dalejax", "svg.fonttype": "none", "pdf.fonttype": 42}
    ):
        for kind, metadata in _METADATA.items():
            dpi = PNG_WIDTH / figure.get_figwidth() if kind == "png" else RASTER_DPI
            drawn = io.BytesIO()
            figure.savefig(drawn, format=kind, dpi=dpi, metadata=metadata)
            content = _with_palette(drawn) if kind == "png" else drawn.getvalue()
            paths.append(Path(f"{os.fspath(path_without_suffix)}.{kind}"))
            _write_if_changed(paths[-1], content)
    return paths


def _with_palette(png: io.BytesIO) -> bytes:
    """Reduce a PNG to 256 colours, a third of the size; by this method no colour shifts visibly."""
    picture = Image.open(png).convert("RGB")
    reduced = picture.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    out = io.BytesIO()
    reduced.save(out, "PNG", optimize=True)
    return out.getvalue()


def _write_if_changed(path: Path, content: bytes) -> None:
    if not (path.is_file() and path.read_bytes() == content):
        replace_atomically(path, lambda temporary: temporary.write_bytes(content))
