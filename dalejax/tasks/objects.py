"""Natural object recognition: classify an object that is shown for one time step."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from dalejax import checks, datasets
from dalejax.tasks.base import TimeAxis
from dalejax.tasks.classification import Classification
from dalejax.tasks.composing import Variation, check, compose, prepare
from dalejax.types import Any, Array, Float, Integer

USUAL = Variation()
_TEST, _VALID = 4, 8  # every fourth view and scene is for testing, every eighth for validation


class ObjectRecognition(Classification):
    r"""Natural object recognition: the picture is the input of step 1, its category the target.

    A picture shows an object of one of the categories in front of a random piece of a scene; its
    position, size and rotation vary. Inputs are grey values from 0 to 1, less their mean over all
    training pictures; from step 2 on they are 0. The loss is the cross-entropy at the last step.

    The mean is subtracted because a bias cannot cancel it here: a bias that cancels it at step 1
    would silence a ColEI network in the later steps, whose inputs are 0.

    The pictures are composed once, on the device, and stored as uint8. Training, validation and
    test pictures have no scene and no view of an object in common.

    Args:
        objects: objects of :func:`dalejax.datasets.load_objects`: ``"objects64"``, ``"eth80"``,
            ``"shapes"`` (drawn from formulas, comes with dalejax), or the path of an .npz file.
        scenes: scenes of :func:`dalejax.datasets.load_scenes`: ``"bsds500"``, ``"noise"`` (drawn,
            comes with dalejax), or the path of an .npz file.
        size: height and width of a picture in pixels; the network has size² inputs.
        steps: number of time steps t.
        batch_size: number of trials in an update.
        num_train: number of training pictures.
        num_valid: number of validation pictures.
        num_test: number of test pictures.
        variation: ranges of position, size and rotation.
        seed: seed of the pictures (not of the networks), 0 to 2^32 - 1.
        centred: whether to subtract the mean from the inputs.
        data_dir: folder of the data; None for ``TFDS_DATA_DIR`` or TFDS's default.

    Raises:
        ValueError: a number is out of its range, or there are fewer than 4 views of an object or
            fewer than 3 scenes.
        dalejax.datasets.MissingData: the data are not there; the message says how to get them.

    Example:
        >>> task = ObjectRecognition("shapes", "noise", num_train=64, num_valid=8, num_test=8)
        >>> task.n_in, task.n_out, task.time.steps
        (1024, 8, 5)

    Reference:
        Majaj et al. 2015; Li et al. 2023, section 2.3 and Fig. 8.
    """

    name = "objects"
    score = "valid_error"

    def __init__(
        self,
        objects: str | Path = "objects64",
        scenes: str | Path = "bsds500",
        *,
        size: int = 32,
        steps: int = 5,
        batch_size: int = 32,
        num_train: int = 40_000,
        num_valid: int = 4_000,
        num_test: int = 4_000,
        variation: Variation = USUAL,
        seed: int = 0,
        centred: bool = True,
        data_dir: str | Path | None = None,
    ):
        counts = {"train": num_train, "valid": num_valid, "test": num_test}
        checks.whole("size", size, 2, 4096)
        checks.whole("steps", steps)
        checks.seed("seed", seed)
        check(variation)
        for name, num in counts.items():
            checks.whole(f"num_{name}", num)
        shown = datasets.load_objects(objects, data_dir=data_dir)
        behind = datasets.load_scenes(scenes, data_dir=data_dir)
        self.time = TimeAxis(steps=steps)
        self.n_in, self.n_out = size**2, len(shown.categories)
        self.categories = shown.categories
        self.num_objects = shown.gray.shape[0] * shown.gray.shape[1]
        self.source = f"objects: {shown.source}; scenes: {behind.source}"
        views = _split_views(shown.gray.shape[2])
        backgrounds = _split_scenes(behind.train, behind.test)
        made = {}
        for i, (name, num) in enumerate(counts.items()):
            seen = views[name]
            parts = prepare(
                shown.gray[:, :, seen], shown.alpha[:, :, seen], backgrounds[name], size, variation
            )
            key = jax.random.fold_in(jax.random.key(seed), i)
            pictures, labels = compose(parts, num, size, variation, key=key)
            made[name] = (np.asarray(pictures).reshape(num, -1), np.asarray(labels))
        super().__init__(made["train"], made["test"], valid=made["valid"], batch_size=batch_size)
        self._made_of = {
            # Drawn data are described by their name, since another machine may round them
            # differently; a file of the user that has such a name is described by its arrays.
            "objects": "shapes" if objects == "shapes" else (shown.gray, shown.alpha),
            "scenes": "noise" if scenes == "noise" else (behind.train, behind.test),
            "pictures": (size, counts, variation, seed, centred),
        }
        self.centre = float(self.data["train"][0].mean() / 255) if centred else 0.0

    def described(self) -> dict[str, Any]:
        """Return the fields that a later run must share with this one to continue it.

        The objects, scenes and settings stand for the pictures composed of them, since another
        machine may round a few pixels differently.
        """
        fields = super().described()
        names = ("steps", "batch_size", "test_batch_size")
        return {name: fields[name] for name in names} | self._made_of

    def encode(self, inputs: Integer[Array, "b pixels"]) -> Float[Array, "1 b n_in"]:
        """Turn grey values 0 to 255 into the inputs of one time step, less their mean."""
        return (inputs.astype(jnp.zeros(()).dtype) / 255 - self.centre)[None]


def _split_views(num: int) -> dict[str, np.ndarray]:
    if num < _TEST:
        raise ValueError(
            f"the objects have {num} views; there must be at least {_TEST}, one of them for tests."
        )
    place = np.arange(num)
    test, valid = place % _TEST == _TEST - 1, place % _VALID == 1
    return {"train": place[~test & ~valid], "valid": place[valid], "test": place[test]}


def _split_scenes(train: np.ndarray, test: np.ndarray) -> dict[str, np.ndarray]:
    """Use every eighth of the training scenes for validation instead; return all three sets."""
    if len(train) < 3:
        raise ValueError(f"there are {len(train)} training scenes; there must be at least 3.")
    apart = np.arange(len(train)) % _VALID == 1
    return {"train": train[~apart], "valid": train[apart], "test": test}
