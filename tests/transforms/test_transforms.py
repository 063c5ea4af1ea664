"""Compare the transforms and the papers' optimisers with closed forms in NumPy."""

import math
from functools import cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from helpers import reference

import dalejax as dj

EMPTY = optax.EmptyState()
DANN = {f"{x}_{k}": 0 for x in "UW" for k in ("ee", "ie", "ei")}
READOUT = {name: 0 for name in DANN if name.startswith("W")}
NETWORKS = {
    "rnn": ([dj.RNNCell(4), dj.RNNCell(3)], dj.Dense(2), {}),
    "colei": (
        [dj.ColEICell(4, n_i=1), dj.ColEICell(3, n_i=2)],
        dj.ColEIDense(2),
        {"cells_0": {"U": 0, "W": 1}, "cells_1": {"U": 1, "W": 2}, "readout": {"W": 2}},
    ),
    "dann": (
        [dj.DANNCell(4, n_i=1), dj.DANNCell(3, n_i=2)],
        dj.DANNDense(2),
        {"cells_0": DANN, "cells_1": DANN, "readout": READOUT},
    ),
}
CHAINS = {"rnn": dj.rnn_sgd, "colei": dj.colei_sgd, "dann": dj.dann_sgd}
kinds = pytest.mark.parametrize("kind", CHAINS)


@cache
def draw_params(kind):
    cells, readout, _ = NETWORKS[kind]
    net = dj.RecurrentNetwork(cells=cells, readout=readout)
    return net.init(jax.random.key(0), jnp.ones((1, 1, 5)))["params"]


def setting(kind, steps=4):
    """Return parameters, signs written down by hand, and gradients, as dicts of arrays."""
    dtype = jnp.result_type(float)
    params = jax.tree.map(lambda p: jnp.asarray(np.asarray(p, dtype)), draw_params(kind))
    rng = np.random.default_rng(0)
    grads = [
        jax.tree.map(lambda p: jnp.asarray(rng.normal(size=p.shape)), params) for _ in range(steps)
    ]
    return params, reference.sign_tree(reference.strip(params), NETWORKS[kind][2]), grads


def assert_close(ours, expected, rtol=1e-12, atol=1e-14):
    pairs = zip(reference.leaves(reference.strip(ours)), reference.leaves(expected), strict=True)
    for (path, a), (_, b) in pairs:
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol, err_msg=str(path))


def some_zeroed(before, after):
    """Tell whether the projection changed anything: whether entries became exactly 0."""
    pairs = zip(*map(reference.leaves, map(reference.strip, (before, after))), strict=True)
    return any(((a != 0) & (b == 0)).any() for (_, a), (_, b) in pairs)


def descend(tx, params, grads, bare=False, **later):
    """Apply the updates in a jitted scan, and return the parameters after each update."""

    def step(state, g):
        params, opt_state = state
        updates, opt_state = tx.update(g, opt_state, params, **later)
        if bare:
            params = optax.apply_updates(params, updates)
        else:
            params = dj.apply_updates(params, updates, opt_state)
        return (params, opt_state), params

    # Stacked with NumPy, because each JAX operation outside of `jit` would be compiled by itself.
    stacked = jax.tree.map(lambda *gs: np.stack(gs), *grads)
    run = jax.jit(lambda p, g: jax.lax.scan(step, (p, tx.init(p)), g)[1])
    history = jax.device_get(run(params, stacked))
    return [jax.tree.map(lambda leaf: leaf[i], history) for i in range(len(grads))]  # noqa: B023


def closed_form(kind, params, signs, grads, rate, clip):
    history, params = [], reference.strip(params)
    for g in map(reference.strip, grads):
        params = reference.update(kind, params, g, signs, rate, clip)
        history.append(params)
    return history


# Named chains


@kinds
@pytest.mark.parametrize("clip", [math.inf, 1.5])
@pytest.mark.parametrize("bare", [False, True])
def test_named_chains_are_the_closed_form(kind, clip, bare, x64):
    params, signs, grads = setting(kind)
    ours = descend(CHAINS[kind](0.3, clip), params, grads, bare)
    expected = closed_form(kind, params, signs, grads, 0.3, clip)
    for a, b in zip(ours, expected, strict=True):
        assert_close(a, b)
    if kind != "rnn":
        assert some_zeroed(params, expected[-1])


