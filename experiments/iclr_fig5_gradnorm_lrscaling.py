"""Figure 5 of Cornford et al. 2021: gradient normalisation and learning-rate scaling of DANN.

    python -m experiments iclr_fig5_gradnorm_lrscaling --preset laptop --data-dir DIR

The paper names neither the largest gradient norm nor the smallest cosine: both are settings.
`text` takes the angle between the step made and the step wanted, `code` that between the
parameters after and before the clipping (algorithm 6).
"""

from __future__ import annotations

import jax
import numpy as np
import optax

import dalejax as dj
from experiments import evidence, iclr
from experiments.base import Context, Experiment
from experiments.iclr import DANN
from experiments.iclr_fig4_fashion import TABLE

NORM, ANGLE = "DANN, gradient norm", "DANN, rate scaling"
FULL = iclr.FULL | {"data": "fashion_mnist", "rate": TABLE[DANN].rate, "max_norm": 1.0,
                    "min_cosine": 0.95}  # fmt: skip
PRESETS = {"smoke": FULL | iclr.SMOKE, "laptop": FULL | iclr.LAPTOP, "paper": FULL}
SOURCE = "Cornford et al. 2021, Fig. 5"
SECTION = f"{SOURCE}; section 5.2"
ALIKE = 0.5  # points of test error, our choice: about the spread of the paper's table


def run(context: Context) -> list[dj.claims.Claim]:
    """Train DANNs with either modification and without."""
    s, task = context.settings, iclr.task_of(context)
    keys = dj.seed_keys(s.get("root", 0), s["seeds"])
    net = iclr.dann(s, s["some"], context.variant)
    measure = "updates" if context.variant == "text" else "parameters"
    makers = {
        DANN: dj.dann_sgd(s["rate"]),
        NORM: dj.dann_sgd(s["rate"], clip=s["max_norm"]),
        ANGLE: optax.chain(
            dj.fisher_scaling(),
            optax.sgd(s["rate"]),
            dj.limit_projection_angle(s["min_cosine"], measure=measure),
            dj.dale_projection(),
        ),
    }
    factors = {}
    for name, tx in makers.items():
        run = context.train_one(name, net, tx, task, keys=keys)
        is_ours = lambda node: isinstance(node, dj.ProjectionAngleState)  # noqa: E731
        for state in filter(is_ours, jax.tree.leaves(run.opt_state, is_leaf=is_ours)):
            factors[name] = np.asarray(state.factors)
    iclr.draw(context, list(makers))
    test = {name: context.final(name, "test_error") for name in makers}
    last = float(np.mean(factors[ANGLE]))
    return [
        evidence.mean(
            context, f"no_improvement_{id}", f"{what} provided no observable improvement (test "
            "error minus that of the unmodified DANN).", SECTION,
            dj.results.paired_differences(test[name], test[DANN]).values,
            lambda b: b.low >= -ALIKE, f"interval above -{ALIKE:g}", note=note,
        )
        for id, name, what, note in (
            ("norm", NORM, "Constraining the gradient norm", ""),
            ("angle", ANGLE, "Scaling the learning rate",
             f"the last update of a layer was shortened to {last:.2f} on average"),
        )
    ]  # fmt: skip


EXPERIMENT = Experiment(
    name="iclr_fig5_gradnorm_lrscaling",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 25, "paper": 80},
    claims=2,
    run=run,
    variants=("text", "code"),
)
