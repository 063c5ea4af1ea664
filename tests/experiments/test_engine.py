"""The engine of experiments: the ensembles that a comparison trains, and declared claims."""

import dataclasses
import itertools
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from helpers.tiny_experiment import NET, SMALL, TASK, TINY

import dalejax as dj
from experiments import all_experiments
from experiments.engine import comparison, runs
from experiments.engine.comparison import Arm
from experiments.engine.context import NotKept


@pytest.fixture
def context(tmp_path):
    return runs.context_of(TINY, tmp_path / "run", progress=False)


# --- comparisons ----------------------------------------------------------------------------------


def start(seeds, value):
    """Make parameters that tell their seed: value + seed in every entry."""
    return {"W": value + jnp.arange(seeds, dtype=jnp.float32)[:, None, None] * jnp.ones((2, 3))}


def test_members_are_laid_out_as_nested_loops_would(context, monkeypatch):
    """Arms, then points, then seeds; what an arm says of a hyper-parameter goes before a point."""
    arms = {
        "a": Arm(dj.seed_keys(0, 3), start(3, 10.0), {"signs": start(3, 1.0)}),
        "b": Arm(dj.seed_keys(5, 2), start(2, 20.0), {"signs": start(2, 2.0), "rate": 0.5}),
    }
    points = comparison.grid(rate=(0.1, 0.2), clip=(1.0, np.inf))
    assert points == [{"rate": r, "clip": c} for r in (0.1, 0.2) for c in (1.0, np.inf)]
    told = {}
    monkeypatch.setattr(context, "train", lambda name, net, tx, task, **options: told | options)
    trained = comparison.train(context, "both", NET, dj.rnn_sgd, TASK, arms, points, num_updates=6)
    options = trained.run
    assert options["num_updates"] == 6
    i = 0
    for name, arm in arms.items():
        for point in points:
            for seed in range(len(arm.keys)):
                row = trained.plan.loc[i].to_dict()
                assert row == {"arm": name, "seed": seed, **point}
                assert options["keys"][i] == arm.keys[seed]
                np.testing.assert_array_equal(options["params"]["W"][i], arm.params["W"][seed])
                mine = jax.tree.map(lambda leaf, i=i: leaf[i], options["hyperparams"])
                signs = arm.hyperparams["signs"]["W"][seed]
                np.testing.assert_array_equal(mine["signs"]["W"], signs)
                assert mine["rate"] == np.float32(arm.hyperparams.get("rate", point["rate"]))
                assert mine["clip"] == np.float32(point["clip"])
                assert i in trained.members(name) and i in trained.members(name, point)
                i += 1
    assert i == len(trained.plan) == len(options["keys"]) == 4 * (3 + 2)
    assert {leaf.dtype for leaf in jax.tree.leaves(options["hyperparams"])} == {np.dtype("f4")}
    assert [len(trained.members(name)) for name in arms] == [12, 8]
    assert trained.members("b", {"clip": np.inf}).tolist() == [14, 15, 18, 19]


def test_without_starts_the_network_draws_them(context, monkeypatch):
    monkeypatch.setattr(context, "train", lambda *about, **options: options)
    arms = {"a": Arm(context.keys()), "b": Arm(context.keys(3, apart=7))}
    trained = comparison.train(context, "both", NET, dj.rnn_sgd, TASK, arms, [{"rate": 0.1}])
    assert trained.run["params"] is None
    expected = jnp.concatenate([dj.seed_keys(0, 2), dj.seed_keys(7, 3)])
    assert (trained.run["keys"] == expected).all()


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """Two arms at two rates with three and two seeds."""
    context = runs.context_of(TINY, tmp_path_factory.mktemp("both") / "run", progress=False)
    with context.stack:
        arms = {"a": Arm(dj.seed_keys(0, 3)), "b": Arm(dj.seed_keys(5, 2))}
        points = comparison.grid(learning_rate=(0.05, 0.2))
        trained = comparison.train(context, "both", NET, dj.rnn_sgd, TASK, arms, points)
    return context, trained