@kinds
def test_hyper_parameters_are_per_member_arrays(kind, x64):
    params, signs, grads = setting(kind, steps=2)
    rates, clips = jnp.array([0.1, 0.3, 0.3]), jnp.array([1.5, 0.5, jnp.inf])

    def train(tx, hyperparams=None):
        p, opt_state = params, tx.init(params)
        if hyperparams is not None:
            opt_state = opt_state._replace(hyperparams=hyperparams)
        for g in grads:
            updates, opt_state = tx.update(g, opt_state, p, project_later=True)
            p = dj.apply_updates(p, updates, opt_state)
        return p

    def injected(rate, clip):
        tx = optax.inject_hyperparams(CHAINS[kind])(learning_rate=9.0, clip=9.0)
        return train(tx, {"learning_rate": rate, "clip": clip})

    traced = jax.jit(jax.vmap(lambda r, c: train(CHAINS[kind](r, c))))(rates, clips)
    by_state = jax.jit(jax.vmap(injected))(rates, clips)
    for m in range(3):
        expected = closed_form(kind, params, signs, grads, float(rates[m]), float(clips[m]))[-1]
        for ours in (traced, by_state):
            assert_close(jax.tree.map(lambda leaf: leaf[m], ours), expected)  # noqa: B023


@kinds
def test_learning_rates_may_be_schedules(kind, x64):
    params, signs, grads = setting(kind, steps=2)
    ours = descend(CHAINS[kind](lambda count: 0.2 * 0.5**count), params, grads)
    halfway = reference.update(
        kind, reference.strip(params), reference.strip(grads[0]), signs, 0.2, math.inf
    )
    expected = reference.update(kind, halfway, reference.strip(grads[1]), signs, 0.1, math.inf)
    assert_close(ours[-1], expected)


# Projection in chains


@pytest.mark.parametrize("kind", ["colei", "dann"])
def test_every_position_of_the_projection_gives_the_same_parameters(kind, x64):
    params, _, grads = setting(kind)
    clip, sgd = dj.clip_by_tensor_norm(2.0), optax.sgd(0.1, momentum=0.9)
    p = dj.dale_projection()
    chains = [(p, clip, sgd), (clip, p, sgd), (clip, sgd, p)]
    first, middle, last = (
        descend(optax.chain(*chain), params, grads, project_later=True)[-1] for chain in chains
    )
    bare = descend(optax.chain(clip, sgd, p), params, grads, bare=True)[-1]
    jax.tree.map(np.testing.assert_array_equal, first, middle)
    jax.tree.map(np.testing.assert_array_equal, first, last)
    assert_close(bare, reference.strip(last))
    dj.signs.assert_legal(last)


@pytest.mark.parametrize("wrapper", ["masked", "multi_steps", "apply_if_finite", "partition"])
def test_the_signs_are_found_inside_optaxs_wrappers(wrapper):
    params, _, grads = setting("colei")
    tx = optax.chain(dj.dale_projection(), optax.sgd(0.5))
    tx = {
        "masked": lambda: optax.masked(tx, jax.tree.map(lambda _: True, params)),
        "multi_steps": lambda: optax.MultiSteps(tx, 2).gradient_transformation(),
        "apply_if_finite": lambda: optax.apply_if_finite(tx, 3),
        "partition": lambda: optax.partition({"a": tx}, jax.tree.map(lambda _: "a", params)),
    }[wrapper]()
    history = descend(tx, params, grads, project_later=True)
    for p in history:
        dj.signs.assert_legal(p)
    assert some_zeroed(params, history[-1])


def test_the_literal_chain_of_the_readme_stays_legal():
    params, signs, grads = setting("colei")
    grads = jax.tree.map(lambda g: 50 * g, grads)
    history = descend(optax.chain(dj.dale_projection(), optax.sgd(0.01)), params, grads)
    for p in history:
        dj.signs.assert_legal(p)
        for (path, value), (_, sign) in zip(
            reference.leaves(reference.strip(p)), reference.leaves(signs), strict=True
        ):
            assert (value * sign >= 0).all(), path
    assert not dj.signs.is_legal(descend(optax.sgd(0.01), params, grads)[-1])


