"""Settings that the experiments on the networks of Jarne & Caruso 2023 share."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.engine.settings import Training


@dataclass(frozen=True, kw_only=True)
class Settings(Training):
    """Settings of an experiment that trains networks of tanh units by Adam.

    Attributes:
        dt: time step, in ms.
        n: units.
        rate: learning rate.
        clip: largest norm of one tensor's gradient; a larger gradient is scaled down to it.
        num_test: test trials.
    """

    dt: float
    n: int
    rate: float
    clip: float
    num_test: int


# Training on AND. The laptop's steps are 5 times longer in time, and 10 times larger in weights.
FULL = Settings(
    dt=1.0,
    n=100,
    updates=4700,
    eval_every=470,
    seeds=30,
    batch_size=64,
    rate=0.0001,
    clip=0.5,
    num_test=500,
)
SMOKE = FULL.replaced(dt=10.0, n=20, updates=4, eval_every=2, seeds=2, batch_size=8, num_test=16)
LAPTOP = FULL.replaced(dt=5.0, updates=1000, eval_every=250, rate=0.001, num_test=250)
