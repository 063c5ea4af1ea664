"""Figure 6 of Cornford et al. 2021: 100 inhibitory units a layer; reads `iclr_fig3_mnist`.

python -m experiments iclr_fig6_100_inhibitory --preset laptop
"""

from __future__ import annotations

import dalejax as dj
from experiments.cornford2021 import _networks, iclr_fig3_mnist
from experiments.cornford2021._networks import COLEI, COLEI_MANY, DANN, MANY, MLP
from experiments.cornford2021.iclr_fig3_mnist import EQUIVALENT
from experiments.engine import evidence, settings
from experiments.engine.base import Experiment
from experiments.engine.context import Context

PRESETS = settings.of_data(iclr_fig3_mnist.PRESETS)
SOURCE = "Cornford et al. 2021, Fig. 6"
SECTION = f"{SOURCE}; section 5.2"


NAMES = (MLP, DANN, MANY, COLEI, COLEI_MANY)


def train(context: Context) -> None:
    """Train nothing: the run of ``iclr_fig3_mnist`` is read."""


def draw(context: Context) -> None:
    """Draw the final test errors and the learning curves."""
    _networks.draw(context, NAMES)


def judge(context: Context) -> list[dj.claims.Claim]:
    """Compare networks with 50 and with 100 inhibitory units a layer."""
    test = {name: context.final(name, "test_error") for name in NAMES}
    out = evidence.above(
        context,
        [
            evidence.Above(
                f"colei_many_worse_than_{_networks.SLUGS[better]}",
                "This was also the case for "
                f"ColumnEi models with more inhibitory units: they generalise worse than {better}.",
                test[COLEI_MANY],
                test[better],
                (COLEI_MANY, better),
            )
            for better in (MLP, MANY)
        ],
        SECTION,
    )
    return [
        *out,
        evidence.gap_within(
            context,
            "dann_many_as_mlp",
            "This was also the case for DANN models with more "
            "inhibitory units (test error, DANN with 100 minus MLP).",
            SECTION,
            test[MANY],
            test[MLP],
            EQUIVALENT,
        ),
        evidence.gap_within(
            context,
            "dann_many_as_some",
            "DANN performance generalizes to different ratios of "
            "excitatory-to-inhibitory units (test error, 100 minus 50).",
            SECTION,
            test[MANY],
            test[DANN],
            EQUIVALENT,
        ),
    ]


EXPERIMENT = Experiment(
    name="iclr_fig6_100_inhibitory",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.1, "laptop": 0.1, "paper": 0.1},
    claims=(
        "colei_many_worse_than_mlp",
        "colei_many_worse_than_dann_many",
        "dann_many_as_mlp",
        "dann_many_as_some",
    ),
    train=train,
    judge=judge,
    draw=draw,
    variants=iclr_fig3_mnist.EXPERIMENT.variants,
    reads=iclr_fig3_mnist.EXPERIMENT,
)
