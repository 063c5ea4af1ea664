"""Figure 5 of Li et al. 2023: ColEI and DANN with 1, 10 and 50 % inhibitory units, 1 x 100.

    python -m experiments fig5_ei_ratio --preset laptop --data-dir DIR

Full scale. The fewer inhibitory units, the lower the NSE of ColEI at the start and the larger its
test error; DANN's NSE does not change.
`code` keeps 50 interneurons in the DANN's recurrent pool and varies the input pool alone.
"""

from __future__ import annotations

from dataclasses import dataclass

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
        n: units.
        bias: start of ColEI's bias: "zero" or "centred" (cancels the mean input).
        shares: inhibitory shares compared.
        rates_colei: learning rates of ColEI, one a share.
        clips_colei: largest gradient norms of ColEI, one a share.
        rates_dann: learning rates of DANN, one a share.
        clips_dann: largest gradient norms of DANN, one a share.
        rate_rnn: learning rate of the RNN.
        clip_rnn: largest gradient norm of an RNN's cell, "none" for no clipping.
    """

    n: int
    bias: str
    shares: tuple[float, ...]
    rates_colei: tuple[float, ...]
    clips_colei: tuple[float, ...]
    rates_dann: tuple[float, ...]
    clips_dann: tuple[float, ...]
    rate_rnn: float
    clip_rnn: float


FULL = Settings(
    data="mnist",
    n=100,
    updates=56_250,
    eval_every=1125,
    seeds=10,
    last=5,
    batch_size=32,
    bias="zero",
    shares=(0.01, 0.1, 0.5),
    rates_colei=(0.010772, 0.010772, 0.010772),
    clips_colei=(5.0, 10.0, 10.0),
    rates_dann=(0.023208, 0.010772, 0.010772),
    clips_dann=(5.0, 5.0, 10.0),
    rate_rnn=0.01,
    clip_rnn=5.0,
)
PRESETS = {
    "smoke": FULL.replaced(
        data="digits", n=20, updates=20, eval_every=10, seeds=3, last=1, shares=(0.05, 0.1, 0.5)
    ),
    "laptop": FULL,
    "paper": FULL,
}
SOURCE = "Li et al. 2023, Fig. 5"
SECTION = f"{SOURCE}; section 3.4"
RNN = "RNN"


def name_of(kind: str, share: float) -> str:
    """Name a configuration as the legend says it."""
    return f"{kind}, {100 * share:g} % I"


def train(context: Context) -> None:
    """Train ColEI and DANN at all inhibitory shares, and the RNN; write their first spectra."""
    task, keys = tasks.smnist(context), context.keys()
    start, errors = {}, {}
    for name, net, tx in contestants(context, task):
        comparison.train_one(context, name, net, tx, task)
        W = net.effective(dj.initial_params(net, task, keys=keys))[0].W
        start |= spectra.at_start({name: W})
        errors[name] = context.final(name, "test_error")
    spectra.write(context, start, errors)


def draw(context: Context) -> None:
    """Draw learning curves, final errors, and singular values and entropies at the start."""
    shares = context.settings.shares
    names = {kind: [name_of(kind, share) for share in shares] for kind in ("ColEI", "DANN")}
    errors = {n: context.final(n, "test_error") for n in (RNN, *names["ColEI"], *names["DANN"])}
    context.draw("final_error", dj.plots.final_dots(errors, ylabel="test error (%)", log=True))
    spectra.draw_beside(context, names["ColEI"], "test error (%)")
    rnn = {"RNN, at the end": float(errors[RNN].mean())}
    look = {"ylabel": "test error (%)", "log": True, "hlines": rnn}
    for kind, own in names.items():
        curves = dj.plots.learning_curves(context.rows(own), "test_error", **look)
        context.draw(f"learning_curves_{kind.lower()}", curves)


def contestants(context: Context, task):
    """Give each configuration's name, network and optimiser."""
    s, code = context.settings, context.variant == "code"
    n, mean = s.n, networks.input_mean(s.bias, task)
    yield RNN, networks.rnn(1, n, task.n_out), dj.rnn_sgd(s.rate_rnn, s.clip_rnn)
    for i, share in enumerate(s.shares):
        n_i = dj.signs.num_inhibitory(n, share)
        net = networks.colei(1, n, n_i, task.n_out, input_mean=mean)
        tx = dj.colei_sgd(s.rates_colei[i], s.clips_colei[i])
        yield name_of("ColEI", share), net, tx
        net = networks.dann(1, n, n // 2 if code else n_i, task.n_out, inputs_pool=n_i)
        tx = dj.dann_sgd(s.rates_dann[i], s.clips_dann[i])
        yield name_of("DANN", share), net, tx


def judge(context: Context) -> list[dj.claims.Claim]:
    """Relate the inhibitory share to test error, entropy and largest singular value."""
    few, some, half = names = [name_of("ColEI", share) for share in context.settings.shares]
    errors = {name: context.final(name, "test_error") for name in (RNN, *names)}
    nse, sigma_max = spectra.read(context, "nse"), spectra.read(context, "sigma_max")
    out = evidence.above(
        context,
        [
            evidence.Above(
                f"{id}_learns_worse",
                "Reducing the percentage of inhibitory neurons impaired learning performance "
                f"(error of {a} above that of {b}).",
                errors[a],
                errors[b],
                (a, b),
            )
            for id, a, b in (("fewest", few, some), ("fewer", some, half))
        ]
        + [
            evidence.Above(
                f"colei_{i}_above_rnn",
                "Dashed line indicates the final error of standard RNNs of same size: ColEI stays "
                f"above it (here: {name}).",
                errors[name],
                errors[RNN],
                (name, RNN),
            )
            for i, name in enumerate((few, some, half))
        ],
        SECTION,
    )
    entropy = [nse[name].to_numpy() for name in names]
    largest = [sigma_max[name].to_numpy() for name in names]
    out.append(
        evidence.number(
            context,
            "nse_falls",
            "Reducing the percentage of inhibitory neurons (thereby increasing the EI ratio) "
            "decreased the NSE (each seed's fall, first to last ratio).",
            SECTION,
            entropy[2] - entropy[0],
            (entropy[0] < entropy[1]).all() and (entropy[1] < entropy[2]).all(),
            "positive",
        )
    )
    out.append(
        evidence.number(
            context,
            "sigma_max_rises",
            "Despite constraining ρ = 1.5 in each case, decreasing the number of inhibitory "
            "neurons increased the largest singular value (mean, last to first ratio; Fig. 5D-F).",
            SECTION,
            largest[0] / largest[2],
            largest[0].mean() > largest[1].mean() > largest[2].mean(),
            "above 1",
        )
    )
    out.append(
        evidence.means_in_opposite_order(
            context,
            "nse_predicts_error",
            "ColEI performance v.s. initial normalised SVD entropy of the recurrent weights across "
            "different EI ratios: the higher the NSE, the lower the error (Fig. 5G).",
            SECTION,
            entropy,
            [errors[name] for name in (few, some, half)],
        )
    )
    found = {name: h.mean() for name, h in nse.items() if name.startswith("DANN")}
    out.append(
        evidence.number(
            context,
            "dann_nse",
            "NSE remained ~0.95 for DANNs, whatever the EI ratio (the one farthest from it).",
            SECTION,
            max(found.values(), key=lambda h: abs(h - 0.95)),
            all(abs(h - 0.95) < 0.01 for h in found.values()),
            "0.95 ± 0.01",
            test=", ".join(f"{name} {h:.3f}" for name, h in found.items()),
            note="with the mean row as inhibition W is the same for every number of interneurons",
        )
    )
    return out


EXPERIMENT = Experiment(
    name="fig5_ei_ratio",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 1, "laptop": 60, "paper": 60},
    claims=(
        "fewest_learns_worse",
        "fewer_learns_worse",
        "colei_0_above_rnn",
        "colei_1_above_rnn",
        "colei_2_above_rnn",
        "nse_falls",
        "sigma_max_rises",
        "nse_predicts_error",
        "dann_nse",
    ),
    train=train,
    judge=judge,
    draw=draw,
    variants=("text", "code"),
    fixed=("shares", "rates_colei", "clips_colei", "rates_dann", "clips_dann"),
)
