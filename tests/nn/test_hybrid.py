"""Slow inhibitory units and fast interneurons in one cell: each alone, both, and their spectrum."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dalejax as dj
from dalejax.nn.cells import basic
from dalejax.spectrum import singular_values

N, N_IN = 8, 3


@pytest.mark.parametrize("slow_n_i", [1, 3, 7])
@pytest.mark.parametrize("inputs_n_i", [0, 2])
def test_its_singular_values_are_those_of_a_dales_ann(slow_n_i, inputs_n_i, x64):
    key = jax.random.key(slow_n_i)
    cell = dj.HybridCell(N, n_i=2, slow_n_i=slow_n_i, inputs_n_i=inputs_n_i)
    dann, params = dj.DANNCell(N, n_i=2), cell.initial_params(N_IN, key=key)
    ours, theirs = cell.effective(params), dann.effective(dann.initial_params(N_IN, key=key))
    for name in "UW":
        a, b = getattr(ours, name), getattr(theirs, name)
        np.testing.assert_allclose(singular_values(a), singular_values(b), rtol=1e-10, atol=1e-12)
    assert (theirs.W * np.where(np.arange(N) < N - slow_n_i, 1, -1) == ours.W).all()
    dj.signs.assert_legal(params)
    negative = {name: (np.asarray(params[name]) < 0).all(0).sum() for name in ("U_ee", "W_ie")}
    assert negative == {"U_ee": inputs_n_i, "W_ie": slow_n_i}


def test_without_interneurons_it_is_the_column_signed_cell(x64):
    cell, plain = dj.HybridCell(N, n_i=2, slow_n_i=2), dj.ColEICell(N, n_i=2)
    params = cell.initial_params(N_IN, key=jax.random.key(0))
    params = {k: jnp.zeros_like(p) if k.endswith("_ei") else p for k, p in params.items()}
    x = jax.random.normal(jax.random.key(1), (5, 2, N_IN))
    theirs = {"U": params["U_ee"], "W": params["W_ee"], "b": params["b"]}
    ours = cell.apply({"params": params}, x, method="sequence")
    np.testing.assert_array_equal(ours, plain.apply({"params": theirs}, x, method="sequence"))
    rule = dj.signs.ColumnSigns((("U", 0), ("W", 2)))
    dj.signs.assert_legal({**theirs, "signs": rule})


def test_slow_units_inhibit_the_fast_ones():
    # One excitatory unit, one slow inhibitory, one interneuron that both reach.
    triple = {
        "W_ee": jnp.array([[2.0, -3.0]]),
        "W_ie": jnp.array([[1.0, -0.5]]),
        "W_ei": jnp.array([[4.0]]),
    }
    assert basic.fold(triple, "W").tolist() == [[2.0 - 4.0, -3.0 + 2.0]]


def test_a_stack_is_wired_and_learns():
    cells = [dj.HybridCell(10, n_i=2, slow_n_i=3), dj.MutualDANNCell(8, n_i=2)]
    with pytest.raises(ValueError, match="MutualDANNCell takes excitatory inputs only"):
        dj.RecurrentNetwork(cells, dj.DANNDense(1))
    with pytest.raises(ValueError, match="DANNDense takes excitatory inputs only; the layer below"):
        dj.RecurrentNetwork(cells[:1], dj.DANNDense(1))
    net = dj.RecurrentNetwork([cells[1], *cells[:1] * 2], dj.HybridDense(1))
    assert [cell.inputs_n_i for cell in net.cells] == [0, 0, 3] and net.readout.inputs_n_i == 3
    task = dj.tasks.AddingProblem(length=3, num_train=640, num_test=64)
    tx, keys = dj.dann_sgd(0.05, clip=1.0), dj.seed_keys(0, 3)
    run = dj.train(net, tx, task, keys=keys, num_updates=1000, eval_every=1000)
    errors = run.table[run.table.metric == "test_mse"].value
    assert len(errors) == 3 and (errors < 0.5 * task.data["test"][1].var()).all()
    dj.signs.assert_legal(run.params)


@pytest.mark.parametrize("slow_n_i", [0, N])
def test_a_population_that_is_empty_is_refused(slow_n_i):
    with pytest.raises(ValueError, match=rf"n_i is {slow_n_i}"):
        dj.HybridCell(N, n_i=2, slow_n_i=slow_n_i)


def test_inputs_that_all_inhibit_are_refused():
    with pytest.raises(ValueError, match="n_i is 3; with n = 3 units it must be from 1 to 2"):
        dj.HybridCell(N, n_i=2, inputs_n_i=3).initial_params(3, key=jax.random.key(0))
