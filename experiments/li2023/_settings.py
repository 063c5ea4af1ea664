"""Settings that several experiments on Li et al. 2023 share."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.engine import settings
from experiments.engine.settings import Training


@dataclass(frozen=True, kw_only=True)
class Starts(settings.Settings):
    """Settings of an experiment that looks at networks before any training.

    Attributes:
        n: units.
        n_i: inhibitory units, among the n (ColEI) or on top (DANN).
        seeds: networks (random initialisations) of each kind.
    """

    n: int = 100
    n_i: int = 10
    seeds: int = 100


@dataclass(frozen=True, kw_only=True)
class SequentialMNIST(Training):
    """Settings of an experiment on sequential MNIST at one learning rate.

    Attributes:
        n: units.
        n_i: inhibitory units, among the n (ColEI) or on top (DANN).
        bias: start of ColEI's bias: "zero" or "centred" (cancels the mean input).
        rate: learning rate.
        clip: largest gradient norm.
    """

    n: int = 100
    n_i: int = 10
    bias: str = "zero"
    rate: float = 0.01
    clip: float = 10.0


@dataclass(frozen=True, kw_only=True)
class Objects(settings.Settings):
    """Settings of the pictures of objects.

    Attributes:
        scenes: data set of the backgrounds.
        size: width and height of a picture, in pixels.
        steps: time steps that a picture is shown.
        pictures: pictures of the training set; a tenth as many validate, and test.
    """

    scenes: str = "bsds500"
    size: int = 32
    steps: int = 5
    pictures: int = 40_000


@dataclass(frozen=True, kw_only=True)
class Text(settings.Settings):
    """Settings of language modelling.

    Attributes:
        vectors: word vectors.
        length: words of a training window.
        epochs: how windows are laid in an epoch: "offsets" shifts them at random.
        decay: factor by which the learning rate falls.
        decay_every: updates between two falls of the learning rate.
    """

    vectors: str = "glove300"
    length: int = 50
    epochs: str = "offsets"
    decay: float = 0.99
    decay_every: int = 50
