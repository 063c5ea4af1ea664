"""Tables and statistics against hand computations, plain loops and properties."""

import itertools
import json
import math
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from dalejax.analysis import claims, results, statistics
from dalejax.analysis.claims import Claim
from dalejax.analysis.statistics import Interval

NAN = math.nan
probabilities = st.lists(st.floats(0, 1), min_size=1, max_size=12)
samples = st.lists(st.integers(-20, 20), min_size=2, max_size=7)


def tidy(values: dict[int, list[float]], metric: str = "error") -> pd.DataFrame:
    rows = [(m, 10 * (i + 1), metric, v) for m, vs in values.items() for i, v in enumerate(vs)]
    return pd.DataFrame(rows, columns=["member", "update", "metric", "value"])


def test_tables_need_pandas_and_numpy_alone():
    late = "'pyarrow.parquet', 'scipy.stats', 'matplotlib', 'jinja2'"
    for module, others in (("results", f"'jax', 'scipy', {late}"), ("statistics", late)):
        loaded = f"print(*(name for name in ({others}) if name in sys.modules))"
        command = [sys.executable, "-c", f"import sys, dalejax.analysis.{module}; {loaded}"]
        told = subprocess.run(command, capture_output=True, text=True, check=True)
        assert told.stdout.strip() == "", module


# Final values and summaries


def test_final_values_are_means_of_the_last_evaluations_whatever_the_order_of_rows():
    table = pd.concat([tidy({0: [9.0, 2.0, 4.0], 3: [9.0, 1.0, 1.0]}), tidy({0: [7.0]}, "loss")])
    shuffled = table.sample(frac=1, random_state=0)
    assert results.final_values(shuffled, "error", last=2).to_dict() == {0: 3.0, 3: 1.0}
    assert results.final_values(shuffled, "error").to_dict() == {0: 4.0, 3: 1.0}


def test_a_diverged_member_stays_nan():
    last = results.final_values(tidy({0: [1.0, 2.0], 1: [1.0, NAN]}), "error", last=2)
    assert last[0] == 1.5 and math.isnan(last[1])


@pytest.mark.parametrize(
    ("table", "metric", "last", "message"),
    [
        (tidy({0: [1.0]}), "loss", 1, "metric is 'loss'; it must be one that"),
        (tidy({0: [1.0, 2.0], 1: [1.0]}), "error", 1, "unequal updates"),
        (pd.concat([tidy({0: [1.0]})] * 2), "error", 1, "rows of one configuration"),
        (tidy({0: [1.0]}), "error", 2, "last is 2; it must be in 1 … 1"),
        (tidy({0: [1.0]}), "error", 0, "last is 0"),
    ],
)
def test_final_values_refuses(table, metric, last, message):
    with pytest.raises(ValueError, match=message):
        results.final_values(table, metric, last=last)


def test_summary_counts_the_diverged_and_leaves_them_out():
    s = results.summary([1.0, 2.0, NAN, 6.0, math.inf])
    assert (s["n"], s["n_finite"], s["mean"], s["median"], s["min"], s["max"]) == (5, 3, 3, 2, 1, 6)
    assert s["sd"] == pytest.approx(math.sqrt((4 + 1 + 9) / 2))  # ddof = 1
    assert s["text"] == "3.0 ± 2.6 (3 of 5, 2 diverged)"


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([2.19, 2.31, 2.43], "2.31 ± 0.12 (n = 3)"),
        ([0.0371, 0.0383, 0.0395], "0.0383 ± 0.0012 (n = 3)"),
        ([17.0, 137.0, 257.0], "137 ± 120 (n = 3)"),
        ([0.9004, 1.0, 1.0996], "1.00 ± 0.10 (n = 3)"),
        ([90.04, 100.0, 109.96], "100 ± 10 (n = 3)"),
        ([2.5], "2.5 (n = 1)"),
        ([2.5, 2.5], "2.5 ± 0 (n = 2)"),
        ([NAN, NAN], "— (0 of 2, 2 diverged)"),
        ([], "— (n = 0)"),
    ],
)
def test_summary_text_has_two_digits_of_the_spread(values, text):
    assert results.summary(values)["text"] == text


# Pairs and tests


def test_pairs_are_by_member_not_by_position_and_drops_are_counted():
    a = pd.Series({4: 5.0, 2: 7.0, 9: NAN, 1: 0.0})
    b = pd.Series({1: math.inf, 2: 1.0, 4: 1.0, 9: 2.0, 8: 3.0})
    d = results.paired_differences(a, b)
    assert d.values.tolist() == [6.0, 4.0] and d.n_dropped == 2


