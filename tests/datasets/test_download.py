"""Downloads, from a server on this machine: resumed, retried, checked, and never half of a file."""

import gzip
import hashlib
import http.server
import re
import socket
import threading
import time

import pytest
from helpers.image_files import FILES, MNIST, assert_same, idx_bytes, synthetic
from helpers.sentences import assert_one_sentence

from dalejax import datasets
from dalejax.datasets import catalogue
from dalejax.datasets import download as module
from dalejax.datasets.download import download

CONTENT = bytes(range(256)) * 400
ADVICE = "use --from DIR"


class Server(http.server.ThreadingHTTPServer):
    """Files in memory, and how to misbehave."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.ranges = True  # whether Range requests are answered
        self.cuts: list[int] = []  # after so many bytes the next answers break off
        self.statuses: list[int] = []  # the next answers
        self.asked: list[str | None] = []  # Range headers

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{name}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        range_ = self.headers.get("Range")
        self.server.asked.append(range_)
        content = self.server.files.get(self.path[1:])
        if self.server.statuses:
            return self.send_error(self.server.statuses.pop(0))
        if content is None:
            return self.send_error(404)
        start = 0
        if range_ and self.server.ranges:
            start = int(re.fullmatch(r"bytes=(\d+)-", range_)[1])
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                return self.end_headers()
            self.send_response(206)
            told = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self.send_header("Content-Range", told)
        else:
            self.send_response(200)
        content = content[start:]
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.server.cuts:
            self.wfile.write(content[: self.server.cuts.pop(0)])
            self.close_connection = True
        else:
            self.wfile.write(content)

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(module, "PAUSE", 0.001)
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def sha256(wanted: bytes):
    def problem(path) -> str:
        return "" if path.read_bytes() == wanted else "its sum is another one"

    return problem


def test_a_file_gets_its_name_when_it_is_whole(server, tmp_path, capsys):
    server.files["a.bin"] = CONTENT
    download(server.url("a.bin"), tmp_path / "a.bin", problem=sha256(CONTENT))
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]
    out, err = capsys.readouterr()
    assert out == "" and "a.bin" in err and "100%" in err
    assert server.asked == [None]


@pytest.mark.parametrize("ranges", [True, False])
def test_cut_connections_are_resumed(server, tmp_path, ranges):
    server.files["a.bin"], server.ranges, server.cuts = CONTENT, ranges, [50_000, 30_000]
    download(server.url("a.bin"), tmp_path / "a.bin", problem=sha256(CONTENT))
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    second = 80_000 if ranges else 30_000  # a server without ranges begins anew each time
    assert server.asked == [None, "bytes=50000-", f"bytes={second}-"]


@pytest.mark.parametrize("ranges", [True, False])
def test_what_is_left_of_an_earlier_download_is_continued(server, tmp_path, ranges):
    server.files["a.bin"], server.ranges = CONTENT, ranges
    (tmp_path / "a.bin.part").write_bytes(CONTENT[:70_000])
    download(server.url("a.bin"), tmp_path / "a.bin", problem=sha256(CONTENT))
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert server.asked == ["bytes=70000-"]


@pytest.mark.parametrize("left", [CONTENT, CONTENT + b"too much", b"of another file"])
def test_an_earlier_part_that_is_whole_too_long_or_of_another_file(server, tmp_path, left):
    server.files["a.bin"] = CONTENT
    (tmp_path / "a.bin.part").write_bytes(left)
    download(server.url("a.bin"), tmp_path / "a.bin", problem=sha256(CONTENT))
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


def test_a_connection_that_always_breaks_is_given_up_and_the_part_stays(server, tmp_path):
    server.files["a.bin"], server.cuts = CONTENT, [1000] * 100
    with pytest.raises(ConnectionError) as error:
        download(server.url("a.bin"), tmp_path / "a.bin", advice=ADVICE)
    assert_one_sentence(error, server.url("a.bin"), ADVICE)
    assert len(server.asked) == module.ATTEMPTS
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin.part"]
    assert (tmp_path / "a.bin.part").read_bytes() == CONTENT[: 1000 * module.ATTEMPTS]


def test_a_busy_server_is_asked_again(server, tmp_path):
    server.files["a.bin"], server.statuses = CONTENT, [503, 429]
    download(server.url("a.bin"), tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == CONTENT and len(server.asked) == 3


def test_a_file_that_the_server_has_not_is_asked_for_once(server, tmp_path):
    with pytest.raises(ConnectionError) as error:
        download(server.url("a.bin"), tmp_path / "a.bin", advice=ADVICE)
    assert_one_sentence(error, "404", ADVICE)
    assert server.asked == [None] and not list(tmp_path.iterdir())


def test_a_wrong_file_is_deleted(server, tmp_path):
    server.files["a.bin"] = b"something else"
    with pytest.raises(ValueError) as error:
        download(server.url("a.bin"), tmp_path / "a.bin", problem=sha256(CONTENT), advice=ADVICE)
    assert_one_sentence(error, server.url("a.bin"), "its sum is another one", ADVICE)
    assert not list(tmp_path.iterdir())


def test_a_second_process_does_not_write_into_the_same_part(server, tmp_path):
    server.files["a.bin"] = CONTENT
    with module._locked(tmp_path / "a.bin.part") as file:
        file.write(CONTENT[:10])
        with pytest.raises(OSError, match="another process"):
            download(server.url("a.bin"), tmp_path / "a.bin")
    assert (tmp_path / "a.bin.part").read_bytes() == CONTENT[:10]
    assert server.asked == []


# --- a set ----------------------------------------------------------------------------------------


@pytest.fixture
def served(server, monkeypatch):
    """MNIST's files, small ones, on the server, with their sums in the catalogue."""
    files = []
    for name, array in zip(FILES, synthetic(), strict=True):
        content = idx_bytes(array)
        server.files[f"{name}.gz"] = gzip.compress(content)
        known = f"sha256:{hashlib.sha256(content).hexdigest()}"
        files.append(catalogue.File(name, known, url=server.url(f"{name}.gz")))
    form = MNIST.forms[0]._replace(files=tuple(files))
    monkeypatch.setitem(catalogue.SETS, "mnist", MNIST._replace(forms=(form,)))
    return server


