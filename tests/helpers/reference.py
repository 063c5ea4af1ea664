"""The three networks and their updates again, in NumPy and float64: slow, plain, independent.

Nothing here knows dalejax. Parameters are nested dicts of arrays, ``strip`` makes them.
"""

import numpy as np
from beartype import BeartypeConf, beartype

# What conftest.py checks dalejax's signatures with: an int is welcome where a float is.
typechecked = beartype(conf=BeartypeConf(is_pep484_tower=True))

ACTIVATIONS = {"relu": lambda z: np.maximum(z, 0.0), "tanh": np.tanh, "identity": lambda z: z}


def strip(tree):
    """Copy nested dicts of arrays to float64 and leave out everything else (the signs)."""
    if isinstance(tree, dict):
        return {name: strip(child) for name, child in tree.items() if name != "signs"}
    return np.array(tree, np.float64)


def leaves(tree, path=()):
    """List (path, array) of nested dicts."""
    if not isinstance(tree, dict):
        return [(path, tree)]
    return [pair for name in sorted(tree) for pair in leaves(tree[name], (*path, name))]


def tree_map(function, tree, *others):
    """Apply a function to the arrays of nested dicts."""
    if not isinstance(tree, dict):
        return function(tree, *others)
    return {name: tree_map(function, tree[name], *(o[name] for o in others)) for name in tree}


# Networks


