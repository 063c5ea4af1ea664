"""Checkpoints: whole or recognised as damaged, the newest and the best kept, nothing half done."""

import json
import multiprocessing
import os
import resource
import shutil
import signal
from pathlib import Path

import jax
import numpy as np
import pytest
from helpers.folders import read_files

import dalejax
from dalejax.runtime.messages import RunWarning
from dalejax.storage import manifest, named_arrays
from dalejax.storage.checkpoint import Store

ARRAYS = {"a": np.arange(1000, dtype=np.float32), "b": np.arange(6).reshape(2, 3)}


def state(update: int) -> dict[str, np.ndarray]:
    return {name: array + update for name, array in ARRAYS.items()}


def assert_state(arrays, update: int) -> None:
    assert arrays.keys() == ARRAYS.keys()
    for name, array in state(update).items():
        np.testing.assert_array_equal(arrays[name], array, strict=True)


@pytest.fixture(scope="module")
def three(tmp_path_factory) -> Path:
    """A folder with the checkpoints 1, 2 and 3."""
    folder = tmp_path_factory.mktemp("three")
    store = Store(folder)
    for update in (1, 2, 3):
        store.save(update, state(update))
    return folder


@pytest.fixture
def store(three, tmp_path) -> Store:
    """A copy of the three checkpoints."""
    shutil.copytree(three, tmp_path / "run")
    return Store(tmp_path / "run")


def test_what_was_saved_is_loaded(store):
    assert store.updates == [1, 2, 3] and store.newest() == store.latest == 3
    for update in store.updates:
        assert_state(store.load(update), update)


def test_no_checkpoints(tmp_path):
    store = Store(tmp_path / "none")
    assert (store.updates, store.latest, store.best, store.newest()) == ([], None, None, None)
    assert not (tmp_path / "none").exists()


# --- damage ---------------------------------------------------------------------------------------


def largest_file(folder: Path) -> Path:
    return max((p for p in folder.rglob("*") if p.is_file()), key=lambda p: p.stat().st_size)


def truncate(folder: Path) -> str:
    path = largest_file(folder)
    path.write_bytes(path.read_bytes()[:-1])
    return f"{path.relative_to(folder)} has {path.stat().st_size} bytes instead of"


def alter(folder: Path) -> str:
    path = largest_file(folder)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return f"{path.relative_to(folder)} was altered"


def lose_metadata(folder: Path) -> str:
    path = next(p for p in folder.rglob("_CHECKPOINT_METADATA"))
    path.unlink()
    return "_CHECKPOINT_METADATA is missing"


def lose_manifest(folder: Path) -> str:
    (folder / manifest.NAME).unlink()
    return "manifest.json is missing"


def break_manifest(folder: Path) -> str:
    path = folder / manifest.NAME
    path.write_bytes(path.read_bytes()[:50])
    return "manifest.json is broken"


def alter_manifest(folder: Path) -> str:
    path = folder / manifest.NAME
    path.write_text(path.read_text().replace('"update": ', '"update": 1'))
    return "manifest.json was altered"


def empty(folder: Path) -> str:
    shutil.rmtree(folder)
    folder.mkdir()
    return "manifest.json is missing"


DAMAGE = [truncate, alter, lose_metadata, lose_manifest, break_manifest, alter_manifest, empty]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_checkpoint_is_named_moved_aside_and_the_one_before_used(store, damage):
    why = damage(store.folder / "3")
    before = read_files(store.folder / "3")
    with pytest.warns(RunWarning) as warned:
        assert store.newest() == 2
    (text,) = [str(warning.message) for warning in warned]
    assert str(store.folder / "3") in text and why in text and "after 2 updates" in text
    assert store.updates == [1, 2]
    assert read_files(store.folder / "damaged-3") == before
    assert_state(store.load(2), 2)
    assert store.newest() == 2  # and no other warning


def test_what_cannot_be_read_is_damaged(store):
    """A file in the place of a folder, as an unreadable disk would give errors."""
    shutil.rmtree(store.folder / "3")
    (store.folder / "3").write_text("no folder")
    with pytest.warns(RunWarning, match="cannot be read: Not a directory"):
        assert store.newest() == 2
    assert (store.folder / "damaged-3").is_file()


def test_several_damaged_ones(store):
    truncate(store.folder / "3"), alter(store.folder / "2")
    with pytest.warns(RunWarning) as warned:
        assert store.newest() == 1
    assert len(warned) == 2


def test_with_none_whole_nothing_is_touched(store):
    for update, damage in zip(store.updates, (truncate, alter, lose_manifest), strict=True):
        damage(store.folder / str(update))
    before = read_files(store.folder)
    with pytest.raises(ValueError, match="none of the checkpoints") as error:
        store.newest()
    assert str(store.folder) in str(error.value) and "manifest.json is missing" in str(error.value)
    assert read_files(store.folder) == before


