"""What reads strangers' files: the right data or one sentence, no crash, no big buffer."""

import gzip
import io
import random
import tarfile
import tracemalloc
import zipfile

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from PIL import Image

from dalejax.datasets import catalogue, images, load_objects, load_scenes, read_idx
from dalejax.datasets import words as word_files
from dalejax.datasets.locations import Found
from dalejax.datasets.readers import pictures
from dalejax.datasets.readers.corpus import read_corpus, read_lines
from dalejax.datasets.readers.npz import read_npz
from dalejax.datasets.readers.word_vectors import read_vectors

FILES_AN_EXAMPLE = 20
MOST_BYTES = 4 << 20  # far above what the small files below need, far below what headers can claim

# --- good files -----------------------------------------------------------------------------------

IDX = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, *range(24)])
TEXT = b" the cat sat on the mat \n a dog ran \n the end \n" * 3
VECTORS = b"the 0.5 -1 2e-1\ncat 1 2 3\na b 4 5 6\ndog 7 8 9\n"


def npz(compressed: bool) -> bytes:
    buffer = io.BytesIO()
    arrays = {
        "grey": np.arange(60, dtype=np.uint8).reshape(3, 4, 5),
        "names": np.array(["cat", "dog"]),
        "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    }
    (np.savez_compressed if compressed else np.savez)(buffer, **arrays)
    return buffer.getvalue()


READERS = {
    "idx": (IDX, read_idx),
    "text": (TEXT, read_corpus),
    "vectors": (VECTORS, lambda path: read_vectors(path, ["dog", "a b", "bird"])),
    "npz": (npz(True), read_npz),
}


def test_text(tmp_path):
    path = tmp_path / "text.gz"
    path.write_bytes(gzip.compress(TEXT))
    ids, vocabulary = read_corpus(path)
    words = [word for line in TEXT.decode().splitlines() for word in [*line.split(), "<eos>"]]
    assert [vocabulary[i] for i in ids] == words and ids.dtype == np.int32
    counts = np.bincount(ids)
    assert (np.diff(counts) <= 0).all() and vocabulary[:2] == ("<eos>", "the")
    assert list(vocabulary[2:]) == sorted(vocabulary[2:])  # equally frequent ones
    path.write_text("the dog\nthe cat")  # no newline at the end
    assert read_corpus(path, vocabulary).ids.tolist() == [
        vocabulary.index(word) for word in ["the", "dog", "<eos>", "the", "cat", "<eos>"]
    ]


def test_text_is_split_at_ascii_spaces_only(tmp_path):
    path = tmp_path / "text"
    path.write_text("caf\u00e9\u00a0noir na\u0085ive\n", encoding="utf-8")
    assert set(read_corpus(path).vocabulary) == {"<eos>", "caf\u00e9\u00a0noir", "na\u0085ive"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no words"),
        (b" \n \n", "holds no words"),
        (b"the c\0t\n", "a zero byte"),
        (b"the cat\nthe \xff\xfe dog\n", "not UTF-8 in line 2"),
        (b"\x1f\x8b broken", "damaged"),
    ],
)
def test_what_is_no_text(content, message, tmp_path):
    path = tmp_path / "text"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as error:
        read_corpus(path)
    assert str(path) in str(error.value)


def test_words_outside_the_vocabulary(tmp_path):
    path = tmp_path / "text"
    path.write_text("the cat\n")
    with pytest.raises(ValueError, match="1 words outside the vocabulary of 2, such as 'cat'"):
        read_corpus(path, ("<eos>", "the"))


def test_vectors(tmp_path):
    path = tmp_path / "vectors.txt.gz"
    path.write_bytes(gzip.compress(VECTORS + b"dog 0 0 0\n"))
    values, found = read_vectors(path, ["dog", "a b", "bird", "the"])
    assert found.tolist() == [True, True, False, True] and values.dtype == np.float32
    expected = np.float32([[7, 8, 9], [4, 5, 6], [0, 0, 0], [0.5, -1, 0.2]])
    np.testing.assert_array_equal(values, expected)
    twice = read_vectors(path, ["dog", "bird", "dog"])
    assert twice.found.tolist() == [True, False, True]
    np.testing.assert_array_equal(twice.values, expected[[0, 2, 0]])