def test_projection_does_nothing_where_it_is_asked_to_wait():
    params, _, grads = setting("colei")
    tx = dj.dale_projection()
    updates, _ = tx.update(grads[0], tx.init(params), params, project_later=True)
    jax.tree.map(np.testing.assert_array_equal, updates, grads[0])


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("dale_projection", lambda: dj.dale_projection({"w": 1})),
        ("freeze_signs", dj.freeze_signs),
        ("exponentiated_gradient", lambda: dj.exponentiated_gradient({"w": 1})),
        ("limit_projection_angle", lambda: dj.limit_projection_angle(signs={"w": 1})),
    ],
)
def test_an_update_without_parameters_is_refused_in_the_transforms_own_name(name, make):
    tx = make()
    with pytest.raises(ValueError, match=f"^{name} needs the parameters: tx.update"):
        tx.update({"w": jnp.ones(2)}, tx.init({"w": jnp.ones(2)}))


@pytest.mark.parametrize(
    "make", [dj.dale_projection, dj.exponentiated_gradient, dj.limit_projection_angle]
)
def test_the_sentence_on_missing_signs_names_no_other_transform(make):
    sentence = r"^the parameters carry no signs of dalejax; pass a .* as the argument `signs`\.$"
    with pytest.raises(ValueError, match=sentence):
        make().init({"w": jnp.ones(2)})


def test_a_nan_is_not_hidden_by_the_projection():
    params, tx = {"w": jnp.array([1.0, 1.0])}, dj.dale_projection({"w": 1})
    state = tx.init(params)
    updates, _ = tx.update({"w": jnp.array([jnp.nan, -2.0])}, state, params)
    for apply in (optax.apply_updates, lambda p, u: dj.apply_updates(p, u, state)):
        assert jnp.isnan(apply(params, updates)["w"]).tolist() == [True, False]


@pytest.mark.parametrize("kind", ["colei", "dann"])
def test_members_share_one_optimiser_under_vmap(kind):
    params, _, grads = setting(kind, steps=1)
    members = jax.tree.map(lambda p: jnp.stack([p, p / 2]), params)
    gradients = jax.tree.map(lambda g: jnp.stack([g, -g]), grads[0])
    tx = CHAINS[kind](0.5, 1.0)

    def update(params, grads):
        state = tx.init(params)
        updates, state = tx.update(grads, state, params)
        return dj.apply_updates(params, updates, state)

    together, update = jax.jit(jax.vmap(update))(members, gradients), jax.jit(update)
    for m in range(2):
        pick = lambda tree: jax.tree.map(lambda leaf: leaf[m], tree)  # noqa: B023, E731
        assert_close(pick(together), reference.strip(update(pick(members), pick(gradients))), 1e-5)
    dj.signs.assert_legal(together)


# Parameter trees of other libraries


def loop(tx, params, grads, apply, updates=5):
    state = tx.init(params)
    for _ in range(updates):
        steps, state = tx.update(grads, state, params)
        params = apply(params, steps, state)
    return params


@pytest.mark.parametrize("apply", [dj.apply_updates, lambda p, u, s: optax.apply_updates(p, u)])
def test_plain_trees_with_nones_are_projected(apply):
    params = {"a": jnp.array([1.0, -1.0]), "b": None, "c": [jnp.ones(2), jnp.ones((2, 2))]}
    grads = jax.tree.map(lambda p: jnp.full_like(p, 0.3), params)
    tree = {"a": np.array([1, -1]), "b": None, "c": [None, np.array([[0, 1]])]}
    final = loop(optax.chain(optax.sgd(1.0), dj.dale_projection(tree)), params, grads, apply)
    np.testing.assert_allclose(final["a"], [0, -2.5], rtol=1e-6)
    np.testing.assert_allclose(final["c"][0], [-0.5, -0.5], atol=1e-6)
    np.testing.assert_allclose(final["c"][1], [[-0.5, 0], [-0.5, 0]], atol=1e-6)
    assert final["b"] is None


