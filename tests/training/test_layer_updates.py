"""Networks of random kind and shape against NumPy: outputs, gradients and one update."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from helpers import reference
from hypothesis import given, settings
from hypothesis import strategies as st

import dalejax as dj
from dalejax.transforms import optimizers

TRIPLE = ("W_ee", "W_ie", "W_ei", "W_g")
CHAINS = {"rnn": optimizers.rnn_sgd, "colei": optimizers.colei_sgd, "dann": optimizers.dann_sgd}
FREE = ("b", "W_alpha", "U_alpha")
RATE, CLIP = 0.3, 1.5


def layer(p, x, *, kernel=None, subtractive=True, divisive=True):
    """Compute a layer's activation before its norm and ReLU."""

    def product(W):
        return x @ W.T if kernel is None else reference.correlate(x, W, kernel)

    if "W" in p:
        return product(p["W"]) + p["b"]
    z, z_i = product(p["W_ee"]), product(p["W_ie"])
    if subtractive:
        z = z - z_i @ p["W_ei"].T
    if "W_alpha" in p:
        z = p["W_g"] * z / ((z_i * np.exp(p["W_alpha"])) @ p["W_ei"].T + 1e-8 if divisive else 1)
    return z + p["b"]


def normalised(z, norm, p):
    """Centre and standardise over the units of each trial, or over the trials of each unit."""
    if norm is None:
        return z
    axes = tuple(range(1, z.ndim)) if norm == "layer" else tuple(range(z.ndim - 1))
    count = np.prod([z.shape[axis] for axis in axes])
    z = z - z.sum(axes, keepdims=True) / count
    return p["g"] * z / np.sqrt((z**2).sum(axes, keepdims=True) / (count - 1)) + p["b"]


def forward(p, x, norm, how):
    """Run a layer, its norm, ReLU, the average over pixels, and the read-out."""
    h = np.maximum(normalised(layer(p["layers_0"], x, **how), norm, p.get("norms_0")), 0.0)
    return layer(p["readout"], h if h.ndim == 2 else h.mean((1, 2)))


NORMS = {None: None, "layer": dj.LayerNorm(), "batch": dj.BatchNorm()}
INHIBITION = ("plain", "both", "subtractive", "divisive")


def build(kind, n, n_i, kernel, norm, inhibition):
    """Make a network of one layer and a read-out, and what NumPy must know of the layer."""
    how = {"kernel": kernel} if kernel else {}
    size = {"padding": "VALID", **how}
    if kind == "rnn":
        layer, readout = dj.Conv(n, **size) if kernel else dj.Dense(n), dj.Dense(3)
    elif kind == "colei":
        readout = dj.ColEIDense(3)
        layer = dj.ColEIConv(n, n_i=n_i, **size) if kernel else dj.ColEIDense(n, n_i=n_i)
    else:
        readout = dj.DivisiveDANNDense(3, n_i=n_i)
        if kernel:
            layer = dj.DANNConv(n, n_i=n_i, **size)
        elif inhibition == "plain":
            layer = dj.DANNDense(n, n_i=n_i)
        else:
            how = {f: inhibition in (f, "both") for f in ("subtractive", "divisive")}
            layer = dj.DivisiveDANNDense(n, n_i=n_i, **how)
    layers = [layer, dj.AveragePool(1)] if kernel else [layer]
    return dj.FeedforwardNetwork(layers, readout, norm=NORMS[norm]), how


def drawn_params(params, inhibitory, rng):
    """Draw legal parameters without zeros, shaped like those of a network."""
    plain = reference.strip(params)
    signs = reference.sign_tree(plain, inhibitory)

    def draw(p, s):
        p = np.where(s == 0, rng.normal(size=p.shape), s * rng.exponential(size=p.shape))
        return p / np.sqrt(p.shape[-1])  # outputs near 1: a softmax with gradients

    return reference.tree_map(draw, plain, signs), signs


