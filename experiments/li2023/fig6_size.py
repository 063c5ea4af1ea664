"""Figure 6 of Li et al. 2023: ColEI and DANN of 100, 300 and 1000 units, 10 % inhibitory.

    python -m experiments fig6_size --preset laptop --data-dir DIR

`laptop` takes 2 of 100 epochs. Expect NSE .80, .84, .87 of ColEI, .95 to .97 of DANN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

import dalejax as dj
from experiments.engine import evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.engine.settings import Training
from experiments.shared import networks, spectra, tasks


@dataclass(frozen=True, kw_only=True)
class Settings(Training):
    """Settings of the experiment.

    Attributes:
        sizes: numbers of units compared.
        share: inhibitory share.
        bias: start of ColEI's bias: "zero" or "centred" (cancels the mean input).
        rate: learning rate.
        rate_rnn: DESCRIBE ME.
        clip: largest gradient norm.
    """

    sizes: tuple[int, ...]
    share: float
    bias: str
    rate: float
    rate_rnn: float
    clip: float


FULL = Settings(
    data="mnist",
    sizes=(100, 300, 1000),
    share=0.1,
    updates=187_500,
    eval_every=3750,
    seeds=5,
    last=5,
    batch_size=32,
    bias="zero",
    rate=0.015811,
    rate_rnn=0.015,
    clip=10.0,
)
PRESETS = {
    "smoke": FULL.replaced(
        data="digits", sizes=(10, 20, 40), updates=20, eval_every=10, seeds=3, last=1
    ),
    "laptop": FULL.replaced(updates=3750, eval_every=750, last=1),
    "paper": FULL,
}
SOURCE = "Li et al. 2023, Fig. 6"
SECTION = f"{SOURCE}; section 3.4"
KINDS = ("RNN", "DANN", "ColEI")


def name_of(kind: str, n: int) -> str:
    """Name a configuration as the legend says it."""
    return f"{kind}, {n} units"


def run(context: Context) -> list[dj.claims.Claim]:
    """Train all sizes of the three networks; set NSE and error side by side."""
    s = context.settings
    task = tasks.smnist(context)
    keys = context.keys()
    W = {}
    for n in s.sizes:
        n_i = dj.signs.num_inhibitory(n, s.share)
        for kind, (net, optimizer) in networks.three(task, n, n_i).items():
            name, rate = name_of(kind, n), s["rate_rnn" if kind == "RNN" else "rate"]
            context.train_one(name, net, optimizer(rate, s.clip), task, keys=keys)
            W[name] = np.asarray(net.effective(dj.initial_params(net, task, keys=keys))[0].W)
    errors = {name: context.final(name, "test_error") for name in W}
    start = spectra.at_start(W)
    spectra.write_entropy(context, start, errors)

    for kind in KINDS[1:]:
        names = [name_of(kind, n) for n in s.sizes]
        table = context.table
        table = pd.concat([table[table.configuration == name] for name in names])
        curves = dj.plots.learning_curves(table, "test_error", ylabel="test error (%)", log=True)
        context.draw(f"learning_curves_{kind.lower()}", curves)
    context.draw("final_error", dj.plots.final_dots(errors, ylabel="test error (%)", log=True))
    names = [name_of("ColEI", n) for n in s.sizes]
    spectra.draw_beside(context, start, errors, names, "test error (%)")
    return _claims(context, start, errors)


def _claims(context: Context, start, errors) -> list[dj.claims.Claim]:
    s = context.settings
    small, middle, large = (name_of("ColEI", n) for n in s.sizes)
    out = evidence.above(
        context,
        [
            evidence.Above(
                f"{id}_learns_worse",
                "Small ColEI networks learn less effectively than larger ones "
                f"(error of {a} above that of {b}).",
                errors[a],
                errors[b],
                (a, b),
            )
            for id, a, b in (("smallest", small, middle), ("smaller", middle, large))
        ],
        SECTION,
    )
    at = [start[name] for name in (small, middle, large)]
    entropy, largest = (
        [f(a).mean() for a in at] for f in (lambda a: a.nse, lambda a: a.sigma[:, 0])
    )
    out.append(
        evidence.number(
            context,
            "nse_rises",
            "The NSE increased with network size despite an increasing σ_max "
            "(rise of the mean NSE, first to last size).",
            SECTION,
            entropy[2] - entropy[0],
            entropy[0] < entropy[1] < entropy[2],
            "positive",
            test=", ".join(f"{h:.3f}" for h in entropy),
        )
    )
    out.append(
        evidence.number(
            context,
            "sigma_max_rises",
            "σ_max increases with network size (mean, last to first size).",
            SECTION,
            largest[2] / largest[0],
            largest[0] < largest[1] < largest[2],
            "above 1",
            test=", ".join(f"{x:.1f}" for x in largest),
        )
    )
    # The bulk: all but the mode of n_i large values.
    bulk = [
        float(np.std(a.sigma[:, dj.signs.num_inhibitory(n, s.share) :]))
        for a, n in zip(at, s.sizes, strict=True)
    ]
    out.append(
        evidence.number(
            context,
            "bulk_clusters",
            "The bulk of singular values became more clustered for "
            "larger ColEI networks (standard deviation of all but the n_i largest, last to first "
            "size).",
            f"{SOURCE}D-F; section 3.4",
            bulk[2] / bulk[0],
            bulk[0] > bulk[1] > bulk[2],
            "below 1",
            test=", ".join(f"{x:.3f}" for x in bulk),
        )
    )
    out.append(
        evidence.opposite(
            context,
            "nse_predicts_error",
            "These changes in NSE were anti-correlated with test error (Fig. 6G).",
            SECTION,
            [a.nse for a in at],
            [errors[name] for name in (small, middle, large)],
        )
    )
    return out


EXPERIMENT = Experiment(
    name="fig6_size",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 60, "paper": 2000},
    claims=(
        "smallest_learns_worse",
        "smaller_learns_worse",
        "nse_rises",
        "sigma_max_rises",
        "bulk_clusters",
        "nse_predicts_error",
    ),
    train=train,
    judge=judge,
    draw=draw,
    fixed=("sizes",),
)
