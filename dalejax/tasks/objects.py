"""Natural object recognition: name the category of an object that was seen for one time step."""

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
    r"""Natural object recognition: the picture is the input of step 1, the category the answer.

    An object of one of the categories stands on a random piece of a scene; its position, size and
    rotation vary. Nothing is shown after step 1. Inputs are grey values from 0 to 1 less their mean
    over all training pictures; the loss is the last step's cross-entropy.

    The mean is taken off the inputs because no bias can do it here: one that cancels it at step 1
    silences a ColEI network in the steps after, where there is no input to cancel.

    The pictures are composed once, on the device, and kept as uint8. Training, validation and test
    pictures have no scene and no view of an object in common.

    Args:
        objects: a pack of :mod:`dalejax.datasets`: ``"objects64"``, ``"eth80"``, ``"shapes"`` (drawn
            from formulas, a stand-in), or the path of a pack.
        scenes: likewise: ``"bsds500"``, ``"noise"`` (a stand-in), or the path of a pack.
        size: side of a picture, pixels: the network has size² inputs.
        steps: time steps t.
        batch_size: trials an update.
        num_train: training pictures.
        num_valid: validation pictures.
        num_test: test pictures.
        variation: how much the pictures vary.
        seed: of the pictures (not of the networks).
        centred: take the mean off the inputs.
        data_dir: where the packs are; None for ``TFDS_DATA_DIR`` or TFDS's default.

    Raises:
        ValueError: a size is not positive, or a pack has fewer than 4 views or 3 scenes.
        dalejax.datasets.MissingData: the packs are not there; the message says how to get them.

    Example:
        >>> task = ObjectRecognition("shapes", "noise", num_train=64, num_valid=8, num_test=8)
        >>> task.n_in, task.n_out, task.time.steps
        (1024, 8, 5)

    Reference:
        Majaj et al. 2015; Li et al. 2023, section 2.3 and Fig. 8.
    """  # noqa: E501

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
            # Stand-ins are drawn anew on each machine; a pack of the user's may have their name.
            "objects": "shapes" if objects == "shapes" else (shown.gray, shown.alpha),
            "scenes": "noise" if scenes == "noise" else (behind.train, behind.test),
            "pictures": (size, counts, variation, seed, centred),
        }
        self.centre = float(self.data["train"][0].mean() / 255) if centred else 0.0

    def described(self) -> dict[str, Any]:
        """Say what makes the task: of the pictures, what they are composed of.

        On another machine a few of them may be rounded otherwise, and it is the same task still.
        """
        fields = super().described()
        names = ("steps", "batch_size", "test_batch_size")
        return {name: fields[name] for name in names} | self._made_of

    def encode(self, inputs: Integer[Array, "b pixels"]) -> Float[Array, "1 b n_in"]:
        """Turn grey values 0 to 255 into inputs, one time step of them."""
        return (inputs.astype(jnp.zeros(()).dtype) / 255 - self.centre)[None]


def _split_views(num: int) -> dict[str, np.ndarray]:
    if num < _TEST:
        raise ValueError(
            f"the objects have {num} views; at least {_TEST} are needed to keep some apart."
        )
    place = np.arange(num)
    test, valid = place % _TEST == _TEST - 1, place % _VALID == 1
    return {"train": place[~test & ~valid], "valid": place[valid], "test": place[test]}


def _split_scenes(train: np.ndarray, test: np.ndarray) -> dict[str, np.ndarray]:
    """Keep the pack's own test scenes, and some of its training scenes for validation."""
    if len(train) < 3:
        raise ValueError(f"there are {len(train)} training scenes; at least 3 are needed.")
    apart = np.arange(len(train)) % _VALID == 1
    return {"train": train[~apart], "valid": train[apart], "test": test}
