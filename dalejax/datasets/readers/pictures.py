"""Decode untrusted JPEG and PNG files with Pillow, after a check of the size they claim."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dalejax.datasets.readers.compressed import MAX_RATIO
from dalejax.runtime.extras import import_extra

if TYPE_CHECKING:
    import PIL.Image

MOST_PIXELS = 50_000_000  # as many as a large camera's; the pictures read here are far smaller


@contextlib.contextmanager
def opened(
    content: bytes | bytearray, where: str, *, kinds: tuple[str, ...] = ("JPEG", "PNG")
) -> Iterator[PIL.Image.Image]:
    """Open a picture for decoding; its pixels are not decoded yet.

    Args:
        content: bytes of the picture's file.
        where: name of the file in error messages.
        kinds: file formats allowed, by Pillow's names.

    Raises:
        ValueError: the file is in none of the formats, or its header claims more pixels than
            ``MOST_PIXELS`` or than so many bytes can hold.
        ModuleNotFoundError: Pillow is not installed.

    Example:
        >>> with opened(b"GIF89a", "a.jpg"):
        ...     pass
        Traceback (most recent call last):
        ValueError: a.jpg is no picture that can be read; it must be JPEG or PNG.
    """
    pillow = import_extra("PIL.Image", extra="data")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of the sizes that are refused below
            picture = pillow.open(io.BytesIO(content), formats=kinds)
    except pillow.DecompressionBombError as error:
        raise ValueError(f"{where} claims too many pixels to be true ({error}).") from error
    except Exception as error:  # Pillow's parsers raise many unrelated exceptions
        raise ValueError(
            f"{where} is no picture that can be read; it must be {' or '.join(kinds)}."
        ) from error
    with picture:
        width, height = picture.size
        most = min(MOST_PIXELS, len(content) * MAX_RATIO)
        if width * height > most:
            raise ValueError(
                f"{where} claims {width} x {height} pixels; its {len(content):,} bytes may hold at "
                f"most {most:,}."
            )
        yield picture


def decoded(picture: PIL.Image.Image, mode: str, where: str) -> PIL.Image.Image:
    """Decode the pixels of an open picture and convert them to a colour mode.

    Args:
        picture: open picture, of :func:`opened`.
        mode: Pillow's name of the colour mode wanted, such as ``"RGB"``.
        where: name of the file in error messages.

    Raises:
        ValueError: the picture's data are damaged.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture.load()
            return picture if picture.mode == mode else picture.convert(mode)
    except Exception as error:  # Pillow's decoders raise many unrelated exceptions
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{where} is damaged ({reason}).") from error