def test_a_set_is_downloaded_and_prepared(tmp_path, served):
    datasets.prepare("mnist", data_dir=tmp_path / "data")
    assert_same(datasets.load("mnist", data_dir=tmp_path / "data"), synthetic())
    # The files stay, to be verified, and for the next time.
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["dalejax_mnist", "mnist"]
    assert len(served.asked) == 4


def test_only_what_is_missing_is_downloaded(tmp_path, served):
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / f"{FILES[0]}.gz").write_bytes(served.files[f"{FILES[0]}.gz"])
    datasets.prepare("mnist", data_dir=tmp_path)
    assert len(served.asked) == 3


def test_a_set_with_another_sum_is_refused(tmp_path, served):
    served.files[f"{FILES[0]}.gz"] = gzip.compress(b"something else")
    with pytest.raises(ValueError) as error:
        datasets.prepare("mnist", data_dir=tmp_path / "data")
    assert_one_sentence(error, f"{FILES[0]}.gz", "sha256", "dalejax data prepare mnist --from DIR")
    assert not (tmp_path / "data").exists()


def test_no_internet_is_said_at_once(tmp_path, server, monkeypatch):
    monkeypatch.setattr(module, "PAUSE", 100)
    with socket.socket() as unused:  # bound but not listening, so it refuses
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/a.gz"
        files = tuple(file._replace(url=url) for file in MNIST.forms[0].files)
        form = MNIST.forms[0]._replace(files=files)
        monkeypatch.setitem(catalogue.SETS, "mnist", MNIST._replace(forms=(form,)))
        start = time.perf_counter()
        with pytest.raises(ConnectionError) as error:
            datasets.prepare("mnist", data_dir=tmp_path / "data")
    assert time.perf_counter() - start < 10
    assert_one_sentence(error, url, "refused", "dalejax data prepare mnist --from DIR")
    assert not (tmp_path / "data").exists()


def test_what_cannot_be_downloaded_is_said(tmp_path):
    with pytest.raises(datasets.MissingData) as error:
        datasets.prepare("objects64", data_dir=tmp_path)
    assert_one_sentence(error, "objects64_cc0_64x64_gray_alpha.npz", "prepare objects64 --from DIR")
    assert not list(tmp_path.iterdir())
