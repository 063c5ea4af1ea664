"""Every figure is rendered, and its content (lines, bars, counts, labels) asserted."""

import sys

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from scipy import integrate

from dalejax import plots
from dalejax.plots import Comparison, Effect

UPDATES = np.arange(0, 5001, 500)
RNG = np.random.default_rng(0)
MATRICES = RNG.normal(size=(6, 40, 40)) / np.sqrt(40)
EIGENVALUES = {"RNN": np.linalg.eigvals(MATRICES), "ColEI": 2 * np.linalg.eigvals(MATRICES)}
SINGULAR = {"RNN": np.linalg.svd(MATRICES, compute_uv=False)}
SINGULAR["ColEI"] = np.concatenate([SINGULAR["RNN"], np.full((6, 1), 11.0)], 1)
EFFECTS = [
    Effect(side, factor, RNG.normal(mean, 0.3, n))
    for side, n in (("RNN", 5), ("ColEI", 30))
    for factor, mean in (("signs", 0.7), ("spectrum", 1.5), ("vectors", 0.2))
]
RADII = [0.2, 0.5, 1.0, 4.0, 13.0]
SWEPT = np.array([[2.0, 4.0, 6.0]] * 4 + [[8.0, np.nan, 10.0]])
PAIRS = [
    Comparison("RNN", "signs", "spectrum", 0.0079),
    Comparison("RNN", "spectrum", "vectors", 0.024),
    Comparison("ColEI", "signs", "spectrum", 1e-5),
]


def curves_table() -> pd.DataFrame:
    rows = [
        (name, m, int(u), "error", end + 50 * np.exp(-u / 800) + 0.1 * m)
        for name, end in (("ColEI", 4.0), ("RNN", 1.5), ("mine", 2.5))
        for m in range(3)
        for u in UPDATES
    ]
    table = pd.DataFrame(rows, columns=["configuration", "member", "update", "metric", "value"])
    gone = (table.configuration == "ColEI") & (table.member == 2) & (table["update"] > 2000)
    table.loc[gone, "value"] = np.nan
    return table


FIGURES = {
    "curves": lambda: plots.learning_curves(
        curves_table(), "error", ylabel="test error (%)", log=True, hlines={"chance": 90.0}
    ),
    "bars": lambda: plots.effect_bars(EFFECTS, ylabel="change (%)", comparisons=PAIRS),
    "plane": lambda: plots.eigenvalue_plane(EIGENVALUES, radii={"RNN": 1.0}),
    "singular": lambda: plots.singular_histograms(
        SINGULAR, laws={"RNN": 1.0, "ColEI": 1.0}, log=True, inset=True
    ),
    "dots": lambda: plots.final_dots(
        {"RNN": [1.4, 1.5, 1.6], "ColEI": [2.0, np.nan, 3.0]}, ylabel="%", hlines={"reported": 1.5}
    ),
    "sweep": lambda: plots.sweep(
        {"RNN": SWEPT, "ColEI": 2 * SWEPT},
        {"RNN": RADII, "ColEI": RADII},
        xlabel="radius",
        ylabel="test error (%)",
        log_x=True,
        log=True,
        hlines={"chance": 90.0},
    ),
    "scatter": lambda: plots.scatter(
        {"10 % I": ([0.8, 0.81], [3.0, np.nan]), "50 % I": ([0.9, 0.91], [2.0, 2.1])},
        xlabel="NSE at the start",
        ylabel="test error (%)",
        log=True,
    ),
    "maps": lambda: plots.maps(
        {"NSE": [[0.7, 0.8], [0.8, 0.9]], "error (%)": [[9.0, np.nan], [3.0, 2.5]]},
        rows=["100", "1000"],
        columns=["1", "50"],
        xlabel="inhibitory units (%)",
        ylabel="units",
        lower_is_better=["error (%)"],
    ),
    "trajectories": lambda: plots.trajectories(
        {"A": {"yes": MATRICES[0, :, :2], "no": MATRICES[1, :, :2]}, "B": {}},
        points={"A": [[0.0, 0.0]]},
    ),
    "examples": lambda: plots.examples(np.zeros((2, 3, 8, 8), np.uint8), ["cats", "dogs"], "note"),
    "matrices": lambda: plots.signed_matrices({"W": MATRICES[0], "W_ei": MATRICES[0][:, :4]}),
}


def texts(figure: Figure) -> str:
    return "\n".join(t.get_text() for t in figure.findobj(matplotlib.text.Text))


