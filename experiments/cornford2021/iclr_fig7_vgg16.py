"""Figure 7 of Cornford et al. 2021: VGG16 and its Dale's ANN on CIFAR-10.

    python -m experiments iclr_fig7_vgg16 --preset laptop --data-dir DIR

No augmentation, dropout or normalisation. Expect both forms at about the same error (the paper:
21 % after 150 epochs at full width). `laptop` is a quarter of the width, few epochs and seeds.
`text` starts a Dale's ANN by algorithm 1 (biases of 1, all layers alike), `code` as published
(biases of 0). From biases of 1 sixteen layers do not learn: each hands on less of what sets trials
apart (`iclr_initialisation`), and the last sees all of them alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import numpy as np

import dalejax as dj
from dalejax.nn.vgg import vgg16
from experiments.cornford2021 import _networks
from experiments.engine import comparison, evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.engine.settings import Training

VGG, DANN = "VGG16", "DANN-VGG16"


@dataclass(frozen=True, kw_only=True)
class Settings(Training):
    """Settings of the experiment.

    Attributes:
        width: width of the filters, as a share.
        rate_vgg: learning rate of the standard VGG16.
        rate_dann: learning rate of the DANN.
        num_scored: training pictures on which the training error is measured.
    """

    width: float
    rate_vgg: float
    rate_dann: float
    num_scored: int


FULL = Settings(
    data="cifar10_jpeg",
    width=1.0,
    rate_vgg=0.089,
    rate_dann=0.03458,
    updates=58_650,
    eval_every=391,
    seeds=6,
    last=1,
    batch_size=128,
    num_scored=5000,
)
PRESETS = {
    "smoke": FULL.replaced(
        data="digits",
        width=0.015625,
        updates=4,
        eval_every=2,
        seeds=2,
        batch_size=16,
        num_scored=200,
    ),
    "laptop": FULL.replaced(width=0.25, updates=2346, seeds=2),
    "paper": FULL,
}
SOURCE = "Cornford et al. 2021, Fig. 7; appendix B.1"
# Test error in per cent below which a network has learned, and points of test error within which
# two networks count as equivalent; our choices.
LEARNS, EQUIVALENT = 60.0, 5.0


class Pictures(dj.tasks.ImageClassification):
    """Classification of pictures of 32 x 32 pixels; smaller ones get an edge of zeros."""

    side = 32

    def _shaped(self, images):
        pictures = super()._shaped(images)
        edge = (
            [(0, 0)]
            + [((self.side - n) // 2, (self.side - n + 1) // 2) for n in pictures.shape[1:3]]
            + [(0, 0)]
        )
        return np.pad(pictures, edge)


def train(context: Context) -> None:
    """Train the standard VGG16 and its DANN form."""
    s = context.settings
    task = Pictures(
        s.data,
        pictures=True,
        data_dir=context.data_dir,
        batch_size=s.batch_size,
        num_scored=s.num_scored,
    )
    start = {"bias": 1.0, "first": False} if context.variant == "text" else {}
    sizes = {}
    for name, net, tx in (
        (VGG, vgg16(width=s.width), dj.rnn_sgd(s.rate_vgg)),
        (DANN, vgg16("dann", width=s.width, **start), dj.dann_sgd(s.rate_dann)),
    ):
        key = context.keys()[0]
        shapes = jax.eval_shape(lambda key, net=net: net.init(key, task.example()), key)
        sizes[name] = sum(leaf.size for leaf in jax.tree.leaves(shapes["params"]))
        comparison.train_one(context, name, net, tx, task)
    context.write_facts(**{f"parameters of {name}": size for name, size in sizes.items()})


def draw(context: Context) -> None:
    """Draw the final test errors and the learning curves."""
    _networks.draw(context, (VGG, DANN))


def judge(context: Context) -> list[dj.claims.Claim]:
    """Check that both networks learn, and equally well."""
    test = {name: context.final(name, "test_error") for name in (VGG, DANN)}
    sizes = {name: context.fact(f"parameters of {name}", 0) for name in (VGG, DANN)}
    out = [
        evidence.mean(
            context,
            f"learns_{id}",
            f"{name} converges on CIFAR-10 (final test error, %).",
            SOURCE,
            test[name].dropna(),
            lambda b: b.high < LEARNS,
            f"below {LEARNS:g} (the paper, at full scale: {paper})",
            note=f"{sizes[name]:,} parameters",
        )
        for id, name, paper in (("vgg", VGG, "21.08 ± 0.81"), ("dann", DANN, "21.18 ± 0.35"))
    ]
    return [
        *out,
        evidence.gap_within(
            context,
            "dann_as_vgg",
            "The DANN network trains approximately as well as the standard "
            "VGG16 model (test error, DANN minus standard).",
            SOURCE,
            test[DANN],
            test[VGG],
            EQUIVALENT,
        ),
    ]


EXPERIMENT = Experiment(
    name="iclr_fig7_vgg16",
    source="Cornford et al. 2021, Fig. 7",
    presets=PRESETS,
    expected_minutes={"smoke": 1.5, "laptop": 25, "paper": 20_000},
    claims=(
        "learns_vgg",
        "learns_dann",
        "dann_as_vgg",
    ),
    train=train,
    judge=judge,
    draw=draw,
    variants=("text", "code"),
)