def against_numpy(net, tx, params, x, labels, run, kind, signs):
    """Compare outputs, gradients and the parameters after one update; ``params`` is ours."""
    plain = reference.strip(params)

    @jax.jit
    def everything(params):
        def loss(p):
            out = net.apply({"params": p}, x)
            return optax.softmax_cross_entropy_with_integer_labels(out, labels).mean(), out

        grads, out = jax.grad(loss, has_aux=True)(params)
        updates, state = tx.update(grads, tx.init(params), params)
        return out, grads, dj.apply_updates(params, updates, state)

    out, grads, new = everything(params)
    np.testing.assert_allclose(out, run(plain, np.asarray(x)), rtol=1e-10, atol=1e-10)
    by_hand = reference.differentiate(
        lambda p: reference.cross_entropy(run(p, np.asarray(x)), labels), plain
    )
    most = max(abs(g).max() for _, g in reference.leaves(by_hand))
    expected = reference.update(kind, plain, by_hand, signs, RATE, CLIP)
    for ours, theirs in ((grads, by_hand), (new, expected)):
        pairs = zip(reference.leaves(reference.strip(ours)), reference.leaves(theirs), strict=True)
        for (path, a), (_, b) in pairs:
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10 * most, err_msg=str(path))


def put(params, plain):
    """Put arrays into a network's parameters, beside its signs."""
    return {
        name: put(child, plain[name])
        if isinstance(child, dict)
        else child
        if name == "signs"
        else jnp.asarray(plain[name])
        for name, child in params.items()
    }


@settings(max_examples=20)  # every network compiles anew
@given(
    kind=st.sampled_from(sorted(CHAINS)),
    n=st.integers(3, 5),
    n_i=st.integers(1, 2),
    kernel=st.sampled_from([None, 1, 2, 3]),
    norm=st.sampled_from([None, "layer", "batch"]),
    inhibition=st.sampled_from(INHIBITION),
    seed=st.integers(0, 10**6),
    n_in=st.integers(1, 3),
    batch=st.integers(3, 4),
)
def test_feedforward_networks_are_numpys(kind, n, n_i, kernel, norm, inhibition, seed, n_in, batch):
    norm = norm if kind == "rnn" else None
    net, how = build(kind, n, n_i, kernel, norm, inhibition)
    rng = np.random.default_rng(seed)
    x = rng.exponential(size=(batch, 3, 3, n_in) if kernel else (batch, n_in))
    with jax.enable_x64(True):
        params = net.init(jax.random.key(0), x)["params"]
        inhibitory = {"layers_0": {"W": 0}, "readout": {"W": n_i}}
        if kind != "colei":
            inhibitory = {name: {k: 0 for k in TRIPLE if k in params[name]} for name in inhibitory}
        plain, signs = drawn_params(params, inhibitory, rng)
        labels = rng.integers(3, size=batch)
        against_numpy(
            net,
            CHAINS[kind](RATE, CLIP),
            put(params, plain),
            jnp.asarray(x),
            labels,
            lambda p, x: forward(p, x, norm, how),
            kind,
            signs,
        )


@settings(max_examples=6)
@given(
    st.integers(0, 10**6),
    st.integers(2, 4),
    st.integers(1, 3),
    st.integers(1, 2),
    st.sampled_from([0.0, -12.0, 12.0]),
)
def test_divisive_cells_are_numpys(seed, n, n_in, pool, extreme):
    """Alphas that hardly divide, or only; each gain beside the subtraction that is folded away."""
    rng = np.random.default_rng(seed)
    n_i = int(rng.integers(1, n))
    cell = dj.DivisiveDANNCell(n, n_i=n_i, inputs_pool=min(pool, n - 1))
    net = dj.RecurrentNetwork([cell], dj.DivisiveDANNDense(3))
    x = rng.exponential(size=(3, 2, n_in))
    with jax.enable_x64(True):
        params = net.init(jax.random.key(0), x)["params"]
        held = {
            name: {key: 0 for key in layer if key not in (*FREE, "signs")}
            for name, layer in params.items()
        }
        plain, signs = drawn_params(params, held, rng)
        for name in ("U_alpha", "W_alpha"):
            plain["cells_0"][name] += extreme
        plain["cells_0"]["b"] = abs(plain["cells_0"]["b"]) + 1.0  # some activity at every step

        def run(p, x):
            return layer(p["readout"], reference.run_cell(p["cells_0"], x)[-1])

        labels = rng.integers(3, size=2)
        against_numpy(
            net,
            dj.dann_sgd(RATE, CLIP),
            put(params, plain),
            jnp.asarray(x),
            labels,
            run,
            "dann",
            signs,
        )
