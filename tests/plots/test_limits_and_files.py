"""Axes that one far-off run does not set, spreads that fit their axis, files that stay the same."""

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from dalejax import plots
from dalejax.plots import summaries

RNG = np.random.default_rng(0)
ERRORS = RNG.uniform(1, 2, 9)
FAR = np.append(ERRORS, 1e6)


def note(figure) -> str:
    return figure.axes[0].get_title(loc="right")


def curves(values: np.ndarray) -> pd.DataFrame:
    """A table of values [updates, members]."""
    rows = [
        ("RNN", member, 10 * i, "loss", value)
        for i, at in enumerate(values)
        for member, value in enumerate(at)
    ]
    return pd.DataFrame(rows, columns=["configuration", "member", "update", "metric", "value"])


# Limits


def test_one_far_off_member_does_not_set_the_axis_and_is_counted():
    figure = plots.final_dots({"RNN": FAR, "ColEI": ERRORS}, ylabel="loss")
    assert figure.axes[0].get_ylim()[1] < 3
    assert note(figure) == "median, quartiles; n: seeds; 1 outside"
    figure = plots.final_dots({"RNN": ERRORS}, ylabel="loss")
    assert note(figure) == "mean ± sd; n: seeds"


def test_members_that_differ_without_one_being_far_off_are_all_shown():
    for values in ([1.3, 1.4, 1.5, 3.0, 2.5, 1.9], [1.0, 1e6], np.ones(5), [1.0, np.nan]):
        assert summaries.bulk_limits([values], log=False) is None
    # On a logarithmic axis 90 % beside 1 % can be read.
    assert summaries.bulk_limits([[1.0, 1.1, 1.2, 90.0]], log=True) is None
    assert summaries.bulk_limits([[1.0, 1.1, 1.2, 1e7]], log=True) is not None


def test_a_reference_line_stays_on_the_axis():
    figure = plots.final_dots({"RNN": FAR}, ylabel="loss", hlines={"chance": 50.0})
    assert 50 < figure.axes[0].get_ylim()[1] < 60


@pytest.mark.parametrize("log", [False, True])
def test_a_spike_of_one_member_does_not_set_the_axis_of_the_curves(log):
    values = RNG.uniform(1, 2, (20, 9))
    values[7, 3] = 1e6
    figure = plots.learning_curves(curves(values), "loss", ylabel="loss", log=log)
    assert figure.axes[0].get_ylim()[1] < 3
    # Medians and quartiles do not reach the spike on the logarithmic axis: nothing is cut.
    assert ("1 outside" in note(figure)) is not log
    np.testing.assert_allclose(figure.axes[0].lines[0].get_ydata(), np.median(values, 1))


def test_a_far_off_point_of_a_sweep_is_counted():
    values = np.stack([FAR, np.append(ERRORS, 1.5)])
    figure = plots.sweep({"RNN": values}, {"RNN": [1, 2]}, xlabel="x", ylabel="loss")
    assert figure.axes[0].get_ylim()[1] < 3
    assert note(figure) == "median, quartiles; n: seeds; 1 outside"


def test_a_far_off_network_of_a_scatter_is_counted():
    figure = plots.scatter({"a": (ERRORS, FAR[1:])}, xlabel="x", ylabel="y", note="at the end")
    assert figure.axes[0].get_ylim()[1] < 3
    assert note(figure) == "at the end; n: networks; 1 outside"


def test_a_far_off_pair_of_an_effect_is_counted():
    figure = plots.effect_bars([plots.Effect("RNN", "signs", FAR)], ylabel="change")
    assert figure.axes[0].get_ylim()[1] < 3
    assert note(figure) == "median, quartiles; n: seeds; 1 outside"


def test_values_without_a_logarithm_are_outside_a_logarithmic_axis():
    figure = plots.final_dots({"RNN": [0.0, 1.0, 2.0]}, ylabel="error (%)", log=True)
    assert note(figure) == "median, quartiles; n: seeds; 1 outside"


def test_a_plane_counts_the_eigenvalues_of_its_networks_beyond_the_frame():
    values = np.array([[0.5, 2.0, -3j], [0.1, 0.2, 0.3], [np.inf, 9.0, 9.0], [np.nan, 9.0, 9.0]])
    ax = plots.eigenvalue_plane({"RNN": values}, reach=1.6).axes[0]
    assert ax.get_title() == "RNN\n2 of 4 seeds, 2 diverged\n2 of 6 λ outside"
    assert len(ax.lines[0].get_xdata()) == 6  # none of a network that diverged


