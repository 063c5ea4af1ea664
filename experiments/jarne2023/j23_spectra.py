"""Eigenvalues of networks trained under sign constraints: a disc, or a ring (Jarne & Caruso 2023).

    python -m experiments j23_spectra --preset laptop

Networks learn AND from a normal or an orthogonal start, with 50, 70 or 80 % excitatory units or
unconstrained. Radii are measured before the first projection, after it, and after training, and
compared with closed forms, which separates the effect of training from that of the projection. The
paper's outer radius is the 7th largest modulus. At 50 % it lies among the few eigenvalues that the
mean matrix moves out of the disc, so the radius of a fitted annulus is claimed beside it. With 80 %
excitatory units one eigenvalue of 2.4 saturates all units, and learning is slow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

import dalejax as dj
from dalejax.plots import Style
from experiments.engine import comparison
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.jarne2023 import _networks, _radii, _radii_claims, _settings


@dataclass(frozen=True, kw_only=True)
class Settings(_settings.Settings):
    """Settings of the experiment.

    Attributes:
        sizes: further numbers of units, beside n, at the first share of excitatory units.
        size_seeds: networks of each of these sizes.
        excitatory: shares of excitatory units.
    """

    sizes: tuple[int, ...] = (75, 250, 500)
    size_seeds: tuple[int, ...] = (30, 30, 30)
    excitatory: tuple[float, ...] = (0.5, 0.7, 0.8)


FULL = Settings(**asdict(_settings.FULL))
PRESETS = {
    "smoke": Settings(**asdict(_settings.SMOKE), sizes=(16, 18, 24), size_seeds=(2, 2, 2)),
    "laptop": Settings(**asdict(_settings.LAPTOP), size_seeds=(10, 6, 4)),
    "paper": FULL,
}
COLORS = {"normal": "#009E73", "orthogonal": "#CC79A7"}


def train(context: Context) -> None:
    """Train all shares at n units, and all sizes at the first share, from both starts."""
    s = context.settings
    task = dj.tasks.LogicTask("and", dt=s.dt, batch_size=s.batch_size, num_test=s.num_test)
    equal, *others = *s.excitatory, _networks.FREE
    sizes = zip((s.n, *s.sizes), (s.seeds, *s.size_seeds), strict=True)
    configurations = [(equal, n, seeds) for n, seeds in sizes]
    configurations += [(share, s.n, s.seeds) for share in others]
    tables = []
    for start in _networks.STARTS:
        clouds = {}
        for excitatory, n, seeds in configurations:
            table, eigenvalues = _trained(context, task, start, excitatory, n, seeds)
            tables.append(table.assign(start=start, excitatory=str(excitatory), n=n))
            if n == s.n:
                clouds[excitatory] = eigenvalues
        _draw_clouds(context, start, clouds)
    context.write_csv("radii.csv", pd.concat(tables))


def _trained(
    context: Context,
    task: dj.tasks.TrialTask,
    start: str,
    excitatory: float | str,
    n: int,
    seeds: int,
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Train one configuration; give its radii by stage and member, and its eigenvalues by stage."""
    s = context.settings
    net = _networks.network(n, excitatory, start, task.n_out, context.variant)
    keys = context.keys(seeds)
    unprojected, params = _networks.start_from(net, task, start, keys=keys)
    run = comparison.train_one(
        context,
        _radii.name(start, excitatory, n),
        net,
        _networks.adam(net, s.rate, s.clip),
        task,
        keys=keys,
        params=params,
    )
    W = {
        _radii.BEFORE: unprojected,
        _radii.AFTER: net.effective(params)[0].W,
        _radii.TRAINED: net.effective(run.params)[0].W,
    }
    eigenvalues = {stage: np.asarray(dj.spectrum.eigenvalues(w)) for stage, w in W.items()}
    return _radii.measure(W, eigenvalues), eigenvalues


def judge(context: Context) -> list[dj.claims.Claim]:
    """Compare the radii with the paper's sentences and with closed forms."""
    return _radii_claims.judge(context)


def _draw_clouds(
    context: Context, start: str, clouds: Mapping[float | str, Mapping[str, np.ndarray]]
) -> None:
    """Draw eigenvalues after training by share, and those of the first share by stage.

    Args:
        context: the run.
        start: distribution of the recurrent weights before the projection.
        clouds: share of excitatory units -> stage -> eigenvalues [s, n].
    """
    s = context.settings
    trained, radii, styles = {}, {}, {}
    for excitatory, stages in clouds.items():
        free = excitatory == _networks.FREE
        name = "unconstrained" if free else f"{100 * float(excitatory):.0f} % excitatory"
        trained[name] = stages[_radii.TRAINED]
        radii[name] = _circles(_radii.law_of(start, excitatory, s.n))
        styles[name] = Style("#222222" if free else COLORS[start], "-", "o")
    figure = dj.plots.eigenvalue_plane(trained, radii=radii, reach=1.6, styles=styles)
    context.draw(f"eigenvalues_{start}", figure)
    equal = s.excitatory[0]
    projected = _circles(_radii.law_of(start, equal, s.n))
    figure = dj.plots.eigenvalue_plane(
        clouds[equal],
        radii={
            _radii.BEFORE: _radii.UNPROJECTED[start],
            _radii.AFTER: projected,
            _radii.TRAINED: projected,
        },
        reach=1.6,
        styles=dict.fromkeys(_radii.STAGES, Style(COLORS[start], "-", "o")),
    )
    context.draw(f"stages_{start}", figure)


def _circles(law: tuple[float, float]) -> float | tuple[float, float]:
    """Give the radius of a disc, whose inner radius is 0, or both radii of a ring."""
    inner, outer = law
    return law if inner else outer


def draw(context: Context) -> None:
    """Draw the 7th largest modulus over the number of units, by start and stage."""
    s, found = context.settings, _radii.read(context)
    sizes = sorted((s.n, *s.sizes))
    fewest = min(s.seeds, *s.size_seeds)
    lines, styles = {}, {}
    for start in _networks.STARTS:
        for stage, line, marker in zip(
            _radii.STAGES, (":", "--", "-"), ("v", "s", "o"), strict=True
        ):
            tables = [found[start, str(s.excitatory[0]), n, stage] for n in sizes]
            name = f"{start}, {stage}"
            lines[name] = [table.outer.to_numpy()[:fewest] for table in tables]
            styles[name] = Style(COLORS[start], line, marker)
    figure = dj.plots.sweep(
        lines,
        dict.fromkeys(lines, sizes),
        xlabel="units",
        ylabel="outer radius (7th largest |λ|)",
        log_x=True,
        styles=styles,
        hlines={"1": 1.0},
    )
    context.draw("radius_and_size", figure)


EXPERIMENT = Experiment(
    name="j23_spectra",
    source=_networks.SOURCE,
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
