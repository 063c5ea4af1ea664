"""Pictures from strangers, decoded by Pillow once their size is known to be a true one."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator

from PIL import Image

from dalejax.datasets.readers.compressed import MAX_RATIO

MOST_PIXELS = 50_000_000  # a big camera's; a picture for 64x64 needs no more


@contextlib.contextmanager
def opened(
    content: bytes | bytearray, where: str, *, kinds: tuple[str, ...] = ("JPEG", "PNG")
) -> Iterator[Image.Image]:
    """Open a picture without decoding it.

    Args:
        content: the file's bytes.
        where: what errors call it.
        kinds: of pictures, as Pillow calls them.

    Raises:
        ValueError: it is no such picture, or its header claims more pixels than is allowed or
            than its bytes can hold.

    Example:
        >>> with opened(b"GIF89a", "a.jpg"):
        ...     pass
        Traceback (most recent call last):
        ValueError: a.jpg is no picture that can be read; it must be JPEG or PNG.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pictures as large as those refused below
            picture = Image.open(io.BytesIO(content), formats=kinds)
    except Image.DecompressionBombError as error:
        raise ValueError(f"{where} claims too many pixels to be true ({error}).") from error
    except Exception as error:  # Pillow's parsers raise many unrelated kinds
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


def decoded(picture: Image.Image, mode: str, where: str) -> Image.Image:
    """Decode an open picture.

    Args:
        picture: open.
        mode: Pillow's name of the channels wanted, such as "RGB".
        where: what errors call it.

    Raises:
        ValueError: it is damaged.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture.load()
            return picture if picture.mode == mode else picture.convert(mode)
    except Exception as error:  # Pillow's decoders raise many unrelated kinds
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{where} is damaged ({reason}).") from error