def assert_same(a, b):
    jax.tree.map(np.testing.assert_array_equal, a, b)


def test_the_bits_of_a_member_do_not_depend_on_who_trains_beside_it(together, context):
    """Alone in its comparison, or trained without one, a member has the same weights and scores."""
    _, both = together
    point = {"learning_rate": 0.2}
    with context.stack:
        alone = comparison.train(
            context, "b", NET, dj.rnn_sgd, TASK, {"b": both.arms["b"]}, [point]
        )
    assert_same(alone.params("b", point), both.params("b", point))
    assert_same(alone.params("b"), alone.run.params)
    pd.testing.assert_frame_equal(
        alone.table("b").reset_index(drop=True), both.table("b", point).reset_index(drop=True)
    )
    plain = dj.train(
        NET,
        dj.rnn_sgd(jnp.float32(0.2)),
        TASK,
        keys=both.arms["b"].keys,
        num_updates=SMALL.updates,
        eval_every=SMALL.eval_every,
        progress=False,
    )
    assert_same(plain.params, both.params("b", point))


def test_parts_of_a_trained_ensemble(together):
    _, both = together
    finals = both.finals("test_mse")
    assert list(finals.columns) == ["arm", "seed", "learning_rate", "test_mse"]
    for arm, rate in itertools.product("ab", (0.05, 0.2)):
        point = {"learning_rate": rate}
        members = both.members(arm, point)
        table = both.table(arm, point)
        assert set(table.member) == set(range(len(members)))
        own = finals[(finals.arm == arm) & (finals.learning_rate == rate)].test_mse
        np.testing.assert_array_equal(dj.results.final_values(table, "test_mse"), own)
        for seed, member in enumerate(members):
            mine = jax.tree.map(lambda leaf, i=member: leaf[i], both.run.params)
            theirs = jax.tree.map(lambda leaf, i=seed: leaf[i], both.params(arm, point))
            assert_same(mine, theirs)


def test_an_ensemble_is_recorded_point_by_point(together):
    context, both = together
    context.tables.clear()
    comparison.record(context, both, lambda arm, point: f"{arm}, {point['learning_rate']:g}")
    names = ["a, 0.05", "a, 0.2", "b, 0.05", "b, 0.2"]
    assert list(dict.fromkeys(context.table.configuration)) == names
    assert len(context.table) == len(both.run.table)
    np.testing.assert_array_equal(
        pd.concat([context.final(name, "test_mse") for name in names]),
        both.finals("test_mse").test_mse,
    )
    context.tables.clear()
    one = dataclasses.replace(both, plan=both.plan.drop(columns="learning_rate"))
    comparison.record(context, one, lambda arm, point: f"{arm} {dict(point)}")
    assert list(dict.fromkeys(context.table.configuration)) == ["a {}", "b {}"]


def test_the_best_points_are_those_of_a_plain_loop():
    rng = np.random.default_rng(0)
    points = comparison.grid(rate=(0.1, 0.2, 0.3), clip=(1.0, np.inf))
    rows = [
        {"arm": arm, "seed": seed, **point, "error": rng.uniform()}
        for arm in ("x", "a")
        for point in points
        for seed in range(3)
    ]
    rows[4]["error"] = rows[20]["error"] = np.nan
    rows[30]["error"] = np.inf
    best = comparison.best_points(pd.DataFrame(rows), "error")
    assert list(best) == ["x", "a"]
    for arm, chosen in best.items():
        means = []
        for point in points:
            own = [r["error"] for r in rows if r["arm"] == arm and point.items() <= r.items()]
            means.append(np.mean([e if np.isfinite(e) else np.inf for e in own]))
        assert chosen == points[int(np.argmin(means))]