def test_a_checkpoint_damaged_twice(store):
    for name in ("damaged-3", "damaged-3-2"):
        truncate(store.folder / "3")
        with pytest.warns(RunWarning, match=name):
            store.newest()
        store.save(3, state(3))
    assert store.newest() == 3
    assert (store.folder / "damaged-3").is_dir() and (store.folder / "damaged-3-2").is_dir()


def test_leftovers_are_ignored_and_cleared_away(store):
    for name in ("writing-4", "writing-4.orbax-checkpoint-tmp-9", "removing-0"):
        shutil.copytree(store.folder / "3", store.folder / name)
    assert store.updates == [1, 2, 3] and store.newest() == 3
    store.clean()
    assert sorted(path.name for path in store.folder.iterdir()) == ["1", "2", "3"]


def test_a_leftover_does_not_stop_the_save_that_it_was_of(store):
    (store.folder / "writing-4").mkdir()
    store.clean()
    store.save(4, state(4))
    assert_state(store.load(store.newest()), 4)


def test_a_later_format_is_no_damage(store):
    path = store.folder / "3" / manifest.NAME
    content = json.loads(path.read_text())["content"] | {"format": manifest.FORMAT + 1}
    path.write_text(json.dumps({"content": content, "sha256": manifest._digest(content)}))
    with pytest.raises(ValueError, match="install a newer one"):
        store.newest()
    assert store.updates == [1, 2, 3]


# --- what is kept ---------------------------------------------------------------------------------


def test_the_newest_and_the_best_are_kept(tmp_path):
    store = Store(tmp_path, keep=2)
    for update, score in enumerate([0.5, 0.1, 0.3, np.nan, 0.2, 0.7], start=1):
        store.save(update, state(update), score)
    assert store.updates == [2, 5, 6] and store.best == 2
    store.save(7, state(7), 0.1)  # equally good: the later one
    assert store.updates == [6, 7] and store.best == 7


def test_without_scores_only_the_newest_are_kept(tmp_path):
    store = Store(tmp_path, keep=1)
    for update in (1, 2):
        store.save(update, state(update))
    assert store.updates == [2] and store.best is None


# --- disks ----------------------------------------------------------------------------------------


def in_a_process(target, *arguments) -> int:
    """Run in a process of its own; limits and signals stay there."""
    process = multiprocessing.get_context("spawn").Process(target=target, args=arguments)
    process.start()
    process.join(120)
    assert process.exitcode is not None
    return process.exitcode


def save_with_little_room(folder: str) -> None:
    store = Store(folder)
    store.save(1, state(1))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # an error, as a full disk is one
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    noise = np.random.default_rng(0).random(100_000)
    try:
        store.save(2, {"a": noise})
    except OSError as error:
        assert str(folder) in str(error) and "the one after 1" in str(error), error
    else:
        raise AssertionError("it was written")
    assert store.updates == [1] and store.newest() == 1
    assert [path.name for path in store.folder.iterdir()] == ["1"]
    assert_state(store.load(1), 1)
    os._exit(42)


def test_a_full_disk_leaves_the_earlier_checkpoints(tmp_path):
    """A limit on the size of files: writing fails in the middle of one."""
    assert in_a_process(save_with_little_room, str(tmp_path)) == 42


def test_a_really_full_disk(mount, tmp_path):
    mount("-t", "tmpfs", "-o", "size=2m", "none", tmp_path)
    store = Store(tmp_path)
    store.save(1, state(1))
    with pytest.raises(OSError) as error:
        store.save(2, {"a": np.random.default_rng(0).random(1_000_000)})
    assert str(store.folder) in str(error.value)
    assert [path.name for path in store.folder.iterdir()] == ["1"]
    assert_state(store.load(store.newest()), 1)


# --- trees ----------------------------------------------------------------------------------------


def test_typed_keys_are_kept():
    tree = {"key": jax.random.split(jax.random.key(3), 2), "x": np.ones(2)}
    arrays = named_arrays.flatten([tree], [2])
    assert all(not jax.dtypes.issubdtype(a.dtype, jax.dtypes.prng_key) for a in arrays.values())
    back = named_arrays.unflatten(tree, {name: np.asarray(array) for name, array in arrays.items()})
    assert back["key"].dtype == tree["key"].dtype
    assert (jax.random.key_data(back["key"]) == jax.random.key_data(tree["key"])).all()


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ({"b": np.zeros(2)}, "has no b"),
        ({"a": np.zeros(3)}, r"float64\[2\]; this run needs float64\[3\]"),
        ({"a": np.zeros(2, np.float32)}, r"this run needs float32\[2\]"),
    ],
)
def test_another_state_does_not_fit(template, message):
    with pytest.raises(ValueError, match=message):
        named_arrays.unflatten(template, named_arrays.flatten([{"a": np.ones(2)}], [2]))


def test_only_one_file_knows_orbax():
    package = Path(dalejax.__file__).parent
    names = [path.name for path in package.rglob("*.py") if "import" in path.read_text()]
    assert len(names) > 20
    users = [p.name for p in package.rglob("*.py") if "from orbax" in p.read_text()]
    assert users == ["checkpoint.py"]