def test_an_equinox_module_is_projected():
    model = eqx.nn.MLP(3, 2, 4, 1, key=jax.random.key(0))
    params, static = eqx.partition(model, eqx.is_array)
    signs = eqx.tree_at(
        lambda m: (m.layers[0].weight, m.layers[1].weight),
        jax.tree.map(lambda _: None, params),
        (1, dj.signs.column_signs(4, 2)),
        is_leaf=lambda x: x is None,
    )
    x = jnp.ones(3)

    @jax.jit
    def gradient(params):
        return jax.grad(lambda p: (eqx.combine(p, static)(x) ** 2).sum())(params)

    tx = optax.chain(optax.sgd(0.1), dj.dale_projection(signs))
    state = tx.init(params)
    for _ in range(2):
        updates, state = tx.update(gradient(params), state, params)
        params = eqx.apply_updates(params, updates)
    dj.signs.assert_legal(params, signs)
    layers = params.layers
    assert (layers[0].weight == 0).any() and (layers[0].weight > 0).any()
    assert (layers[1].weight[:, :2] >= 0).all() and (layers[1].weight[:, 2:] <= 0).all()
    assert (model.layers[0].bias != layers[0].bias).any()


# Frozen signs


def test_frozen_signs_are_those_of_the_start_and_zeros_are_free():
    params = {"W": jnp.array([[2.0, -2.0, 0.0, 1.0]]), "b": jnp.array([1.0])}
    grads = {"W": jnp.array([[1.0, -1.0, 1.0, -1.0]]), "b": jnp.array([1.0])}
    tx = optax.chain(optax.sgd(1.0), dj.freeze_signs({"W": True, "b": False}))
    for apply in (dj.apply_updates, lambda p, u, s: optax.apply_updates(p, u)):
        final = loop(tx, params, grads, apply, updates=3)
        assert final["W"].tolist() == [[0.0, 0.0, -3.0, 4.0]] and final["b"].tolist() == [-2.0]
    everything = loop(optax.chain(optax.sgd(1.0), dj.freeze_signs()), params, grads, apply)
    assert everything["b"].tolist() == [0.0]


def test_frozen_branches_are_given_by_a_prefix():
    params = {"a": {"x": jnp.ones(1), "y": -jnp.ones(1)}, "b": jnp.ones(1)}
    state = dj.freeze_signs({"a": True, "b": False}).init(params)
    assert state.signs["a"]["x"].tolist() == [1] and state.signs["a"]["y"].tolist() == [-1]
    assert isinstance(state.signs["b"], optax.MaskedNode)
    with pytest.raises(ValueError, match=r"the tree `where` is .*; it must be a prefix of the"):
        dj.freeze_signs({"c": True}).init(params)


def test_frozen_signs_pass_over_dalejaxs_own():
    params, _, grads = setting("colei")
    final = descend(optax.chain(optax.sgd(1.0), dj.freeze_signs()), params, grads)[-1]
    for (path, a), (_, b) in zip(
        *map(reference.leaves, map(reference.strip, (params, final))), strict=True
    ):
        assert (a * b >= 0).all(), path


# Fisher factors


def test_fisher_scaling_divides_by_the_papers_factors(x64):
    params, _, (grads, *_) = setting("dann")
    tx = dj.scale_by_dann_fisher()
    scaled, _ = tx.update(grads, tx.init(params))
    n_e, n_in, n_below = 4, 5, 4
    factors = {
        ("cells_0", "U_ie"): math.sqrt(n_e),
        ("cells_0", "U_ei"): n_in,
        ("cells_0", "W_ie"): math.sqrt(n_e),
        ("cells_0", "W_ei"): n_e,
        ("cells_1", "U_ie"): math.sqrt(3),
        ("cells_1", "U_ei"): n_below,
        ("cells_1", "W_ie"): math.sqrt(3),
        ("cells_1", "W_ei"): 3,
        ("readout", "W_ie"): math.sqrt(2),
        ("readout", "W_ei"): 3,
    }
    plain = reference.strip(grads)
    for path, value in reference.leaves(reference.strip(scaled)):
        expected = plain[path[0]][path[1]] / factors.get(path, 1.0)
        np.testing.assert_allclose(value, expected, rtol=1e-14, err_msg=str(path))
    assert_close(scaled, reference.correct(plain))