def test_a_byte_order_mark_is_no_word(tmp_path):
    path = tmp_path / "text"
    path.write_bytes(b"\xef\xbb\xbfthe cat\n")
    assert read_lines(path) == [b"the cat"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"the 1\n", "line 1: it has 1 numbers"),
        (b"the 1 2\ncat 1\n", "line 2: it has 1 numbers; the first line has 2"),
        (b"the 1 2\ncat 1 two\n", "line 2: it must have finite numbers"),
        (b"the 1 2\ncat 1 nan\n", "line 2: it must have finite numbers"),
        (b"the 1 2\ncat 1 1e39\n", "line 2: it must have finite numbers"),
        (b"the 1 2\ncat 1 1_0\n", "line 2: it must have finite numbers"),
        (b"the 1 2\ncat" + b" 1" * 40_000 + b"\n", "line 2: it has over 65,536 bytes"),
        (b"\x1f\x8b broken", "damaged"),
    ],
)
def test_what_are_no_vectors(content, message, tmp_path):
    path = tmp_path / "vectors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as error:
        read_vectors(path, ["the", "cat"])
    assert str(path) in str(error.value)


@pytest.mark.parametrize("compressed", [True, False])
def test_npz(compressed, tmp_path):
    path = tmp_path / "pack.npz"
    path.write_bytes(npz(compressed))
    arrays = read_npz(path)
    with np.load(path) as expected:
        assert arrays.keys() == set(expected.files)
        for name, array in arrays.items():
            np.testing.assert_array_equal(array, expected[name], strict=True)
            array[...] = array  # writable


def pack(**entries: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in entries.items():
            archive.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def header(text: str, content: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + content


def pickled() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, a=np.array([{"an": "object"}], dtype=object))
    return buffer.getvalue()


def huge(shape) -> bytes:
    fields = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"
    return pack(a=header(fields, b"x" * 16))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read"),
        (b"PK\x03\x04 no archive", "cannot be read"),
        (pickled(), "'a' holds Python objects"),
        (huge((10**12,)), r"promises shape \(1000000000000,\)"),
        (huge((2**62, 2**62)), "promises shape"),
        (huge((-2,)), "has the shape"),
        (huge((3,)), "promises shape"),
        (huge((1,)), "has others"),
        (pack(a=header("{'descr': '<f8'}")), "a header that is not NumPy's"),
        (pack(a=header("(" * 5000)), "a header that is not NumPy's"),
        (pack(a=b"\x93NUMPY\x09\x00"), "a header that is not NumPy's"),
        (pack(a=b"no array"), "a header that is not NumPy's"),
    ],
    ids=range(12),
)
def test_what_is_no_npz(content, message, tmp_path):
    path = tmp_path / "pack.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as error:
        read_npz(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_entries_that_are_no_arrays(tmp_path):
    path = tmp_path / "pack.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../outside.txt", "hello")
    with pytest.raises(ValueError, match="is no array"):
        read_npz(path)
    assert [p.name for p in tmp_path.iterdir()] == ["pack.npz"]


# --- mangled files --------------------------------------------------------------------------------


def mangle(content: bytes, seed: int) -> bytes:
    """A file after a few accidents: bytes changed, cut, doubled or put in; zipped before or not."""
    chance = random.Random(seed)
    data = bytearray(gzip.compress(content, mtime=0) if chance.random() < 0.5 else content)
    for _ in range(chance.randint(1, 4)):
        at, some = chance.randrange(len(data) + 1), chance.randbytes(chance.randint(1, 8))
        kind = chance.choice(["change", "flip", "cut", "insert", "repeat", "end"])
        if kind == "change":
            data[at : at + len(some)] = some
        elif kind == "flip" and at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        elif kind == "cut":
            del data[at : at + chance.randint(1, 64)]
        elif kind == "insert":
            data[at:at] = some
        elif kind == "repeat":
            data[at:at] = data[at : at + chance.randint(1, 64)]
        else:
            del data[at:]
    return bytes(data)


@pytest.fixture(scope="module")
def traced():
    """Count what is allocated."""
    tracemalloc.start()
    yield
    tracemalloc.stop()


def survives(read, path, content: bytes) -> str:
    """Read a mangled file: it must be read, or refused in a sentence, with little memory."""
    path.write_bytes(content)
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    try:
        read(path)
        outcome = "read"
    except ValueError as error:
        outcome = "refused"
        assert str(path) in str(error) and "\n" not in str(error)
    assert tracemalloc.get_traced_memory()[1] - before < MOST_BYTES
    return outcome


