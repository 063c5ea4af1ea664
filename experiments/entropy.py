"""ColEI networks over sizes and E/I ratios: entropy at the start, error at the end.

Used by Figures 7, 12 and 13 of Li et al. 2023, which ask the same of three tasks.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

import dalejax as dj
from experiments import evidence, networks, spectra
from experiments.base import Context


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

    Args:
        context: its settings have sizes, shares, seeds, rate and clips.
        task: the task.
        metric: the score.
        optimizer: of a learning rate and a clip.
        network: what else the networks are made of.
    """
    s = context.settings
    keys, clips = dj.seed_keys(s.get("root", 0), s["seeds"]), s["clips"]
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
                hyperparams={"clip": jnp.repeat(jnp.array(clips), s["seeds"])},
            )
            params = dj.initial_params(net, task, keys=keys)
            start |= spectra.at_start({name: net.effective(params)[0].W})
            by_clip = context.final(name, metric).to_numpy().reshape(len(clips), -1)
            best = by_clip[np.argmin(np.where(np.isfinite(by_clip), by_clip, np.inf).mean(1))]
            errors[name] = dict(enumerate(best))
    spectra.keep(context, start, errors)
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


def claims(context: Context, grid: Grid, source: str, note: str) -> list[dj.claims.Claim]:
    """Check the sentences on the grid: five claims."""
    sizes, _, seeds = grid.nse.shape
    mean_nse = grid.nse.mean(-1)
    out = []
    for axis, what in enumerate(("size", "share of inhibitory units")):
        steps = np.diff(mean_nse, axis=axis)
        out.append(
            evidence.number(
                context, f"nse_rises_with_{what.split()[0]}", "Networks can have a high NSE from "
                "either being large, or having a balanced EI ratio (share of the map's steps in "
                f"{what} that raise the mean NSE).", source, np.mean(steps > 0),
                np.mean(steps > 0) > 0.9, "above 0.9", note=note, test=f"{steps.size} steps",
            )
        )  # fmt: skip
    out.append(
        evidence.correlated(
            context, "nse_predicts_error", "NSE anti-correlates with final test error (all "
            "networks).", source, grid.nse.ravel(), grid.score.ravel(), -1, note,
        )
    )  # fmt: skip
    # Each pair of a smaller, balanced network and a larger, skewed one whose NSE is lower.
    better, pairs = 0, []
    for i in range(sizes):
        for j in range(i + 1, sizes):
            if mean_nse[i, -1] > mean_nse[j, 0]:
                difference = grid.score[j, 0] - grid.score[i, -1]
                pairs.append(difference)
                better += np.mean(difference) > 0
    every = np.concatenate(pairs) if pairs else np.full(1, np.nan)
    interval = (
        dj.statistics.bootstrap_interval(every[np.isfinite(every)], seed=0)
        if np.isfinite(every).any()
        else (np.nan, np.nan)
    )
    out.append(
        evidence.number(
            context, "small_balanced_beats_large_skewed", "Small networks with high NSE performed "
            "better than large networks with lower NSE (score of the large network with the "
            "fewest inhibitory units minus that of the small balanced one).", source,
            every, pairs and better == len(pairs) and interval[0] > 0, "positive",
            interval=tuple(interval), note=note,
            test=f"bootstrap; {better} of {len(pairs)} pairs of sizes, {seeds} seeds each",
        )
    )  # fmt: skip
    skewed, balanced = grid.score[:, 0].ravel(), grid.score[:, -1].ravel()
    good = np.isfinite(skewed) & np.isfinite(balanced)
    worse = float(np.mean(skewed[good] > balanced[good])) if good.any() else float("nan")
    out.append(
        evidence.number(
            context, "skewed_are_worse", "Poor performance of small networks with large ratios of "
            "E to I units (share of networks whose score is worse with the fewest inhibitory units "
            "than with half).", source, worse, worse > 0.9, "above 0.9", note=note,
            test=f"{good.sum()} seed pairs",
        )
    )  # fmt: skip
    return out