@pytest.mark.parametrize("name", FIGURES)
def test_files_are_equal_in_two_runs_and_their_text_is_text(name, tmp_path):
    before = dict(matplotlib.rcParams)
    first = [p.read_bytes() for p in plots.save(FIGURES[name](), tmp_path / "runs" / "a.1")]
    again = [p.read_bytes() for p in plots.save(FIGURES[name](), tmp_path / "runs" / "b")]
    assert first == again
    png, pdf, svg = first
    assert png.startswith(b"\x89PNG") and pdf.startswith(b"%PDF")
    assert b"<text" in svg and b"dc:date" not in svg and b"/CreationDate" not in pdf
    assert sorted(p.name for p in (tmp_path / "runs").iterdir()) == [
        "a.1.pdf",
        "a.1.png",
        "a.1.svg",
        "b.pdf",
        "b.png",
        "b.svg",
    ]
    assert dict(matplotlib.rcParams) == before
    assert "matplotlib.pyplot" not in vars(sys.modules["dalejax.plots"])


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_sticks_out_and_all_text_is_readable(name):
    figure = FIGURES[name]()
    assert figure.get_figwidth() in (plots.SINGLE, plots.DOUBLE)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    box = figure.bbox
    for text in figure.findobj(matplotlib.text.Text):
        if text.get_visible() and text.get_text().strip():
            assert 6.5 <= text.get_fontsize() <= 8
    for artist in [*figure.axes, *figure.legends]:
        tight = artist.get_tightbbox(canvas.get_renderer())
        assert tight.x0 >= -1 and tight.x1 <= box.x1 + 1
        assert tight.y0 >= -1 and tight.y1 <= box.y1 + 1


def test_no_network_wears_the_colours_of_e_and_i_and_all_differ():
    worn = [*plots.STYLES.values(), *plots.style.OTHERS]
    for style in worn:
        for reserved in (plots.EXCITATORY, plots.INHIBITORY):
            assert np.abs(np.subtract(to_rgb(style.color), to_rgb(reserved))).sum() > 0.4
    for part in zip(*worn[:7], strict=True):  # after these the colours are worn again,
        assert len(set(part)) == 7
    assert len({style.marker for style in worn}) == len(worn)  # with other markers and lines
    assert len({(style.color, style.line) for style in worn}) == len(worn)


# Learning curves


def test_curves_count_the_survivors_and_average_only_them():
    figure = FIGURES["curves"]()
    (ax,), (legend,) = figure.axes, figure.legends
    assert [t.get_text() for t in legend.texts] == [
        "ColEI (2 of 3, 1 diverged)",
        "RNN (n = 3)",
        "mine (n = 3)",
        "chance",
    ]
    x, y = ax.lines[0].get_data()
    np.testing.assert_allclose(x, UPDATES / 1000)
    np.testing.assert_allclose(y, 4.05 + 50 * np.exp(-UPDATES / 800))  # members 0 and 1
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("update (×10³)", "test error (%)")
    assert ax.get_yscale() == "log" and len(ax.collections) == 3
    assert ax.lines[0].get_color() == plots.STYLES["ColEI"].color


def test_band_is_one_standard_deviation():
    table = curves_table().query("configuration == 'RNN'")
    band = plots.learning_curves(table, "error", ylabel="%").axes[0].collections[0]
    ys = band.get_paths()[0].vertices[:, 1]
    end = 1.6 + 50 * np.exp(-5000 / 800)
    assert ys.min() == pytest.approx(end - 0.1)  # sd of 0, .1, .2 with ddof = 1


def test_curves_of_the_diverged_only_and_of_one_member():
    table = curves_table()
    table.loc[table.configuration == "RNN", "value"] = np.nan
    figure = plots.learning_curves(
        table[(table.member == 0) & (table["update"] < 1000)], "error", ylabel="%", ylim=(0, 9)
    )
    assert "RNN (0 of 1, 1 diverged)" in texts(figure) and not figure.axes[0].collections
    assert figure.axes[0].get_ylim() == (0, 9) and figure.axes[0].get_xlabel() == "update"


# Effects


def test_bars_have_means_seeds_counts_and_brackets():
    figure = FIGURES["bars"]()
    ax = figure.axes[0]
    heights = [bar.get_height() for bar in ax.patches]
    assert heights == pytest.approx([np.mean(e.values) for e in EFFECTS])
    dots = [line for line in ax.lines if line.get_linestyle() == "None" and len(line.get_xdata())]
    assert sorted(len(d.get_xdata()) for d in dots if d.get_marker() in "os") == [5] * 3 + [30] * 3
    labels = [t.get_text() for t in ax.get_xticklabels()]
    assert labels[:2] == ["signs\nn = 5", "spectrum\nn = 5"] and labels[3] == "signs\nn = 30"
    assert [t.get_text() for t in ax.texts] == ["p = .0079", "p = .024", "p < .001"]
    top = max(np.max(e.values) for e in EFFECTS)
    assert all(top < t.get_position()[1] < ax.get_ylim()[1] for t in ax.texts)
    assert "95 % bootstrap interval" in texts(figure)


