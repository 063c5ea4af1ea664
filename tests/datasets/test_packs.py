"""Packs of objects and of scenes: read, checked, prepared, and made of pictures."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from helpers.sentences import assert_one_sentence
from PIL import Image

from dalejax import datasets
from dalejax.commands import main

SHAPE = (2, 3, 4, 8, 8)


def object_arrays(**changed) -> dict:
    random = np.random.default_rng(2)
    arrays = {
        "gray": random.integers(0, 256, SHAPE, np.uint8),
        "alpha": random.integers(0, 256, SHAPE, np.uint8),
        "categories": np.array(["cats", "dögs"]),
        "names": np.array([["a", "b", "a"], ["c", "d", "e"]]),
        "sources": np.array([["x"] * 3] * 2),
        "views_el_az": np.zeros((4, 2)),
    }
    return {name: array for name, array in (arrays | changed).items() if array is not None}


def write_npz(path: Path, arrays: dict) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)
    return path


def assert_same_pack(one, other) -> None:
    for a, b in zip(one[:-2], other[:-2], strict=True):
        if isinstance(a, np.ndarray):
            np.testing.assert_array_equal(a, b, strict=True)
        else:
            assert a == b


def test_objects_by_path_by_name_and_prepared(tmp_path):
    arrays = object_arrays()
    path = write_npz(tmp_path / "objects" / "objects64_cc0_64x64_gray_alpha.npz", arrays)
    pack = datasets.load_objects(path)
    np.testing.assert_array_equal(pack.gray, arrays["gray"])
    np.testing.assert_array_equal(pack.alpha, arrays["alpha"])
    assert pack.categories == ("cats", "dögs")
    assert pack.names == (("a", "b", "a"), ("c", "d", "e"))
    assert_same_pack(datasets.load_objects("objects64", data_dir=tmp_path), pack)
    datasets.prepare("objects64", source=tmp_path, data_dir=tmp_path / "copy")
    copy = datasets.load_objects("objects64", data_dir=tmp_path / "copy")
    assert_same_pack(copy, pack)
    assert copy.name == "objects64" and "prepared copy" in copy.source


def test_objects_have_names_in_any_case(tmp_path):
    path = tmp_path / "pack.npz"
    ids = np.array([[1, 2, 3], [4, 5, 6]])
    write_npz(path, object_arrays(names=None, object_ids=ids))
    assert datasets.load_objects(path).names == (("1", "2", "3"), ("4", "5", "6"))
    write_npz(path, object_arrays(names=None))
    assert datasets.load_objects(path).names[0] == ("cats 1", "cats 2", "cats 3")


NO_TEXT = np.frombuffer(b"\xff\xff\xff\x7f" * 2, "<U1")
HALF = np.frombuffer(b"\x00\xd8\0\0" * 2, "<U1")
WRONG_OBJECTS = {
    "no gray": ({"gray": None}, "no array 'gray'"),
    "dtype": ({"gray": np.zeros(SHAPE)}, "gray is float64"),
    "dimensions": ({"alpha": np.zeros(SHAPE[1:], np.uint8)}, "alpha is uint8 (3, 4, 8, 8)"),
    "no views": ({"gray": np.zeros((2, 3, 0, 8, 8), np.uint8)}, "none of them 0"),
    "shapes": ({"alpha": np.zeros((2, 3, 4, 8, 9), np.uint8)}, "must be the same"),
    "oblong": (
        {n: np.zeros((2, 3, 4, 8, 9), np.uint8) for n in ("gray", "alpha")},
        "its frames are (8, 9); they must be square",
    ),
    "one category": (
        {n: np.zeros((1, 3, 4, 8, 8), np.uint8) for n in ("gray", "alpha")},
        "it has 1 category",
    ),
    "no categories": ({"categories": None}, "categories is float64 (0,)"),
    "categories": ({"categories": np.array(["a", "b", "c"])}, "texts of shape (2,)"),
    "twice": ({"categories": np.array(["a", "a"])}, "each must be there once"),
    "names": ({"names": np.array(["a", "b"])}, "texts of shape (2, 3)"),
    "no text": ({"categories": NO_TEXT}, "has an entry that is no text"),
    "half a character": ({"categories": HALF}, "has an entry that is no text"),
}


@pytest.mark.parametrize("case", WRONG_OBJECTS)
def test_wrong_objects(tmp_path, case):
    changed, part = WRONG_OBJECTS[case]
    path = write_npz(tmp_path / "pack.npz", object_arrays(**changed))
    with pytest.raises(ValueError) as error:
        datasets.load_objects(path)
    assert_one_sentence(error, str(path), part)


def test_scenes_by_path_by_name_and_prepared(tmp_path):
    random = np.random.default_rng(4)
    arrays = {
        n: random.integers(0, 256, (k, 4, 6), np.uint8) for n, k in (("train", 5), ("test", 2))
    }
    path = write_npz(tmp_path / "backgrounds" / "bsds500_scenes_gray_160x240.npz", arrays)
    pack = datasets.load_scenes(str(path))
    np.testing.assert_array_equal(pack.train, arrays["train"], strict=True)
    np.testing.assert_array_equal(pack.test, arrays["test"], strict=True)
    assert_same_pack(datasets.load_scenes("bsds500", data_dir=tmp_path), pack)
    datasets.prepare("bsds500", source=tmp_path, data_dir=tmp_path / "copy")
    assert_same_pack(datasets.load_scenes("bsds500", data_dir=tmp_path / "copy"), pack)
    write_npz(path, arrays | {"test": np.zeros((2, 4, 7), np.uint8)})
    with pytest.raises(ValueError) as error:
        datasets.load_scenes(path)
    assert_one_sentence(error, str(path), "of one size")


def test_packs_that_are_not_there(tmp_path):
    with pytest.raises(datasets.MissingData) as error:
        datasets.load_objects("eth80", data_dir=tmp_path)
    assert_one_sentence(error, "eth80_64x64_gray_alpha.npz", str(tmp_path))
    for load in (datasets.load_objects, datasets.load_scenes):
        with pytest.raises(datasets.MissingData, match="no such file"):
            load(tmp_path / "mine.npz")
        with pytest.raises(ValueError, match=r"'bears'; allowed are .* or the path of an .npz"):
            load("bears")


# --- made of pictures -----------------------------------------------------------------------------


def write_pictures(folder: Path, *, alpha: bool = True) -> Path:
    """Two categories of two objects of three views: a coloured middle in a transparent frame."""
    for c, category in enumerate(("cats", "dogs")):
        for o in ("tom", "kim"):
            for view in range(3):
                path = folder / category / o / f"{view}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                pixels = np.zeros((20, 30, 4), np.uint8)
                pixels[5:15, 5:25] = (200, 100 * c, 50 * view, 255)
                picture = Image.fromarray(pixels)
                (picture if alpha else picture.convert("RGB")).save(path)
    return folder


def test_pictures_become_a_pack(tmp_path, capsys):
    folder, out = write_pictures(tmp_path / "pictures"), tmp_path / "new" / "mine.npz"
    (folder / ".hidden").write_text("")
    assert main.main(["data", "pack-objects", str(folder), "--out", str(out), "--size", "30"]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    pack = datasets.load_objects(out)
    assert pack.gray.shape == (2, 2, 3, 30, 30)
    assert pack.categories == ("cats", "dogs") and pack.names == (("kim", "tom"),) * 2
    red, green, blue = 200, 100, 100
    grey = round(0.299 * red + 0.587 * green + 0.114 * blue)  # ITU-R 601
    seen, covered = pack.gray[1, 0, 2], pack.alpha[1, 0, 2]
    # 30 wide and 20 high: centred, with five rows put on above and below.
    assert set(np.unique(covered)) == {0, 255}
    rows, columns = np.nonzero(covered)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (10, 19, 5, 24)
    assert abs(int(seen[15, 15]) - grey) <= 1 and (seen[covered == 0] == 0).all()
    assert not list(tmp_path.glob("**/*.tmp"))


def test_no_dark_rims_where_a_picture_is_made_smaller(tmp_path):
    packed = datasets.pack_objects(write_pictures(tmp_path / "p"), tmp_path / "a.npz", size=7)
    assert packed.shape == (2, 2, 3, 7, 7) and packed.without_alpha == 0
    pack = datasets.load_objects(packed.path)
    partly = (pack.alpha > 30) & (pack.alpha < 225)
    assert partly.any()
    assert pack.gray[0, 0, 0][partly[0, 0, 0]].min() > 50  # 60 in the middle


def test_pictures_without_alpha_are_all_object(tmp_path, capsys):
    folder = write_pictures(tmp_path / "pictures", alpha=False)
    out = tmp_path / "mine.npz"
    assert main.main(["data", "pack-objects", str(folder), "--out", str(out)]) == 0
    assert capsys.readouterr().out.splitlines()[0].startswith("12 pictures have no alpha channel")
    alpha = datasets.load_objects(out).alpha
    assert alpha.shape[-1] == 64 and alpha[..., 32, :].min() == 255  # above and below is nothing
    assert alpha[..., 0, :].max() == 0


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        sum_ = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", sum_)

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"x"))


def sixteen_bits() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(buffer, "PNG")
    return buffer.getvalue()


WRONG_PICTURES = {
    "bomb": ("cats/tom/0.png", png_header(200_000, 200_000), "too many pixels"),
    "small bomb": ("cats/tom/0.png", png_header(7000, 7000), "claims 7000 x 7000 pixels"),
    "no picture": ("cats/tom/0.png", b"hello", "no picture that can be read"),
    "truncated": ("cats/tom/0.png", png_header(30, 20), "is damaged"),
    "16 bits": ("cats/tom/0.png", sixteen_bits(), "the mode I;16"),
    "other file": ("cats/tom/notes.txt", b"hello", "notes.txt is no picture"),
    "stray": ("cats/0.png", b"", "0.png is no folder"),
    "more views": ("cats/tom/9.jpg", b"", "cats/tom holds 4 views and"),
    "more objects": ("dogs/rex/0.png", b"", "dogs holds 3 objects and"),
    "empty category": ("ants", None, "ants holds no objects"),
}


@pytest.mark.parametrize("case", WRONG_PICTURES)
def test_wrong_pictures(tmp_path, capsys, case):
    name, content, part = WRONG_PICTURES[case]
    folder = write_pictures(tmp_path / "pictures")
    place = folder / name
    (place if content is None else place.parent).mkdir(parents=True, exist_ok=True)
    if content is not None:
        place.write_bytes(content)
    out = tmp_path / "new" / "mine.npz"
    assert main.main(["data", "pack-objects", str(folder), "--out", str(out)]) == 2
    err = capsys.readouterr().err
    assert part in err and err.count("\n") == 1 and not out.parent.exists()


def test_a_pack_is_not_overwritten(tmp_path):
    folder, out = write_pictures(tmp_path / "pictures"), tmp_path / "mine.npz"
    out.write_bytes(b"precious")
    with pytest.raises(FileExistsError, match="is there already"):
        datasets.pack_objects(folder, out)
    assert out.read_bytes() == b"precious"
    with pytest.raises(ValueError, match=r"must end with \.npz"):
        datasets.pack_objects(folder, tmp_path / "mine.zip")
