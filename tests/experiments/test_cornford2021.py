"""Parts of the experiments of Cornford et al. 2021: networks, records, tables, VGG16."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from helpers import reference

import dalejax as dj
from dalejax.nn.vgg import vgg16
from experiments.cornford2021 import (
    _networks,
    iclr_balance,
    iclr_fig2_fisher_alignment,
    iclr_fig3_mnist,
    iclr_kl,
)
from experiments.cornford2021.iclr_fig7_vgg16 import Pictures

TASK = dj.tasks.ImageClassification("digits", num_scored=100)


def count(net, example):
    shapes = jax.eval_shape(lambda: net.init(jax.random.key(0), example))["params"]
    return sum(leaf.size for leaf in jax.tree.leaves(shapes))


def test_vgg16_at_full_width_has_its_sizes():
    x = jnp.zeros((1, 32, 32, 3))
    filters = [64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
    before = [3, *filters[:-1]]
    convolutions = sum(9 * a * b + b for a, b in zip(before, filters, strict=True))
    dense = (8192 + 1) * 4096 + (4096 + 1) * 4096 + (4096 + 1) * 10
    assert count(vgg16(), x) == convolutions + dense

    def divisive(n_in, n, n_i):  # W_ee, W_ie, W_ei, alpha, g, b
        return n * n_in + n_i * n_in + n * n_i + n_i + 2 * n

    pairs = zip(before, filters, strict=True)
    inhibitory = sum(divisive(9 * a, b, 10 * b // 64) for a, b in pairs)
    dense = divisive(8192, 4096, 409) + divisive(4096, 4096, 409) + divisive(4096, 10, 1)
    assert count(vgg16("dann"), x) == inhibitory + dense


@pytest.mark.parametrize("kind", ["standard", "dann", "colei"])
@pytest.mark.long
def test_vgg16_steps_at_full_size(kind):
    """One real update: finite, legal, and every layer moves."""
    net, x = vgg16(kind), jax.random.uniform(jax.random.key(1), (2, 32, 32, 3))
    tx = {"standard": dj.rnn_sgd, "dann": dj.dann_sgd, "colei": dj.colei_sgd}[kind](0.01, clip=1.0)

    @jax.jit
    def step(params):
        def loss(p):
            out = net.apply({"params": p}, x)
            return optax.softmax_cross_entropy_with_integer_labels(out, jnp.array([3, 7])).mean()

        updates, state = tx.update(jax.grad(loss)(params), tx.init(params), params)
        return dj.apply_updates(params, updates, state)

    params = jax.jit(net.init)(jax.random.key(0), x[:1])["params"]
    after = step(params)
    if kind != "standard":
        dj.signs.assert_legal(after)
    for (path, a), (_, b) in zip(
        *map(reference.leaves, map(reference.strip, (after, params))), strict=True
    ):
        assert np.isfinite(a).all(), path
        assert path[-1].endswith(("alpha", "ei", "ie")) or (a != b).any(), path
    sizes = [layer.features for layer in net.layers if hasattr(layer, "features")]
    assert sizes == [64, 64, 128, 128, *[256] * 3, *[512] * 6, 4096, 4096]


def test_vgg16_refuses_what_it_has_not():
    with pytest.raises(ValueError, match="kind is 'lstm'; it must be one of standard, dann, colei"):
        vgg16("lstm")
    with pytest.raises(ValueError, match="inhibitory share is 0"):
        vgg16("dann", inhibitory_units=0)
    with pytest.raises(ValueError, match="width is -1"):
        vgg16(width=-1)


def test_vgg16_starts_as_it_is_told():
    def starts(*args, **how):
        layers = [
            layer
            for layer in vgg16(*args, width=1 / 32, **how).layers
            if hasattr(layer, "initial_params")
        ]
        return [layer.initial_params(9 * 64, key=jax.random.key(0)) for layer in layers]

    text, code = starts("dann", bias=1.0, first=False), starts("dann")
    assert len(text) == 15 and all((layer["b"] == 1).all() for layer in text)
    ratio = float(code[0]["W_ee"].mean() / text[0]["W_ee"].mean())
    assert ratio == pytest.approx((1 / 1152) ** 0.5 / dj.initializers.unit_mean(576), rel=1e-5)
    np.testing.assert_array_equal(code[1]["W_ee"], text[1]["W_ee"])
    first, *others = starts("colei", input_mean=0.4)
    np.testing.assert_allclose(first["b"], -0.4 * 24, rtol=1e-6)
    assert len(others) == 14 and not any(layer["b"].any() for layer in others)


def test_small_pictures_get_an_edge_of_zeros():
    task = Pictures("digits", pictures=True)
    images = task.data["test"][0]
    assert images.shape[1:] == (32, 32, 1) and task.example().shape == (1, 32, 32, 1)
    plain = dj.tasks.ImageClassification("digits", pictures=True).data["test"][0]
    np.testing.assert_array_equal(images[:, 2:-2, 2:-2], plain)
    assert images.sum() == plain.sum()


def test_the_variants_differ_where_the_text_and_the_code_do():
    s = iclr_fig3_mnist.PRESETS["smoke"]
    keys = dj.seed_keys(0, 1)
    text, code = (
        dj.initial_params(_networks.dann(s, 2, variant), TASK, keys=keys)
        for variant in ("text", "code")
    )
    assert (text["layers_0"]["b"] == 1).all() and (code["layers_0"]["b"] == 0).all()
    first = {"text": text["layers_0"]["W_ee"].mean(), "code": code["layers_0"]["W_ee"].mean()}
    assert first["text"] == pytest.approx(dj.initializers.unit_mean(784), rel=0.03)
    assert first["code"] == pytest.approx((1 / (2 * 784)) ** 0.5, rel=0.03)
    np.testing.assert_array_equal(text["layers_1"]["W_ee"], code["layers_1"]["W_ee"])


def test_every_network_has_a_rate_and_trains_a_step():
    s = iclr_fig3_mnist.PRESETS["smoke"]
    for name in _networks.SLUGS:
        assert s.rate_of(name) > 0
        net = _networks.network(name, s, TASK, "text")
        tx = _networks.optimizer(name)(s.rate_of(name))
        params = jax.eval_shape(lambda: net.init(jax.random.key(0), TASK.example()))["params"]  # noqa: B023
        assert net.layers[0].features == 20 + {_networks.COLEI: 2, _networks.COLEI_MANY: 4}.get(
            name, 0
        )
        jax.eval_shape(tx.init, params)


def test_recorded_cosines_are_those_of_the_gradients(x64):
    net = dj.FeedforwardNetwork([dj.DivisiveDANNDense(3, n_i=1)], dj.DivisiveDANNDense(2))
    params = net.init(jax.random.key(0), jnp.ones((1, 4)))["params"]
    fisher = dj.scale_by_running_fisher(1.0, damping=1e-3)
    tx = iclr_fig2_fisher_alignment.recorded(fisher, updates=4, bins=2)
    state, alone = tx.init(params), fisher.init(params)
    rng = np.random.default_rng(0)
    expected = np.zeros((2, 2, 2))
    for update in range(4):
        grads = jax.tree.map(lambda p: jnp.asarray(rng.normal(size=p.shape)), params)
        squares = jax.tree.map(lambda p: jnp.asarray(rng.exponential(size=p.shape)), params)
        scaled, state = tx.update(grads, state, params, fisher_fn=lambda: squares)  # noqa: B023
        wanted, alone = fisher.update(grads, alone, params, fisher_fn=lambda: squares)  # noqa: B023
        jax.tree.map(np.testing.assert_array_equal, scaled, wanted)
        corrected = reference.correct(reference.strip(grads))
        for i, by in enumerate((reference.strip(grads), corrected)):
            for j, layer in enumerate(("layers_0", "readout")):
                a, b = (
                    np.concatenate([leaf.ravel() for _, leaf in reference.leaves(tree[layer])])
                    for tree in (by, reference.strip(scaled))
                )
                expected[i, j, update // 2] += a @ b / np.sqrt((a @ a) * (b @ b))
    np.testing.assert_allclose(state.cosines, expected, rtol=1e-10)


def test_divergences_are_those_of_the_formulas():
    s = iclr_kl.PRESETS["smoke"]
    with jax.enable_x64(True):
        found = iclr_kl.divergences(s, 3, jax.random.key(0))
    for kind, (measured, derived) in found.items():
        assert measured == pytest.approx(derived, rel=1e-3), kind


def test_balance_is_inhibition_over_excitation():
    s = iclr_balance.PRESETS["smoke"]
    net = _networks.dann(s, 2, bias=0.0)
    keys = dj.seed_keys(0, 2)
    params = dj.initial_params(net, TASK, keys=keys)
    x = jax.random.uniform(jax.random.key(0), (7, 784))
    found = iclr_balance.measured(net, params, x)
    plain = reference.strip(jax.tree.map(lambda leaf: leaf[1], params))["layers_0"]
    excitation = np.asarray(x) @ plain["W_ee"].T
    inhibition = np.asarray(x) @ plain["W_ie"].T @ plain["W_ei"].T
    assert found.shape == (2, 2, 2)
    assert found[1, 0, 0] == pytest.approx(inhibition.mean() / excitation.mean(), rel=1e-5)
    z = [reference.product(plain, "W", np.asarray(trial)) for trial in x]
    assert found[1, 0, 1] == pytest.approx(np.std(z), rel=1e-4)


def test_the_uncorrected_chain_only_steps_and_projects():
    params = {"W": jnp.array([[1.0, 0.5]]), "signs": dj.signs.ColumnSigns((("W", 0),))}
    tx = _networks.uncorrected_sgd(0.1)
    grads = {"W": jnp.array([[1.0, 9.0]]), "signs": params["signs"]}
    updates, _ = tx.update(grads, tx.init(params), params)
    new = optax.apply_updates(params, updates)
    np.testing.assert_allclose(new["W"], [[0.9, 0.0]], rtol=1e-6)
