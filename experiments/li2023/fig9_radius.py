"""Figure 9 of Li et al. 2023: the three networks over the spectral radius at the start.

    python -m experiments fig9_radius --preset laptop --data-dir DIR

At every radius each network has the learning rate and the clip of the lowest validation error
(50,000 digits to train with, 10,000 to validate). `laptop` takes 4 of 30 epochs and 3 of 5 seeds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import pandas as pd

import dalejax as dj
from experiments.engine import comparison, evidence
from experiments.engine.base import Experiment
from experiments.engine.comparison import Arm
from experiments.engine.context import Context
from experiments.engine.settings import Training
from experiments.shared import networks, tasks

_WIDE = (
    0.2,
    0.4,
    0.5,
    1 / math.sqrt(3),
    0.7,
    0.8,
    0.9,
    1.0,
    2 / math.sqrt(3),
    2.0,
    2 * math.sqrt(2),
    3.0,
    4.0,
    5.0,
    6.0,
    8.0,
    10.0,
    13.0,
)


@dataclass(frozen=True, kw_only=True)
class Settings(Training):
    """Settings of the experiment.

    Attributes:
        valid: training examples kept back for validation.
        n: units.
        n_i: inhibitory units, among the n (ColEI) or on top (DANN).
        bias: start of ColEI's bias: "zero" or "centred" (cancels the mean input).
        radii: spectral radii compared.
        rates: learning rates tried.
        clips: gradient clips tried; "none" for no clipping.
    """

    valid: int
    n: int
    n_i: int
    bias: str
    radii: tuple[float, ...]
    rates: tuple[float, ...]
    clips: tuple[float | str, ...]


FULL = Settings(
    data="mnist",
    valid=10_000,
    n=100,
    n_i=10,
    updates=46_890,
    eval_every=1563,
    seeds=5,
    last=5,
    batch_size=32,
    bias="zero",
    radii=(
        0.2,
        0.4,
        0.5,
        0.5773502691896258,
        0.7,
        0.8,
        0.9,
        1.0,
        1.1547005383792517,
        2.0,
        2.8284271247461903,
        3.0,
        4.0,
        5.0,
        6.0,
        8.0,
        10.0,
        13.0,
    ),
    rates=(0.05, 0.0232, 0.01077, 0.005, 0.00232, 0.00108, 0.0005),
    clips=(1.0, 5.0, 10.0, "none"),
)
PRESETS = {
    "smoke": FULL.replaced(
        data="digits",
        valid=500,
        n=20,
        n_i=2,
        updates=20,
        eval_every=10,
        seeds=2,
        last=1,
        radii=(0.4, 4.0),
        rates=(0.05, 0.01),
        clips=(1.0,),
    ),
    "laptop": FULL.replaced(
        updates=6252,
        seeds=3,
        last=1,
        radii=(0.2, 0.4, 0.5773502691896258, 1.0, 2.0, 4.0, 7.0, 10.0, 13.0),
        rates=(0.0232, 0.01077, 0.005, 0.00108),
        clips=(1.0, 10.0),
    ),
    "paper": FULL,
}
SOURCE = "Li et al. 2023, Fig. 9"


def train(context: Context) -> None:
    """Train radius x rate x clip x seed of each network as one ensemble; choose by validation."""
    s, keys = context.settings, context.keys()
    task = tasks.smnist(context, num_valid=s.valid)
    clips = [networks.limit(clip) for clip in s.clips]
    points = comparison.grid(learning_rate=s.rates, clip=clips)
    chosen = []
    contestants = networks.three(task, s.n, s.n_i, bias=s.bias, inhibition="iid")
    for kind, (net, optimizer) in contestants.items():
        start = dj.initial_params(net, task, keys=keys)
        arms = {f"{radius!r}": Arm(keys, at_radius(net, start, radius)) for radius in s.radii}
        trained = comparison.train(context, kind.lower(), net, optimizer, task, arms, points)
        context.record(kind, trained.run.table)
        valid, test = (
            trained.finals(f"{which}_error", s.last)[f"{which}_error"]
            for which in ("valid", "test")
        )
        trials = trained.plan.rename(columns={"learning_rate": "rate"}).assign(
            radius=trained.plan["arm"].astype(float), valid=valid, test=test, network=kind
        )
        chosen.append(best(trials.drop(columns="arm")))
    context.write_csv("chosen.csv", pd.concat(chosen, ignore_index=True))


def at_radius(net: dj.RecurrentNetwork, params: dict, radius: float) -> dict:
    """Scale the recurrent weights of each member to a spectral radius.

    Args:
        net: a network of one layer.
        params: its parameters, leading axis s.
        radius: the spectral radius.
    """
    W = net.effective(params)[0].W
    factor = (jnp.float32(radius) / dj.spectrum.spectral_radius(W))[:, None, None]
    # A DANN's excitation and the excitation of its interneurons are scaled alike.
    scaled = {
        k: v * factor if k in ("W", "W_ee", "W_ie") else v for k, v in params["cells_0"].items()
    }
    return params | {"cells_0": scaled}


def best(trials: pd.DataFrame) -> pd.DataFrame:
    """Keep of each radius the rate and clip with the lowest mean validation error over seeds."""
    means = trials.fillna({"valid": np.inf}).groupby(["radius", "rate", "clip"]).valid.mean()
    where = means.groupby("radius").idxmin()
    return trials.set_index(["radius", "rate", "clip"]).loc[list(where)].reset_index()


def means(errors: pd.DataFrame) -> pd.Series:
    """Average over the seeds; a radius at which one is lost has no mean."""
    return errors.mean(axis=1, skipna=False)


def _errors(context: Context) -> dict[str, pd.DataFrame]:
    """Read test errors at the best rate and clip, by network: a row a radius, a column a seed."""
    table = context.read_csv("chosen.csv")
    return {
        str(kind): rows.pivot(index="radius", columns="seed", values="test")
        for kind, rows in table.groupby("network", sort=False)
    }


def draw(context: Context) -> None:
    """Draw the test errors over the spectral radius."""
    errors = _errors(context)
    sweep = dj.plots.sweep(
        {kind: wide.to_numpy() for kind, wide in errors.items()},
        {kind: wide.index.to_numpy() for kind, wide in errors.items()},
        xlabel="spectral radius ρ at the start",
        ylabel="test error (%)",
        log_x=True,
        log=True,
    )
    context.draw("error_over_radius", sweep)


def judge(context: Context) -> list[dj.claims.Claim]:
    """Compare the networks at their best radius, and at large and small radii."""
    errors = _errors(context)
    section, out = f"{SOURCE}; section 3.1", []
    # Where a seed diverged at every radius, no radius is best: the first one is taken.
    radius = {kind: means(wide).fillna(np.inf).idxmin() for kind, wide in errors.items()}
    top = {kind: wide.loc[radius[kind]] for kind, wide in errors.items()}
    at = {kind: f"{kind} (ρ = {radius[kind]:.3g})" for kind in errors}
    for other in ("RNN", "DANN"):
        apart = top["ColEI"].min() > top[other].max()
        out.append(
            evidence.number(
                context,
                f"no_radius_matches_{other.lower()}",
                "There was no value of ρ for which "
                f"ColEI networks matched the performance of the best standard RNNs and DANNs "
                f"(error of the best ColEI minus that of the best {other}).",
                section,
                top["ColEI"].mean() - top[other].mean(),
                apart,
                "positive, all seeds apart",
                test=", ".join(
                    f"{at[k]} {dj.results.summary(top[k])['text']}" for k in ("ColEI", other)
                ),
            )
        )
    radii = list(errors["ColEI"].index)
    ends = {"larger": [r for r in radii if r >= 4], "smaller": [r for r in radii if r <= 1]}
    for end, sign in (("larger", -1), ("smaller", 1)):
        for other in ("RNN", "DANN"):
            gaps = means(errors["ColEI"] - errors[other]).loc[ends[end]]
            how = "better" if sign < 0 else "worse"
            out.append(
                evidence.number(
                    context,
                    f"{how}_at_{end}_radii_than_{other.lower()}",
                    "ColEI networks "
                    "performed better than regular RNNs and DANNs at larger values of ρ, and worse "
                    f"for smaller values (error minus that of {other}, at {end} values).",
                    section,
                    gaps,
                    len(gaps) and (sign * gaps > 0).all(),
                    "negative" if sign < 0 else "positive",
                    test=", ".join(f"ρ = {r:.3g}: {g:+.2f}" for r, g in gaps.items()),
                )
            )
    out.append(
        evidence.correlated(
            context,
            "rnn_and_dann_alike",
            "Standard RNNs and DANNs had a similar relationship "
            "between ρ and performance (mean errors over the radii).",
            section,
            errors["RNN"].mean(axis=1),
            errors["DANN"].mean(axis=1),
            1,
        )
    )
    return out


EXPERIMENT = Experiment(
    name="fig9_radius",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 60, "paper": 3000},
    claims=(
        "no_radius_matches_rnn",
        "no_radius_matches_dann",
        "better_at_larger_radii_than_rnn",
        "better_at_larger_radii_than_dann",
        "worse_at_smaller_radii_than_rnn",
        "worse_at_smaller_radii_than_dann",
        "rnn_and_dann_alike",
    ),
    train=train,
    judge=judge,
    draw=draw,
)
