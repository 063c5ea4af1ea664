"""Test that every optimiser keeps every constrained entry of every cell exactly legal.

A thousand random updates a pair, gradients from 1e-8 to 1e3. The signs that are checked are
written down here, not read from the optimiser's state.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from helpers.sign_contracts import UPDATES, prefix, run, setting

import dalejax as dj

ALL = 1  # prefix sign tree for the angle limit, whose signs do not matter for legality
# p is dale_projection or freeze_signs; "bare" loops use optax.apply_updates.
PROJECTED = {
    "sgd, bare": lambda p: optax.chain(optax.sgd(0.1), p),
    "adam, bare": lambda p: optax.chain(optax.adam(0.05), p),
    "momentum, bare": lambda p: optax.chain(optax.sgd(0.1, momentum=0.9, nesterov=True), p),
    "inject_hyperparams, bare": lambda p: optax.inject_hyperparams(
        lambda rate: optax.chain(optax.sgd(rate), p)
    )(rate=0.1),
    "first": lambda p: optax.chain(p, optax.sgd(0.1)),
    "middle": lambda p: optax.chain(dj.clip_by_tensor_norm(5.0), p, optax.adam(0.05)),
    "last": lambda p: optax.chain(optax.adam(0.05), p),
    "angle": lambda p: optax.chain(optax.sgd(0.1), dj.limit_projection_angle(0.9, signs=ALL), p),
    "twice": lambda p: optax.chain(p, optax.sgd(0.1, momentum=0.9), p),
}
NAMED = {
    "colei_sgd": (lambda: dj.colei_sgd(0.1, clip=5.0), ("colei", "dann")),
    "dann_sgd": (lambda: dj.dann_sgd(0.1, clip=5.0), ("dann", "divisive")),
}


def assert_kept(tx, params, signs, bare=False, later=None):
    final, counts = run(tx, params, signs, bare, later or {})
    illegal, minus_zeros, zeros = np.asarray(counts).sum(0)
    assert illegal == 0 and minus_zeros == 0
    assert zeros > 0, "the projection had nothing to do: this test could not fail"
    assert counts.shape == (UPDATES, 3)
    dj.signs.assert_legal(final, prefix(signs, final))
    assert any((a != b).any() for a, b in zip(*map(jax.tree.leaves, (params, final)), strict=True))
    return final


@pytest.mark.parametrize("chain", PROJECTED)
@pytest.mark.parametrize("kind", ["rnn", "own"])
def test_projected_chains_are_always_legal(kind, chain):
    params, signs = setting(kind)
    tree = prefix(signs, params) if kind == "rnn" else None
    tx = PROJECTED[chain](dj.dale_projection(tree))
    later = {"project_later": True} if chain in ("middle", "last", "twice") else {}
    assert_kept(tx, params, signs, bare="bare" in chain, later=later)


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for name, (_, kinds) in NAMED.items() for kind in kinds]
)
@pytest.mark.parametrize("bare", [True, False])
def test_named_chains_are_always_legal(name, kind, bare):
    params, signs = setting(kind)
    later = {} if bare else {"project_later": True}
    final = assert_kept(NAMED[name][0](), params, signs, bare, later)
    dj.signs.assert_legal(final)


@pytest.mark.parametrize("chain", ["adam, bare", "first"])
@pytest.mark.parametrize("kind", ["rnn", "own"])
def test_frozen_signs_are_always_kept(kind, chain):
    params, _ = setting(kind)
    frozen = {
        k: {n: jnp.sign(p).astype(jnp.int8) for n, p in v.items() if n != "signs"}
        for k, v in params.items()
    }
    assert_kept(PROJECTED[chain](dj.freeze_signs()), params, frozen, bare="bare" in chain)


@pytest.mark.parametrize("make", [dj.colei_sgd, dj.dann_sgd])
def test_chains_that_need_signs_refuse_a_network_without(make):
    params, _ = setting("rnn")
    with pytest.raises(ValueError, match=r"carry no signs|found no Dale's-ANN"):
        make(0.1).init(params)


def test_the_rnns_chain_constrains_nothing():
    params, signs = setting("colei")
    _, counts = run(dj.rnn_sgd(0.1, clip=5.0), params, signs, False, {})
    assert counts[-1, 0] > 0
