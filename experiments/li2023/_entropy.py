"""ColEI networks over sizes and E/I ratios: entropy at the start, error at the end.

Used by Figures 7, 12 and 13 of Li et al. 2023, which ask the same of three tasks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

import dalejax as dj
from experiments.engine import comparison, evidence
from experiments.engine.comparison import Arm
from experiments.engine.context import Context
from experiments.engine.names import slug
from experiments.shared import networks, spectra


class Grid(NamedTuple):
    """Entropies and scores of all networks, [sizes, shares, seeds] each.

    Attributes:
        nse: entropy of the recurrent weights at the start.
        score: the final score, NaN where it diverged.
    """

    nse: np.ndarray
    score: np.ndarray


def train(context: Context, task, metric: str, *, optimizer=dj.colei_sgd, **network) -> None:
    """Train ColEI networks of every size and share, and write entropy and score of each.

    Of several clips the better one counts, by the mean score itself, as published; this flatters
    all cells of the map alike.

    Args:
        context: its settings have sizes, shares, seeds, rate and clips.
        task: the task.
        metric: the score.
        optimizer: makes an optimiser of a learning rate and a clip.
        network: further arguments of :func:`experiments.shared.networks.colei`.
    """
    s, keys = context.settings, context.keys()
    points = comparison.grid(clip=[networks.limit(clip) for clip in s.clips])
    start, scores = {}, {}
    for n, share in cells(context):
        name = name_of(n, share)
        net = networks.colei(1, n, dj.signs.num_inhibitory(n, share), task.n_out, **network)
        trained = comparison.train(
            context,
            slug(name),
            net,
            lambda clip: optimizer(s.rate, clip),
            task,
            {name: Arm(keys)},
            points,
        )
        context.record(name, trained.run.table)
        finals = trained.finals(metric, s.last)
        best = comparison.best_points(finals, metric)[name]
        scores[name] = finals[finals["clip"] == best["clip"]].set_index("seed")[metric]
        W = net.effective(dj.initial_params(net, task, keys=keys))[0].W
        start |= spectra.at_start({name: W})
    spectra.write(context, start, scores)


def cells(context: Context) -> list[tuple[int, float]]:
    """List the cells of the map: (units, inhibitory share)."""
    s = context.settings
    return [(n, share) for n in s.sizes for share in s.shares]


def name_of(n: int, share: float) -> str:
    """Name the networks of one cell."""
    return f"{n} units, {100 * share:.3g} % I"


def grid_of(context: Context) -> Grid:
    """Read entropies and scores of all cells from the run's tables."""
    s = context.settings
    shape = (len(s.sizes), len(s.shares), s.seeds)
    nse, score = spectra.read(context, "nse"), spectra.read(context, "score")
    names = [name_of(n, share) for n, share in cells(context)]
    return Grid(*(np.stack([of[name] for name in names]).reshape(shape) for of in (nse, score)))


def draw(context: Context, label: str) -> None:
    """Draw the two maps (means over seeds) and the scatter of all networks.

    Args:
        context: the run.
        label: of the score.
    """
    s, grid = context.settings, grid_of(context)
    rows, columns = [str(n) for n in s.sizes], [f"{100 * p:.3g}" for p in s.shares]
    axes = {"rows": rows, "columns": columns, "xlabel": "inhibitory units (%)", "ylabel": "units"}
    n = f"mean of {s.seeds} seeds"
    titles = {f"NSE at the start, {n}": grid.nse, f"{label}, {n}": grid.score}
    means = {title: values.mean(-1) for title, values in titles.items()}
    lower_is_better = [f"{label}, {n}"]  # an error or a perplexity
    maps = dj.plots.maps(means, **axes, formats="{:.3g}", lower_is_better=lower_is_better)
    context.draw("maps", maps)
    groups = {
        f"{size} units": (h.ravel(), y.ravel())
        for size, h, y in zip(rows, grid.nse, grid.score, strict=True)
    }
    scatter = dj.plots.scatter(groups, xlabel="NSE at the start", ylabel=label)
    context.draw("entropy_and_error", scatter)


def claims(context: Context, grid: Grid, source: str, note: str = "") -> list[dj.claims.Claim]:
    """Make the three claims that Figures 7, 12 and 13 share."""
    shares, seeds = context.settings.shares, grid.nse.shape[2]
    # A network that diverged counts as the worst of those that did not.
    finite = grid.score[np.isfinite(grid.score)]
    score = np.nan_to_num(grid.score, nan=finite.max() if finite.size else np.nan)
    lost = (
        f", {grid.score.size - finite.size} networks diverged" if finite.size < score.size else ""
    )
    mean_nse = grid.nse.mean(-1)
    out = [
        evidence.correlated(
            context,
            "nse_predicts_error",
            "NSE anti-correlates with final test error (means over "
            f"seeds of each size and ratio{lost}).",
            source,
            mean_nse.ravel(),
            score.mean(-1).ravel(),
            -1,
            note,
        )
    ]
    # Each pair of a smaller, balanced network and a larger, skewed one whose NSE is lower.
    sizes = range(len(score))
    pairs = [(i, j) for i in sizes for j in sizes if i < j and mean_nse[i, -1] > mean_nse[j, 0]]
    gaps = np.array([score[j, 0] - score[i, -1] for i, j in pairs]).reshape(-1, seeds)
    better = int((gaps.mean(1) > 0).sum())
    out.append(
        evidence.number(
            context,
            "small_balanced_beats_large_skewed",
            "Small networks with high NSE performed "
            "better than large networks with lower NSE (score of the large network with "
            f"{100 * shares[0]:g} % I minus that of the small one with {100 * shares[-1]:g} % I; "
            "mean over the pairs of sizes, for each seed).",
            source,
            gaps.mean(0) if pairs else np.nan,
            pairs and better == len(pairs) and (gaps.mean(0) > 0).all(),
            "positive",
            test=f"{better} of {len(pairs)} pairs of sizes, {seeds} seeds{lost}",
            note=note,
        )
    )
    worse = score[0, 0] - score[0, -1]
    out.append(
        evidence.number(
            context,
            "fewer_inhibitory_units_are_worse",
            "The spectral properties and performance "
            "of partitioned EI networks are worse for small networks with fewer I units (score of "
            f"the smallest network with {100 * shares[0]:g} % I minus that with "
            f"{100 * shares[-1]:g} % I).",
            f"Li et al. 2023, abstract; {source}",
            worse,
            (worse > 0).all(),
            "positive for every seed",
            test=f"{seeds} seeds{lost}",
            note=note,
        )
    )
    return out


def nse_claims(context: Context, grid: Grid, source: str) -> list[dj.claims.Claim]:
    """Make the two claims on the entropies at the start, which do not depend on the task."""
    out = []
    for axis, what in enumerate(("size", "share of inhibitory units")):
        steps = np.diff(grid.nse.mean(-1), axis=axis)
        out.append(
            evidence.number(
                context,
                f"nse_rises_with_{what.split()[0]}",
                "Networks can have a high NSE from "
                "either being large, or having a balanced EI ratio (share of the map's steps in "
                f"{what} that raise the mean NSE).",
                source,
                np.mean(steps > 0),
                np.mean(steps > 0) > 0.9,
                "above 0.9",
                test=f"{steps.size} steps",
            )
        )
    return out
