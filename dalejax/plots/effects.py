"""Draw effects of a factor on a network's error: bars, one dot a seed, brackets with p values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from dalejax import checks
from dalejax.analysis.statistics import bootstrap_interval
from dalejax.plots.dots import strip
from dalejax.plots.style import (
    SINGLE,
    SIZE,
    Style,
    choose_styles,
    count_text,
    dress,
    note_text,
    require_some,
)
from dalejax.plots.summaries import bulk_limits, num_outside, summarise, summary_text


class Effect(NamedTuple):
    """One bar: seed-paired differences of the error with and without a factor.

    Attributes:
        side: the network that the factor is added to or taken from, such as "RNN".
        factor: what is added or taken, such as "spectrum".
        values: differences [seeds]; NaN where one of the two networks diverged.
    """

    side: str
    factor: str
    values: ArrayLike


class Comparison(NamedTuple):
    """A bracket between two bars of one side, with the p value of their difference.

    Attributes:
        side: the side of both bars.
        factor_a: the factor of one bar.
        factor_b: the factor of the other one.
        p: the p value, corrected for multiple tests by the caller.
    """

    side: str
    factor_a: str
    factor_b: str
    p: float


def effect_bars(
    effects: Sequence[Effect],
    *,
    ylabel: str,
    comparisons: Sequence[Comparison] = (),
    styles: Mapping[str, Style] | None = None,
    error: str = "interval",
    seed: int = 0,
    counted: str = "seeds",
) -> Figure:
    """Draw the effects of factors such as signs, spectrum and vectors on each side as bars.

    A bar is the mean over the seeds; each seed is a dot. If a few seeds are so far off that the
    others could not be read, the axis leaves them out, the note above it counts them, and the bars
    are medians with quartiles.

    Args:
        effects: the bars, in order.
        ylabel: label of the y axis, with its unit.
        comparisons: brackets between two bars of one side.
        styles: side -> `Style`, over `STYLES`.
        error: error bars: "interval" (95 % bootstrap interval of the mean) or "sd" (± one standard
            deviation).
        seed: seed of the bootstrap's resampling.
        counted: what a dot is, for the note "n: seeds".

    Raises:
        ValueError: no effects, an unknown `error`, a bar without finite values, a comparison of a
            bar that is not among the effects.

    Example:
        >>> bars = [Effect("RNN", "signs", [0.5, 0.9]), Effect("RNN", "spectrum", [1.4, 1.6])]
        >>> len(effect_bars(bars, ylabel="Δ error (%)").axes[0].patches)
        2

    Reference:
        Li et al. 2023, Fig. 4C.
    """
    require_some("effects", effects)
    checks.choice("error", error, ("interval", "sd"))
    sides = list(dict.fromkeys(e.side for e in effects))
    members = [np.asarray(e.values, np.float64).ravel() for e in effects]
    finite = [v[np.isfinite(v)] for v in members]
    for e, v in zip(effects, finite, strict=True):
        if v.size == 0:
            raise ValueError(f"the bar {e.side} {e.factor} has no finite value; it must have one.")
    limits = bulk_limits(finite, log=False, include=[0])
    robust = limits is not None  # a mean that includes a far-off seed says little
    look, figure = choose_styles(sides, styles), Figure(figsize=(SINGLE, 2.7), layout="constrained")
    ax = figure.subplots()
    places: dict[tuple[str, str], float] = {}
    ends, labels = [0.0], []
    for i, (e, v) in enumerate(zip(effects, finite, strict=True)):
        x = places[e.side, e.factor] = i + 0.4 * sides.index(e.side)
        color, line = look[e.side].color, summarise(v[None], robust=robust)
        centre, low, high = (float(number[0]) for number in line)
        ax.bar(x, centre, width=0.72, color=color, alpha=0.35, edgecolor=color, lw=0.8)
        strip(ax, x, v, color, look[e.side].marker)
        if v.size > 1:
            if error == "interval" and not robust:
                low, high = bootstrap_interval(v, seed=seed)
            ax.errorbar(
                x,
                centre,
                [[centre - low], [high - centre]],
                color="black",
                lw=1,
                capsize=2.5,
                capthick=1,
                zorder=4,
            )
            ends += [low, high]
        labels.append(e.factor + "\n" + count_text(v.size, members[i].size, ",\n"))
    top = max(*ends, *np.concatenate(finite)) if limits is None else limits[1]
    if limits is not None:
        ax.set_ylim(limits)
    outside = 0 if limits is None else sum(num_outside(v, limits, log=False) for v in finite)
    ax.axhline(0, color="black", lw=0.6)
    _brackets(ax, comparisons, places, top)
    ax.set_xticks(list(places.values()), labels)
    ax.set_xlim(-0.5, max(places.values()) + 0.5)
    interval = error == "interval" and not robust
    shown = "mean, 95 % bootstrap interval" if interval else summary_text(robust)
    dress(ax, "", ylabel, note_text(shown, counted=counted, outside=outside))
    ax.tick_params(axis="x", length=0, labelsize=SIZE - 0.5)
    ax.spines["bottom"].set_visible(False)
    _name_sides(ax, sides, places)
    return figure


def _name_sides(ax: Axes, sides: Sequence[str], places: Mapping[tuple[str, str], float]) -> None:
    middles = [float(np.mean([x for (s, _), x in places.items() if s == side])) for side in sides]
    outer = ax.secondary_xaxis(0)
    outer.set_xticks(middles, [f"\n\n{side}" for side in sides])
    outer.tick_params(length=0, labelsize=SIZE + 1, pad=1)
    outer.spines["bottom"].set_visible(False)


def _brackets(
    ax: Axes,
    comparisons: Sequence[Comparison],
    places: Mapping[tuple[str, str], float],
    top: float,
) -> None:
    # A bracket stands above all dots; one that would meet another of its side goes a step higher.
    step = 0.12 * (top - ax.get_ylim()[0])
    level: dict[str, int] = {}
    pairs = []
    for c in comparisons:
        if not {(c.side, c.factor_a), (c.side, c.factor_b)} <= set(places):
            raise ValueError(
                f"a comparison is {c.side} {c.factor_a}, {c.factor_b}; both must be among the "
                f"bars {list(places)}."
            )
        pairs.append((c, sorted((places[c.side, c.factor_a], places[c.side, c.factor_b]))))
    for c, (a, b) in sorted(pairs, key=lambda pair: round(pair[1][1] - pair[1][0], 6)):
        y = top + step * (0.4 + level.setdefault(c.side, 0))
        level[c.side] += 1
        ax.plot([a, a, b, b], [y, y + step / 5, y + step / 5, y], color="black", lw=0.7)
        ax.text(
            (a + b) / 2, y + step / 4, _p_text(c.p), ha="center", va="bottom", fontsize=SIZE - 0.5
        )
    if pairs:
        ax.set_ylim(top=top + step * (0.9 + max(level.values())))


def _p_text(p: float) -> str:
    return "p < .001" if p < 0.001 else f"p = {p:.2g}".replace("0.", ".", 1)