def test_bars_with_sd_and_a_diverged_pair():
    figure = plots.effect_bars([Effect("RNN", "signs", [1.0, 3.0, np.nan])], ylabel="%", error="sd")
    (bars,) = figure.axes[0].containers[1].lines[2]
    np.testing.assert_allclose(bars.get_segments()[0][:, 1], [2 - np.sqrt(2), 2 + np.sqrt(2)])
    assert "signs\n2 of 3,\n1 diverged" in texts(figure)


def test_bars_refuse():
    one = [Effect("RNN", "signs", [1.0])]
    with pytest.raises(ValueError, match="no effects"):
        plots.effect_bars([], ylabel="%")
    with pytest.raises(ValueError, match="error is 'se'"):
        plots.effect_bars(one, ylabel="%", error="se")
    with pytest.raises(ValueError, match="no finite value; it must have one"):
        plots.effect_bars([Effect("RNN", "signs", [np.nan])], ylabel="%")
    with pytest.raises(ValueError, match="RNN signs, vectors; both must be among"):
        plots.effect_bars(one, ylabel="%", comparisons=[Comparison("RNN", "signs", "vectors", 1)])


# Spectra


def test_plane_has_all_eigenvalues_and_the_circle():
    figure = FIGURES["plane"]()
    left, right = figure.axes
    dots, circle = left.lines
    assert len(dots.get_xdata()) == 240 and dots.get_rasterized()
    np.testing.assert_allclose(np.hypot(*circle.get_data()), 1.0)
    assert left.get_title() == "RNN\nn = 6 seeds\ncircle: |λ| = 1" and len(right.lines) == 1
    assert left.get_aspect() == 1 and left.get_xlim() == right.get_ylim()
    assert (left.get_xlabel(), left.get_ylabel()) == ("Re λ", "Im λ")


@pytest.mark.parametrize("sd", [0.3, 1.0, 2.5])
def test_quarter_circle_is_a_density_of_second_moment_v_and_fits_samples(sd):
    def moment(k):
        return integrate.quad(
            lambda s: s**k * plots.quarter_circle_density(s, sd), 0, 2 * sd, limit=200
        )[0]

    assert moment(0) == pytest.approx(1, abs=1e-6)
    assert moment(2) == pytest.approx(sd**2, rel=1e-6)  # ‖W‖_F² / n
    s = sd * np.linalg.svd(RNG.normal(size=(400, 400)) / 20, compute_uv=False)
    counts, edges = np.histogram(s, 8, (0, 2 * sd), density=True)
    middle = (edges[1:] + edges[:-1]) / 2
    assert counts == pytest.approx(plots.quarter_circle_density(middle, sd), abs=0.06 / sd)


def test_quarter_circle_outside_and_refused():
    assert plots.quarter_circle_density([-0.1, 2.1], 1.0).tolist() == [0, 0]
    with pytest.raises(ValueError, match="must be above 0"):
        plots.quarter_circle_density(1.0, 0.0)


def test_histograms_integrate_to_one_and_only_the_outlier_gets_an_inset():
    figure = FIGURES["singular"]()
    left, right = figure.axes
    for ax in (left, right):
        density, edges, _ = ax.patches[0].get_data()
        assert (density * np.diff(edges)).sum() == pytest.approx(1)
    assert not left.child_axes and len(right.child_axes) == 1
    density, edges, _ = right.child_axes[0].patches[0].get_data()
    assert (density * np.diff(edges)).sum() == pytest.approx(40 / 41)  # the outlier is not in it
    assert left.get_title() == "RNN\nn = 6 seeds" and left.get_yscale() == "log"


def test_a_diverged_network_is_counted_not_drawn():
    values = np.vstack([SINGULAR["RNN"], np.full((1, 40), np.nan)])
    assert "RNN\n6 of 7 seeds, 1 diverged" in texts(plots.singular_histograms({"RNN": values}))
    assert "RNN\n6 of 7 seeds, 1 diverged" in texts(plots.eigenvalue_plane({"RNN": values + 0j}))


def test_five_panels_take_two_rows():
    figure = plots.eigenvalue_plane({str(i): np.array([1j, 1.0]) for i in range(5)})
    assert len(figure.axes) == 5 and figure.get_figwidth() == plots.DOUBLE


# Dots


def test_dots_show_each_finite_member_and_mean_with_sd():
    figure = FIGURES["dots"]()
    ax = figure.axes[0]
    assert [t.get_text() for t in ax.get_xticklabels()] == [
        "RNN\nn = 3",
        "ColEI\n2 of 3,\n1 diverged",
    ]
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [1.4, 1.5, 1.6])
    (bars,) = ax.containers[0].lines[2]
    np.testing.assert_allclose(bars.get_segments()[0][:, 1], [1.4, 1.6])
    assert [t.get_text() for t in figure.legends[0].texts] == ["reported"]


