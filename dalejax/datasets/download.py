"""Download files: a broken download is resumed, and a file gets its name once it is complete."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import IO, TYPE_CHECKING

import filelock
from tqdm import tqdm

from dalejax.runtime.extras import import_extra
from dalejax.storage.atomic import flush_folder

if TYPE_CHECKING:
    import requests

ATTEMPTS = 5
PAUSE = 0.5  # seconds before the second attempt; before each further one twice as long
_TIMEOUT = (5, 20)  # longest wait in seconds for a connection, and for the next byte
_CHUNK = 1 << 18  # bytes
PART = ".part"


class _Again(Exception):
    """Raised in an attempt when the next one may succeed: broken connection, busy server."""


def download(
    url: str, path: Path, *, problem: Callable[[Path], str] = lambda path: "", advice: str = ""
) -> None:
    """Download a file; the part that an interrupted download left is continued.

    Args:
        url: address of the file.
        path: path to write to, in an existing folder. Until the file is complete and has passed
            ``problem``, its name ends with ``.part``.
        problem: function that checks the complete file; it returns what is wrong, "" if nothing.
        advice: what to do if the download fails; error messages end with it.

    Raises:
        ConnectionError: there is no connection, or it broke too often. The ``.part`` file stays.
        ValueError: ``problem`` found something wrong; the file is deleted.
        OSError: the file cannot be written, or another process is downloading it.
        ModuleNotFoundError: the package requests is not installed.
    """
    part = path.with_name(path.name + PART)
    with _locked(part) as file:
        resumed = _fetch(url, file, advice)
        wrong = problem(part)
        if wrong and resumed:  # the part may have been of another version of the file
            file.truncate(0)
            _fetch(url, file, advice)
            wrong = problem(part)
        if wrong:
            part.unlink()
            raise ValueError(f"{url} is not what it should be: {wrong}; {advice}.")
        part.rename(path)
        flush_folder(path.parent)


@contextlib.contextmanager
def _locked(part: Path) -> Iterator[IO[bytes]]:
    held = filelock.FileLock(part.with_name(f".{part.name}.lock"), timeout=0)
    try:
        held.acquire()
    except filelock.Timeout:
        raise OSError(f"{part} is being downloaded by another process.") from None
    try:
        with part.open("ab") as file:
            try:
                yield file
            finally:
                if not file.tell():
                    part.unlink(missing_ok=True)
    finally:
        # filelock leaves its file behind. Whoever has opened the file already notices, on getting
        # the lock, that it has no name any more, and opens a new one.
        with contextlib.suppress(OSError):
            Path(held.lock_file).unlink()
        held.release()


def _fetch(url: str, file: IO[bytes], advice: str) -> bool:
    """Download the rest of a file; return whether a part of it was there before."""
    requests_, urllib3 = _http()
    resumed = file.seek(0, 2) > 0
    reason = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE * 2 ** (attempt - 1))
        try:
            with requests_.Session() as session:
                _continue(session, url, file)
            return resumed
        except (_Again, requests_.RequestException, urllib3.exceptions.HTTPError) as error:
            reason = _reason(error)
            if _is_hopeless(error, first=attempt == 0):
                break
    raise ConnectionError(f"{url} could not be downloaded ({reason}); {advice}.")


def _http() -> tuple[ModuleType, ModuleType]:
    """Import requests and the urllib3 that it uses; only downloads need them."""
    return import_extra("requests", extra="data"), import_extra("urllib3", extra="data")


def _is_hopeless(error: Exception, *, first: bool) -> bool:
    """Return whether further attempts are useless: no internet, or no such file on the server."""
    requests_, urllib3 = _http()
    if isinstance(error, requests_.ConnectionError | requests_.Timeout):
        inner = error.args[0] if error.args else None
        return first and isinstance(
            inner, urllib3.exceptions.MaxRetryError
        )  # there was never a connection
    return isinstance(error, requests_.RequestException)


def _continue(session: requests.Session, url: str, file: IO[bytes]) -> None:
    start = file.seek(0, 2)
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    with session.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
        range_ = response.headers.get("Content-Range", "")
        if response.status_code == 416:  # the part is the whole file, or is longer than it
            if range_ == f"bytes */{start}":
                return
            file.truncate(0)
            raise _Again("the part at hand is longer than the file")
        if response.status_code >= 500 or response.status_code == 429:
            raise _Again(f"{response.status_code} {response.reason}")
        response.raise_for_status()
        if start and not (response.status_code == 206 and range_.startswith(f"bytes {start}-")):
            file.truncate(0)  # the server sends all of it
            start = 0
        total = _total(response, start)
        _save(response, file, start, total)
    file.flush()
    if total is not None and file.tell() != total:
        raise _Again(f"it broke off after {file.tell():,} of {total:,} bytes")


def _total(response: requests.Response, start: int) -> int | None:
    told = re.fullmatch(r"bytes \d+-\d+/(\d+)", response.headers.get("Content-Range", ""))
    if told:
        return int(told[1])
    length = response.headers.get("Content-Length", "")
    return start + int(length) if length.isdecimal() else None


def _save(response: requests.Response, file: IO[bytes], start: int, total: int | None) -> None:
    file.seek(0, 2)
    name = response.url.rsplit("/", 1)[-1]
    with tqdm(desc=name, initial=start, total=total, unit="B", unit_scale=True) as bar:
        # Not iter_content, which would unpack what servers call "Content-Encoding: gzip".
        for chunk in response.raw.stream(_CHUNK, decode_content=False):
            file.write(chunk)
            bar.update(len(chunk))


def _reason(error: Exception) -> str:
    inner = error.args[0] if error.args else error
    text = " ".join(str(getattr(inner, "reason", None) or error).split()) or type(error).__name__
    return text.split("): ")[-1]  # without the memory address of urllib3's connection
