"""Object recognition: pictures against a slow composition, splits that share nothing."""

import jax
import numpy as np
import pytest

import dalejax as dj
from dalejax.tasks import composing
from dalejax.tasks.composing import Variation
from dalejax.training import fingerprint

SMALL = {"size": 12, "num_train": 60, "num_valid": 20, "num_test": 20}


@pytest.fixture(scope="module")
def task():
    return dj.tasks.ObjectRecognition("shapes", "noise", **SMALL)


def test_inputs_are_pictures_shown_once(task):
    batch = task.evaluation_batch(task.data, "test", np.arange(4))
    assert batch.inputs.shape == (1, 4, 144) and task.time.steps == 5
    grey = task.data["test"][0][:4] / 255
    np.testing.assert_allclose(
        batch.inputs[0], grey - task.data["train"][0].mean() / 255, atol=1e-6
    )
    plain = dj.tasks.ObjectRecognition("shapes", "noise", centred=False, **SMALL)
    np.testing.assert_allclose(plain.encode(task.data["test"][0][:4])[0], grey, atol=1e-6)
    assert set(task.evaluations(task.data)) == {"test", "valid"}
    assert task.score == "valid_error" and len(task.categories) == task.n_out == 8
    assert "stand-in" in task.source


def test_the_same_seed_makes_the_same_pictures(task):
    again = dj.tasks.ObjectRecognition("shapes", "noise", **SMALL)
    other = dj.tasks.ObjectRecognition("shapes", "noise", seed=1, **SMALL)
    for name, (pictures, labels) in task.data.items():
        np.testing.assert_array_equal(pictures, again.data[name][0])
        np.testing.assert_array_equal(labels, again.data[name][1])
        assert (pictures != other.data[name][0]).mean() > 0.5


def test_a_task_is_described_by_its_packs_not_by_its_pixels(task):
    described = fingerprint.describe(task)
    names = ("is", "steps", "batch_size", "test_batch_size", "objects", "scenes", "pictures")
    assert tuple(described) == names and described["steps"] == 5  # as in the runs of 0.1
    again = dj.tasks.ObjectRecognition("shapes", "noise", **SMALL)
    pictures, labels = again.data["train"]
    again.data["train"] = (pictures ^ 1, labels)  # as another machine may round them
    assert fingerprint.differences(described, fingerprint.describe(again)) == []
    other = dj.tasks.ObjectRecognition("shapes", "noise", **(SMALL | {"num_valid": 21}))
    (difference,) = fingerprint.differences(described, fingerprint.describe(other))
    assert "21 and was 20" in difference


def test_a_pack_of_ones_own_named_like_a_stand_in_is_told_from_it(task, tmp_path):
    pack = dj.datasets.load_objects("shapes")
    np.savez(
        tmp_path / "shapes.npz", gray=255 - pack.gray, alpha=pack.alpha, categories=pack.categories
    )
    own = dj.tasks.ObjectRecognition(tmp_path / "shapes.npz", "noise", **SMALL)
    assert fingerprint.differences(fingerprint.describe(task), fingerprint.describe(own))


def packs(values=None):
    """Objects whose grey value tells which view they are, scenes whose grey value tells which."""
    views, scenes = np.arange(8) * 10 + 100, np.arange(9) * 10
    gray = np.broadcast_to(views[:, None, None], (2, 3, 8, 16, 16)).astype(np.uint8)
    return (
        gray,
        np.full_like(gray, 255),
        np.broadcast_to(scenes[:, None, None], (9, 40, 60)).astype(np.uint8),
    )


def test_splits_have_no_view_and_no_scene_in_common(tmp_path):
    gray, alpha, scenes = packs()
    objects, behind = tmp_path / "objects.npz", tmp_path / "scenes.npz"
    np.savez(objects, gray=gray, alpha=alpha, categories=["a", "b"])
    np.savez(behind, train=scenes[:6], test=scenes[6:])
    task = dj.tasks.ObjectRecognition(
        objects,
        behind,
        size=8,
        num_train=300,
        num_valid=100,
        num_test=100,
        variation=Variation(size=(0.5, 0.6), shift=0.0, rotation=0.0),
    )
    seen = {}
    for name, (pictures, _) in task.data.items():
        pictures = pictures.reshape(-1, 8, 8)
        seen[name] = [set(np.unique(pictures[:, 4, 4])), set(np.unique(pictures[:, 0, 0]))]
    for kind in (0, 1):  # the centre is the object, the corner the scene
        shown = [seen[name][kind] for name in ("train", "valid", "test")]
        assert all(shown) and sum(map(len, shown)) == len(set.union(*shown))
    assert set.union(*(s[0] for s in seen.values())) == set(range(100, 180, 10))
    assert seen["test"][1] == {60, 70, 80}


def interpolated(picture, row, column):
    """Interpolate one point of [h, w, channels]; the edge goes on outside."""
    height, width = picture.shape[:2]
    row, column = np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)
    total = 0.0
    for i in range(height):
        for j in range(width):
            weight = max(0, 1 - abs(row - i)) * max(0, 1 - abs(column - j))
            total = total + weight * picture[i, j]
    return total