def test_a_sweep_averages_the_finite_and_counts_the_lost():
    figure = FIGURES["sweep"]()
    (ax,) = figure.axes
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [4, 4, 4, 4, 9])
    np.testing.assert_allclose(ax.lines[0].get_xdata(), RADII)
    texts = [text.get_text() for text in figure.legends[0].texts]
    assert texts == [
        "RNN (n = 3 a point, 1 diverged)",
        "ColEI (n = 3 a point, 1 diverged)",
        "chance",
    ]
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert (band[:6].min(), ax.get_title(loc="right")) == (3, "median, quartiles; n: seeds")
    figure = plots.sweep({"RNN": SWEPT}, {"RNN": RADII}, xlabel="radius", ylabel="loss")
    band = figure.axes[0].collections[0].get_paths()[0].vertices[:, 1]
    sd = np.std([2, 4, 6], ddof=1)
    assert band[:6].min() == pytest.approx(4 - sd) and sd == 2
    assert figure.axes[0].get_title(loc="right") == "mean ± sd; n: seeds"


def test_a_map_says_its_numbers_and_leaves_the_missing_white():
    nse, error = FIGURES["maps"]().axes[:2]
    assert [text.get_text() for text in error.texts] == ["9", "3", "2.5"]
    assert [tick.get_text() for tick in nse.get_yticklabels()] == ["100", "1000"]
    light = {text.get_text(): text.get_color() for text in nse.texts}
    assert light["0.7"] == "black" and light["0.9"] == "white"


def test_excitation_is_red_and_inhibition_blue():
    ax = plots.signed_matrices({"W": [[1.0, -1.0, 0.0]]}).axes[0]
    image = ax.images[0]
    shown = image.cmap(image.norm(np.asarray(image.get_array())))[0, :, :3]
    np.testing.assert_allclose(
        shown, [to_rgb(plots.EXCITATORY), to_rgb(plots.INHIBITORY), (1, 1, 1)], atol=0.01
    )


def test_sweeps_refuse():
    with pytest.raises(ValueError, match="2 points"):
        plots.sweep({"RNN": [[1.0]]}, {"RNN": [1, 2]}, xlabel="", ylabel="")
    with pytest.raises(ValueError, match=r"must be \(2, 1\)"):
        plots.maps({"a": [[1.0]]}, rows=["1", "2"], columns=["1"], xlabel="", ylabel="")
    with pytest.raises(ValueError, match="shape"):
        plots.signed_matrices({"W": [1.0]})


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.learning_curves(curves_table()[:0], "error", ylabel="%"),
        lambda: plots.eigenvalue_plane({}),
        lambda: plots.singular_histograms({}),
        lambda: plots.final_dots({}, ylabel="%"),
    ],
)
def test_nothing_to_draw_is_an_error(draw):
    with pytest.raises(ValueError, match="to draw; give at least one"):
        draw()


def test_sixteen_unknown_networks_look_different():
    looks = plots.style.choose_styles([f"design {i}" for i in range(16)], None)
    assert len(set(looks.values())) == 16


def test_a_plane_reaches_as_far_as_what_is_finite():
    lost, there = np.full(3, np.nan), np.ones(3)
    for values in ({"RNN": lost, "ColEI": there}, {"ColEI": there, "RNN": lost}):
        figure = plots.eigenvalue_plane(values | {"DANN": np.full(3, np.inf)})
        assert {ax.get_xlim() for ax in figure.axes} == {(-1.08, 1.08)}
    assert plots.eigenvalue_plane({"RNN": lost}).axes[0].get_xlim() == (-1, 1)


def test_each_kind_of_trial_is_in_the_legend_once():
    line = [[0.0, 0.0], [1.0, 2.0]]
    figure = plots.trajectories({"A": {"yes": line}, "B": {"no": line, "yes": line}, "C": {}})
    assert [text.get_text() for text in figure.legends[0].texts] == ["yes", "no"]
    assert not plots.trajectories({"A": {}}).legends


def test_what_diverged_everywhere_has_no_logarithm(tmp_path):
    lost = {"RNN": [[np.nan], [np.inf]]}
    figure = plots.sweep(
        lost, {"RNN": [0.1, 1.0]}, xlabel="rate", ylabel="error (%)", log=True, log_x=True
    )
    plots.save(figure, tmp_path / "sweep")
    figure = plots.singular_histograms({"RNN": np.full((2, 3), np.nan)}, log=True)
    low, high = figure.axes[0].get_ylim()
    assert low < high
