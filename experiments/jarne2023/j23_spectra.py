"""Eigenvalues of networks trained under sign constraints: a disc, or a ring (Jarne & Caruso 2023).

    python -m experiments j23_spectra --preset laptop

Networks learn AND from a normal or an orthogonal start, with 50, 70, 80 % excitatory units or
unconstrained. Radii are measured before the first projection, after it, and after training, and
set beside closed forms: what training does is told apart from what projecting does. The paper's
outer radius is the 7th largest modulus. At 50 % it lies among the few eigenvalues that the mean
matrix sends out of the disc, so the radius of a fitted ring is claimed beside it. With 80 %
excitatory units one eigenvalue of 2.4 saturates all units, and learning is slow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

import dalejax as dj
from dalejax import dynamics
from dalejax.plots import Style
from experiments.engine import evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.engine.settings import Training
from experiments.jarne2023 import _networks


@dataclass(frozen=True, kw_only=True)
class Settings(Training):
    """Settings of the experiment.

    Attributes:
        dt: time step, in ms.
        n: units.
        sizes: numbers of units compared.
        size_seeds: DESCRIBE ME.
        excitatory: excitatory share of the units.
        rate: learning rate.
        clip: largest gradient norm.
        num_test: test trials.
    """

    dt: float
    n: int
    sizes: tuple[int, ...]
    size_seeds: tuple[int, ...]
    excitatory: tuple[float, ...]
    rate: float
    clip: float
    num_test: int


FULL = Settings(
    data="none",
    dt=1.0,
    n=100,
    seeds=30,
    sizes=(75, 250, 500),
    size_seeds=(30, 30, 30),
    excitatory=(0.5, 0.7, 0.8),
    updates=4700,
    eval_every=470,
    batch_size=64,
    rate=0.0001,
    clip=0.5,
    num_test=500,
    last=1,
)
PRESETS = {
    "smoke": FULL.replaced(
        dt=10.0,
        n=20,
        seeds=2,
        sizes=(16, 18, 24),
        size_seeds=(2, 2, 2),
        updates=4,
        eval_every=2,
        batch_size=8,
        num_test=16,
    ),
    "laptop": FULL.replaced(
        dt=5.0, size_seeds=(10, 6, 4), updates=1000, eval_every=250, rate=0.001, num_test=250
    ),
    "paper": FULL,
}
SOURCE = "Jarne & Caruso 2023"
ABSTRACT, OWN = f"{SOURCE}, abstract", f"own, on the networks of {SOURCE}"
LEARNED = 5.0  # per cent of wrong decisions, at most
MEASURES = {"outer": "7th largest modulus", "fitted_outer": "fitted"}
STAGES = ("before projection", "after projection", "trained")
COLORS = {"normal": "#009E73", "orthogonal": "#CC79A7"}


class Found(NamedTuple):
    """What became of the recurrent weights of one configuration.

    Attributes:
        eigenvalues: stage → complex [seeds, n].
        table: a row a stage and member, its radii and its departure from normality.
    """

    eigenvalues: dict[str, np.ndarray]
    table: pd.DataFrame


def run(context: Context) -> list[dj.claims.Claim]:
    """Train all sizes (equally split) and all splits from both starts; draw clouds and radii."""
    s = context.settings
    task = dj.tasks.LogicTask("and", dt=s.dt, batch_size=s.batch_size, num_test=s.num_test)
    sizes = dict(zip((s.n, *s.sizes), (s.seeds, *s.size_seeds), strict=True))
    found = {}
    for start in _networks.STARTS:
        for constraint in (*s.excitatory, _networks.FREE):
            for n, seeds in sizes.items():
                if constraint == s.excitatory[0] or n == s.n:
                    found[start, constraint, n] = _one(context, task, start, constraint, n, seeds)
    rows = [
        f.table.assign(start=start, excitatory=constraint, n=n)
        for (start, constraint, n), f in found.items()
    ]
    context.write_csv("radii.csv", pd.concat(rows), digits=4)
    _draw(context, found)
    return _claims(context, found)


def _one(context: Context, task, start: str, constraint, n: int, seeds: int) -> Found:
    s = context.settings
    net = _networks.network(n, constraint, start, task.n_out, context.variant)
    keys = dj.seed_keys(s.root, seeds)
    whole, params = _networks.start_from(net, task, start, keys=keys)
    run = context.train_one(
        _name(start, constraint, n),
        net,
        _networks.adam(net, s.rate, s.clip),
        task,
        keys=keys,
        params=params,
    )
    stages = (whole, net.effective(params)[0].W, net.effective(run.params)[0].W)
    eigenvalues, rows = {}, []
    for stage, W in zip(STAGES, stages, strict=True):
        eigenvalues[stage] = np.asarray(dj.spectrum.eigenvalues(W))
        fit = dynamics.fit_annulus(eigenvalues[stage])
        columns = {
            "outer": dynamics.outer_radius(eigenvalues[stage]),
            "inner": dynamics.inner_radius(eigenvalues[stage]),
            "fitted_outer": fit.outer,
            "fitted_inner": fit.inner,
            "largest": np.abs(eigenvalues[stage]).max(-1),
            "henrici": dynamics.henrici(W),
        }
        rows.append(pd.DataFrame(columns).assign(stage=stage, member=range(seeds)))
    return Found(eigenvalues, pd.concat(rows))


def _name(start: str, constraint, n: int) -> str:
    split = constraint if constraint == _networks.FREE else f"{100 * constraint:.0f} % E"
    return f"{start}, {split}, {n} units"


def law(start: str, n: int, n_i: int) -> tuple[float, float]:
    """Give (inner, outer) radius of the bulk after the projection, for large n."""
    if start == "orthogonal":
        return tuple(dynamics.projected_orthogonal())
    return 0.0, dynamics.projected_normal(n, n_i, np.sqrt(2 / n)).radius


def outlier(start: str, n: int, n_i: int) -> float:
    """Give the eigenvalue that stands apart after the projection, for large n."""
    std = 1 / np.sqrt(n) if start == "orthogonal" else np.sqrt(2 / n)
    return dynamics.projected_normal(n, n_i, std).outlier


# Radius of the whole matrix, before anything was projected, for large n.
WHOLE = {"normal": float(np.sqrt(2)), "orthogonal": 1.0}


def _draw(context: Context, found) -> None:
    s, n = context.settings, context.settings.n
    for start in _networks.STARTS:
        clouds, radii, styles = {}, {}, {}
        for constraint in (*s.excitatory, _networks.FREE):
            free = constraint == _networks.FREE
            name = "unconstrained" if free else f"{100 * constraint:.0f} % excitatory"
            clouds[name] = found[start, constraint, n].eigenvalues["trained"]
            styles[name] = Style("#222222" if free else COLORS[start], "-", "o")
            if not free:
                inner, outer = law(start, n, dj.signs.num_inhibitory(n, 1 - constraint))
                radii[name] = (inner, outer) if inner else outer
            else:
                radii[name] = WHOLE[start]
        figure = dj.plots.eigenvalue_plane(clouds, radii=radii, reach=1.6, styles=styles)
        context.draw(f"eigenvalues_{start}", figure)
        share = s.excitatory[0]
        bulk = radii[f"{100 * share:.0f} % excitatory"]
        figure = dj.plots.eigenvalue_plane(
            {stage: found[start, share, n].eigenvalues[stage] for stage in STAGES},
            radii=dict(zip(STAGES, (WHOLE[start], bulk, bulk), strict=True)),
            reach=1.6,
            styles=dict.fromkeys(STAGES, Style(COLORS[start], "-", "o")),
        )
        context.draw(f"stages_{start}", figure)
    lines, x = {}, {}
    sizes = sorted((n, *s.sizes))
    fewest = min(s.seeds, *s.size_seeds)
    for start in _networks.STARTS:
        for stage in STAGES:
            name = f"{start}, {stage}"
            at = [_values(found[start, s.excitatory[0], m], stage, "outer") for m in sizes]
            lines[name], x[name] = [v[:fewest] for v in at], sizes
    styles = {
        f"{start}, {stage}": Style(COLORS[start], line, marker)
        for start in _networks.STARTS
        for stage, line, marker in zip(STAGES, (":", "--", "-"), ("v", "s", "o"), strict=True)
    }
    figure = dj.plots.sweep(
        lines,
        x,
        xlabel="units",
        ylabel="outer radius (7th largest |λ|)",
        log_x=True,
        styles=styles,
        hlines={"1": 1.0},
    )
    context.draw("radius_and_size", figure)


def _values(found: Found, stage: str, column: str) -> np.ndarray:
    rows = found.table[found.table.stage == stage]
    return rows.sort_values("member")[column].to_numpy(float)


def _claims(context: Context, found) -> list[dj.claims.Claim]:
    return [
        claim
        for start in _networks.STARTS
        for part in (_shapes, _invariances, _laws, _beside_unconstrained)
        for claim in part(context, found, start)
    ]


def _shapes(context: Context, found, start: str) -> list[dj.claims.Claim]:
    """Claim that what was trained has a disc or a ring below 1, and that it was trained."""
    n, out = context.settings.n, []
    for share in context.settings.excitatory:
        at, split = found[start, share, n], f"{100 * share:.0f}"
        out.append(
            evidence.mean(
                context,
                f"radius_{start}_{split}",
                "The non-dominant eigenvalues lie within a "
                f"radius less than 1 ({start} start, {split} % excitatory, after training).",
                ABSTRACT,
                _values(at, "trained", "outer"),
                lambda b: b.high < 1,
                "below 1",
            )
        )
        hole = _values(at, "trained", "fitted_inner") / _values(at, "trained", "fitted_outer")
        if start == "normal":
            out.append(
                evidence.mean(
                    context,
                    f"disc_{split}",
                    "For those whose initial condition before training "
                    f"was random normal they fill a circle ({split} % excitatory; fitted inner "
                    "over outer radius).",
                    ABSTRACT,
                    hole,
                    lambda b: b.high < 0.3,
                    "a disc: 0",
                )
            )
        else:
            out.append(
                evidence.mean(
                    context,
                    f"ring_{split}",
                    "They are distributed in a ring for those whose "
                    f"initial condition was random orthogonal ({split} % excitatory; fitted inner "
                    "over outer radius).",
                    ABSTRACT,
                    hole,
                    lambda b: b.low > 0.5,
                    "a ring: √(1 / (π - 1)) = 0.683 after the projection",
                )
            )
        errors = context.final(_name(start, share, n), "test_error")
        learned = int((errors < LEARNED).sum())
        out.append(
            evidence.number(
                context,
                f"learned_{start}_{split}",
                f"The networks have learned the task ({start} "
                f"start, {split} % excitatory; wrong decisions, %).",
                OWN,
                errors.dropna(),
                learned >= 0.8 * len(errors),
                f"below {LEARNED:g} % in 80 % of the seeds",
                test=f"{learned} of {len(errors)} seeds",
            )
        )
    return out


def _invariances(context: Context, found, start: str) -> list[dj.claims.Claim]:
    """Claim that neither ratio nor size matters, by the paper's radius and the fitted one."""
    s, n, out = context.settings, context.settings.n, []
    first = s.excitatory[0]
    for column, measure in MEASURES.items():
        own = _values(found[start, first, n], "trained", column)
        for share in s.excitatory[1:]:
            split = f"{100 * share:.0f}"
            out.append(
                evidence.mean(
                    context,
                    f"ratio_{column}_{start}_{split}",
                    "The radius does not depend on the "
                    f"number of excitatory and inhibitory units ({start} start, {measure}; {split} "
                    f"% minus {100 * first:.0f} %).",
                    ABSTRACT,
                    _values(found[start, share, n], "trained", column) - own,
                    lambda b: b.low > -0.05 and b.high < 0.05,
                    "0 (here: within ± 0.05)",
                )
            )
        for m in s.sizes:
            out.append(
                evidence.mean(
                    context,
                    f"size_{column}_{start}_{m}",
                    "The radius does not depend on the size "
                    f"({start} start, {measure}; of {m} units, over that of {n} units).",
                    ABSTRACT,
                    _values(found[start, first, m], "trained", column) / own.mean(),
                    lambda b: b.low > 0.9 and b.high < 1.1,
                    "1 (here: within ± 10 %)",
                )
            )
    return out