@pytest.mark.parametrize("kind", READERS)
def test_mangled_files_are_read_or_refused(kind, tmp_path_factory, traced):
    content, read = READERS[kind]
    path = tmp_path_factory.mktemp("mangled") / "file"
    outcomes = {"read": 0, "refused": 0}

    @hypothesis.settings(max_examples=50)
    @hypothesis.given(st.integers(0, 2**32))
    def check(seed):
        for i in range(FILES_AN_EXAMPLE):
            outcomes[survives(read, path, mangle(content, seed + i))] += 1

    check()
    assert sum(outcomes.values()) >= 500 and outcomes["refused"] > 20
    if kind in ("text", "vectors"):  # formats without checksums: much of it still is what it was
        assert outcomes["read"] > 20


def found(name: str, layout: str):
    """Of a path, the set's files: each of them is this one."""
    form = next(form for form in catalogue.SETS[name].forms if form.layout == layout)
    return lambda path: Found(form, (path,) * len(form.files), path.parent)


def cifar() -> bytes:
    buffer, record = io.BytesIO(), bytes([1]) + bytes(range(256)) * 12
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]:
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            info.size = len(record)
            archive.addfile(info, io.BytesIO(record))
    return buffer.getvalue()


def picture(kind: str) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8)
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def packed(**arrays) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def decode(path) -> None:
    with pictures.opened(path.read_bytes(), str(path)) as opened:
        pictures.decoded(opened, "RGBA", str(path))


FRAMES = np.zeros((2, 1, 1, 4, 4), np.uint8)
TAR = found("cifar10", "cifar_tar")
JPEGS = found("cifar10_jpeg", "jpeg_zips")
GLOVE = found("glove50", "glove_zip")
ARCHIVES = {
    "tar": (cifar(), lambda path: images.read_cifar_tar(TAR(path))),
    "jpegs": (
        zipped(**{f"train/cat/{i}.jpg": picture("JPEG") for i in range(3)}),
        lambda path: images.read_jpeg_zips(JPEGS(path)),
    ),
    "glove": (
        zipped(**{"glove.6B.50d.txt": VECTORS}),
        lambda path: word_files.pick(GLOVE(path), ["dog", "a b", "bird"]),
    ),
    "objects": (
        packed(gray=FRAMES, alpha=FRAMES, categories=["cats", "dogs"], names=[["a"], ["b"]]),
        load_objects,
    ),
    "scenes": (packed(train=FRAMES[0, 0], test=FRAMES[0, 0]), load_scenes),
    "jpeg": (picture("JPEG"), decode),
    "png": (picture("PNG"), decode),
}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_mangled_archives_and_pictures(kind, tmp_path_factory, traced):
    content, read = ARCHIVES[kind]
    path = tmp_path_factory.mktemp("mangled") / "file.npz"
    path.write_bytes(content)
    read(path)
    outcomes = {"read": 0, "refused": 0}

    for seed in range(150):
        outcomes[survives(read, path, mangle(content, seed))] += 1
    assert outcomes["refused"] > 50


def test_a_tar_does_not_invent_bytes(tmp_path):
    """A file that claims more than there is, and one that is all hole."""
    whole = cifar()
    info = tarfile.TarInfo("cifar-10-batches-bin/data_batch_1.bin")
    info.size = 7 * 2**30
    path = tmp_path / "file"
    path.write_bytes(info.tobuf() + whole[512:])
    with pytest.raises(ValueError, match="unexpected end of data") as error:
        images.read_cifar_tar(TAR(path))
    assert str(path) in str(error.value)
    info.type, info.size = tarfile.GNUTYPE_SPARSE, 0
    sparse = bytearray(info.tobuf(format=tarfile.GNU_FORMAT))
    sparse[483:495] = b"%011o\0" % (3073 * 1000)  # its size with the hole
    sparse[148:156] = b" " * 8
    sparse[148:156] = b"%06o\0 " % sum(sparse)
    path.write_bytes(bytes(sparse) + whole[512 + 3584 :])
    with pytest.raises(ValueError, match=r"holds no data_batch_1\.bin"):
        images.read_cifar_tar(TAR(path))


@pytest.mark.parametrize("zipped", [True, False])
def test_an_idx_header_is_compared_with_the_file_before_it_is_read(zipped, tmp_path):
    content = bytes([0, 0, 8, 3, 0, 1, 0, 0, 0, 0, 3, 0, 0, 0, 4, 0, 1, 2, 3])
    path = tmp_path / "images"
    path.write_bytes(gzip.compress(content) if zipped else content)
    with pytest.raises(ValueError, match="is too short: its header promises") as error:
        read_idx(path)
    assert str(path) in str(error.value)
