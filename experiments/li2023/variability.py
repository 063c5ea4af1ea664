"""How unsteady learning is, over seeds and while it goes on; reads the run of `fig5_ei_ratio`.

python -m experiments variability --preset laptop
"""

from __future__ import annotations

import dalejax as dj
from experiments.engine import evidence, settings
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.li2023 import fig5_ei_ratio, fig10_clipping
from experiments.li2023.fig5_ei_ratio import RNN, name_of

PRESETS = settings.of_data(fig5_ei_ratio.PRESETS)
SOURCE = "Li et al. 2023, section 4"


def train(context: Context) -> None:
    """Train nothing: the run of ``fig5_ei_ratio`` is read."""


def _names(context: Context) -> tuple[str, str, str]:
    """Name RNN, DANN and ColEI, the latter two with the usual inhibitory share, 10 %."""
    _, share, _ = context.scale.shares
    return RNN, name_of("DANN", share), name_of("ColEI", share)


def draw(context: Context) -> None:
    """Draw how much the test errors change between evaluations."""
    changes = {name: fig10_clipping.unsteadiness(context, name) for name in _names(context)}
    look = {"ylabel": "change between evaluations (points)", "log": True}
    context.draw("changes", dj.plots.final_dots(changes, **look))


def judge(context: Context) -> list[dj.claims.Claim]:
    """Compare the spread of the final errors over seeds, and the changes between evaluations."""
    _, dann, colei = names = _names(context)
    errors = {name: context.final(name, "test_error") for name in names}
    changes = {name: fig10_clipping.unsteadiness(context, name) for name in names}
    out = [
        evidence.more_variable(
            context,
            "over_seeds",
            "ColEI networks showed more variance over different initialisations when compared to "
            "the other networks",
            SOURCE,
            errors[colei],
            {other: errors[other] for other in (RNN, dann)},
        )
    ]
    return out + evidence.above(
        context,
        [
            evidence.Above(
                f"while_training_{other[:4].strip(',').lower()}",
                "ColEI networks showed more variance during training (mean change of the test "
                f"error between evaluations; here: than {other}).",
                changes[colei],
                changes[other],
                (colei, other),
            )
            for other in (RNN, dann)
        ],
        SOURCE,
    )


EXPERIMENT = Experiment(
    name="variability",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.1, "laptop": 0.1, "paper": 0.1},
    claims=(
        "over_seeds",
        "while_training_rnn",
        "while_training_dann",
    ),
    train=train,
    judge=judge,
    draw=draw,
    variants=fig5_ei_ratio.EXPERIMENT.variants,
    reads=fig5_ei_ratio.EXPERIMENT,
)
