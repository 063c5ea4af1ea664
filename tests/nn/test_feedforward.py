"""Feedforward networks against NumPy: dense layers, filters, pools, norms, wiring, training."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import reference
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import dalejax as dj
from dalejax.nn import conv
from dalejax.nn.correlation import correlate
from dalejax.training import evaluation

KEY = jax.random.key(0)
COLEI = [dj.ColEIConv(5, n_i=2), dj.AveragePool(2), dj.ColEIDense(6, n_i=2)]


def started(net, x):
    return net.init(KEY, x)["params"]


@pytest.mark.parametrize("make", [dj.Conv, dj.ColEIConv, dj.DANNConv])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding"),
    [(3, 1, "SAME"), (2, 1, "VALID"), (3, 2, "SAME"), (1, 1, "SAME")],
)
def test_filters_are_the_numpy_loops(make, kernel, stride, padding, x64):
    layer = make(4, kernel=kernel, stride=stride, padding=padding)
    x = jax.random.uniform(jax.random.key(1), (2, 5, 6, 3), jnp.float64)
    params = layer.init(KEY, x)["params"]
    out = layer.apply({"params": params}, x)
    plain = reference.strip(params)

    def product(W):
        return reference.correlate(np.asarray(x), W, kernel, stride, padding)

    if make is not dj.DANNConv:
        expected = product(plain["W"])
    else:
        z_e, z_i = product(plain["W_ee"]), product(plain["W_ie"])
        gamma = (z_i * np.exp(plain["W_alpha"])) @ plain["W_ei"].T + 1e-8
        expected = plain["W_g"] * (z_e - z_i @ plain["W_ei"].T) / gamma
    np.testing.assert_allclose(out, expected + plain["b"], rtol=1e-10, atol=1e-12)


@settings(max_examples=60)
@given(
    height=st.integers(2, 7),
    width=st.integers(2, 7),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 3),
    padding=st.sampled_from(conv.PADDINGS),
    seed=st.integers(0, 100),
)
def test_gradients_of_filters_are_those_of_jax(height, width, kernel, stride, padding, seed):
    assume(padding == "SAME" or kernel <= min(height, width))
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(2, height, width, 3))
    filters = rng.normal(size=(kernel, kernel, 3, 4))

    def plain(x, filters):
        return jax.lax.conv_general_dilated(
            x, filters, (stride, stride), padding, dimension_numbers=("NHWC", "HWIO", "NHWC")
        )

    def output_and_gradients(x, filters, key):  # one program for all, since each shape compiles
        out, back = jax.vjp(lambda x, f: correlate(x, f, stride, padding), x, filters)
        expected, plain_back = jax.vjp(plain, x, filters)
        dy = jax.random.normal(key, out.shape, out.dtype)
        return (out, *back(dy)), (expected, *plain_back(dy))

    with jax.enable_x64(True):
        found, wanted = jax.jit(output_and_gradients)(x, filters, jax.random.key(seed))
    for ours, theirs, atol in zip(found, wanted, (1e-12, 1e-11, 1e-11), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=atol)


def test_a_channels_columns_have_its_sign_and_a_grid_keeps_them_together():
    net = dj.FeedforwardNetwork(COLEI, dj.ColEIDense(3))
    params = started(net, jnp.ones((1, 4, 4, 2)))
    signs = dj.signs.sign_tree(params)
    assert (signs["layers_0"]["W"] == 1).all()
    # 5 channels, the last 2 inhibitory, on a grid of 4: the last 8 of 20.
    assert signs["layers_2"]["W"].tolist() == [[1] * 12 + [-1] * 8]
    assert signs["readout"]["W"].tolist() == [[1] * 4 + [-1] * 2]
    dj.signs.assert_legal(params)
    x = jax.random.uniform(KEY, (1, 4, 4, 2))
    first, pooled, _ = net.apply({"params": params}, x, method="activities")
    blocks = np.asarray(first)[0].reshape(2, 2, 2, 2, 5).mean((1, 3))  # [row, col, channel]
    np.testing.assert_allclose(pooled[0], blocks.transpose(2, 0, 1).ravel(), rtol=1e-5)
    deeper = dj.FeedforwardNetwork([COLEI[0], dj.ColEIConv(4, n_i=1), *COLEI[1:]], dj.ColEIDense(3))
    signs = dj.signs.sign_tree(started(deeper, x))["layers_1"]["W"]
    assert signs.tolist() == [[1] * 27 + [-1] * 18]


def test_a_finer_grid_repeats_pixels():
    pool = dj.AveragePool(4)
    out = pool.apply({}, jnp.arange(8.0).reshape(1, 2, 2, 2))
    assert out.shape == (1, 32)
    assert out[0, :16].reshape(4, 4).tolist() == [[0, 0, 2, 2]] * 2 + [[4, 4, 6, 6]] * 2
    with pytest.raises(ValueError, match="are 3 pixels wide; they can't be averaged to 2"):
        dj.AveragePool(2).apply({}, jnp.ones((1, 3, 3, 1)))


def test_a_dense_network_is_the_numpy_loop(x64):
    layers = [dj.Dense(5, first=True), dj.DANNDense(4), dj.DivisiveDANNDense(3, n_i=2)]
    net = dj.FeedforwardNetwork(layers, dj.Dense(2))
    x = jax.random.uniform(jax.random.key(1), (3, 6), jnp.float64)
    params = started(net, x)
    h, plain = np.asarray(x), reference.strip(params)
    for i in range(3):
        p = plain[f"layers_{i}"]
        h = np.maximum(np.array([reference.product(p, "W", trial) for trial in h]) + p["b"], 0.0)
    expected = h @ plain["readout"]["W"].T
    np.testing.assert_allclose(net.apply({"params": params}, x), expected, rtol=1e-10)
    shapes = [layer.W.shape for layer in net.effective(params)]
    assert shapes == [(5, 6), (4, 5), (3, 4)]


@pytest.mark.parametrize("shape", [(7, 4), (5, 3, 3, 2)])
def test_norms_centre_and_standardise(shape, x64):
    z = jax.random.normal(KEY, shape, jnp.float64)
    g, b = np.arange(1.0, shape[-1] + 1), np.ones(shape[-1])
    variables = {"params": {"g": jnp.asarray(g), "b": jnp.asarray(b)}}
    flat = np.asarray(z).reshape(len(z), -1)
    by_layer = (flat - flat.mean(1, keepdims=True)) / flat.std(1, ddof=1, keepdims=True)
    np.testing.assert_allclose(
        dj.LayerNorm().apply(variables, z), g * by_layer.reshape(shape) + b, rtol=1e-10
    )
    units = np.asarray(z).reshape(-1, shape[-1])
    by_unit = (units - units.mean(0)) / units.std(0, ddof=1)
    np.testing.assert_allclose(
        dj.BatchNorm().apply(variables, z), g * by_unit.reshape(shape) + b, rtol=1e-10
    )


def test_batch_normalisation_is_evaluated_with_the_training_sets_statistics(monkeypatch):
    task = dj.tasks.ImageClassification("digits", num_scored=60)
    task.test_batch_size = 30
    net = dj.FeedforwardNetwork([dj.Dense(8), dj.Dense(6)], dj.Dense(10), norm=dj.BatchNorm())
    params = started(net, task.example())
    data = jax.tree.map(jnp.asarray, task.data)
    found = evaluation.batch_statistics(net, task, params, data)["batch_stats"]["norms_0"]
    x = np.asarray(task.data["train"][0][:60], float) / 255
    z = x @ np.asarray(params["layers_0"]["W"]).T
    halves = z.reshape(2, 30, -1)
    np.testing.assert_allclose(found["mean"], halves.mean((0, 1)), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["variance"], halves.var(1, ddof=1).mean(0), rtol=1e-4)
    # A last batch that is filled up with copies has no part in it.
    more = dj.tasks.ImageClassification("digits", num_scored=61)
    more.test_batch_size = 30
    again = evaluation.batch_statistics(net, more, params, data)["batch_stats"]["norms_0"]
    for name in ("mean", "variance"):
        np.testing.assert_allclose(again[name], found[name], rtol=1e-6)
    # No test picture sees another: the error is that of each picture alone.
    metrics = evaluation.evaluate(net, task, params, data)
    variables = {"params": params, **evaluation.batch_statistics(net, task, params, data)}
    images, labels = task.data["test"]
    alone = jax.vmap(lambda image: net.apply(variables, image[None] / 255)[0])(jnp.asarray(images))
    assert float(metrics["test_error"]) == pytest.approx(100 * (alone.argmax(-1) != labels).mean())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: dj.FeedforwardNetwork([dj.MaxPool()], dj.Dense(2)), "no layer with weights"),
        (lambda: dj.FeedforwardNetwork([dj.Conv(2)], dj.Dense(2)), "put an AveragePool before it"),
        (
            lambda: dj.FeedforwardNetwork([dj.Conv(2), dj.Dense(3)], dj.Dense(2)),
            "Dense stands where the activity is a picture: put an AveragePool between",
        ),
        (
            lambda: dj.FeedforwardNetwork([dj.Dense(2), dj.MaxPool()], dj.Dense(2)),
            "MaxPool stands where the activity is flat",
        ),
        (
            lambda: dj.FeedforwardNetwork(
                [dj.ColEIDense(4, n_i=1), dj.DivisiveDANNDense(3)], dj.Dense(2)
            ),
            "takes excitatory inputs only; the layer below it has 1",
        ),
        (lambda: dj.Conv(2, kernel=0), "kernel is 0; it must be at least 1"),
        (lambda: dj.Conv(2, padding="CIRCULAR"), "padding is 'CIRCULAR'; it must be one of"),
    ],
)
def test_impossible_networks_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_batch_normalisation_wants_the_set_of_its_statistics():
    task = dj.tasks.SequentialMNIST("digits")
    net = dj.FeedforwardNetwork([dj.Dense(4)], dj.Dense(10), norm=dj.BatchNorm())
    with pytest.raises(ValueError, match="statistics of the set 'training'; smnist has test"):
        dj.train(net, dj.rnn_sgd(0.1), task, keys=dj.seed_keys(0, 1), num_updates=1)


def test_wrong_inputs_are_named():
    net = dj.FeedforwardNetwork([dj.Conv(2), dj.AveragePool(1)], dj.Dense(2))
    params = started(net, jnp.ones((1, 4, 4, 3)))
    with pytest.raises(ValueError, match="inputs have 1 features; this layer was made for 3"):
        net.apply({"params": params}, jnp.ones((1, 4, 4, 1)))


def test_pictures_and_vectors_are_the_same_digits():
    flat = dj.tasks.ImageClassification("digits", num_valid=500)
    square = dj.tasks.ImageClassification("digits", num_valid=500, pictures=True)
    assert (flat.example().shape, square.example().shape) == ((1, 784), (1, 28, 28, 1))
    for name in ("train", "valid", "test"):
        images, labels = flat.data[name]
        np.testing.assert_array_equal(images, square.data[name][0].reshape(len(labels), -1))
    assert len(flat.data["valid"][1]) == 500 and flat.score == "valid_error"
    inputs, targets = square.evaluation_batch(square.data, "training", np.arange(4))
    assert inputs.shape == (4, 28, 28, 1) and inputs.min() >= 0 and inputs.max() == 1
    np.testing.assert_array_equal(targets, square.data["train"][1][:4])


def test_a_batch_normalised_ensemble_trains_and_resumes_to_the_bit(tmp_path):
    net = dj.FeedforwardNetwork([dj.Dense(20)], dj.Dense(10), norm=dj.BatchNorm())
    task = dj.tasks.ImageClassification("digits", num_scored=200)
    options = {"keys": dj.seed_keys(0, 2), "eval_every": 60, "progress": False}
    tx, folder = dj.rnn_sgd(0.1), tmp_path / "run"
    whole = dj.train(net, tx, task, num_updates=120, **options)
    dj.train(net, tx, task, num_updates=60, checkpoint_dir=folder, **options)
    resumed = dj.train(
        net, tx, task, num_updates=120, checkpoint_dir=folder, resume=True, **options
    )
    jax.tree.map(np.testing.assert_array_equal, whole.params, resumed.params)
    assert whole.table.equals(resumed.table)
    errors = whole.table[whole.table.metric == "test_error"].groupby("update").value.mean()
    assert errors[120] < errors[60] < 85


def test_drawing_parameters_stores_no_population():
    net = dj.FeedforwardNetwork([dj.Dense(4)], dj.Dense(10), norm=dj.BatchNorm())
    assert set(net.init(jax.random.key(0), jnp.ones((1, 3)))) == {"params"}
    task = dj.tasks.ImageClassification("digits", num_scored=1)
    with pytest.raises(ValueError, match="has 1 trial; batch normalisation needs at least 2"):
        dj.train(net, dj.rnn_sgd(0.1), task, keys=dj.seed_keys(0, 1), num_updates=1)


def test_outputs_that_are_no_numbers_are_no_answers():
    task = dj.tasks.ImageClassification("digits", num_scored=10)
    scores = task.scores(jnp.array([[jnp.nan] * 10, [0.0] * 9 + [1.0]]), jnp.array([0, 9]))
    assert np.isnan(scores["error"][0]) and scores["error"][1] == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: pooled(dj.AveragePool(2), 8, 4), "the pictures are 8 x 4 pixels; they must be sq"),
        (lambda: dj.AveragePool(0), "to is 0; it must be at least 1"),
        (lambda: pooled(dj.MaxPool(9), 8, 8), "size is 9; it must be from 1 to 8"),
        (lambda: pooled(dj.Conv(2, kernel=5, padding="VALID"), 4, 4), "need padding 'SAME'"),
        (lambda: dj.DANNDense(2, first=True), "first is True; a DANNDense has no other initial"),
        (lambda: dj.ColEIConv(2, first=True), "first is True; a ColEIConv has no other initial"),
        (lambda: dj.RectifiedDense(2, first=True), "first is True; a RectifiedDense has no other"),
        (lambda: dj.DANNDense(2, inputs_n_i=1), "inputs_n_i is 1; a DANNDense takes excitatory"),
        (lambda: dj.DANNCell(3, n_i=1, inputs_n_i=1), "inputs_n_i is 1; a DANNCell takes excita"),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def pooled(layer, height, width):
    return layer.init_with_output(jax.random.key(0), jnp.ones((1, height, width, 3)))


def test_filters_promote_their_inputs_as_dense_layers_do(x64):
    layer = dj.Conv(2)
    params = layer.init(jax.random.key(0), jnp.ones((1, 5, 5, 1)))
    x = jax.random.normal(jax.random.key(1), (1, 5, 5, 1), jnp.float32)
    single = layer.apply(params, x)
    assert single.dtype == jnp.float64
    np.testing.assert_array_equal(single, layer.apply(params, x.astype(jnp.float64)))
