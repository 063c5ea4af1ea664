"""Pictures of sweeps: a score against a quantity, groups of dots, maps over two quantities."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import ArrayLike

from dalejax.plots.style import (
    DOUBLE,
    GREY,
    SINGLE,
    SIZE,
    Style,
    choose_styles,
    count_text,
    draw_lines,
    dress,
    label_log,
    legend_above,
    panels,
    require_some,
)

_MARKERS = 12  # a line, at most about: more would hide it


def sweep(
    values_by_name: Mapping[str, ArrayLike],
    x_by_name: Mapping[str, ArrayLike],
    *,
    xlabel: str,
    ylabel: str,
    styles: Mapping[str, Style] | None = None,
    log_x: bool = False,
    log: bool = False,
    hlines: Mapping[str, float] | None = None,
    laws: Mapping[str, ArrayLike] | None = None,
) -> Figure:
    """Draw mean ± standard deviation over the members against a quantity, a line a name.

    Args:
        values_by_name: name → [points, members]; NaN for a diverged member, which is left out.
        x_by_name: name → [points].
        xlabel: with unit.
        ylabel: with unit.
        styles: name → `Style`, over `STYLES`.
        log_x: logarithmic x axis.
        log: logarithmic y axis.
        hlines: label → height of a thin grey line.
        laws: label → [points of the first line], drawn over the samples in grey.

    Raises:
        ValueError: no line, or values of another number of points.

    Example:
        >>> figure = sweep({"RNN": [[1.0, 2.0]]}, {"RNN": [0.5]}, xlabel="ρ", ylabel="error (%)")
        >>> figure.legends[0].texts[0].get_text()
        'RNN (n = 2 a point)'

    Reference:
        The form of Li et al. 2023, Fig. 9.
    """
    require_some("lines", values_by_name)
    figure, (ax,) = panels(1, 2.4)
    for name, style in choose_styles(list(values_by_name), styles).items():
        x, values = np.asarray(x_by_name[name], float), np.asarray(values_by_name[name], float)
        if values.ndim != 2 or len(values) != len(x):
            raise ValueError(f"{name!r} has {len(x)} points and values of shape {values.shape}.")
        finite = np.isfinite(values)
        mean, sd = _mean_and_sd(values)
        lost = f", {(~finite).sum()} diverged" if not finite.all() else ""
        label = f"{name} (n = {values.shape[1]} a point{lost})"
        step = max(1, len(x) // _MARKERS)
        ax.plot(
            x,
            mean,
            color=style.color,
            ls=style.line,
            marker=style.marker,
            lw=1.2,
            ms=3,
            markevery=step,
            label=label,
        )
        ax.fill_between(x, mean - sd, mean + sd, color=style.color, alpha=0.2, lw=0)
    at = next(iter(x_by_name.values()))
    for (label, law), dash in zip((laws or {}).items(), itertools.cycle(((1, 1), (4, 2)))):
        ax.plot(at, law, color=GREY, lw=1, ls=(0, dash), label=label)
    draw_lines(ax, hlines)
    drawn = np.concatenate([line.get_xydata() for line in ax.lines])
    drawn = drawn[np.isfinite(drawn).all(1)]  # without a point there is nothing to scale
    if log_x and (drawn[:, 0] > 0).any():
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_formatter(NullFormatter())
    if log and (drawn[:, 1] > 0).any():
        ax.set_yscale("log")
        label_log(ax)
    dress(ax, xlabel, ylabel, "mean ± sd")
    legend_above(figure)
    return figure


def _mean_and_sd(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows = [row[np.isfinite(row)] for row in values]
    mean = [row.mean() if row.size else np.nan for row in rows]
    sd = [row.std(ddof=1) if row.size > 1 else 0.0 for row in rows]
    return np.array(mean), np.array(sd)


def scatter(
    groups: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    xlabel: str,
    ylabel: str,
    note: str = "",
    styles: Mapping[str, Style] | None = None,
    log: bool = False,
) -> Figure:
    """Draw a dot a network, a colour and marker a group.

    Args:
        groups: name → (x [members], y [members]); networks with a value that is not finite are
            counted and left out.
        xlabel: with unit.
        ylabel: with unit.
        note: small, above the axes.
        styles: name → `Style`, over `STYLES`.
        log: logarithmic y axis.

    Raises:
        ValueError: no group.

    Example:
        >>> figure = scatter({"10 % I": ([0.8, 0.8], [3.0, np.nan])}, xlabel="NSE", ylabel="error")
        >>> figure.legends[0].texts[0].get_text()
        '10 % I (1 of 2, 1 diverged)'

    Reference:
        The form of Li et al. 2023, Fig. 5G.
    """
    require_some("groups", groups)
    figure, (ax,) = panels(1, 2.4)
    for name, style in choose_styles(list(groups), styles).items():
        x, y = (np.asarray(v, float).ravel() for v in groups[name])
        good = np.isfinite(x) & np.isfinite(y)
        ax.plot(
            x[good],
            y[good],
            ls="",
            marker=style.marker,
            color=style.color,
            ms=3,
            alpha=0.7,
            mew=0,
            label=f"{name} ({count_text(int(good.sum()), len(x))})",
        )
    if log:
        ax.set_yscale("log")
        label_log(ax)
    dress(ax, xlabel, ylabel, note)
    legend_above(figure)
    return figure


def maps(
    values_by_title: Mapping[str, ArrayLike],
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    xlabel: str,
    ylabel: str,
    formats: str = "{:.2g}",
) -> Figure:
    """Draw tables of numbers as coloured maps, one beside the other; each cell says its number.

    Args:
        values_by_title: title → [rows, columns]; NaN is left white.
        rows: the rows' names, the top one first.
        columns: the columns' names.
        xlabel: what the columns are.
        ylabel: what the rows are.
        formats: of the numbers.

    Raises:
        ValueError: no map, or one whose shape does not fit the names.

    Example:
        >>> figure = maps({"NSE": [[0.8, 0.9]]}, rows=["100"], columns=["10", "50"], xlabel="% I",
        ...     ylabel="units")
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['0.8', '0.9']

    Reference:
        The form of Li et al. 2023, Fig. 7B and C.
    """
    require_some("maps", values_by_title)
    wide = len(columns) > 6
    width, height = DOUBLE if wide else SINGLE, 0.75 + 0.26 * len(rows)
    shape = (len(values_by_title), 1) if wide else (1, len(values_by_title))
    figure = Figure(figsize=(width, height * shape[0]), layout="constrained")
    for ax, (title, given) in zip(
        figure.subplots(*shape, squeeze=False).ravel(), values_by_title.items(), strict=True
    ):
        values = np.asarray(given, float)
        if values.shape != (len(rows), len(columns)):
            raise ValueError(
                f"{title!r} has shape {values.shape}; there are {len(rows)} rows and "
                f"{len(columns)} columns."
            )
        image = ax.imshow(values, cmap="cividis", aspect="auto")
        for (i, j), value in np.ndenumerate(values):
            if np.isfinite(value):
                dark = image.norm(value) < 0.5
                ax.text(
                    j,
                    i,
                    formats.format(value),
                    ha="center",
                    va="center",
                    fontsize=SIZE - 0.5,
                    color="white" if dark else "black",
                )
        ax.set_xticks(range(len(columns)), columns)
        ax.set_yticks(range(len(rows)), rows)
        dress(ax, xlabel, ylabel, title)
        ax.spines[:].set_visible(False)
        ax.tick_params(length=0)
    return figure