def test_pictures_are_those_of_a_slow_composition():
    rng = np.random.default_rng(0)
    gray, alpha = (rng.integers(256, size=(2, 1, 4, 6, 6)).astype(np.uint8) for _ in range(2))
    scenes = rng.integers(256, size=(3, 10, 14)).astype(np.uint8)
    variation, size = Variation((0.6, 1.2), 0.2, 40.0, (0.5, 0.9)), 7
    parts = composing.prepare(gray, alpha, scenes, size, variation)
    key = jax.random.key(3)
    pictures, labels = composing.compose(parts, 4, size, variation, key=key)
    for picture, label, k in zip(pictures, labels, jax.random.split(key, 4), strict=True):
        u = np.asarray(jax.random.uniform(k, (12,)), np.float64)
        c, o, v, s = int(2 * u[0]), int(u[1]), int(4 * u[2]), int(3 * u[7])
        frame = size * (0.6 + 0.6 * u[3])
        right, down = size * (0.4 * u[4] - 0.2), size * (0.4 * u[5] - 0.2)
        angle, mirrored = np.deg2rad(80 * u[6] - 40), u[8] >= 0.5
        side = 10 * (0.5 + 0.4 * u[9])
        top, left = (10 - side) * u[10], (14 - side) * u[11]
        opaque = np.pad(alpha[c, o, v] / 255, 1)
        planes = np.stack([np.pad(gray[c, o, v] / 255, 1) * opaque, opaque], axis=-1)
        expected = np.zeros((size, size))
        for i in range(size):
            for j in range(size):
                x, y = j - 3 - right, i - 3 - down
                scale = 6 / frame
                row = scale * (np.cos(angle) * y - np.sin(angle) * x) + 3.5
                column = scale * (np.sin(angle) * y + np.cos(angle) * x) + 3.5
                grey, cover = interpolated(planes, row, column)
                across = size - 1 - j if mirrored else j
                at = [(a + 0.5) * side / size - 0.5 for a in (i, across)]
                behind = interpolated(scenes[s][..., None] / 255, top + at[0], left + at[1])[0]
                expected[i, j] = 255 * np.clip(grey + (1 - cover) * behind, 0, 1)
        assert int(label) == c
        assert np.abs(np.asarray(picture, float) - expected).max() <= 0.51


def test_fine_packs_are_averaged_first():
    gray, alpha, scenes = packs()
    parts = composing.prepare(gray, alpha, scenes, 4, Variation())
    assert parts.objects.shape == (2, 3, 8, 6, 6, 2)  # 16 pixels by 4, and the border
    assert parts.scenes.shape == (9, 10, 15, 1)
    np.testing.assert_allclose(parts.scenes[:, 0, 0, 0] * 255, scenes[:, 0, 0], atol=1e-4)


def test_too_few_views_or_scenes_are_refused(tmp_path, untyped):
    gray, alpha, scenes = packs()
    objects, behind = tmp_path / "objects.npz", tmp_path / "scenes.npz"
    np.savez(objects, gray=gray[:, :, :3], alpha=alpha[:, :, :3], categories=["a", "b"])
    with pytest.raises(ValueError, match="the objects have 3 views; there must be at least 4"):
        dj.tasks.ObjectRecognition(objects, "noise")
    np.savez(behind, train=scenes[:2], test=scenes[6:])
    with pytest.raises(ValueError, match="there are 2 training scenes; there must be at least 3"):
        dj.tasks.ObjectRecognition("shapes", behind)
    with pytest.raises(ValueError, match="num_test is 0; it must be at least 1"):
        dj.tasks.ObjectRecognition("shapes", "noise", num_test=0)
    with pytest.raises(ValueError, match="seed is -1"):
        dj.tasks.ObjectRecognition("shapes", "noise", seed=-1)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"size": (0.0, 1.0)}, r"variation.size is \(0.0, 1.0\); it must be two numbers above 0"),
        ({"size": [0.5, 1.0]}, "variation.size is "),
        ({"scene": (0.4, 2.0)}, "variation.scene is .* up to 1, the smaller one first"),
        ({"scene": (0.8, 0.4)}, "variation.scene is "),
        ({"shift": float("nan")}, "variation.shift is nan; it must be from 0 to 1"),
        ({"rotation": -1.0}, "variation.rotation is -1.0; it must be from 0 to 180"),
    ],
)
def test_a_variation_that_no_picture_has_is_refused(change, sentence, untyped):
    with pytest.raises(ValueError, match=sentence):
        dj.tasks.ObjectRecognition("shapes", "noise", variation=Variation(**change), **SMALL)


def test_upright_scenes_are_not_smeared(tmp_path):
    gray, alpha, _ = packs()
    columns = np.broadcast_to(np.arange(12) * 20, (8, 40, 12)).astype(np.uint8)
    np.savez(tmp_path / "scenes.npz", train=columns[:6], test=columns[6:])
    np.savez(tmp_path / "objects.npz", gray=gray, alpha=0 * alpha, categories=["a", "b"])
    task = dj.tasks.ObjectRecognition(
        tmp_path / "objects.npz",
        tmp_path / "scenes.npz",
        size=6,
        num_train=50,
        num_valid=8,
        num_test=8,
        variation=Variation(scene=(0.9, 1.0)),
    )
    rows = task.data["train"][0].reshape(-1, 6, 6)[:, 0].astype(int)
    assert (np.abs(np.diff(rows, axis=1)) > 10).all()  # no two columns are the same edge


def test_networks_learn_it(task):
    net = dj.RecurrentNetwork([dj.RNNCell(20)], dj.Dense(8))
    run = dj.train(
        net,
        dj.rnn_sgd(0.05),
        task,
        keys=dj.seed_keys(0, 2),
        num_updates=40,
        eval_every=20,
        progress=False,
    )
    loss = dj.results.by_member(run.table, "train_loss")
    assert (loss.iloc[-1] < loss.iloc[0]).all()
    assert {"test_error", "valid_error"} <= set(run.table.metric)
