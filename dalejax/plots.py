"""Pictures from tables: data in, a matplotlib `Figure` out; no pyplot, no global state."""

from __future__ import annotations

import itertools
import os
import textwrap
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator
from numpy.typing import ArrayLike

from dalejax.results import bootstrap_interval, by_member

SINGLE, DOUBLE = 3.3, 6.9  # column widths, in
EXCITATORY, INHIBITORY = "#c8102e", "#1f4fa3"  # E red and I blue: no network wears these
_SIZE, _GREY = 7.0, "#666666"  # pt


class Style(NamedTuple):
    """How a network looks: colour, line and marker, so that none carries the meaning alone."""

    color: str
    line: Any
    marker: str


# Okabe and Ito 2008, without their vermillion and blue, which are too near to E and I.
STYLES: dict[str, Style] = {
    "RNN": Style("#222222", "-", "o"),
    "ColEI": Style("#E69F00", "--", "s"),
    "DANN": Style("#009E73", "-.", "^"),
}
_OTHERS = (
    Style("#CC79A7", (0, (4, 1, 1, 1, 1, 1)), "D"),
    Style("#56B4E9", (0, (1, 1)), "v"),
    Style("#8C6D31", (0, (6, 1.5)), "P"),
    Style("#888888", (0, (3, 1, 1, 1)), "X"),
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


def _styles(names: Sequence[str], styles: Mapping[str, Style] | None) -> dict[str, Style]:
    known, others = STYLES | dict(styles or {}), itertools.cycle(_OTHERS)
    return {name: known[name] if name in known else next(others) for name in names}


def _dress(ax: Axes, xlabel: str = "", ylabel: str = "", note: str = "") -> None:
    # Sizes are set on the artists, not in rcParams: the figure looks the same wherever it is drawn.
    ax.tick_params(which="both", labelsize=_SIZE, width=0.6, length=2.5, pad=2)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_linewidth(0.6)
    for text in (ax.xaxis.get_offset_text(), ax.yaxis.get_offset_text()):
        text.set_size(_SIZE)
    ax.set_xlabel(xlabel, fontsize=_SIZE + 1, labelpad=2)
    ax.set_ylabel(ylabel, fontsize=_SIZE + 1, labelpad=2)
    if note:
        ax.set_title(note, fontsize=_SIZE - 0.5, color=_GREY, loc="right", pad=3)


def _label_log(ax: Axes) -> None:
    """Label a logarithmic y axis with plain numbers where it spans less than two decades."""
    low, high = ax.get_ylim()
    if high / low < 100:
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_locator(LogLocator(subs=(2, 3, 5)))
        ax.yaxis.set_minor_formatter("{x:g}")


def _panels(n: int, height: float) -> tuple[Figure, list[Axes]]:
    width = SINGLE if n <= 2 else DOUBLE
    rows = -(-n // 4)
    figure = Figure(figsize=(width, height * rows), layout="constrained")
    axes = figure.subplots(rows, min(n, 4), squeeze=False).ravel()
    for ax in axes[n:]:
        ax.remove()
    return figure, list(axes[:n])


def _count(finite: int, n: int) -> str:
    return f"n = {n}" if finite == n else f"{finite} of {n}"


def _jitter(n: int, width: float) -> np.ndarray:
    # Multiples of the golden ratio fill an interval evenly, and alike in every run.
    return ((np.arange(n) * 0.6180339887 + 0.5) % 1 - 0.5) * width


def _lines(ax: Axes, hlines: Mapping[str, float] | None) -> None:
    dashes = itertools.cycle([(1, 2), (5, 2), (5, 2, 1, 2)])
    for (label, height), dash in zip((hlines or {}).items(), dashes, strict=False):
        ax.axhline(height, color=_GREY, lw=0.8, ls=(0, dash), zorder=0, label=label)


def _legend(figure: Figure) -> None:
    # Above the axes, where it can't cover data; long names one below the other.
    labels = figure.axes[0].get_legend_handles_labels()[1]
    columns = 2 if max(map(len, labels)) <= 20 else 1
    figure.set_figheight(figure.get_figheight() + 0.12 * max(0, len(labels) / columns - 2))
    figure.legend(loc="outside upper center", ncols=columns, fontsize=_SIZE, frameon=False,
                  handlelength=2.6, columnspacing=1.2, labelspacing=0.3, borderpad=0.2)  # fmt: skip


def _some(what: str, given: Any) -> None:
    if len(given) == 0:
        raise ValueError(f"no {what} to draw; wanted at least one.")


def save(figure: Figure, path_without_suffix: str | os.PathLike[str]) -> list[Path]:
    """Write a figure as PNG (200 dpi) and SVG (text as text); equal figures give equal bytes.

    Args:
        figure: any of this file's.
        path_without_suffix: "runs/fig2" gives runs/fig2.png and runs/fig2.svg.

    Returns:
        The two paths.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     [path.name for path in save(Figure(), f"{folder}/fig2")]
        ['fig2.png', 'fig2.svg']
    """
    png, svg = (Path(f"{os.fspath(path_without_suffix)}.{kind}") for kind in ("png", "svg"))
    png.parent.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "dalejax"}):
        figure.savefig(png, dpi=200, metadata={"Software": None})
        figure.savefig(svg, dpi=200, metadata={"Date": None, "Creator": None})
    return [png, svg]


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
    _some("groups", names)
    figure, (ax,) = _panels(1, 2.4)
    unit = 1000 if table["update"].max() >= 1000 else 1
    lowest = []
    for i, (name, style) in enumerate(_styles(names, styles).items()):
        wide = by_member(table[table[groups] == name], metric)
        good = wide.loc[:, np.isfinite(wide).all()]
        x, mean = wide.index.to_numpy() / unit, good.mean(axis=1).to_numpy()
        label = f"{name} ({_count(good.shape[1], wide.shape[1])})"
        step = max(1, len(x) // 6)  # markers staggered, so that lines on each other both show
        first = i * step // len(names)
        ax.plot(x, mean, color=style.color, ls=style.line, marker=style.marker, label=label,
                lw=1.2, ms=3, markevery=(first, step))  # fmt: skip
        if good.shape[1] > 1:
            sd = good.std(axis=1, ddof=1).to_numpy()
            ax.fill_between(x, mean - sd, mean + sd, color=style.color, alpha=0.2, lw=0)
        lowest += mean[mean > 0].tolist()
    _lines(ax, hlines)
    if log:
        ax.set_yscale("log")
        if (
            lowest and ylim is None
        ):  # else a band that reaches below zero would stretch the axis without end
            ax.set_ylim(bottom=min(lowest) / 2)
    if ylim is not None:
        ax.set_ylim(ylim)
    if log:
        _label_log(ax)
    _dress(ax, "update (×10³)" if unit > 1 else "update", ylabel, "mean ± sd")
    _legend(figure)
    return figure


def _strip(ax: Axes, x: float, values: np.ndarray, color: str, marker: str = "o") -> None:
    ax.plot(x + _jitter(values.size, 0.4), values, ls="", marker=marker, ms=2.4, mec="white",
            mew=0.25, color=color, alpha=0.75, zorder=3)  # fmt: skip


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
    _some("effects", effects)
    if error not in ("interval", "sd"):
        raise ValueError(f"error is {error!r}; allowed are 'interval' and 'sd'.")
    sides = list(dict.fromkeys(e.side for e in effects))
    look, figure = _styles(sides, styles), Figure(figsize=(SINGLE, 2.7), layout="constrained")
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
            ax.errorbar(x, mean, [[mean - ends[0]], [ends[1] - mean]], color="black", lw=1,
                        capsize=2.5, capthick=1, zorder=4)  # fmt: skip
            tops.append(ends[1])
        tops.append(v.max())
        labels.append(f"{e.factor}\n{_count(v.size, every.size)}")
    ax.axhline(0, color="black", lw=0.6)
    _brackets(ax, comparisons, places, max(tops))
    ax.set_xticks(list(places.values()), labels)
    note = "mean, 95 % bootstrap interval" if error == "interval" else "mean ± sd"
    _dress(ax, "", ylabel, note)
    ax.tick_params(axis="x", length=0, labelsize=_SIZE - 0.5)
    ax.spines["bottom"].set_visible(False)
    middles = [np.mean([x for (s, _), x in places.items() if s == side]) for side in sides]
    outer = ax.secondary_xaxis(0)
    outer.set_xticks(middles, [f"\n\n{side}" for side in sides])
    outer.tick_params(length=0, labelsize=_SIZE + 1, pad=1)
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
        ax.text((a + b) / 2, y + step / 4, _p_text(c.p), ha="center", va="bottom",
                fontsize=_SIZE - 0.5)  # fmt: skip
    if pairs:
        ax.set_ylim(top=top + step * (0.9 + max(level.values())))


def eigenvalue_plane(
    eigenvalues_by_name: Mapping[str, ArrayLike],
    *,
    radii: Mapping[str, float] | None = None,
    styles: Mapping[str, Style] | None = None,
) -> Figure:
    """Draw the eigenvalues of all networks of a kind in the complex plane, a panel a kind.

    Args:
        eigenvalues_by_name: name → complex [members, n] or [n]; the dots are rasterised.
        radii: name → radius of the circle that a law expects.
        styles: name → `Style`, over `STYLES`.

    Raises:
        ValueError: no network, or eigenvalues of another shape.

    Example:
        >>> figure = eigenvalue_plane({"RNN": np.array([1j, -1j])}, radii={"RNN": 1.0})
        >>> figure.axes[0].get_title()
        'RNN (n = 1)\\ncircle: |λ| = 1'

    Reference:
        Circular law: Girko 1985; for Dale's law Rajan and Abbott 2006.
    """
    _some("eigenvalues", eigenvalues_by_name)
    values = {k: np.atleast_2d(np.asarray(v)) for k, v in eigenvalues_by_name.items()}
    radii = radii or {}
    figure, axes = _panels(len(values), 2.1)
    reach = max([np.nanmax(np.abs(v)) for v in values.values()] + list(radii.values())) * 1.08
    for ax, (name, style) in zip(axes, _styles(list(values), styles).items(), strict=True):
        z = values[name]
        if z.ndim != 2:
            raise ValueError(f"eigenvalues of {name!r} have shape {z.shape}; wanted [members, n].")
        alpha = float(np.clip(300 / z.size, 0.08, 0.8))
        ax.plot(z.real.ravel(), z.imag.ravel(), ls="", marker="o", ms=1.6, mew=0, color=style.color,
                alpha=alpha, rasterized=True)  # fmt: skip
        ring = ""
        if name in radii:
            turn = np.linspace(0, 2 * np.pi, 361)
            ax.plot(radii[name] * np.cos(turn), radii[name] * np.sin(turn), color="black", lw=0.9)
            ring = f"\ncircle: |λ| = {radii[name]:.3g}"
        finite = int(np.isfinite(z).all(axis=1).sum())
        _dress(ax, "Re λ", "Im λ" if ax.get_subplotspec().is_first_col() else "")
        ax.set_title(f"{name} ({_count(finite, len(z))}){ring}", fontsize=_SIZE, pad=3)
        ax.set(aspect="equal", xlim=(-reach, reach), ylim=(-reach, reach))
    return figure


def quarter_circle_density(s: ArrayLike, sd: float) -> np.ndarray:
    r"""Evaluate the law of the singular values of a large square matrix of independent entries.

    .. math:: f(s) = \frac{\sqrt{4 v - s^2}}{\pi v} \quad (0 \le s \le 2 \sqrt v), \qquad v = sd^2

    Args:
        s: where.
        sd: √n times the standard deviation of an entry, so that entries have variance sd² / n.

    Raises:
        ValueError: sd is not positive.

    Example:
        >>> quarter_circle_density([0.0, 2.0, 3.0], 1.0).round(4).tolist()
        [0.6366, 0.0, 0.0]

    Reference:
        Marchenko and Pastur 1967.
    """
    if not sd > 0:
        raise ValueError(f"sd is {sd}; it must be positive.")
    x = np.asarray(s, np.float64)
    root = np.sqrt(np.clip(4 * sd**2 - x**2, 0, None))
    return np.where(x >= 0, root, 0) / (np.pi * sd**2)


def _histogram(
    ax: Axes, s: np.ndarray, edge: float, bins: int, color: str, sd: float | None
) -> None:
    counts, edges = np.histogram(s, bins, (0, edge))
    density = counts / (max(s.size, 1) * np.diff(edges))  # of all values, those beyond edge too
    ax.stairs(density, edges, fill=True, color=color, alpha=0.5)
    if sd:
        grid = np.linspace(0, 2 * sd, 200)
        ax.plot(grid, quarter_circle_density(grid, sd), color="black", lw=0.9)


def singular_histograms(
    singular_values_by_name: Mapping[str, ArrayLike],
    *,
    laws: Mapping[str, float] | None = None,
    log: bool = False,
    inset: bool = False,
    styles: Mapping[str, Style] | None = None,
) -> Figure:
    """Draw density histograms of singular values, a panel a network, with the law drawn over.

    Args:
        singular_values_by_name: name → [members, n] or [n].
        laws: name → sd of `quarter_circle_density`.
        log: logarithmic density.
        inset: show the law's range enlarged where values reach twice as far.
        styles: name → `Style`, over `STYLES`.

    Raises:
        ValueError: no network.

    Example:
        >>> figure = singular_histograms({"RNN": np.linspace(0.1, 2, 50)}, laws={"RNN": 1.0})
        >>> figure.axes[0].get_xlabel()
        'singular value'

    Reference:
        The form of Li et al. 2023, Fig. 3.
    """
    _some("singular values", singular_values_by_name)
    values = {k: np.atleast_2d(np.asarray(v)) for k, v in singular_values_by_name.items()}
    figure, axes = _panels(len(values), 1.9)
    for ax, (name, style) in zip(axes, _styles(list(values), styles).items(), strict=True):
        rows, sd = values[name], (laws or {}).get(name)
        finite = rows[np.isfinite(rows).all(axis=1)]
        largest = finite.max(initial=1e-6)
        _histogram(ax, finite.ravel(), largest * 1.02, 60, style.color, sd)
        if log:
            ax.set_yscale("log")
            ax.set_ylim(bottom=0.3 / max(finite.size * largest / 60, 1e-9))
        _dress(ax, "singular value", "density" if ax.get_subplotspec().is_first_col() else "")
        ax.set_title(f"{name} ({_count(len(finite), len(rows))})", fontsize=_SIZE, pad=3)
        if inset and sd and largest > 4 * sd:
            small = ax.inset_axes((0.44, 0.5, 0.54, 0.48))
            _histogram(small, finite.ravel(), 2.2 * sd, 30, style.color, sd)
            _dress(small)
    return figure


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
        'RNN\\n2 of 3'

    Reference:
        The numbers behind Li et al. 2023, Fig. 2.
    """
    _some("configurations", values)
    names = [str(k) for k in values]
    width, labels = (SINGLE if len(names) <= 5 else DOUBLE), []
    figure = Figure(figsize=(width, 2.2), layout="constrained")
    ax = figure.subplots()
    look = _styles(names, styles)
    for i, (name, given) in enumerate(zip(names, values.values(), strict=True)):
        every = np.asarray(given, np.float64)
        v = every[np.isfinite(every)]
        _strip(ax, i - 0.12, v, look[name].color, look[name].marker)
        if v.size:
            sd = v.std(ddof=1) if v.size > 1 else 0
            ax.errorbar(i + 0.26, v.mean(), sd, color="black", marker="_", ms=6, lw=1,
                        capsize=2.5, zorder=4)  # fmt: skip
        wrapped = textwrap.fill(name, max(4, int(14 * width / len(names))), break_long_words=False)
        labels.append(f"{wrapped}\n{_count(v.size, every.size)}")
    _lines(ax, hlines)
    if log:
        ax.set_yscale("log")
        _label_log(ax)
    ax.set_xticks(range(len(names)), labels)
    ax.set_xlim(-0.6, len(names) - 0.4)
    _dress(ax, "", ylabel, "mean ± sd")
    if hlines:
        _legend(figure)
    return figure