def test_fisher_scaling_needs_a_dales_ann():
    with pytest.raises(ValueError, match="found no Dale's-ANN matrices"):
        dj.scale_by_dann_fisher().init({"W_ee": jnp.ones((2, 2)), "W_ie": jnp.ones((1, 2))})


# Clipping

CLIPS = {
    "tensor": (dj.clip_by_tensor_norm, reference.clip_tensors),
    "cell": (dj.clip_by_cell_norm, reference.clip_layers),
}
clips = pytest.mark.parametrize(("clip", "expected"), CLIPS.values(), ids=CLIPS)


@clips
@pytest.mark.parametrize("max_norm", [1e-3, 2.0, 4.5, 1e3, math.inf])
def test_clipping_is_numpys(clip, expected, max_norm, x64):
    _, _, (grads, *_) = setting("dann")
    ours, _ = jax.jit(clip(max_norm).update)(grads, EMPTY)
    wanted = expected(reference.strip(grads), max_norm)
    assert_close(ours, wanted)
    if max_norm == math.inf:
        jax.tree.map(np.testing.assert_array_equal, ours, grads)


def test_the_scope_of_clipping_differs():
    grads = {"a": {"x": jnp.array([3.0]), "y": jnp.array([4.0])}, "b": {"x": jnp.array([0.5])}}
    tensor, _ = dj.clip_by_tensor_norm(1.0).update(grads, EMPTY)
    cell, _ = dj.clip_by_cell_norm(1.0).update(grads, EMPTY)
    assert jax.tree.map(float, jax.tree.map(jnp.squeeze, tensor)) == {
        "a": {"x": 1.0, "y": 1.0},
        "b": {"x": 0.5},
    }
    np.testing.assert_allclose([cell["a"]["x"][0], cell["a"]["y"][0]], [0.6, 0.8], rtol=1e-6)
    assert cell["b"]["x"][0] == 0.5


@clips
@pytest.mark.parametrize("max_norm", [1.0, math.inf])
def test_zero_gradients_stay_zero(clip, expected, max_norm):
    del expected
    grads = {"a": {"x": jnp.zeros(3)}, "b": {"x": jnp.ones(2)}, "c": {"x": None}}
    ours, _ = jax.jit(clip(max_norm).update)(grads, EMPTY)
    assert ours["a"]["x"].tolist() == [0, 0, 0] and float(jnp.abs(ours["b"]["x"]).sum()) > 1


@clips
def test_infinity_never_clips_however_large_the_gradient(clip, expected):
    del expected
    grads = {"a": {"x": jnp.array([1e30, -1.0])}}  # its norm overflows in float32
    ours, _ = clip(math.inf).update(grads, EMPTY)
    np.testing.assert_array_equal(ours["a"]["x"], grads["a"]["x"])


@clips
@pytest.mark.parametrize("max_norm", [0.0, -1.0, math.nan])
def test_norms_that_are_not_positive_are_refused(clip, expected, max_norm):
    del expected
    with pytest.raises(ValueError, match=f"max_norm is {max_norm}; it must be positive"):
        clip(max_norm)


@clips
def test_a_nan_is_not_hidden_by_clipping_and_stays_in_its_scope(clip, expected):
    del expected
    grads = {"a": {"x": jnp.array([jnp.nan])}, "b": {"x": jnp.array([3.0])}}
    ours, _ = clip(1.0).update(grads, EMPTY)
    assert jnp.isnan(ours["a"]["x"]).all() and ours["b"]["x"][0] == 1


def test_cells_are_the_top_branches_of_any_tree():
    model = eqx.filter(eqx.nn.MLP(2, 2, 3, 1, key=jax.random.key(0)), eqx.is_array)
    tree = (model.layers[0], {"w": 100 * model.layers[1].weight})
    ours, _ = dj.clip_by_cell_norm(1.0).update(tree, EMPTY)
    norms = [float(optax.tree.norm(branch)) for branch in ours]
    assert norms[0] == pytest.approx(min(1.0, float(optax.tree.norm(tree[0]))), rel=1e-6)
    assert norms[1] == pytest.approx(1.0, rel=1e-6)


