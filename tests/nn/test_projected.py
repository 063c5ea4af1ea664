"""Projected cells: their start, and signs on rows, which are those of postsynaptic units."""

import jax
import numpy as np
import pytest
from helpers.random_updates import OPTIMISERS, train

import dalejax as dj
from dalejax import signs
from dalejax.nn.connectivity import Sparse

N, N_I, N_IN = 12, 4, 3


@pytest.mark.parametrize("signed", ["presynaptic", "postsynaptic"])
@pytest.mark.parametrize("start", [dj.initializers.normal, dj.initializers.orthogonal])
def test_a_projected_cell_starts_as_the_start_without_its_wrong_signs(signed, start):
    cell = dj.ProjectedCell(N, n_i=N_I, signed=signed, recurrent_init=start)
    key = jax.random.key(3)
    params = cell.initial_params(N_IN, key=key)
    before = np.asarray(start((N, N), key=jax.random.split(key)[1]))
    expected = before.copy()
    for i in range(N):
        for j in range(N):
            unit = j if signed == "presynaptic" else i
            sign = 1 if unit < N - N_I else -1
            if before[i, j] * sign < 0:
                expected[i, j] = 0
    np.testing.assert_array_equal(params["W"], expected)
    assert (params["U"] >= 0).all() and (params["U"] == 0).any()


def test_signs_on_rows_hold_under_the_projection():
    cell = dj.ProjectedCell(
        N, n_i=N_I, signed="postsynaptic", connectivity=Sparse(0.5, self_connections=True)
    )
    params = cell.initial_params(N_IN, key=jax.random.key(0))
    assert isinstance(params["signs"], signs.RowSigns)
    params = train(cell, params, OPTIMISERS["sgd"]((dj.dale_projection(),)))
    W = np.asarray(params["W"])
    assert (
        (W[: N - N_I] >= 0).all()
        and (W[N - N_I :] <= 0).all()
        and (np.asarray(params["U"]) >= 0).all()
    )
    assert (W[:, -1] > 0).any() and (W[:, 0] < 0).any()  # columns are mixed
    dj.signs.assert_legal(params)
    assert not dj.signs.is_legal(params | {"W": params["W"].T})


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: dj.ProjectedCell(4, n_i=1, signed="rows"), "signed is 'rows'"),
        (lambda: dj.ProjectedCell(4, n_i=4), "n_i is 4"),
        (
            lambda: dj.ProjectedCell(4, n_i=1, inputs_n_i=3).initial_params(
                3, key=jax.random.key(0)
            ),
            "n_i is 3; with n = 3 units it must be from 1 to 2",
        ),
        (
            lambda: dj.RecurrentNetwork(
                [dj.ColEICell(4, n_i=1), dj.ProjectedCell(4, n_i=1, signed="postsynaptic")],
                dj.Dense(1),
            ),
            "inputs_n_i is 1; with signs on rows",
        ),
    ],
)
def test_signs_that_do_not_fit_are_refused(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()
