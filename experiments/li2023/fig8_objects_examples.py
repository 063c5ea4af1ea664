"""Figure 8 of Li et al. 2023: what the object recognition task shows, eight pictures a category.

python -m experiments fig8_objects_examples --preset laptop --data-dir DIR
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import dalejax as dj
from experiments.engine.base import Experiment
from experiments.engine.context import Context, stand_in
from experiments.li2023 import _settings, fig2_objects

_COLUMNS = 8


@dataclass(frozen=True, kw_only=True)
class Settings(_settings.Objects):
    """Settings of the experiment.

    Attributes:
        batch_size: trials an update.
    """

    batch_size: int


FULL = Settings(
    data="objects64",
    scenes="bsds500",
    size=32,
    steps=5,
    pictures=4000,
    batch_size=32,
)
PRESETS = {
    "smoke": FULL.replaced(data="shapes", scenes="noise", pictures=800),
    "laptop": FULL,
    "paper": FULL,
}
SOURCE = "Li et al. 2023, Fig. 8"


def train(context: Context) -> None:
    """Make the pictures, draw the first ones of each category, and count objects and categories."""
    task = fig2_objects.recognition(context)
    size = context.settings.size
    pictures, labels = task.data["train"]
    chosen = [np.flatnonzero(labels == c)[:_COLUMNS] for c in range(task.n_out)]
    shown = np.stack([pictures[rows].reshape(-1, size, size) for rows in chosen])
    note = stand_in(task.source).removeprefix(", ")
    context.draw("examples", dj.plots.examples(shown, task.categories, note))
    context.write_facts(source=task.source, objects=task.num_objects, categories=task.n_out)


def judge(context: Context) -> list[dj.claims.Claim]:
    """Check what the text says of the pictures."""
    objects, categories = context.fact("objects"), context.fact("categories")
    label = stand_in(context.fact("source", ""))
    return [
        context.claim(
            id="objects_in_categories",
            statement="One of 64 natural objects from 8 categories (e.g. fruits, faces, etc.) with "
            "a random natural-scene background.",
            source="Li et al. 2023, section 2.3",
            measured=float(objects),
            reference="64 objects, 8 categories",
            test=f"{categories} categories of {context.settings.data}{label}",
            holds=objects == 64 and categories == 8,
        )
    ]


EXPERIMENT = Experiment(
    name="fig8_objects_examples",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.1, "laptop": 0.2, "paper": 0.2},
    claims=("objects_in_categories",),
    train=train,
    judge=judge,
)
