"""ColEI networks over sizes and E/I ratios: entropy at the start, error at the end.

Used by Figures 7, 12 and 13 of Li et al. 2023, which ask the same of three tasks.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

import dalejax as dj
from experiments.engine import evidence
from experiments.engine.base import Context
from experiments.shared import networks, spectra


class Grid(NamedTuple):
    """What came out, [sizes, shares, seeds] each.

    Attributes:
        nse: entropy of the recurrent weights at the start.
        score: the final score, NaN where it diverged.
    """

    nse: np.ndarray
    score: np.ndarray


def train(context: Context, task, metric: str, *, optimizer=dj.colei_sgd, **network) -> Grid:
    """Train ColEI networks of every size and share, each with the better of the clips.

    The better one by the score itself, as published, which flatters all cells of the map alike.

    Args:
        context: its settings have sizes, shares, seeds, rate and clips.
        task: the task.
        metric: the score.
        optimizer: of a learning rate and a clip.
        network: what else the networks are made of.
    """
    s = context.settings
    keys = dj.seed_keys(s.get("root", 0), s["seeds"])
    clips = jnp.array([networks.limit(clip) for clip in s["clips"]])
    start, errors = {}, {}
    for n in s["sizes"]:
        for share in s["shares"]:
            name = f"{n} units, {100 * share:.3g} % I"
            net = networks.colei(1, n, dj.signs.num_inhibitory(n, share), task.n_out, **network)
            context.train_one(
                name,
                net,
                lambda clip: optimizer(s["rate"], clip),
                task,
                keys=jnp.concatenate([keys] * len(clips)),
                hyperparams={"clip": jnp.repeat(clips, s["seeds"])},
            )
            params = dj.initial_params(net, task, keys=keys)
            start |= spectra.at_start({name: net.effective(params)[0].W})
            by_clip = context.final(name, metric).to_numpy().reshape(len(clips), -1)
            best = by_clip[np.argmin(np.where(np.isfinite(by_clip), by_clip, np.inf).mean(1))]
            errors[name] = dict(enumerate(best))
    spectra.write_entropy(context, start, errors)
    shape = (len(s["sizes"]), len(s["shares"]), s["seeds"])
    return Grid(
        np.array([at.nse for at in start.values()]).reshape(shape),
        np.array([list(by_seed.values()) for by_seed in errors.values()]).reshape(shape),
    )


def draw(context: Context, grid: Grid, label: str) -> None:
    """Draw the two maps (means over seeds) and the scatter of all networks."""
    s = context.settings
    rows, columns = [str(n) for n in s["sizes"]], [f"{100 * p:.3g}" for p in s["shares"]]
    axes = {"rows": rows, "columns": columns, "xlabel": "inhibitory units (%)", "ylabel": "units"}
    n = f"mean of {s['seeds']} seeds"
    titles = {f"NSE at the start, {n}": grid.nse, f"{label}, {n}": grid.score}
    means = {title: values.mean(-1) for title, values in titles.items()}
    context.draw("maps", dj.plots.maps(means, **axes, formats="{:.3g}"))
    groups = {
        f"{size} units": (h.ravel(), y.ravel())
        for size, h, y in zip(rows, grid.nse, grid.score, strict=True)
    }
    scatter = dj.plots.scatter(groups, xlabel="NSE at the start", ylabel=label)
    context.draw("entropy_and_error", scatter)


def claims(context: Context, grid: Grid, source: str, note: str = "") -> list[dj.claims.Claim]:
    """Check the sentences on the grid: three claims."""
    shares, seeds = context.settings["shares"], grid.nse.shape[2]
    # A network that diverged is as bad as the worst that did not.
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
    """Check what the map of the entropies shows, which no task changes: two claims."""
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
