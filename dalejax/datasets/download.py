"""Files from the internet: resumed where they broke off, and named only when they are whole."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import filelock

from dalejax.storage.atomic import flush_folder

if TYPE_CHECKING:
    import requests

ATTEMPTS = 5
PAUSE = 0.5  # seconds before the second attempt; each further one waits twice as long
_TIMEOUT = (5, 20)  # seconds until there is a connection, and without a byte
_CHUNK = 1 << 18
PART = ".part"


class _Again(Exception):
    """The connection broke, or the server is busy: another attempt may go better."""


def download(
    url: str, path: Path, *, problem: Callable[[Path], str] = lambda path: "", advice: str = ""
) -> None:
    """Download a file; what came before it broke off is kept beside it and continued.

    Args:
        url: of the file.
        path: where it goes, in a folder that exists; until it is whole and right, its name has
            ``.part`` at the end.
        problem: says what is wrong with the file, "" if nothing.
        advice: the end of the sentence if it fails.

    Raises:
        ConnectionError: there is no connection, or it broke too often. The part stays.
        ValueError: the file is another one than it should be; it is deleted.
        OSError: it cannot be written, or another process is downloading it.
    """
    part = path.with_name(path.name + PART)
    with _locked(part) as file:
        resumed = _fetch(url, file, advice)
        wrong = problem(part)
        if wrong and resumed:  # of another version of the file, or of something else
            file.truncate(0)
            _fetch(url, file, advice)
            wrong = problem(part)
        if wrong:
            part.unlink()
            raise ValueError(f"{url} is not what it should be: {wrong}; {advice}.")
        part.rename(path)
        flush_folder(path.parent)


@contextmanager
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
        held.release()


def _fetch(url: str, file: IO[bytes], advice: str) -> bool:
    """Fill a file up; say whether some of it had been there before."""
    import requests
    import urllib3

    resumed = file.seek(0, 2) > 0
    reason = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE * 2 ** (attempt - 1))
        try:
            with requests.Session() as session:
                _continue(session, url, file)
            return resumed
        except (_Again, requests.RequestException, urllib3.exceptions.HTTPError) as error:
            reason = _reason(error)
            if _is_hopeless(error, first=attempt == 0):
                break
    raise ConnectionError(f"{url} could not be downloaded ({reason}); {advice}.")


def _is_hopeless(error: Exception, *, first: bool) -> bool:
    """Whether another attempt would only take time: no internet, no such file."""
    import requests
    import urllib3

    if isinstance(error, requests.ConnectionError | requests.Timeout):
        inner = error.args[0] if error.args else None
        return first and isinstance(inner, urllib3.exceptions.MaxRetryError)  # never connected
    return isinstance(error, requests.RequestException)


def _continue(session: requests.Session, url: str, file: IO[bytes]) -> None:
    start = file.seek(0, 2)
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    with session.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
        range_ = response.headers.get("Content-Range", "")
        if response.status_code == 416:  # nothing is left, or the part is longer than the file
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
    from tqdm import tqdm

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
    return text.split("): ")[-1]  # without the address of urllib3's connection
