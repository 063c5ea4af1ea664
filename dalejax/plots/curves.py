"""Pictures of training: learning curves, effects, final values."""

from __future__ import annotations

import textwrap
from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from dalejax.analysis.results import by_member
from dalejax.analysis.statistics import bootstrap_interval
from dalejax.plots.style import (
    DOUBLE,
    SINGLE,
    SIZE,
    Style,
    choose_styles,
    count_text,
    draw_lines,
    dress,
    jitter,
    label_log,
    legend_above,
    panels,
    require_some,
)


class Effect(NamedTuple):
    """One bar of N23's Fig. 4C: what a factor costs (RNN) or saves (ColEI), a number a seed."""

    side: str
    factor: str
    values: ArrayLike


class Comparison(NamedTuple):
    """A bracket between two bars of one side, with its (Holm-corrected) p value."""

    side: str
    factor_a: str
    factor_b: str
    p: float


def learning_curves(
    table: pd.DataFrame,
    metric: str,
    *,
    groups: str = "configuration",
    ylabel: str,
    styles: Mapping[str, Style] | None = None,
    ylim: tuple[float, float] | None = None,
    log: bool = False,
    hlines: Mapping[str, float] | None = None,
) -> Figure:
    """Draw mean ± standard deviation over the members against updates, a line a group.

    A member that diverges at any evaluation is left out of its whole line, so that a line is one
    set of networks throughout; the legend counts: "ColEI (27 of 30)".

    Args:
        table: columns member, update, metric, value and the groups' column.
        metric: which.
        groups: the column that tells the lines apart.
        ylabel: with unit.
        styles: group → `Style`, over `STYLES`.
        ylim: of the y axis.
        log: logarithmic y axis.
        hlines: label → height of a thin grey line, such as chance.

    Raises:
        ValueError: as `results.by_member`, or no group.

    Example:
        >>> rows = dict(member=[0, 1], update=1000, metric="loss", value=[1.0, 2.0])
        >>> table = pd.DataFrame(rows | dict(configuration="RNN"))
        >>> learning_curves(table, "loss", ylabel="loss").legends[0].texts[0].get_text()
        'RNN (n = 2)'

    Reference:
        The form of Li et al. 2023, Fig. 2.
    """
    names = list(dict.fromkeys(table[groups]))
    require_some("groups", names)
    figure, (ax,) = panels(1, 2.4)
    unit = 1000 if table["update"].max() >= 1000 else 1
    lowest = []
    for i, (name, style) in enumerate(choose_styles(names, styles).items()):
        wide = by_member(table[table[groups] == name], metric)
        good = wide.loc[:, np.isfinite(wide).all()]
        x, mean = wide.index.to_numpy() / unit, good.mean(axis=1).to_numpy()
        label = f"{name} ({count_text(good.shape[1], wide.shape[1])})"
        step = max(1, len(x) // 6)  # markers staggered, so that lines on each other both show
        first = i * step // len(names)
        ax.plot(
            x,
            mean,
            color=style.color,
            ls=style.line,
            marker=style.marker,
            label=label,
            lw=1.2,
            ms=3,
            markevery=(first, step),
        )
        if good.shape[1] > 1:
            sd = good.std(axis=1, ddof=1).to_numpy()
            ax.fill_between(x, mean - sd, mean + sd, color=style.color, alpha=0.2, lw=0)
        lowest += mean[mean > 0].tolist()
    draw_lines(ax, hlines)
    if log:
        ax.set_yscale("log")
        if (
            lowest and ylim is None
        ):  # else a band that reaches below zero would stretch the axis without end
            ax.set_ylim(bottom=min(lowest) / 2)
    if ylim is not None:
        ax.set_ylim(ylim)
    if log:
        label_log(ax)
    dress(ax, "update (×10³)" if unit > 1 else "update", ylabel, "mean ± sd")
    legend_above(figure)
    return figure


def _strip(ax: Axes, x: float, values: np.ndarray, color: str, marker: str = "o") -> None:
    ax.plot(
        x + jitter(values.size, 0.4),
        values,
        ls="",
        marker=marker,
        ms=2.4,
        mec="white",
        mew=0.25,
        color=color,
        alpha=0.75,
        zorder=3,
    )


def _p_text(p: float) -> str:
    return "p < .001" if p < 0.001 else f"p = {p:.2g}".replace("0.", ".", 1)


def effect_bars(
    effects: Sequence[Effect],
    *,
    ylabel: str,
    comparisons: Sequence[Comparison] = (),
    styles: Mapping[str, Style] | None = None,
    error: str = "interval",
    seed: int = 0,
) -> Figure:
    """Draw the effects of signs, spectrum and vectors on either side: bars, seeds and brackets.

    Args:
        effects: the bars in order, each with its seed-paired differences (% test error).
        ylabel: with unit.
        comparisons: brackets between two bars of a side, with p values as they shall be read.
        styles: side → `Style`, over `STYLES`.
        error: "interval" (95 % bootstrap) or "sd".
        seed: of the bootstrap.

    Raises:
        ValueError: no effects, an unknown `error`, a bar without finite values, an unknown bar.

    Example:
        >>> bars = [Effect("RNN", "signs", [0.5, 0.9]), Effect("RNN", "spectrum", [1.4, 1.6])]
        >>> len(effect_bars(bars, ylabel="Δ error (%)").axes[0].patches)
        2

    Reference:
        Li et al. 2023, Fig. 4C.
    """
    require_some("effects", effects)
    if error not in ("interval", "sd"):
        raise ValueError(f"error is {error!r}; allowed are 'interval' and 'sd'.")
    sides = list(dict.fromkeys(e.side for e in effects))
    look, figure = choose_styles(sides, styles), Figure(figsize=(SINGLE, 2.7), layout="constrained")
    ax = figure.subplots()
    places: dict[tuple[str, str], float] = {}
    tops, labels = [0.0], []
    for i, e in enumerate(effects):
        x = places[e.side, e.factor] = i + 0.6 * sides.index(e.side)
        every = np.asarray(e.values, np.float64)
        v = every[np.isfinite(every)]
        if v.size == 0:
            raise ValueError(f"the bar {e.side} {e.factor} has no finite value; wanted one.")
        mean, color = v.mean(), look[e.side].color
        ax.bar(x, mean, width=0.72, color=color, alpha=0.35, edgecolor=color, lw=0.8)
        _strip(ax, x, v, color, look[e.side].marker)
        if v.size > 1:
            sd = v.std(ddof=1)
            ends = (mean - sd, mean + sd) if error == "sd" else bootstrap_interval(v, seed=seed)
            ax.errorbar(
                x,
                mean,
                [[mean - ends[0]], [ends[1] - mean]],
                color="black",
                lw=1,
                capsize=2.5,
                capthick=1,
                zorder=4,
            )
            tops.append(ends[1])
        tops.append(v.max())
        labels.append(e.factor + "\n" + count_text(v.size, every.size, ",\n"))
    ax.axhline(0, color="black", lw=0.6)
    _brackets(ax, comparisons, places, max(tops))
    ax.set_xticks(list(places.values()), labels)
    note = "mean, 95 % bootstrap interval" if error == "interval" else "mean ± sd"
    dress(ax, "", ylabel, note)
    ax.tick_params(axis="x", length=0, labelsize=SIZE - 0.5)
    ax.spines["bottom"].set_visible(False)
    middles = [np.mean([x for (s, _), x in places.items() if s == side]) for side in sides]
    outer = ax.secondary_xaxis(0)
    outer.set_xticks(middles, [f"\n\n{side}" for side in sides])
    outer.tick_params(length=0, labelsize=SIZE + 1, pad=1)
    outer.spines["bottom"].set_visible(False)
    return figure


def _brackets(ax: Axes, comparisons: Sequence[Comparison], places: Mapping, top: float) -> None:
    # A bracket stands above all dots; one that would meet another of its side goes a step higher.
    step = 0.12 * (top - ax.get_ylim()[0])
    level: dict[str, int] = {}
    pairs = []
    for c in comparisons:
        if not {(c.side, c.factor_a), (c.side, c.factor_b)} <= set(places):
            raise ValueError(f"no bars for {c.side} {c.factor_a}, {c.factor_b}: {list(places)}.")
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


def final_dots(
    values: Mapping[Hashable, ArrayLike],
    *,
    ylabel: str,
    styles: Mapping[str, Style] | None = None,
    hlines: Mapping[str, float] | None = None,
    log: bool = False,
) -> Figure:
    """Draw each configuration's members as dots, with mean ± standard deviation beside them.

    Args:
        values: name → [members], such as `results.final_values` gives; NaN for a diverged member.
        ylabel: with unit.
        styles: name → `Style`, over `STYLES`.
        hlines: label → height of a thin grey line, such as a published value.
        log: logarithmic y axis.

    Raises:
        ValueError: no configuration.

    Example:
        >>> figure = final_dots({"RNN": [1.5, 1.6, np.nan]}, ylabel="test error (%)")
        >>> figure.axes[0].get_xticklabels()[0].get_text()
        'RNN\\n2 of 3,\\n1 diverged'

    Reference:
        The numbers behind Li et al. 2023, Fig. 2.
    """
    require_some("configurations", values)
    names = [str(k) for k in values]
    width, labels = (SINGLE if len(names) <= 5 else DOUBLE), []
    figure = Figure(figsize=(width, 2.2), layout="constrained")
    ax = figure.subplots()
    look = choose_styles(names, styles)
    for i, (name, given) in enumerate(zip(names, values.values(), strict=True)):
        every = np.asarray(given, np.float64)
        v = every[np.isfinite(every)]
        _strip(ax, i - 0.12, v, look[name].color, look[name].marker)
        if v.size:
            sd = v.std(ddof=1) if v.size > 1 else 0
            ax.errorbar(
                i + 0.26, v.mean(), sd, color="black", marker="_", ms=6, lw=1, capsize=2.5, zorder=4
            )
        wrapped = textwrap.fill(name, max(4, int(14 * width / len(names))), break_long_words=False)
        labels.append(wrapped + "\n" + count_text(v.size, every.size, ",\n"))
    draw_lines(ax, hlines)
    if log:
        ax.set_yscale("log")
        label_log(ax)
    ax.set_xticks(range(len(names)), labels)
    ax.set_xlim(-0.6, len(names) - 0.4)
    dress(ax, "", ylabel, "mean ± sd")
    if hlines:
        legend_above(figure)
    return figure