@pytest.mark.parametrize("frozen", ["U", "W", "cells_0"])
@pytest.mark.parametrize("kind", ["colei", "dann"])
def test_a_part_may_be_frozen_by_a_partition(kind, frozen):
    """Parameters that are not frozen move as they would if none were frozen."""
    params, _, grads = setting(kind)

    def label(path, leaf):
        names = [str(getattr(entry, "key", entry)) for entry in path]
        return "frozen" if names[0] == frozen or names[-1].partition("_")[0] == frozen else "free"

    labels = jax.tree_util.tree_map_with_path(label, params)
    assert {"frozen", "free"} == set(jax.tree.leaves(labels))
    chain = (
        CHAINS[kind]
        if kind == "colei"
        else lambda rate: optax.chain(
            dj.scale_by_dann_fisher(),
            dj.clip_by_tensor_norm(1e9),
            optax.sgd(rate),
            dj.dale_projection(),
        )
    )
    tx = optax.partition({"free": chain(0.5), "frozen": optax.set_to_zero()}, labels)
    after = descend(tx, params, grads[:1], project_later=True)[-1]
    alone = descend(chain(0.5), params, grads[:1], project_later=True)[-1]

    def compare(label, start, ours, theirs):
        np.testing.assert_array_equal(ours, start if label == "frozen" else theirs)

    jax.tree.map(compare, labels, params, after, alone)
    dj.signs.assert_legal(after)


def test_fisher_scaling_needs_two_of_three():
    layer = {"W_ee": jnp.ones((4, 9)), "W_ie": jnp.ones((1, 9)), "W_ei": jnp.ones((4, 1))}
    for seen in ("ee", "ie", "ei"):
        others = {f"W_{kind}": optax.MaskedNode() for kind in ("ee", "ie", "ei") if kind != seen}
        with pytest.raises(ValueError, match="a mask hides two" if seen != "ee" else "found no"):
            dj.scale_by_dann_fisher().init(layer | others)
    for hidden, factors in (("ee", (0.5, 1 / 9)), ("ie", (None, 1 / 9)), ("ei", (0.5, None))):
        tree, tx = layer | {f"W_{hidden}": optax.MaskedNode()}, dj.scale_by_dann_fisher()
        scaled, _ = tx.update(tree, tx.init(tree))
        for kind, factor in zip(("ie", "ei"), factors, strict=True):
            if factor is not None:
                np.testing.assert_allclose(scaled[f"W_{kind}"], factor, rtol=1e-6)


def test_an_explicit_sign_tree_passes_masked_layers_over():
    params, signs, _ = setting("colei")
    labels = {"cells_0": "t", "cells_1": "f", "readout": "f"}
    tx = optax.partition(
        {"t": optax.chain(optax.sgd(9.0), dj.dale_projection(signs)), "f": optax.set_to_zero()},
        labels,
    )
    stripped = jax.tree.map(jnp.asarray, reference.strip(params))
    gradient = jax.tree.map(lambda p: 10 * jnp.sign(p), stripped)
    updates, _ = tx.update(gradient, tx.init(stripped), stripped)
    after = optax.apply_updates(stripped, updates)
    assert some_zeroed(stripped["cells_0"], after["cells_0"])
    np.testing.assert_array_equal(after["cells_1"]["W"], stripped["cells_1"]["W"])
    assert (after["cells_0"]["U"] >= 0).all()


def test_a_clip_that_is_traced_and_not_positive_is_seen():
    gradient = {"a": {"W": jnp.ones(2)}}
    for clip in (dj.clip_by_tensor_norm, dj.clip_by_cell_norm):
        for bad in (0.0, -1.0):
            update = jax.jit(lambda c: clip(c).update(gradient, EMPTY)[0])  # noqa: B023
            assert np.isnan(update(bad)["a"]["W"]).all()
        assert np.isfinite(update(1.0)["a"]["W"]).all()