def test_pairs_need_unique_and_common_members():
    one = pd.Series({0: 1.0})
    with pytest.raises(ValueError, match="stands twice"):
        results.paired_differences(pd.Series([1.0, 2.0], index=[0, 0]), one)
    with pytest.raises(ValueError, match="must be in both"):
        results.paired_differences(one, pd.Series({1: 1.0}))


def exhaustive_mann_whitney(a, b) -> float:
    """Two-sided p from every relabelling: twice the smaller tail of U."""

    def u(x, y):
        return sum((p > q) + 0.5 * (p == q) for p in x for q in y)

    pooled, seen = [*a, *b], u(a, b)
    every = []
    for chosen in itertools.combinations(range(len(pooled)), len(a)):
        x = [pooled[i] for i in chosen]
        every.append(u(x, [pooled[i] for i in range(len(pooled)) if i not in chosen]))
    tails = np.mean(np.array(every) >= seen), np.mean(np.array(every) <= seen)
    return min(1.0, 2 * min(tails))


def test_five_against_five_cannot_get_below_008():
    t = statistics.mann_whitney(range(5), range(5, 10))
    assert (t.p, t.statistic, t.n_a, t.n_b, t.method) == (pytest.approx(2 / 252), 0, 5, 5, "exact")
    assert statistics.mann_whitney([1.0], [2.0]).p == statistics.mann_whitney([1.0], [1.0]).p == 1
    tied = statistics.mann_whitney([0, 0, 1, 2, 3], [5, 5, 6, 7, 8])
    assert (tied.p, tied.method) == (pytest.approx(2 / 252), "permutation")


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=4),
    st.lists(st.integers(0, 6), min_size=1, max_size=4),
)
@example([1], [2, 2, 3, 3, 4])
@example([2, 2, 3, 3, 4], [1])
@example([3, 3, 3], [3])
def test_small_mann_whitney_is_exact_with_ties_too(a, b):
    t = statistics.mann_whitney(a, b)
    if len({*a, *b}) == 1:  # nothing to order
        assert t.p == 1
        return
    sides = [statistics.mann_whitney(a, b, alternative=side).p for side in ("less", "greater")]
    assert t.p == pytest.approx(min(1, 2 * min(sides)))
    assert t.method in ("exact", "permutation")
    assert t.p == pytest.approx(exhaustive_mann_whitney(a, b))


def test_large_mann_whitney_agrees_with_scipy_and_respects_sides():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=30), rng.normal(0.7, size=30)
    t = statistics.mann_whitney(a, b)
    assert t.method == "exact" and t.p == stats.mannwhitneyu(a, b, method="exact").pvalue
    assert t.p == statistics.mann_whitney(b, a).p
    less, greater = (statistics.mann_whitney(a, b, alternative=s).p for s in ("less", "greater"))
    assert less < t.p < greater
    tied = statistics.mann_whitney(a.round(1), b.round(1))
    assert tied.method == "asymptotic" and t.p / 4 < tied.p < 4 * t.p


@pytest.mark.parametrize("bad", [[1.0, NAN], [], [[1.0]]])
@pytest.mark.parametrize(
    "test",
    [
        lambda v: statistics.mann_whitney(v, [1.0]),
        statistics.wilcoxon_signed,
        lambda v: statistics.bootstrap_interval(v, seed=0),
        lambda v: statistics.spearman(v, v, seed=0),
    ],
)
def test_statistics_never_swallow_what_is_not_finite(test, bad):
    with pytest.raises(ValueError, match=r"are not finite|have shape"):
        test(bad)


@settings(max_examples=15, deadline=None)
@given(samples)
def test_small_wilcoxon_is_exact(values):
    d = np.array(values, float)
    t = statistics.wilcoxon_signed(d)
    ranks = np.where(d != 0, stats.rankdata(np.abs(d)), 0)
    seen = ranks[d > 0].sum()
    flips = np.array(list(itertools.product([0, 1], repeat=d.size))) @ ranks
    tails = np.mean(flips >= seen - 1e-9), np.mean(flips <= seen + 1e-9)
    assert t.n == d.size and t.p == pytest.approx(min(1.0, 2 * min(tails)))


