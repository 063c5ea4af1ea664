"""Turning measurements into claims: comparisons, correlations, means, and their notes."""

import numpy as np
import pandas as pd
import pytest
from helpers.smoke_runs import smoke

import dalejax as dj
from experiments.engine import evidence
from experiments.li2023 import fig5_ei_ratio


@pytest.fixture
def context(tmp_path):
    return smoke(fig5_ei_ratio.EXPERIMENT, tmp_path / "run")


def wanted(high, low, id="a"):
    return evidence.Above(id, "S.", pd.Series(high), pd.Series(low), ("high", "low"))


def test_above_needs_rank_and_significance(context):
    far, near = np.arange(10.0) + 20, np.arange(10.0)
    claims = evidence.above(
        context, [wanted(far, near), wanted(near, far, "b"), wanted(near + 0.5, near, "c")], "N23"
    )
    assert [claim.holds for claim in claims] == [True, False, False]
    raw = dj.statistics.mann_whitney(far, near).p
    assert claims[0].p == pytest.approx(3 * raw) and "Holm over 3" in claims[0].test
    assert claims[0].measured == 20 and "all seeds apart" in claims[0].test


def test_few_seeds_must_all_lie_apart(context):
    apart, mixed = evidence.above(
        context,
        [wanted([3.0, 4.0, 5.0], [0.0, 1.0, 2.0]), wanted([3.0, 4.0, 1.5], [0.0, 1.0, 2.0], "b")],
        "N23",
    )
    assert apart.holds and apart.p > 0.05 and not mixed.holds


def test_diverged_members_do_not_decide(context):
    (claim,) = evidence.above(context, [wanted([np.nan] * 3, [0.0, 1.0, 2.0])], "N23")
    assert not claim.holds and claim.p == 1 and "diverged" in claim.test


def test_gaps_and_correlations(context):
    a = pd.Series(np.linspace(0, 0.2, 10))
    assert evidence.gap_within(context, "a", "S.", "N23", a, a + 0.1, 0.3).holds
    assert not evidence.gap_within(context, "a", "S.", "N23", a, a + 0.5, 0.3).holds
    x = np.arange(10.0)
    assert evidence.correlated(context, "a", "S.", "N23", x, -x, -1).holds
    assert not evidence.correlated(context, "a", "S.", "N23", x, -x, 1).holds
    assert not evidence.correlated(context, "a", "S.", "N23", x, 0 * x, 1).holds
    lost = evidence.correlated(context, "a", "S.", "N23", x, np.where(x > 7, np.nan, x), 1)
    assert lost.holds and "8 networks, 2 diverged" in lost.test


def test_configurations_that_run_against_each_other(context):
    nse = [np.array([0.6, 0.62]), np.array([0.8, 0.8]), np.array([0.9, 0.91])]
    errors = [pd.Series([9.0, 8.0]), pd.Series([4.0, np.nan]), pd.Series([2.0, 3.0])]
    claim = evidence.means_in_opposite_order(context, "a", "S.", "N23", nse, errors)
    assert claim.holds and claim.measured < 0 and claim.p is None
    assert not evidence.means_in_opposite_order(context, "a", "S.", "N23", nse, errors[::-1]).holds
    lost = [*errors[:2], pd.Series([np.nan, np.nan])]
    assert not evidence.means_in_opposite_order(context, "a", "S.", "N23", nse, lost).holds


def test_more_variable(context):
    wide, narrow = pd.Series(np.linspace(0, 10, 12)), pd.Series(np.linspace(4, 5, 12))
    others = {"a": narrow, "b": narrow + 1}
    assert evidence.more_variable(context, "a", "S", "N23", wide, others).holds
    assert not evidence.more_variable(context, "a", "S", "N23", narrow, {"a": wide}).holds
    assert not evidence.more_variable(context, "a", "S", "N23", wide, others | {"c": wide}).holds


def test_means_without_an_interval_show_nothing(context):
    for values in ([], [1.0]):
        claim = evidence.mean(context, "a", "S.", "N23", values, lambda x: True, "any")
        assert not claim.holds
    claim = evidence.mean(context, "a", "S.", "N23", [1.0, 2.0, 3.0], lambda x: x.low > 0, "> 0")
    assert claim.holds and claim.measured == 2


def test_claims_say_what_is_reduced(tmp_path):
    context = smoke(fig5_ei_ratio.EXPERIMENT, tmp_path, updates=7)
    note = evidence.number(context, "a", "S.", "N23", 1, True, "1").note
    assert "updates 7 (full scale: 56250)" in note and "shares 0.05, 0.1, 0.5" in note
    context.settings = context.scale = fig5_ei_ratio.FULL
    assert evidence.number(context, "a", "S.", "N23", 1, True, "1").note == ""