def correlate(x, W, kernel, stride=1, padding="VALID"):
    """Slide filters W [n, channels k k] over pictures [b, height, width, channels]."""
    filters = W.reshape(len(W), x.shape[-1], kernel, kernel)
    if padding == "SAME":
        total = [max((-(-s // stride) - 1) * stride + kernel - s, 0) for s in x.shape[1:3]]
        x = np.pad(x, [(0, 0), *((t // 2, t - t // 2) for t in total), (0, 0)])
    rows, cols = ((s - kernel) // stride + 1 for s in x.shape[1:3])
    out = np.zeros((len(x), rows, cols, len(W)), np.result_type(x, W))
    for i, j in np.ndindex(kernel, kernel):
        seen = x[:, i : i + stride * rows : stride, j : j + stride * cols : stride]
        out += np.einsum("brcm,fm->brcf", seen, filters[:, :, i, j])
    return out


def weights(params, name):
    """Give the effective matrix called U or W."""
    if name in params:
        return params[name]
    ee, ie, ei = params[f"{name}_ee"], params[f"{name}_ie"], params[f"{name}_ei"]
    if f"{name}_ii" in params:  # interneurons inhibit each other until they have settled
        ie = np.linalg.inv(np.eye(len(ie)) + params[f"{name}_ii"]) @ ie
    effective = ee.copy()
    for k in range(ie.shape[0]):
        for i in range(ee.shape[0]):
            effective[i] -= ei[i, k] * ie[k]
    return effective


def product(params, name, x, subtractive=True):
    """Multiply one trial's x by the matrix called U or W, one unit at a time; divide if it does."""
    if f"{name}_alpha" not in params:
        return weights(params, name) @ x
    ee, ie, ei = params[f"{name}_ee"], params[f"{name}_ie"], params[f"{name}_ei"]
    alpha, g = params[f"{name}_alpha"], params[f"{name}_g"]
    interneurons = np.array([row @ x for row in ie])
    z = np.zeros(len(ee), ee.dtype)
    for i, row in enumerate(ee):
        inhibition = sum(ei[i, k] * a for k, a in enumerate(interneurons))
        gamma = sum(ei[i, k] * np.exp(alpha[k]) * a for k, a in enumerate(interneurons)) + 1e-8
        z[i] = g[i] * (row @ x - (inhibition if subtractive else 0.0)) / gamma
    return z


def run_cell(params, x, carry=None, activation="relu", alpha=None):
    """Run one cell over x [t, b, n_in], one trial and one step at a time; alpha [n] is its leak."""
    b = params["b"]
    f = ACTIVATIONS[activation]
    states = np.zeros((*x.shape[:2], len(b)), np.result_type(x, b))
    for trial in range(x.shape[1]):
        start = np.zeros(len(b)) if carry is None else carry[trial]
        h, z = (start, None) if alpha is None else (f(start), start)
        for t in range(x.shape[0]):
            drive = product(params, "U", x[t, trial]) + product(params, "W", h) + b
            z = drive if alpha is None else (1 - alpha) * z + alpha * drive
            h = f(z)
            states[t, trial] = h
    return states


def run_network(params, x, every_step=False, activation="relu"):
    """Run a stack ``cells_0``, ``cells_1`` ... and its ``readout``."""
    for layer in range(len(params) - 1):
        x = run_cell(params[f"cells_{layer}"], x, activation=activation)
    h = x if every_step else x[-1]
    return h @ weights(params["readout"], "W").T + params["readout"]["b"]


def cross_entropy(logits, labels):
    """Average minus the log softmax at the labels; any leading axes."""
    logits, labels = logits.reshape(-1, logits.shape[-1]), np.ravel(labels)
    total = 0.0
    for row, label in zip(logits, labels, strict=True):
        total += np.log(np.exp(row - row.max()).sum()) + row.max() - row[label]
    return total / len(labels)


def mean_squared_error(outputs, targets):
    """Average squared difference."""
    return ((outputs - targets) ** 2).mean()


def differentiate(loss, tree):
    """Differentiate a loss of nested dicts of arrays by complex steps, entry by entry.

    loss(x + ih) = loss(x) + ih loss'(x) + O(h^2): no difference is taken, so that nothing cancels
    and h may be so small that the derivative is exact. The loss must be analytic (no abs).
    """
    h = 1e-30
    tree = tree_map(lambda array: array.astype(complex), tree)

    def leaf(array):
        gradient = np.zeros(array.shape)
        for index in np.ndindex(array.shape):
            array[index] += 1j * h
            gradient[index] = loss(tree).imag / h
            array[index] = array[index].real
        return gradient

    return tree_map(leaf, tree)


# Updates


def sign_tree(params, inhibitory):
    """Write one sign an entry; ``inhibitory[layer][name]`` counts the last columns that are -1."""

    def layer_signs(layer, counts):
        signs = {name: np.zeros_like(value) for name, value in layer.items()}
        for name, n_i in counts.items():
            for column in range(layer[name].shape[-1]):
                signs[name][..., column] = 1 if column < layer[name].shape[-1] - n_i else -1
        return signs

    return {name: layer_signs(layer, inhibitory.get(name, {})) for name, layer in params.items()}


def correct(grads):
    """Scale a Dale's ANN's inhibitory gradients, layer by layer."""
    grads = tree_map(np.copy, grads)
    for layer in grads.values():
        for name in ("U", "W"):
            if f"{name}_ee" in layer:
                n_e, n_pre = layer[f"{name}_ee"].shape
                layer[f"{name}_ie"] /= np.sqrt(n_e)
                layer[f"{name}_ei"] /= n_pre
                if f"{name}_alpha" in layer:
                    layer[f"{name}_alpha"] /= n_pre * np.sqrt(n_e)
    return grads


def clip_tensors(grads, clip):
    """Clip each tensor by its own norm."""

    def tensor(g):
        norm = np.sqrt((g**2).sum())
        return g * clip / norm if norm > clip else g

    return tree_map(tensor, grads)


def clip_layers(grads, clip):
    """Clip each layer by the joint norm of its tensors."""
    clipped = {}
    for name, layer in grads.items():
        norm = np.sqrt(sum((g**2).sum() for _, g in leaves(layer)))
        clipped[name] = tree_map(lambda g: g * clip / norm if norm > clip else g, layer)  # noqa: B023
    return clipped


def project(params, signs):
    """Set every entry on the wrong side of its sign to zero."""
    return tree_map(lambda p, s: np.where((s != 0) & (s * p < 0), 0.0, p), params, signs)


def update(kind, params, grads, signs, learning_rate, clip):
    """Make one update of the papers: "rnn", "colei" or "dann"."""
    if kind == "dann":
        grads = correct(grads)
    grads = clip_tensors(grads, clip) if kind == "colei" else clip_layers(grads, clip)
    params = tree_map(lambda p, g: p - learning_rate * g, params, grads)
    return params if kind == "rnn" else project(params, signs)