def test_wilcoxon_says_how_it_computed():
    rng = np.random.default_rng(0)
    assert statistics.wilcoxon_signed(rng.normal(size=30)).method == "exact"
    assert statistics.wilcoxon_signed(rng.normal(size=60)).method == "asymptotic"
    assert statistics.wilcoxon_signed([1, 1, -1, 2]).method == "permutation"
    assert statistics.wilcoxon_signed([0.0, 0.0]).p == 1


# Bootstrap, correlation, Holm


def test_bootstrap_interval_agrees_with_students_t_and_repeats():
    x = np.random.default_rng(1).normal(3, 1, 200)
    interval = statistics.bootstrap_interval(x, seed=0)
    half = stats.t.ppf(0.975, 199) * x.std(ddof=1) / math.sqrt(200)
    assert interval == pytest.approx((x.mean() - half, x.mean() + half), abs=0.02)
    assert interval == statistics.bootstrap_interval(x, seed=0)
    assert interval != statistics.bootstrap_interval(x, seed=1)
    narrow = statistics.bootstrap_interval(x, seed=0, level=0.5)
    assert interval.low < narrow.low < narrow.high < interval.high


def test_degenerate_bootstraps():
    assert statistics.bootstrap_interval([2.5] * 4, seed=0) == Interval(2.5, 2.5)
    assert all(map(math.isnan, statistics.bootstrap_interval([2.5], seed=0)))
    with pytest.warns(UserWarning, match="percentile"):  # every leave-one-out median is 1
        low, high = statistics.bootstrap_interval([1, 1, 1, 1, 2], statistic=np.median, seed=0)
    assert low == 1 and high in (1, 2)


def test_spearman_against_a_loop():
    rng = np.random.default_rng(2)
    x = rng.normal(size=25)
    y = x + rng.normal(size=25)
    got = statistics.spearman(x, y, seed=0, resamples=400)
    assert got.rho == pytest.approx(np.corrcoef(stats.rankdata(x), stats.rankdata(y))[0, 1])
    assert got.p == pytest.approx(stats.spearmanr(x, y).pvalue) and got.n == 25
    loop, picks = [], np.random.default_rng(0).integers(0, 25, (400, 25))
    for pick in picks:
        loop.append(stats.spearmanr(x[pick], y[pick]).statistic)
    assert got.interval == pytest.approx(np.quantile(loop, [0.025, 0.975]))


@pytest.mark.parametrize("y", [[1, 2, 3], [3, 1, 2, 4], [2, 1, 3, 5, 4], [1, 1, 2, 2, 3, 4, 4]])
def test_spearman_of_few_pairs_is_exact(y):
    x = np.arange(len(y))
    rho = np.array([stats.spearmanr(x, order).statistic for order in itertools.permutations(y)])
    got = statistics.spearman(x, y, seed=0)
    tails = [(rho >= got.rho - 1e-9).mean(), (rho <= got.rho + 1e-9).mean()]
    assert got.p == pytest.approx(min(1, 2 * min(tails)))
    assert got.rho == pytest.approx(stats.spearmanr(x, y).statistic)


def test_spearman_of_eight_pairs_is_exact_and_of_more_never_below_two_orders_of_all():
    assert statistics.spearman(range(8), range(8), seed=0).p == pytest.approx(2 / math.factorial(8))
    # No more than the seven neighbours' exchanges come as near to the order.
    swapped = statistics.spearman(range(8), [1, 0, *range(2, 8)], seed=0).p
    assert swapped == pytest.approx(2 * (1 + 7) / math.factorial(8))
    for n in (9, 12):
        p = statistics.spearman(range(n), range(n), seed=0).p
        assert p == pytest.approx(2 / math.factorial(n))


@pytest.mark.parametrize(
    "test",
    [
        lambda up: statistics.mann_whitney([1, 1], [1, 1], alternative=up),
        lambda up: statistics.wilcoxon_signed([0.0, 0.0], alternative=up),
    ],
)
def test_an_alternative_that_is_none_is_refused(test):
    with pytest.raises(ValueError, match="alternative is 'up'; it must be one of two-sided, less"):
        test("up")


def test_spearman_of_few_pairs_skips_resamples_without_a_correlation():
    got = statistics.spearman([1, 2, 3], [1, 3, 2], seed=0)
    assert -1 <= got.interval.low <= got.interval.high <= 1
    with pytest.raises(ValueError, match="constant"):
        statistics.spearman([1, 2, 3], [1, 1, 1], seed=0)