def test_one_far_off_network_does_not_set_the_plane_or_the_histogram():
    values = RNG.uniform(0, 1, (9, 50)) + 0j
    values[4, 7] = 1e5
    ax = plots.eigenvalue_plane({"RNN": values}).axes[0]
    assert ax.get_xlim()[1] < 2 and "1 of 450 λ outside" in ax.get_title()
    ax = plots.singular_histograms({"RNN": values.real}).axes[0]
    assert ax.get_xlim()[1] < 2 and "1 of 450 outside" in ax.get_title()


# Spreads


def test_bands_on_a_logarithmic_axis_are_quartiles():
    values = np.exp(RNG.normal(0, 3, (4, 30)))  # the mean minus the sd is negative
    figure = plots.learning_curves(curves(values), "loss", ylabel="loss", log=True)
    band = figure.axes[0].collections[0].get_paths()[0].vertices[:, 1]
    low, high = np.quantile(values, [0.25, 0.75], axis=1)
    assert (band.min(), band.max()) == (pytest.approx(low.min()), pytest.approx(high.max()))
    assert figure.axes[0].get_ylim()[0] > low.min() / 3
    assert "median, quartiles" in note(figure)


def test_bands_of_percentages_end_at_0_and_100():
    values = np.array([[0.0, 0.0, 60.0], [40.0, 100.0, 100.0]])

    def ends(ylabel):
        for figure in (
            plots.learning_curves(curves(values), "loss", ylabel=ylabel),
            plots.sweep({"RNN": values}, {"RNN": [1, 2]}, xlabel="x", ylabel=ylabel),
        ):
            band = figure.axes[0].collections[0].get_paths()[0].vertices[:, 1]
            yield band.min(), band.max()

    assert list(ends("error (%)")) == [(0, 100)] * 2
    sd = np.std([0, 0, 60], ddof=1)
    for low, high in ends("loss"):  # what is no percentage is not cut
        assert (low, high) == (pytest.approx(20 - sd), pytest.approx(80 + sd))


# Maps


def test_the_better_cell_is_the_darker_one_in_every_map():
    values = [[1.0, 2.0], [3.0, 4.0]]
    figure = plots.maps(
        {"NSE": values, "error (%)": values},
        rows=["a", "b"],
        columns=["c", "d"],
        xlabel="",
        ylabel="",
        lower_is_better=["error (%)"],
    )
    higher, lower, *bars = figure.axes
    for ax, better, worse in ((higher, 4.0, 1.0), (lower, 1.0, 4.0)):
        image = ax.images[0]
        dark, light = (sum(to_rgb(image.cmap(image.norm(v)))) for v in (better, worse))
        assert dark < light - 1
    assert [bar.get_ylabel() for bar in bars] == ["darker: better"] * 2
    assert [bar.yaxis_inverted() for bar in bars] == [False, True]  # the better end is the top


def test_a_map_with_an_unknown_title_is_refused():
    with pytest.raises(ValueError, match=r"lower_is_better holds \['loss'\]; it must hold titles"):
        plots.maps(
            {"NSE": [[1.0]]},
            rows=["1"],
            columns=["1"],
            xlabel="",
            ylabel="",
            lower_is_better=["loss"],
        )


def test_one_far_off_cell_does_not_set_the_colours():
    figure = plots.maps(
        {"loss": FAR[None]}, rows=["1"], columns=[str(i) for i in range(10)], xlabel="", ylabel=""
    )
    assert figure.axes[0].images[0].get_clim()[1] < 3
    assert figure.axes[0].texts[-1].get_text() == "1e+06"


# Files


@pytest.mark.parametrize("names", [["RNN"], [f"design {i}" for i in range(6)]])
def test_pngs_are_a_thousand_pixels_wide(names, tmp_path):
    figure = plots.final_dots(dict.fromkeys(names, ERRORS), ylabel="loss")
    with Image.open(plots.save(figure, tmp_path / "a")[0]) as picture:
        assert abs(picture.width - 1000) <= 2


def test_files_are_written_again_only_when_the_data_change(tmp_path):
    def save(values):
        figure = plots.final_dots({"RNN": values, "ColEI": ERRORS}, ylabel="loss")
        return [(path.name, path.stat().st_ino) for path in plots.save(figure, tmp_path / "a")]

    first = save(ERRORS)
    assert save(ERRORS) == first  # a file that is replaced has another number
    changed = save(ERRORS + 0.1)
    assert all(new != old for new, old in zip(changed, first, strict=True))


def test_files_hold_no_date_and_no_random_id(tmp_path):
    figure = plots.eigenvalue_plane({"RNN": RNG.uniform(0, 1, (2, 9)) + 0j})
    png, pdf, svg = (path.read_bytes() for path in plots.save(figure, tmp_path / "a"))
    for content in (png, pdf, svg):
        assert not re.search(rb"CreationDate|dc:date|tIME|Software|Matplotlib v", content)
