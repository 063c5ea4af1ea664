"""How unsteady learning is, over seeds and while it goes on; reads the run of `fig5_ei_ratio`.

python -m experiments variability --preset laptop
"""

from __future__ import annotations

from scipy import stats

import dalejax as dj
from experiments import evidence, fig5_ei_ratio, fig10_clipping
from experiments.base import Context, Experiment, finite
from experiments.fig5_ei_ratio import RNN, name_of

PRESETS = {
    name: {"data": s["data"], "last": s["last"]} for name, s in fig5_ei_ratio.PRESETS.items()
}
SOURCE = "Li et al. 2023, section 4"


def run(context: Context) -> list[dj.claims.Claim]:
    """Compare the spread over seeds, and the changes between evaluations."""
    share = context.take_over()["shares"][1]  # the usual one
    colei, dann = name_of("ColEI", share), name_of("DANN", share)
    names = (RNN, dann, colei)
    errors = {name: context.final(name, "test_error") for name in names}
    changes = {name: fig10_clipping.unsteadiness(context, name) for name in names}
    context.draw(
        "changes",
        dj.plots.final_dots(changes, ylabel="change between evaluations (points)", log=True),
    )
    out = []
    for other in (RNN, dann):
        a, b = finite(errors[colei]), finite(errors[other])
        test = stats.levene(a, b, center="median")
        ratio = float(a.std() / b.std())
        out.append(
            context.claim(
                id=f"over_seeds_{other[:4].strip(',').lower()}",
                statement="ColEI networks showed more variance over different initialisations when "
                f"compared to the other networks (standard deviation, multiple of {other}'s).",
                source=SOURCE,
                measured=ratio,
                p=float(test.pvalue),
                test=f"Brown–Forsythe, {len(a)} vs {len(b)}",
                reference="above 1",
                holds=bool(ratio > 1 and test.pvalue < evidence.LEVEL),
            )
        )
    return out + evidence.above(
        context,
        [
            evidence.Above(
                f"while_training_{other[:4].strip(',').lower()}",
                "ColEI networks showed more variance during training (mean change of the test "
                f"error between evaluations; here: than {other}).",
                changes[colei], changes[other], (colei, other),
            )
            for other in (RNN, dann)
        ],
        SOURCE,
    )  # fmt: skip


EXPERIMENT = Experiment(
    name="variability",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.1, "laptop": 0.1, "paper": 0.1},
    claims=4,
    run=run,
    variants=fig5_ei_ratio.EXPERIMENT.variants,
    reads="fig5_ei_ratio",
)
