"""Why repaired ColEI is behind where pictures are seen at once: the signs of its input weights.

    python -m experiments repaired_signs_objects --preset laptop --data-dir DIR

The task of `repaired_objects`, 1 x 300 units, 30 of them inhibitory: the picture is shown at the
first of five steps, and U is never negative, so that no unit can tell an edge in it. All networks
but the RNN start as repaired ColEI does on sequential MNIST; they differ in which matrices have to
keep their signs. Expect the signs of U to make most of the difference to the RNN. `laptop` makes
3,000 of 37,500 updates.
"""

from __future__ import annotations

from dataclasses import dataclass

import dalejax as dj
from experiments.engine import evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.engine.settings import Training
from experiments.li2023 import fig2_objects
from experiments.li2023._settings import Objects
from experiments.repaired import _gap, repaired_signs
from experiments.repaired.repaired_signs import ALL, FREE_U, RNN
from experiments.shared import at_best


@dataclass(frozen=True, kw_only=True)
class Settings(Training, Objects):
    """Settings of the experiment.

    Attributes:
        n: units.
        n_i: inhibitory units, among the n.
        rates: learning rates tried.
        clips: largest gradient norms of a tensor tried.
    """

    n: int
    n_i: int
    rates: tuple[float, ...]
    clips: tuple[float, ...]


FULL = Settings(
    data="objects64",
    n=300,
    n_i=30,
    updates=37_500,  # 30 epochs
    eval_every=1250,
    seeds=10,
    last=5,
    rates=(0.06, 0.12, 0.24),
    clips=(1.0,),
)
PRESETS = {
    "smoke": FULL.replaced(
        data="shapes",
        scenes="noise",
        size=16,
        pictures=640,
        n=20,
        n_i=2,
        updates=4,
        eval_every=2,
        seeds=3,
        last=1,
        rates=(0.1, 0.2),
    ),
    "laptop": FULL.replaced(updates=3000, eval_every=600, seeds=4, last=1, rates=(0.12, 0.24)),
    "paper": FULL,
}
SHARE = 0.5  # least share of the points between repaired ColEI and the RNN that U's signs make


def train(context: Context) -> None:
    """Train the networks on naming objects, at constant rates."""
    repaired_signs.train_on(context, fig2_objects.recognition(context))


def judge(context: Context) -> list[dj.claims.Claim]:
    """Test whether the signs of U cost learning, and whether they make most of the difference."""
    found = repaired_signs.choose(context)
    test = {name: best.test for name, best in found.items()}
    note = at_best.note(found)
    mean = {name: values.mean() for name, values in test.items()}
    share = (mean[ALL] - mean[FREE_U]) / (mean[ALL] - mean[RNN])
    signs_of_u = evidence.Above(
        "signs_of_u_cost",
        "The signs of U cost learning (error with all signs, and with those of U free).",
        test[ALL],
        test[FREE_U],
        (ALL, FREE_U),
    )
    return [
        *evidence.above(context, [signs_of_u], _gap.SOURCE, note),
        evidence.number(
            context,
            "signs_of_u_make_most",
            "The signs of U make most of what repaired ColEI is "
            "behind the RNN (their share of the difference of the means).",
            _gap.SOURCE,
            share,
            mean[ALL] > mean[RNN] and share >= SHARE,
            f"at least {SHARE:g}",
            note=note,
        ),
    ]


EXPERIMENT = Experiment(
    name="repaired_signs_objects",
    source=_gap.SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 6, "paper": 180},
    claims=("signs_of_u_cost", "signs_of_u_make_most"),
    train=train,
    judge=judge,
    draw=repaired_signs.draw,
)