def test_holm_by_hand():
    # Sorted .005 .01 .03 .04, times 4 3 2 1: .02 .03 .06 .04, of which the running maximum.
    assert statistics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert statistics.holm([]).size == 0


@given(probabilities)
def test_holm_properties(p):
    adjusted, p = statistics.holm(p), np.array(p)
    assert (adjusted >= p).all() and (adjusted <= np.minimum(1, p.size * p)).all()  # ≤ Bonferroni
    assert (np.diff(adjusted[np.argsort(p)]) >= 0).all()  # order is kept
    # Rejecting where adjusted ≤ α is Holm's sequential procedure.
    for alpha in (0.01, 0.05, 0.2):
        rejected = 0
        for j, q in enumerate(sorted(p)):
            if (p.size - j) * q > alpha:
                break
            rejected += 1
        assert (adjusted <= alpha).sum() == rejected


@pytest.mark.parametrize("bad", [[0.5, 1.1], [-0.1], [NAN]])
def test_holm_refuses_what_is_no_probability(bad):
    with pytest.raises(ValueError, match="each in"):
        statistics.holm(bad)


# The ledger


def claim(id: str = "a", **given) -> Claim:
    return Claim(**dict(id=id, statement="S.", source="N23", holds=True) | given)


def test_claims_come_back_as_written(tmp_path):
    several = [
        claim(
            "gap", measured=2.3, spread=0.1, interval=Interval(2.2, 2.4), p=0.003, note="½ scale"
        ),
        claim("sign", holds=False, reference=1.5),
    ]
    claims.write_claims(tmp_path / "new" / "claims.json", several)
    assert claims.read_claims(tmp_path / "new" / "claims.json") == several
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["claims.json"]  # nothing left over


def test_claims_json_is_standard(tmp_path, untyped):
    path = tmp_path / "claims.json"
    odd = claim(holds=np.True_, measured=np.float32(NAN), p=math.inf, interval=(NAN, np.float64(2)))
    claims.write_claims(path, [odd])

    def refuse(token):
        raise AssertionError(token)

    (row,) = json.loads(path.read_text(), parse_constant=refuse)
    assert (row["holds"], row["measured"], row["p"]) == (True, None, None)
    assert row["interval"] == [None, 2.0]
    assert claims.read_claims(path)[0].interval.high == 2.0


def test_claim_ids_are_unique(tmp_path):
    twice = [claim("a"), claim("b"), claim("a")]
    with pytest.raises(ValueError, match=r"\['a'\]"):
        claims.write_claims(tmp_path / "claims.json", twice)
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match=r"\['a'\]"):
        claims.format_claims(twice)


def test_claims_are_printed_with_their_verdict_first():
    text = claims.format_claims(
        [
            claim(
                "gap",
                measured=2.314,
                spread=0.12,
                interval=(2.2, 2.4),
                test="U, 30 vs 30",
                p=0.003,
                reference="2.3 ± .6",
                preset="laptop",
                note="10 epochs of 30",
            ),
            claim("no-number", holds=False, measured=NAN, spread=NAN),
        ]
    )
    assert text.splitlines() == [
        "holds  gap        2.31 ± 0.12 (sd)  [2.2, 2.4]  U, 30 vs 30  p = 0.003  reported 2.3 ± .6",
        "       S. [N23; text, laptop] (10 epochs of 30)",
        "FAILS  no-number  nan",
        "       S. [N23; text]",
        "1 of 2 claims hold",
    ]
    assert claims.format_claims([]) == "0 of 0 claims hold"


# Parquet


def test_tables_come_back_and_equal_tables_have_equal_bytes(tmp_path):
    table = tidy({0: [1.0, NAN], 1: [2.0, 3.0]}).assign(configuration="ColEI")
    results.write_table(table, tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(results.read_table(tmp_path / "a.parquet"), table)
    other = table.set_index(pd.Index([7, 8, 9, 10])).astype({"metric": object})
    other.attrs["when"] = "later"
    results.write_table(other, tmp_path / "b.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "metrics.parquet"
    results.write_table(tidy({0: [1.0]}), path)

    def torn(table, where):
        where.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(pyarrow.parquet, "write_table", torn)
    with pytest.raises(OSError, match="disk full"):
        results.write_table(tidy({0: [2.0]}), path)
    assert results.read_table(path)["value"].tolist() == [1.0]
    assert [p.name for p in tmp_path.iterdir()] == ["metrics.parquet"]