def _laws(context: Context, found, start: str) -> list[dj.claims.Claim]:
    """Claim that closed forms tell what is there before training, and that training keeps it."""
    n, out = context.settings.n, []

    def over_law(id, what, stage, column, expected, split):
        out.append(
            evidence.mean(
                context,
                id,
                f"{what} is that of the closed form ({start} start, {split} % "
                f"excitatory; measured over expected).",
                OWN,
                _values(at, stage, column) / expected,
                lambda b: b.low > 0.93 and b.high < 1.07,
                "1 (here: within ± 7 %)",
                note=f"closed form: {expected:.3f}",
            )
        )

    for share in context.settings.excitatory:
        at, split = found[start, share, n], f"{100 * share:.0f}"
        n_i = dj.signs.num_inhibitory(n, 1 - share)
        inner, outer = law(start, n, n_i)
        where, projected = f"{start}_{split}", "after projection"
        over_law(
            f"law_{where}",
            "The radius after the projection",
            projected,
            "fitted_outer",
            outer,
            split,
        )
        if inner:
            over_law(
                f"law_inner_{where}",
                "The ring's inner radius after the projection",
                projected,
                "fitted_inner",
                inner,
                split,
            )
        if 2 * n_i < n:  # with as many inhibitory units there is none
            over_law(
                f"law_outlier_{where}",
                "The largest eigenvalue after the projection",
                projected,
                "largest",
                outlier(start, n, n_i),
                split,
            )
        moved = _values(at, "trained", "fitted_outer") - _values(at, projected, "fitted_outer")
        out.append(
            evidence.mean(
                context,
                f"training_{where}",
                "It is the first projection that makes the radius, "
                f"training moves it little ({start} start, {split} % excitatory; trained minus "
                "projected, fitted).",
                OWN,
                moved,
                lambda b: b.low > -0.1 and b.high < 0.1,
                "0 (here: within ± 0.1)",
            )
        )
    first = context.settings.excitatory[0]
    at = found[start, first, n]
    over_law(
        f"law_whole_{start}",
        "The radius before the projection",
        "before projection",
        "fitted_outer",
        WHOLE[start],
        f"{100 * first:.0f}",
    )
    return out