def test_a_seed_that_diverged_counts_as_much_as_is_said():
    finals = pd.DataFrame(
        {"arm": "a", "seed": [0, 1, 0, 1], "rate": [0.1, 0.1, 0.2, 0.2], "error": [1, np.nan, 2, 2]}
    )
    assert comparison.best_points(finals, "error") == {"a": {"rate": 0.2}}
    assert comparison.best_points(finals, "error", diverged=2.5) == {"a": {"rate": 0.1}}
    assert comparison.best_points(finals, "error", diverged=3.0) == {"a": {"rate": 0.1}}  # equals
    lost = finals.assign(error=np.nan)
    assert comparison.best_points(lost, "error") == {"a": {"rate": 0.1}}


# --- tables ---------------------------------------------------------------------------------------


def test_tables_come_back_as_they_were_written(context):
    values = np.random.default_rng(0).normal(size=999) * 10.0 ** np.arange(-30, 30).repeat(17)[:999]
    values = np.append(values, [np.nan, np.inf, -np.inf, 0.1]).astype(np.float32)
    table = pd.DataFrame({"name": "a, b", "member": np.arange(len(values)), "value": values})
    with context.stack:
        context.write_csv("table.csv", table)
        context.write_csv("all_digits.csv", table.astype({"value": float}), digits=17)
        context.write_parquet("table.parquet", table.astype({"value": float}))
        context.write_facts(source="digits", chance=90.0, count=3)
    for read in (context.read_csv("table.csv"), context.read_parquet("table.parquet")):
        assert read.name.eq("a, b").all() and (read.member == table.member).all()
        np.testing.assert_array_equal(read.value.to_numpy(np.float32), values)
    np.testing.assert_array_equal(context.read_csv("all_digits.csv").value, values.astype(float))
    assert [context.fact(name) for name in ("source", "chance", "count")] == ["digits", 90.0, 3]
    assert context.fact("lacking", "a default") == "a default"


@pytest.mark.parametrize(
    ("what", "lacking"),
    [
        (lambda context: context.read_csv("a.csv"), "a.csv"),
        (lambda context: context.read_parquet("a.parquet"), "a.parquet"),
        (lambda context: context.fact("a"), "'a' in facts.json"),
        (lambda context: context.table, "metrics of trained networks"),
        (lambda context: context.final("RNN", "test_mse"), "metrics of trained networks"),
    ],
    ids=range(5),
)
def test_a_table_that_is_lacking_is_named(what, lacking, context):
    with pytest.raises(NotKept) as error:
        what(context)
    assert error.value.args == (lacking,)
    assert not context.folder.exists()


# --- declared claims ------------------------------------------------------------------------------


def test_a_run_that_makes_other_claims_than_declared_fails(together, monkeypatch):
    trained, _ = together
    monkeypatch.setattr(trained, "tables", [])
    table = pd.DataFrame({"member": [0], "update": [2], "metric": "test_mse", "value": 1.0})
    trained.record("RNN", table)
    assert [claim.id for claim in TINY.judged(trained)] == ["error"]
    for declared in ((), ("other",), ("error", "other")):
        with pytest.raises(AssertionError, match=r"tiny declares the claims .* and made error"):
            dataclasses.replace(TINY, claims=declared).judged(trained)


def test_a_run_that_fails_so_leaves_no_claims(tmp_path):
    other = dataclasses.replace(TINY, claims=("other",), train=lambda context: context.begin())
    other = dataclasses.replace(other, judge=lambda context: [SimpleNamespace(id="error")])
    context = runs.context_of(other, tmp_path / "run", progress=False)
    with pytest.raises(AssertionError, match="declares the claims other and made error"):
        runs.carry_out(other, context)
    assert not (context.folder / "claims.json").exists()


def test_ids_of_claims_are_unlike_each_other():
    for name, experiment in all_experiments().items():
        assert len(set(experiment.claims)) == len(experiment.claims), name
