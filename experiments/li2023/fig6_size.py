"""Figure 6 of Li et al. 2023: ColEI and DANN of 100, 300 and 1000 units, 10 % inhibitory.

    python -m experiments fig6_size --preset laptop --data-dir DIR

`laptop` takes 2 of 100 epochs. Expect NSE .80, .84, .87 of ColEI, .95 to .97 of DANN.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

import dalejax as dj
from experiments.engine import comparison, evidence
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
        rate_rnn: learning rate of the RNN.
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


def train(context: Context) -> None:
    """Train all sizes of the three networks; write their spectra at the start."""
    s, task, keys = context.settings, tasks.smnist(context), context.keys()
    start, errors = {}, {}
    for n in s.sizes:
        n_i = dj.signs.num_inhibitory(n, s.share)
        for kind, (net, optimizer) in networks.three(task, n, n_i, bias=s.bias).items():
            name, rate = name_of(kind, n), s.rate_rnn if kind == "RNN" else s.rate
            comparison.train_one(context, name, net, optimizer(rate, s.clip), task)
            W = net.effective(dj.initial_params(net, task, keys=keys))[0].W
            start |= spectra.at_start({name: W})
            errors[name] = context.final(name, "test_error")
    spectra.write(context, start, errors)


def draw(context: Context) -> None:
    """Draw learning curves, final errors, and singular values and entropies at the start."""
    sizes = context.settings.sizes
    names = {kind: [name_of(kind, n) for n in sizes] for kind in KINDS}
    by_size = itertools.chain.from_iterable(zip(*names.values(), strict=True))
    errors = {name: context.final(name, "test_error") for name in by_size}
    context.draw("final_error", dj.plots.final_dots(errors, ylabel="test error (%)", log=True))
    spectra.draw_beside(context, names["ColEI"], "test error (%)")
    look = {"ylabel": "test error (%)", "log": True}
    for kind in KINDS[1:]:
        curves = dj.plots.learning_curves(context.rows(names[kind]), "test_error", **look)
        context.draw(f"learning_curves_{kind.lower()}", curves)


def judge(context: Context) -> list[dj.claims.Claim]:
    """Relate the size of ColEI networks to test error and to their spectra at the start."""
    s = context.settings
    small, middle, large = names = [name_of("ColEI", n) for n in s.sizes]
    errors = {name: context.final(name, "test_error") for name in names}
    nse, sigma_max = spectra.read(context, "nse"), spectra.read(context, "sigma_max")
    sigma = spectra.singular_values(context)
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
    entropy, largest = ([of[name].mean() for name in names] for of in (nse, sigma_max))
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
        float(np.std(sigma[name][:, dj.signs.num_inhibitory(n, s.share) :]))
        for name, n in zip(names, s.sizes, strict=True)
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
        evidence.means_in_opposite_order(
            context,
            "nse_predicts_error",
            "These changes in NSE were anti-correlated with test error (Fig. 6G).",
            SECTION,
            [nse[name] for name in names],
            [errors[name] for name in names],
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
