"""Test ``dalejax.signs``: the projection on signs, sign trees of any shape, legality."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dalejax as dj
from dalejax import signs
from dalejax.signs import ColumnSigns
from dalejax.signs.trees import expand

pytestmark = pytest.mark.usefixtures("strict_ranks")
numbers = st.floats(width=32, allow_subnormal=False) | st.sampled_from([0.0, -0.0, np.nan])
finite = numbers.filter(np.isfinite)
sign_arrays = st.sampled_from([(), (1, 3), (2, 3), (2, 1)]).flatmap(
    lambda shape: hnp.arrays(np.int8, shape, elements=st.sampled_from([-1, 0, 1]))
)


def matrices(elements):
    return hnp.arrays(np.float32, (2, 3), elements=elements)


def bits(x):
    return np.asarray(x, np.float32).view(np.uint32)


def project(value, sign):
    return np.asarray(signs.project({"W": jnp.asarray(value)}, {"W": jnp.asarray(sign)})["W"])


# Projection


@given(matrices(numbers), sign_arrays)
def test_projection_keeps_legal_entries_bit_for_bit_and_zeroes_the_others(value, sign):
    projected = project(value, sign)
    sign = np.broadcast_to(sign, value.shape)
    wrong = (sign != 0) & (np.sign(value) * sign < 0) & np.isfinite(value)
    kept = (sign == 0) | (np.sign(value) * sign > 0) | np.isnan(value)
    np.testing.assert_array_equal(bits(projected)[kept], bits(value)[kept])
    assert (bits(projected)[wrong] == 0).all()  # exactly +0.0
    assert (bits(projected)[(sign != 0) & (value == 0)] == 0).all()


@given(matrices(numbers), sign_arrays)
def test_projection_is_idempotent(value, sign):
    once = project(value, sign)
    np.testing.assert_array_equal(bits(project(once, sign)), bits(once))


@given(matrices(finite), matrices(finite), sign_arrays)
def test_no_legal_point_is_nearer(value, other, sign):
    legal = np.where(np.broadcast_to(sign, other.shape) == 0, other, sign * np.abs(other))
    distance = np.abs(np.float64(value) - project(value, sign))
    assert (distance <= np.abs(np.float64(value) - legal)).all()


@given(matrices(finite), sign_arrays)
def test_what_is_projected_is_legal(value, sign):
    tree = {"W": jnp.asarray(sign)}
    projected = {"W": jnp.asarray(project(value, sign))}
    signs.assert_legal(projected, tree)
    spread = np.broadcast_to(sign, value.shape)
    broken = (value * np.sign(spread) < 0) | ((spread != 0) & (bits(value) == bits(-0.0)))
    assert signs.is_legal({"W": jnp.asarray(value)}, tree) == (not broken.any())


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16, jnp.float32])
def test_the_type_is_kept(dtype):
    W = jnp.array([-1.0, 2.0, -0.0], dtype)
    projected = signs.project({"W": W}, {"W": 1})["W"]
    assert projected.dtype == dtype and projected.tolist() == [0, 2, 0]
    assert signs.is_legal({"W": projected}, {"W": 1}) and not signs.is_legal({"W": W}, {"W": 1})


# Populations


def test_inhibitory_units_are_counted_as_integers():
    counts = [signs.num_inhibitory(n, p) for n, p in [(100, 0.1), (10, 0.01), (7, 0.5), (55, 0.2)]]
    assert counts == [10, 1, 4, 11]


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 1.5])
def test_shares_outside_the_unit_interval_are_refused(share):
    with pytest.raises(ValueError, match=r"inhibitory share is .*; it must lie between 0 and 1"):
        signs.num_inhibitory(10, share)


@pytest.mark.parametrize(("n", "n_i"), [(4, 0), (4, 4), (1, 1), (4, -1)])
def test_populations_need_both_kinds(n, n_i):
    with pytest.raises(ValueError, match=f"n_i is {n_i}; with n = {n} units"):
        signs.check_populations(n, n_i)


def test_the_last_columns_are_inhibitory():
    assert signs.column_signs(5, 2).tolist() == [[1, 1, 1, -1, -1]]
    assert signs.column_signs(3, 0).tolist() == [[1, 1, 1]]
    assert signs.column_signs(3, 0).dtype == jnp.int8


# Sign trees


def test_own_signs_are_found_however_deep_and_survive_tree_maps():
    W, b = jnp.ones((2, 3)), jnp.ones(2)
    cell = {"W": W, "b": b, "signs": ColumnSigns((("W", 2),))}
    params = jax.tree.map(lambda leaf: leaf, {"net": {"cells_0": cell}, "other": {"W": W}})
    found = signs.sign_tree(params)
    assert found["net"]["cells_0"]["W"].tolist() == [[1, -1, -1]]
    assert found["net"]["cells_0"]["b"] is None and found["other"]["W"] is None
    assert len(jax.tree.leaves(params)) == 3  # the node of the sign rule has no leaves


def test_members_share_their_signs():
    params = {"W": jnp.ones((5, 2, 3)), "signs": ColumnSigns((("W", 1),))}
    assert signs.sign_tree(params)["W"].tolist() == [[1, 1, -1]]
    with jax.numpy_rank_promotion("allow"):
        assert not signs.is_legal(params)
        assert signs.is_legal({**params, "W": params["W"] * jnp.array([1.0, 1.0, -1.0])})


@pytest.mark.parametrize("params", [{}, {"W": jnp.ones((2, 2))}, {"signs": jnp.ones(2)}])
def test_a_tree_without_own_signs_is_refused(params):
    with pytest.raises(ValueError, match="carry no signs of dalejax; pass a sign tree"):
        signs.sign_tree(params)


def free(node):
    return isinstance(node, optax.MaskedNode)


def test_a_prefix_stands_for_its_whole_branch():
    params = {"a": {"x": jnp.ones(2), "y": [jnp.ones((2, 2)), None]}, "b": jnp.ones(3)}
    full = expand({"a": -1, "b": None}, params)
    assert [int(s) for s in (full["a"]["x"], full["a"]["y"][0])] == [-1, -1]
    assert full["a"]["y"][1] is None and free(full["b"])
    full = expand({"a": None, "b": np.array([1, 0, -1])}, params)
    assert free(full["a"]["x"]) and full["b"].tolist() == [1, 0, -1] and full["b"].dtype == np.int8
    assert [int(s) for s in jax.tree.leaves(expand(1, params))] == [1, 1, 1]
    assert all(free(s) for s in jax.tree.leaves(expand(None, params), is_leaf=free))


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"c": 1}, "does not match the parameters .*; it must be a prefix of their tree"),
        ({"W": 1, "b": 1, "c": 1}, "does not match the parameters"),
        ({"W": [1, 1], "b": 1}, "does not match the parameters"),
        ({"W": 2, "b": None}, r"signs at \['W'\] are 2; each must be \+1, -1 or 0"),
        ({"W": 0.5, "b": None}, r"signs at \['W'\] are 0.5; each must be \+1, -1 or 0"),
        ({"W": jnp.nan, "b": None}, r"signs at \['W'\] are nan; each must be"),
        (
            {"W": np.ones((1, 2)), "b": None},
            r"have shape \(1, 2\); they must broadcast to \(2, 3\)",
        ),
        ({"W": np.ones((1, 2, 3)), "b": None}, r"shape \(1, 2, 3\); they must broadcast to \(2, 3"),
        (
            {"W": 1, "b": np.ones((2, 2))},
            r"\['b'\] have shape \(2, 2\); they must broadcast to \(2,",
        ),
    ],
)
def test_wrong_sign_trees_are_refused_in_one_sentence(tree, message):
    params = {"W": jnp.ones((2, 3)), "b": jnp.ones(2)}
    with pytest.raises(ValueError, match=message) as error:
        expand(tree, params)
    sentence = str(error.value)
    assert sentence.endswith(".") and "\n" not in sentence
    with pytest.raises(ValueError, match=message):
        dj.dale_projection(tree).init(params)


def test_rules_are_compared_only_where_both_trees_have_one():
    def layer(n_i):
        return {"W": jnp.ones((2, 3)), "signs": ColumnSigns((("W", n_i),))}

    bare = {"W": jnp.ones((2, 3))}
    for params in ({"a": layer(1)}, {"a": bare}, {"b": layer(2)}):
        signs.refuse_other_signs("params", params, {"a": layer(1)})
    with pytest.raises(ValueError, match=r"^params has a\.signs .*2.*; the network's are .*1"):
        signs.refuse_other_signs("params", {"a": layer(2)}, {"a": layer(1)})


# Legality


def test_the_broken_leaf_is_named():
    params = {"a": {"W": jnp.array([[1.0, 1.0], [1.0, -2.0]])}, "b": -jnp.ones(2)}
    assert signs.is_legal(params, {"a": {"W": np.array([[1, 0]])}, "b": -1})
    with pytest.raises(ValueError, match=r"\['a'\]\['W'\] holds -2.0 where only sign \+1 is allow"):
        signs.assert_legal(params, {"a": 1, "b": None})
    with pytest.raises(ValueError, match=r"\['b'\] holds -1.0 where only sign \+1 is allowed"):
        signs.assert_legal(params, {"a": None, "b": 1})


def test_minus_zero_is_illegal_and_zero_is_legal_for_both_signs():
    for sign in (1, -1):
        assert signs.is_legal({"W": jnp.zeros(2)}, {"W": sign})
        assert not signs.is_legal({"W": -jnp.zeros(2)}, {"W": sign})
    assert signs.is_legal({"W": -jnp.zeros(2)}, {"W": 0})


def test_own_signs_are_looked_for():
    with jax.numpy_rank_promotion("allow"):
        params = dj.ColEICell(4, n_i=1).initial_params(2, key=jax.random.key(0))
    assert signs.is_legal(params)
    for name, column in (("W", 3), ("W", 0), ("U", 1)):
        broken = {**params, name: params[name].at[1, column].multiply(-1.0)}
        assert not signs.is_legal(broken), name


def test_trees_of_other_libraries_are_tested_too():
    model = eqx.filter(eqx.nn.MLP(2, 2, 3, 1, key=jax.random.key(0)), eqx.is_array)
    free_tree = jax.tree.map(lambda _: None, model)
    first = eqx.tree_at(lambda m: m.layers[0].weight, free_tree, 1, is_leaf=lambda x: x is None)
    assert not signs.is_legal(model, first) and signs.is_legal(model, free_tree)
    assert signs.is_legal(signs.project(model, first), first)


def test_layers_in_lists_and_tuples_keep_their_signs():
    cell = dj.ColEICell(4, n_i=1).initial_params(2, key=jax.random.key(0))
    readout = dj.ColEIDense(2, inputs_n_i=1).initial_params(4, key=jax.random.key(1))
    params = {"cells": [cell, (cell,)], "readout": readout}
    gradient = jax.tree.map(lambda p: 10 * jnp.sign(p), params)
    for tx in (dj.colei_sgd(1.0), optax.chain(optax.sgd(1.0), dj.freeze_signs())):
        updates, state = tx.update(gradient, tx.init(params), params)
        after = dj.apply_updates(params, updates, state)
        for moved in (after["cells"][0], after["cells"][1][0]):
            assert (moved["W"][:, :3] >= 0).all() and (moved["W"][:, 3:] <= 0).all()
            assert (moved["U"] >= 0).all()
        assert signs.is_legal(after)
    wrong = {**params, "cells": [cell, ({**cell, "U": -cell["U"]},)]}
    assert not signs.is_legal(wrong)


def test_layers_in_other_containers_are_not_passed_over():
    class Layers(eqx.Module):
        cell: dict

    cell = dj.ColEICell(4, n_i=1).initial_params(2, key=jax.random.key(0))
    with pytest.raises(ValueError, match="1 of 2 layers stand in containers that are no dicts"):
        dj.dale_projection().init({"a": Layers(cell), "b": cell})