def _beside_unconstrained(context: Context, found, start: str) -> list[dj.claims.Claim]:
    """Claim what constraining does: a smaller radius, a larger departure from normality."""
    s, n = context.settings, context.settings.n
    at, free = found[start, s.excitatory[0], n], found[start, _networks.FREE, n]

    def above(id, statement, column, sign):
        difference = _values(free, "trained", column) - _values(at, "trained", column)
        return evidence.mean(
            context,
            f"{id}_{start}",
            statement,
            OWN,
            sign * difference,
            lambda b: b.low > 0,
            "positive",
        )

    return [
        above(
            "free",
            f"Unconstrained networks from the {start} start keep a larger radius "
            "(trained; unconstrained minus constrained, fitted).",
            "fitted_outer",
            1,
        ),
        above(
            "normality",
            "Constrained networks are further from normal than unconstrained ones "
            f"({start} start, Henrici departure, trained).",
            "henrici",
            -1,
        ),
    ]


EXPERIMENT = Experiment(
    name="j23_spectra",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 1, "laptop": 10, "paper": 2000},
    claims=(
        "radius_normal_50",
        "disc_50",
        "learned_normal_50",
        "radius_normal_70",
        "disc_70",
        "learned_normal_70",
        "radius_normal_80",
        "disc_80",
        "learned_normal_80",
        "ratio_outer_normal_70",
        "ratio_outer_normal_80",
        "size_outer_normal_75",
        "size_outer_normal_250",
        "size_outer_normal_500",
        "ratio_fitted_outer_normal_70",
        "ratio_fitted_outer_normal_80",
        "size_fitted_outer_normal_75",
        "size_fitted_outer_normal_250",
        "size_fitted_outer_normal_500",
        "law_normal_50",
        "training_normal_50",
        "law_normal_70",
        "law_outlier_normal_70",
        "training_normal_70",
        "law_normal_80",
        "law_outlier_normal_80",
        "training_normal_80",
        "law_whole_normal",
        "free_normal",
        "normality_normal",
        "radius_orthogonal_50",
        "ring_50",
        "learned_orthogonal_50",
        "radius_orthogonal_70",
        "ring_70",
        "learned_orthogonal_70",
        "radius_orthogonal_80",
        "ring_80",
        "learned_orthogonal_80",
        "ratio_outer_orthogonal_70",
        "ratio_outer_orthogonal_80",
        "size_outer_orthogonal_75",
        "size_outer_orthogonal_250",
        "size_outer_orthogonal_500",
        "ratio_fitted_outer_orthogonal_70",
        "ratio_fitted_outer_orthogonal_80",
        "size_fitted_outer_orthogonal_75",
        "size_fitted_outer_orthogonal_250",
        "size_fitted_outer_orthogonal_500",
        "law_orthogonal_50",
        "law_inner_orthogonal_50",
        "training_orthogonal_50",
        "law_orthogonal_70",
        "law_inner_orthogonal_70",
        "law_outlier_orthogonal_70",
        "training_orthogonal_70",
        "law_orthogonal_80",
        "law_inner_orthogonal_80",
        "law_outlier_orthogonal_80",
        "training_orthogonal_80",
        "law_whole_orthogonal",
        "free_orthogonal",
        "normality_orthogonal",
    ),
    train=train,
    judge=judge,
    draw=draw,
    variants=("text", "code"),
    fixed=("sizes", "size_seeds", "excitatory"),
)
